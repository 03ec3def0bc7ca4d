import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { sha256Hex } from '../../src/crypto/hash.js'
import { importKey } from '../../src/crypto/keys.js'
import { UntrustedError } from '../../src/errors.js'
import type { RoleKeys } from '../../src/metadata/model.js'
import {
  type Candidate,
  checkFloor,
  decodeFloors,
  encodeFloors,
  type FloorRecord,
  floorHolds,
  floorOf,
  isNewer,
  type VersionFloor,
  type VersionFloors,
} from '../../src/trust/version-floors.js'
import { ed25519Signer } from '../crypto/made-keys.js'

const GUN = 'docker.io/library/alpine'
const [A, B, C] = ['a', 'b', 'c'].map((seed) => ed25519Signer(seed).key)

function keysOf(...keys: (typeof A)[]): RoleKeys {
  return {
    keys: new Map(keys.flatMap((key) => (key === undefined ? [] : [[key.id, { ...key, verifying: importKey(key) }]]))),
    threshold: 1,
  }
}

function candidate(version: number, content = 'content', keys: RoleKeys = keysOf(A, B)): Candidate {
  return { gun: GUN, role: 'targets', version, content: utf8(content), keys, file: utf8(`file of ${content}`) }
}

/** The code that a candidate is refused with on the floor that another left. */
function refusal(offered: Candidate, before: VersionFloor | undefined): string | undefined {
  try {
    checkFloor(offered, before)
  } catch (error) {
    if (!(error instanceof UntrustedError)) throw error
    expect(error).toMatchObject({ gun: GUN, role: 'targets' })
    return error.code
  }
  return undefined
}

describe('what a floor lets pass', () => {
  const floor = floorOf(candidate(5))

  test.each<[string, Candidate, string | undefined]>([
    ['the same again [VER-05]', candidate(5), undefined],
    ['the next', candidate(6, 'other'), undefined],
    ['a later one, with a gap [VER-08]', candidate(1005, 'other'), undefined],
    ['an older one', candidate(4, 'other'), 'ERR_VERSION_ROLLBACK'],
    ['an older one with the very content', candidate(4), 'ERR_VERSION_ROLLBACK'],
    ['the first', candidate(1, 'other'), 'ERR_VERSION_ROLLBACK'],
    ['the same number, other content [VER-06, VER-07]', candidate(5, 'other'), 'ERR_EQUIVOCATION'],
    // The keys changed: one was added.
    ['an older one by more keys', candidate(4, 'other', keysOf(A, B, C)), 'ERR_VERSION_ROLLBACK'],
    ['the same number and other content by more keys [VER-07]', candidate(5, 'other', keysOf(A, B, C)), undefined],
    // One was taken away: recovery from fast-forward.
    ['an older one after a key was taken away', candidate(1, 'other', keysOf(A)), undefined],
    ['an older one after a key was exchanged', candidate(1, 'other', keysOf(A, C)), undefined],
    ['an older one after all keys were exchanged', candidate(1, 'other', keysOf(C)), undefined],
    ['the same keys in another order', candidate(4, 'other', keysOf(B, A)), 'ERR_VERSION_ROLLBACK'],
    ['the same keys in another order, other content', candidate(5, 'other', keysOf(B, A)), 'ERR_EQUIVOCATION'],
  ])('%s', (_, offered, code) => {
    expect(refusal(offered, floor)).toBe(code)
  })

  test('anything passes where there is no floor', () => {
    expect(refusal(candidate(1), undefined)).toBeUndefined()
  })

  test('the refusal says both versions, or both contents', () => {
    expect(() => checkFloor(candidate(4), floor)).toThrow(/targets version 4 is lower than current version 5/)
    expect(() => checkFloor(candidate(5, 'other'), floor)).toThrow(
      expect.objectContaining({
        evidence: { version: 5, accepted: sha256Hex(utf8('content')), offered: sha256Hex(utf8('other')) },
      }),
    )
  })

  test('a floor holds while every key it was recorded with is still there', () => {
    expect(floorHolds(floor, keysOf(A, B))).toBe(true)
    expect(floorHolds(floor, keysOf(A, B, C))).toBe(true)
    expect(floorHolds(floor, keysOf(B))).toBe(false)
    expect(floorHolds(floor, keysOf())).toBe(false)
    expect(floorHolds({ ...floor, keys: [] }, keysOf(A))).toBe(true)
  })

  test('a floor records hashes of content and file, and the keys in order', () => {
    expect(floorOf(candidate(5, 'x', keysOf(C, A, B)))).toEqual({
      version: 5,
      content: sha256Hex(utf8('x')),
      file: sha256Hex(utf8('file of x')),
      keys: [A?.id, B?.id, C?.id].sort(),
    })
  })

  test('a lower version under the same keys never passes, whatever else is so', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 53 - 1 }),
        fc.integer({ min: 1, max: 2 ** 53 - 1 }),
        fc.string(),
        fc.string(),
        (one, two, before, after) => {
          const code = refusal(candidate(two, after), floorOf(candidate(one, before)))
          expect(code).toBe(two < one ? 'ERR_VERSION_ROLLBACK' : two === one && before !== after ? 'ERR_EQUIVOCATION' : undefined)
        },
      ),
      { seed: 1, numRuns: 300 },
    )
  })
})

describe('the floors file', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'))
  const floor: fc.Arbitrary<VersionFloor> = fc.record({
    version: fc.integer({ min: 1, max: 2 ** 53 - 1 }),
    content: hash,
    file: hash,
    keys: fc.array(hash, { maxLength: 3 }),
  })
  const role = fc.oneof(
    fc.constantFrom('root', 'timestamp', 'snapshot', 'targets', 'targets/a', '__proto__', 'constructor'),
    fc.string(),
  )
  const time = fc.integer({ min: -(2 ** 50), max: 2 ** 50 })
  const validity = fc.record({ notBefore: time, notAfter: time })
  const record: fc.Arbitrary<FloorRecord> = fc
    .tuple(
      fc.array(fc.tuple(role, floor), { maxLength: 5 }),
      fc.option(fc.webUrl(), { nil: undefined }),
      fc.option(fc.record({ root: hash, bound: fc.array(fc.tuple(hash, validity)).map((entries) => new Map(entries)) }), {
        nil: undefined,
      }),
    )
    .map(([floors, origin, certificates]) => ({
      gun: GUN,
      floors: new Map(floors),
      ...(origin === undefined ? {} : { origin }),
      ...(certificates === undefined ? {} : { certificates }),
    }))

  test('gives back what was written', () => {
    fc.assert(
      fc.property(record, (written) => {
        expect(decodeFloors(encodeFloors(written), GUN)).toEqual(written)
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  test('is the same however the floors were found: no needless writes', () => {
    fc.assert(
      fc.property(record, (written) => {
        const turned = { ...written, floors: new Map([...written.floors].reverse()) }
        expect(encodeFloors(turned)).toEqual(encodeFloors(written))
        if (written.certificates === undefined) return
        const { root, bound } = written.certificates
        const certificates = { root, bound: new Map([...bound].reverse()) }
        expect(encodeFloors({ ...written, certificates })).toEqual(encodeFloors(written))
      }),
      { seed: 1, numRuns: 50 },
    )
  })

  test('of another collection is none of this', () => {
    const file = encodeFloors({ gun: GUN, floors: new Map() })
    expect(decodeFloors(file, GUN)).toEqual({ gun: GUN, floors: new Map() })
    expect(decodeFloors(file, `${GUN}x`)).toBeUndefined()
  })

  const ENTRY = { role: 'root', version: 1, content: 'aa', keys: ['k'], file: 'bb' }
  const FILE = { format: 1, gun: GUN, origin: 'https://server', roles: [ENTRY] }

  test('as it is written by hand', () => {
    expect(decodeFloors(utf8(JSON.stringify(FILE)), GUN)?.floors.get('root')).toEqual({
      version: 1,
      content: 'aa',
      keys: ['k'],
      file: 'bb',
    })
  })

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a list', []],
    ['an empty object', {}],
    ['another format', { ...FILE, format: 2 }],
    ['no format', { ...FILE, format: undefined }],
    ['no collection', { ...FILE, gun: undefined }],
    ['an origin that is no text', { ...FILE, origin: 1 }],
    ['an origin of null', { ...FILE, origin: null }],
    ['roles that are no list', { ...FILE, roles: { root: ENTRY } }],
    ['no roles', { ...FILE, roles: undefined }],
    ['a role of null', { ...FILE, roles: [ENTRY, null] }],
    ['a role without name', { ...FILE, roles: [{ ...ENTRY, role: undefined }] }],
    ['a version of 0', { ...FILE, roles: [{ ...ENTRY, version: 0 }] }],
    ['a version of text', { ...FILE, roles: [{ ...ENTRY, version: '1' }] }],
    ['a version with a fraction', { ...FILE, roles: [{ ...ENTRY, version: 1.5 }] }],
    ['a version of null', { ...FILE, roles: [{ ...ENTRY, version: null }] }],
    ['no content', { ...FILE, roles: [{ ...ENTRY, content: undefined }] }],
    ['no file', { ...FILE, roles: [{ ...ENTRY, file: undefined }] }],
    ['no keys', { ...FILE, roles: [{ ...ENTRY, keys: undefined }] }],
    ['keys that are no texts', { ...FILE, roles: [{ ...ENTRY, keys: [1] }] }],
    ['keys of text', { ...FILE, roles: [{ ...ENTRY, keys: 'k' }] }],
    ['a role twice: which floor counts?', { ...FILE, roles: [{ ...ENTRY, version: 9 }, ENTRY] }],
  ])('is garbage with %s', (_, content) => {
    expect(decodeFloors(utf8(JSON.stringify(content) ?? ''), GUN)).toBeUndefined()
  })

  test('cut anywhere, it is garbage', () => {
    const file = encodeFloors({ gun: GUN, origin: 'https://server', floors: new Map([['root', floorOf(candidate(1))]]) })
    for (let length = 0; length < file.length - 1; length++) expect(decodeFloors(file.subarray(0, length), GUN)).toBeUndefined()
  })

  test('whatever its bytes are, the answer is undefined or a record', () => {
    const written = encodeFloors({ gun: GUN, origin: 'https://server', floors: new Map([['root', floorOf(candidate(7))]]) })
    const bent = fc
      .array(fc.tuple(fc.nat(written.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 3 })
      .map((changes) => {
        const copy = Uint8Array.from(written)
        for (const [at, value] of changes) copy[at] = value
        return copy
      })
    const garbage = fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.json().map(utf8), bent)
    let records = 0
    fc.assert(
      fc.property(garbage, (bytes) => {
        const decoded = decodeFloors(bytes, GUN)
        if (decoded === undefined) return
        records++
        expect(decoded.gun).toBe(GUN)
        for (const { version, keys, content, file } of decoded.floors.values()) {
          expect(Number.isSafeInteger(version) && version >= 1).toBe(true)
          expect([...keys, content, file].every((text) => typeof text === 'string')).toBe(true)
        }
      }),
      { seed: 1, numRuns: 1000 },
    )
    expect(records).toBeGreaterThan(20)
  })
})

describe('which of two states is newer', () => {
  const state = (versions: Readonly<Record<string, number>>): VersionFloors =>
    new Map(Object.entries(versions).map(([role, version]) => [role, floorOf(candidate(version))]))

  test.each<[string, Readonly<Record<string, number>>, Readonly<Record<string, number>>, boolean]>([
    ['the same', { root: 2, timestamp: 5 }, { root: 2, timestamp: 5 }, false],
    ['nothing and nothing', {}, {}, false],
    ['something and nothing', { root: 1, timestamp: 1 }, {}, true],
    ['nothing and something', {}, { root: 1, timestamp: 1 }, false],
    ['a later root', { root: 3, timestamp: 5 }, { root: 2, timestamp: 5 }, true],
    ['a later root, though its timestamps began anew', { root: 3, timestamp: 1 }, { root: 2, timestamp: 9 }, true],
    ['an earlier root, whatever its timestamp', { root: 2, timestamp: 9 }, { root: 3, timestamp: 1 }, false],
    ['a later timestamp', { root: 2, timestamp: 6 }, { root: 2, timestamp: 5 }, true],
    ['an earlier timestamp', { root: 2, timestamp: 5 }, { root: 2, timestamp: 6 }, false],
    ['a later snapshot alone', { root: 2, timestamp: 5, snapshot: 9 }, { root: 2, timestamp: 5, snapshot: 1 }, false],
  ])('%s', (_, these, those, newer) => {
    expect(isNewer(state(these), state(those))).toBe(newer)
  })
})
