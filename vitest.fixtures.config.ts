import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/interop/make-fixtures.ts'],
    testTimeout: 120_000,
  },
})
