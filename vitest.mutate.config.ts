import { defineConfig } from 'vitest/config'

/** The tests that notice when a rule is broken: all of the rules, but what is measured in time or runs a process. */
export default defineConfig({
  test: {
    include: [
      'test/{crypto,metadata,reference,trust,client,attacks}/**/*.test.ts',
      'test/fixtures.test.ts',
      'test/testing/trust-collection.test.ts',
    ],
    // Its workers are threads: umask and folders of the process are out of reach there.
    exclude: ['test/attacks/{hostile-size,catalogue,advisories}.test.ts', 'test/client/file-store.test.ts'],
    // What is measured in time means nothing under instrumentation.
    testNamePattern: /^(?!.*(?:fast enough|in time that grows)).*$/,
    testTimeout: 20_000,
  },
})
