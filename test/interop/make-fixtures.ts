/** Only `npm run fixtures` runs this: it rewrites the folders of fixtures/; `-t <name>` selects one. */

import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { writeFixture } from '../../src/testing/index.js'
import { realCases, simulatedCases } from './lab/fixture-cases/cases.js'
import { type Laboratory, openLaboratory } from './lab/fixture-cases/laboratory.js'
import { requirePrograms } from './lab/requirements.js'

const folder = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url))

describe('made by the real programs', () => {
  let lab: Laboratory

  beforeAll(async () => {
    requirePrograms()
    lab = await openLaboratory()
  }, 60_000)

  afterAll(() => lab?.[Symbol.asyncDispose]())

  for (const [name, make] of Object.entries(realCases)) {
    test(name, async () => writeFixture(folder(name), await make(lab)))
  }
})

describe('made by the testing kit', () => {
  for (const [name, make] of Object.entries(simulatedCases)) {
    test(name, () => writeFixture(folder(name), make()))
  }
})
