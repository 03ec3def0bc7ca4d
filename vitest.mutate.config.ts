import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Where a rule is tested by itself comes first: most mutants are caught there, and a story through the public door costs more. */
class RulesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number =>
      ['/test/crypto/', '/test/metadata/', '/test/reference/', '/test/trust/', '/test/client/', '/test/'].findIndex((part) =>
        moduleId.includes(part),
      )
    return files.toSorted((one, other) => rank(one) - rank(other))
  }
}

/** The tests that notice when a rule is broken: all of the rules, but what is measured in time or runs a process. */
export default defineConfig({
  test: {
    include: [
      'test/{crypto,metadata,reference,trust,client,attacks}/**/*.test.ts',
      'test/fixtures.test.ts',
      'test/testing/trust-collection.test.ts',
    ],
    // Its workers are threads: umask and folders of the process are out of reach there. The matrix repeats in half a minute
    // what the attacks by name say.
    exclude: [
      'test/attacks/{hostile-size,catalogue,advisories,tamper-matrix}.test.ts',
      'test/client/{file-store,many,cache}.test.ts',
    ],
    // What is measured in time means nothing under instrumentation; what is large by intent takes too long for each mutant.
    testNamePattern: /^(?!.*(?:fast enough|in time that grows|a thousand delegations|after 256 others)).*$/,
    testTimeout: 20_000,
    isolate: false,
    sequence: { sequencer: RulesFirst },
  },
})
