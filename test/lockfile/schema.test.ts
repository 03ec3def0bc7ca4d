import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { LOCKFILE_SCHEMA } from '../../src/lockfile/lockfile.js'
import { parseLockfile } from '../../src/lockfile/parse-lockfile.js'
import { writeLockfile } from '../../src/lockfile/write-lockfile.js'
import { mutationsOf } from '../support/mutated-documents.js'
import { bytesOf, collectionOf, entryOf, GUN, lockOf } from './locks.js'

const schema = JSON.parse(readFileSync('schemas/lockfile.schema.json', 'utf8'))
const validate = new Ajv2020({ strict: true, allErrors: true }).compile(schema)

/** Why the parser refuses; undefined when it accepts. */
function refused(document: unknown): string | undefined {
  try {
    parseLockfile(bytesOf(JSON.stringify(document)), 'lock')
    return undefined
  } catch (cause) {
    return String(cause)
  }
}

/** What only the parser can know: that values agree with each other. */
const AGREEMENT = /the SHA-256 of file|the root in file|a threshold of|trust data for|listed twice/

const collection = collectionOf()
const good = [
  lockOf(),
  lockOf([GUN, entryOf(collection)]),
  lockOf(['registry.example:5000/a', entryOf(collection, 1, { embedRoot: false, floors: new Map([['targets/releases', 3]]) })]),
  lockOf(['__proto__', entryOf(collection)], ['constructor', entryOf(collection)]),
].map((lock) => JSON.parse(writeLockfile(lock)))

test('the schema has the address that lockfiles name', () => {
  expect(schema.$id).toBe(LOCKFILE_SCHEMA)
})

test.each(good.map((document, at) => [at, document] as const))('good document %i passes schema and parser', (_, document) => {
  expect(refused(document)).toBeUndefined()
  expect(validate(document)).toBe(true)
})

test('schema and parser agree on every document that is one step from a good one', () => {
  let bad = 0
  for (const document of good.flatMap(mutationsOf)) {
    const why = refused(document)
    if (why !== undefined) bad++
    const told = JSON.stringify({ why, document }).slice(0, 600)
    if (!validate(document)) expect(why, told).toBeDefined()
    else if (why !== undefined) expect(why, told).toMatch(AGREEMENT)
  }
  expect(bad).toBeGreaterThan(200)
})

test.each(['a//b', '../a', 'a/..', '.', '/a', 'a/', 'a b', 'ä'])('the name %j is refused by both', (gun) => {
  const document = { version: 1, collections: { [gun]: good[1].collections[GUN] } }
  expect([validate(document), refused(document) === undefined]).toEqual([false, false])
})
