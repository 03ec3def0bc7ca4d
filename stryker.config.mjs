// Mutation testing of what judges: npm run mutate. See vitest.mutate.config.ts for the tests that have to notice.
/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutate.config.ts', related: false },
  plugins: ['@stryker-mutator/vitest-runner'],
  mutate: ['src/trust/**/*.ts', 'src/metadata/**/*.ts', 'src/crypto/**/*.ts', 'src/reference/**/*.ts'],
  // What stands outside of functions runs once for all mutants; the tests of the rules cover it.
  ignoreStatic: true,
  // The words of a message are held where users rely on them.
  mutator: { excludedMutations: ['StringLiteral'] },
  reporters: ['progress-append-only', 'clear-text', 'json', 'html'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: 'reports/mutation/mutation.json' },
  htmlReporter: { fileName: 'reports/mutation/index.html' },
  // Only what changed, and what survived while new tests came, is tried again.
  incremental: true,
  incrementalFile: 'reports/mutation/incremental.json',
  tempDirName: 'reports/stryker',
  concurrency: 2,
  timeoutMS: 10_000,
  thresholds: { high: 95, low: 92, break: 92 },
  checkers: [],
  cleanTempDir: 'always',
}
