// Mutation testing of what judges: npm run mutate. How the tests that have to notice are run: scripts/warm-runner.mjs.
/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  testRunner: 'warm',
  plugins: ['./scripts/warm-runner.mjs'],
  warmRunner: {
    // Who has to notice: the tests of the same folder. For what has no test of its own in trust/, stories too.
    suites: {
      'src/crypto/': ['test/crypto'],
      'src/metadata/': ['test/metadata'],
      'src/reference/': ['test/reference'],
      'src/trust/': [
        'test/trust',
        'test/client/refresh/delegations.test.ts',
        'test/client/refresh/rollback.test.ts',
        'test/client/refresh/mix-and-match.test.ts',
        'test/client/answers/digest-references.test.ts',
        'test/client/refresh/update.test.ts',
        'test/attacks/named-attacks.test.ts',
        'test/attacks/delegation-attacks.test.ts',
      ],
    },
    // Tests that are large by intent: for a mutant they take seconds, and their neighbours say the same of small things.
    large: [
      'megabyte',
      'whatever member is exchanged',
      'in time that grows',
      'a thousand delegations are all asked',
      'ten thousand',
      'more tries than it needs',
    ],
  },
  warnings: { unknownOptions: false },
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
  // An endless loop meets Stryker's own limit of passes long before; a machine that is busy must not look like one.
  timeoutMS: 20_000,
  thresholds: { high: 95, low: 92, break: 92 },
  checkers: [],
  cleanTempDir: 'always',
}
