import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/errors.js'
import { lockedChain } from '../../src/lockfile/lock-entry.js'
import { MAX_LOCKFILE_BYTES, parseLockfile } from '../../src/lockfile/parse-lockfile.js'
import { writeLockfile } from '../../src/lockfile/write-lockfile.js'
import { bytesOf, collectionOf, entryOf, GUN, lockOf, SERVER } from './locks.js'

const alpine = collectionOf()
const entry = entryOf(alpine, 1, {
  floors: new Map([
    ['targets', 2],
    ['targets/releases', 1],
  ]),
})
const text = writeLockfile(lockOf([GUN, entry]))

/** The error that a text is refused with. */
function refusal(given: string | Uint8Array): UsageError {
  try {
    parseLockfile(typeof given === 'string' ? bytesOf(given) : given, 'content-trust.lock.json')
  } catch (cause) {
    if (cause instanceof UsageError) return cause
    throw cause
  }
  throw new Error('accepted')
}

/** The text with one member changed. */
function edited(path: readonly string[], value: unknown): string {
  const json = JSON.parse(text)
  const last = path.at(-1) ?? ''
  const owner = path.slice(0, -1).reduce((at, name) => at[name], json)
  if (value === undefined) delete owner[last]
  else owner[last] = value
  return JSON.stringify(json, undefined, 2)
}

const ENTRY = ['collections', GUN]
const KEY = [...ENTRY, 'root', 'keys', '0']

test('what is written is read again, and written alike', () => {
  const lock = parseLockfile(bytesOf(text), 'lock')
  expect(lock.collections.get(GUN)?.root.keys).toEqual(entry.root.keys)
  expect(writeLockfile(lock)).toBe(text)
})

test('the text is sorted, has two spaces and a newline at the end, and no date', () => {
  const lock = lockOf(['registry.example/b', entry], [GUN, entry], ['a', entry])
  const written = writeLockfile(lock)
  const names = (value: unknown): string[][] =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? [Object.keys(value), ...Object.values(value).flatMap(names)]
      : []
  for (const list of names(JSON.parse(written))) expect(list).toEqual(list.toSorted())
  expect(written.endsWith('}\n')).toBe(true)
  expect(written).toContain('\n  "collections"')
  expect(written).not.toMatch(/20[0-9]{2}-[0-9]{2}-/)
})

describe('a lock edited in each field is refused at its line', () => {
  test.each<[string, string[], unknown, string]>([
    ['server', [...ENTRY, 'server'], 'http://notary.example', `collections["${GUN}"].server`],
    ['server with a password', [...ENTRY, 'server'], 'https://me:secret@notary.example', `collections["${GUN}"].server`],
    ['root version', [...ENTRY, 'root', 'version'], 2, `collections["${GUN}"].root.version`],
    ['root version 0', [...ENTRY, 'root', 'version'], 0, `collections["${GUN}"].root.version`],
    ['root version as text', [...ENTRY, 'root', 'version'], '1', `collections["${GUN}"].root.version`],
    ['sha256', [...ENTRY, 'root', 'sha256'], 'a'.repeat(64), `collections["${GUN}"].root.sha256`],
    ['sha256 in upper case', [...ENTRY, 'root', 'sha256'], entry.root.sha256.toUpperCase(), `collections["${GUN}"].root.sha256`],
    ['threshold', [...ENTRY, 'root', 'threshold'], 2, `collections["${GUN}"].root.threshold`],
    ['key ID', [...KEY, 'id'], 'b'.repeat(64), `collections["${GUN}"].root.keys`],
    ['canonical ID', [...KEY, 'canonicalId'], 'b'.repeat(64), `collections["${GUN}"].root.keys`],
    ['algorithm', [...KEY, 'algorithm'], 'rsa-x509', `collections["${GUN}"].root.keys`],
    ['no keys', [...ENTRY, 'root', 'keys'], [], `collections["${GUN}"].root.keys`],
    ['file cut off', [...ENTRY, 'root', 'file'], 'e30=', `collections["${GUN}"].root.file`],
    ['file that is no base64', [...ENTRY, 'root', 'file'], '%%%%', `collections["${GUN}"].root.file`],
    ['floor 0', [...ENTRY, 'floors', 'targets'], 0, `collections["${GUN}"].floors.targets`],
    ['floor of root', [...ENTRY, 'floors', 'root'], 1, `collections["${GUN}"].floors`],
    ['floor of no role', [...ENTRY, 'floors', 'target'], 1, `collections["${GUN}"].floors`],
    ['version of the format', ['version'], 2, 'version'],
    ['no version', ['version'], undefined, ''],
    ['no root', [...ENTRY, 'root'], undefined, `collections["${GUN}"]`],
  ])('%s', (_, path, value, told) => {
    const error = refusal(edited(path, value))
    expect(error.code).toBe('ERR_SETTINGS_INVALID')
    expect(error.evidence?.['path'] === told || String(error.evidence?.['faults']).includes(told)).toBe(true)
    expect(error.message).toMatch(/^lockfile content-trust\.lock\.json:\d+:\d+: /)
    expect(error.message).not.toContain('secret')
  })

  test('the root of another collection, with everything that follows from it, stands for no other name', () => {
    // The file is signed by its own keys: only the certificate names the collection, and anchor.ts judges that on use.
    const swapped = lockOf([GUN, entryOf(collectionOf('docker.io/library/busybox'))])
    expect(parseLockfile(bytesOf(swapped), 'lock').collections.size).toBe(1)
  })

  test('every bit of the root file counts', () => {
    const bytes = alpine.served('1.root') ?? new Uint8Array()
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const bent = Uint8Array.from(bytes)
        bent[at] = (bent[at] ?? 0) ^ mask
        expect(refusal(edited([...ENTRY, 'root', 'file'], Buffer.from(bent).toString('base64'))).code).toBe(
          'ERR_SETTINGS_INVALID',
        )
      }),
      { numRuns: 40 },
    )
  })
})

test('line and column are those of the value that is wrong', () => {
  const error = refusal(
    '{\n  "version": 1,\n  "collections": {\n    "docker.io/library/alpine": {"server": 5, "root": {}}\n  }\n}\n',
  )
  expect(error.evidence).toMatchObject({ line: 4, column: 44, path: `collections["${GUN}"].server` })
})

test.each([
  ['collectons', 'Did you mean collections?'],
  ['Version', 'Did you mean version?'],
  ['locks', 'Known here are $schema, version, collections.'],
])('an unknown name %s is refused, and the nearest is told', (name, hint) => {
  const error = refusal(`{"version": 1, "collections": {}, "${name}": {}}`)
  expect(error.message).toContain(`unknown name "${name}"`)
  expect(error.hint).toBe(hint)
})

test.each([
  ['__proto__', '{"version": 1, "collections": {}, "__proto__": {}}'],
  ['constructor', '{"version": 1, "collections": {}, "constructor": {}}'],
  ['a duplicate', '{"version": 1, "version": 1, "collections": {}}'],
  ['a duplicate deep inside', `{"version": 1, "collections": {"a": {}, "a": {}}}`],
  ['trailing data', '{"version": 1, "collections": {}} {}'],
  ['a comment', '{"version": 1, /* x */ "collections": {}}'],
  ['nothing', ''],
  ['a list', '[]'],
  ['null', 'null'],
  ['a GUN that leads elsewhere', '{"version": 1, "collections": {"../x": {}}}'],
  ['a conflict that git left', '<<<<<<< HEAD\n{"version": 1, "collections": {}}\n'],
])('%s is refused', (_, given) => {
  expect(refusal(given).code).toBe('ERR_SETTINGS_INVALID')
})

test.each<[string, Uint8Array]>([
  ['10 MB', new Uint8Array(10 * 1024 * 1024).fill(0x20)],
  [
    'many collections',
    bytesOf(`{"version":1,"collections":{${Array.from({ length: 200_000 }, (_, i) => `"a/${i}":{}`).join()}}}`),
  ],
  ['deep nesting', bytesOf('['.repeat(1_000_000))],
  ['deep objects', bytesOf('{"a":'.repeat(1_000_000))],
  ['no UTF-8', Uint8Array.of(0x7b, 0xff)],
])('%s ends typed and fast', (_, bytes) => {
  const start = performance.now()
  expect(refusal(bytes).code).toBe('ERR_SETTINGS_INVALID')
  expect(performance.now() - start).toBeLessThan(8000)
})

test('no text ends in an error of another kind', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        fc.string(),
        fc.jsonValue().map((value) => JSON.stringify({ version: 1, collections: { a: value } })),
      ),
      (given) => {
        try {
          parseLockfile(bytesOf(given), 'lock')
        } catch (cause) {
          expect(cause).toBeInstanceOf(UsageError)
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('the limit leaves room for a thousand collections', () => {
  expect(bytesOf(lockOf([GUN, entryOf(alpine, 1, { server: SERVER })])).length * 1000).toBeLessThan(MAX_LOCKFILE_BYTES)
})

test('a collection that is not used is checked by shape and hash, and its root is verified when it is used', () => {
  const threshold = bytesOf(text.replace('"ecdsa-x509"', '"rsa-x509"'))
  const unused = parseLockfile(threshold, 'lock', (gun) => gun !== GUN)
  expect(() => lockedChain(GUN, unused.collections.get(GUN) ?? entry)).toThrow(/ERR_LOCK_MISMATCH|does not match the lock/)
  expect(() => parseLockfile(threshold, 'lock', (gun) => gun === GUN)).toThrow(/the root in file has other keys/)
  expect(() => parseLockfile(bytesOf(edited([...ENTRY, 'root', 'sha256'], 'a'.repeat(64))), 'lock', () => false)).toThrow(
    /SHA-256/,
  )
})

test('attack: a threshold that was lowered below that of the root is refused', () => {
  const both = entryOf(collectionOf(GUN, { roles: { root: { keys: 2, threshold: 2 } } }))
  const loosened = lockOf([GUN, { ...both, root: { ...both.root, threshold: 1 } }])
  expect(refusal(bytesOf(loosened)).message).toContain('threshold: the root in file has a threshold of 2')
})
