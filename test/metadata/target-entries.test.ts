import fc from 'fast-check'
import { expect, test } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { TrustError } from '../../src/errors.js'
import { parseTargets } from '../../src/metadata/parse.js'
import { GUN } from './documents.js'

/** What becomes of an entry, or why the document is refused. */
function read(entry: string): unknown {
  const file = `{"signed":{"_type":"Targets","version":1,"expires":"2030-01-01T00:00:00Z","targets":{"v1":${entry}}},"signatures":[]}`
  try {
    const { length, hashes, custom } = parseTargets(utf8(file), { gun: GUN, role: 'targets' }).metadata.targets.get('v1') ?? {}
    return { length, hashes: [...(hashes ?? [])].sort(), custom }
  } catch (cause) {
    if (cause instanceof TrustError) return cause.message
    throw cause
  }
}

const SHA256 = '"q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="'
const json = fc.json({ maxDepth: 2, stringUnit: 'grapheme-ascii' })
const length = fc.oneof(fc.constantFrom('0', '-0', '-1', '1.0', '528', '9007199254740991', 'null', '"1"', '[]', '{}'), json)
const hash = fc.oneof(fc.constantFrom(SHA256, '""', 'null', '"="', '"AA=="', '"AA=\\n="', '"AA"', '1', '{}', '[]'), json)
const hashes = fc.oneof(
  fc
    .tuple(fc.constantFrom('sha256', 'sha512', 'SHA256', 'md5', '__proto__', 'length'), hash)
    .map(([name, one]) => `{"${name}":${one}}`),
  fc.tuple(hash, hash).map(([one, two]) => `{"sha256":${one},"sha512":${two}}`),
  fc.constantFrom('{}', 'null', '[]'),
  json,
)

test('the fast parser and the schema give the same result for an entry', () => {
  let accepted = 0
  fc.assert(
    fc.property(hashes, length, fc.option(json, { nil: undefined }), (some, size, custom) => {
      const members = `"hashes":${some},"length":${size}${custom === undefined ? '' : `,"custom":${custom}`}`
      const byHand = read(`{${members}}`)
      // An unknown member makes it an entry for the schema.
      expect(byHand).toEqual(read(`{${members},"x":1}`))
      if (typeof byHand !== 'string') accepted++
    }),
    { seed: 1, numRuns: 5000 },
  )
  expect(accepted).toBeGreaterThan(100)
})
