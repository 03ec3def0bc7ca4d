import { defineConfig } from 'vitest/config'

/** What is run under other versions of Node than the one at hand: the rules, and what touches Node itself. See scripts/test-nodes.mjs. */
export default defineConfig({
  test: {
    maxWorkers: '100%',
    include: [
      'test/{cache,client,credentials,crypto,metadata,package,reference,testing,transport,trust}/**/*.test.ts',
      'test/attacks/*.test.ts',
      'test/{bytes,errors,fixtures,public-api}.test.ts',
    ],
    // Left out: what takes long or is measured in seconds, and what is the same under every Node (fuzzing, the README).
    exclude: ['test/attacks/{hostile-size,tamper-matrix}.test.ts', 'test/cache/disk-faults.test.ts'],
    // The compiler is the same everywhere too.
    testNamePattern: /^(?!.*(?:compiles with|fast enough|in time that grows)).*$/,
    testTimeout: 30_000,
  },
})
