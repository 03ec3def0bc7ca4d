import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { unpackBundle } from '../../src/bundle/unpack-bundle.js'
import { createBundle, createTrustCollection } from '../../src/testing/index.js'
import { mutationsOf } from '../support/mutated-documents.js'

const schema = JSON.parse(readFileSync('schemas/bundle.schema.json', 'utf8'))
const validate = new Ajv2020({ strict: true, allErrors: true }).compile(schema)

const app = createTrustCollection('registry.example:5000/app', {
  tags: { '1.0': 'x' },
  delegations: { 'targets/releases': { tags: { '1.1': 'y' } } },
  rotations: [{}],
}).publish()
const lines = Buffer.from(createBundle([app]))
  .toString()
  .trimEnd()
  .split('\n')
const [header, collection] = lines.map((line) => JSON.parse(line))

/** Why the parser refuses a line; undefined when it accepts. */
function refused(line: unknown, before: readonly unknown[]): string | undefined {
  try {
    const text = [...before, line].map((one) => `${JSON.stringify(one)}\n`).join('')
    unpackBundle(Buffer.from(text), 'bundle')
    return undefined
  } catch (cause) {
    return String(cause)
  }
}

/** What only the parser can know. */
const BEYOND = /lacks <N>\.root|valid https URL|not standard base64/

test('both lines pass schema and parser', () => {
  expect([validate(header), validate(collection)]).toEqual([true, true])
  expect([refused(header, []), refused(collection, [header])]).toEqual([undefined, undefined])
})

test.each<[string, unknown, unknown[]]>([
  ['the header', header, []],
  ['a collection', collection, [header]],
])('schema and parser agree on every line that is one step from %s', (_, line, before) => {
  let bad = 0
  for (const document of mutationsOf(line)) {
    const why = refused(document, before)
    if (why !== undefined) bad++
    const told = JSON.stringify({ why, document }).slice(0, 600)
    if (!validate(document)) expect(why, told).toBeDefined()
    else if (why !== undefined) expect(why, told).toMatch(BEYOND)
  }
  expect(bad).toBeGreaterThan(20)
})
