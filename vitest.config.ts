import { defineConfig } from 'vitest/config'

const MEASURED = 'test/attacks/hostile-size.test.ts'

export default defineConfig({
  test: {
    maxWorkers: '100%',
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary', 'json-summary', 'html'] },
    projects: [
      {
        test: {
          name: 'rules',
          include: ['test/**/*.test.ts'],
          exclude: ['test/interop/**', 'test/engines/**', MEASURED],
          testTimeout: 20_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      // What is measured in seconds runs when the others are done: beside them it would measure them too. Noise only ever
      // adds, so the best of three counts.
      { test: { name: 'measured', include: [MEASURED], sequence: { groupOrder: 1 }, retry: 2 } },
    ],
  },
})
