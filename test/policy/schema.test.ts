import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { mutationsOf } from '../support/mutated-documents.js'
import { jsonPolicy } from './policies.js'

const schema = JSON.parse(readFileSync('schemas/policy.schema.json', 'utf8'))
const validate = new Ajv2020({ strict: true, allErrors: true, strictRequired: false }).compile(schema)
const KEY = 'a'.repeat(64)

function refused(document: unknown): string | undefined {
  try {
    jsonPolicy(document)
    return undefined
  } catch (cause) {
    return String(cause)
  }
}

/** What only the parser can know: grammar of patterns, and that values agree with each other. */
const BEYOND =
  /rules\[\d+\]\.match: "|as specific as|named twice|another signer|from 1 to|a mirror of itself|names no registry|valid https URL|spelling that hosts/

const good: unknown[] = [
  { version: 1, rules: [] },
  { $schema: 'x', version: 1, rules: [], default: {}, mirrors: {}, knownRegistries: true },
  { version: 1, default: { action: 'deny', maxAge: 0 }, rules: [{ match: '**', action: 'warn' }] },
  {
    version: 1,
    rules: [
      {
        match: 'docker.io/library/*',
        action: 'enforce',
        server: 'https://notary.docker.io',
        firstUse: 'refuse',
        digestReferences: 'accept',
        staleFallback: 'refuse',
        maxAge: 5,
      },
      { match: 'quay.io/**:1.*', requireSigners: { all: ['alice', { name: 'bob', keys: [KEY] }] } },
      { match: 'quay.io/a', requireSigners: { any: ['ci/nightly'] } },
      { match: 'quay.io/b', requireSigners: { atLeast: 1, of: ['alice', 'bob'] } },
      { match: 'quay.io/c', pinning: { certs: { 'quay.io/*': [KEY] }, ca: { 'quay.io/': 'ca.pem' }, disable_tofu: false } },
    ],
    mirrors: { 'mirror.example': 'docker.io', 'registry.example/hub/': 'docker.io/' },
  },
]

test.each(good.map((document, at) => [at, document] as const))('good document %i passes schema and parser', (_, document) => {
  expect(refused(document)).toBeUndefined()
  expect(validate(document)).toBe(true)
})

test('schema and parser agree on every document that is one step from a good one', () => {
  let bad = 0
  for (const document of good.flatMap(mutationsOf)) {
    const why = refused(document)
    if (why !== undefined) bad++
    const told = JSON.stringify({ why, document }).slice(0, 900)
    if (!validate(document)) expect(why, told).toBeDefined()
    else if (why !== undefined) expect(why, told).toMatch(BEYOND)
  }
  expect(bad).toBeGreaterThan(300)
})
