import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { decodeTrustRecord, encodeTrustRecord, type TrustRecord } from '../../src/trust/trust-record.js'
import type { VersionFloor } from '../../src/trust/version-floors.js'

const GUN = 'docker.io/library/alpine'
const FLOOR: VersionFloor = { version: 7, content: 'aa', keys: ['k'], threshold: 1, signers: ['k'], file: 'bb' }

describe('the floors file', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'))
  const floor: fc.Arbitrary<VersionFloor> = fc.record({
    version: fc.integer({ min: 1, max: 2 ** 53 - 1 }),
    content: hash,
    file: hash,
    keys: fc.array(hash, { maxLength: 3 }),
    threshold: fc.integer({ min: 1, max: 9 }),
    signers: fc.array(hash, { maxLength: 3 }),
  })
  const floors = fc
    .tuple(fc.array(floor, { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([all, ended]) => all.map((one): VersionFloor => (ended ? { ...one, ended } : one)))
    .map((all) => all.sort((one, other) => other.version - one.version))
  const role = fc.oneof(
    fc.constantFrom('root', 'timestamp', 'snapshot', 'targets', 'targets/a', '__proto__', 'constructor'),
    fc.string(),
  )
  const time = fc.integer({ min: -(2 ** 50), max: 2 ** 50 })
  const validity = fc.record({ notBefore: time, notAfter: time })
  const record: fc.Arbitrary<TrustRecord> = fc
    .tuple(
      fc.array(fc.tuple(role, floors), { maxLength: 5 }),
      fc.option(fc.webUrl(), { nil: undefined }),
      fc.option(fc.record({ root: hash, bound: fc.array(fc.tuple(hash, validity)).map((entries) => new Map(entries)) }), {
        nil: undefined,
      }),
    )
    .map(([roles, origin, certificates]) => ({
      gun: GUN,
      floors: new Map(roles),
      ...(origin === undefined ? {} : { origin }),
      ...(certificates === undefined ? {} : { certificates }),
    }))

  test('gives back what was written', () => {
    fc.assert(
      fc.property(record, (written) => {
        expect(decodeTrustRecord(encodeTrustRecord(written), GUN)).toEqual(written)
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  test('is the same however the floors were found: no needless writes', () => {
    fc.assert(
      fc.property(record, (written) => {
        const turned = { ...written, floors: new Map([...written.floors].reverse()) }
        expect(encodeTrustRecord(turned)).toEqual(encodeTrustRecord(written))
        if (written.certificates === undefined) return
        const { root, bound } = written.certificates
        const certificates = { root, bound: new Map([...bound].reverse()) }
        expect(encodeTrustRecord({ ...written, certificates })).toEqual(encodeTrustRecord(written))
      }),
      { seed: 1, numRuns: 50 },
    )
  })

  test('of another collection is not read', () => {
    const file = encodeTrustRecord({ gun: GUN, floors: new Map() })
    expect(decodeTrustRecord(file, GUN)).toEqual({ gun: GUN, floors: new Map() })
    expect(decodeTrustRecord(file, `${GUN}x`)).toBeUndefined()
  })

  const KNOWN = { version: 1, content: 'aa', keys: ['k', 'l'], file: 'bb' }
  const ENTRY = { role: 'root', ...KNOWN, threshold: 2, signers: ['k'] }
  const FILE = { format: 2, gun: GUN, origin: 'https://server', roles: [ENTRY] }
  const decoded = (content: unknown) => decodeTrustRecord(utf8(JSON.stringify(content) ?? ''), GUN)?.floors

  test('as it is written by hand, in any order: the highest comes first', () => {
    const { role: _, ...floor } = ENTRY
    expect(decoded(FILE)?.get('root')).toEqual([floor])
    const several = [ENTRY, { ...ENTRY, version: 9 }, { ...ENTRY, version: 4, ended: true }]
    expect(
      decoded({ ...FILE, roles: several })
        ?.get('root')
        ?.map(({ version }) => version),
    ).toEqual([9, 4, 1])
  })

  test('of format 1 is read: one key was enough, and any may have signed', () => {
    const former = {
      ...FILE,
      format: 1,
      roles: [
        { role: 'targets', ...KNOWN },
        { role: 'root', ...KNOWN, version: 7 },
      ],
    }
    expect(decoded(former)).toEqual(
      new Map([
        ['root', [{ ...KNOWN, version: 7, threshold: 1, signers: KNOWN.keys }]],
        ['targets', [{ ...KNOWN, threshold: 1, signers: KNOWN.keys }]],
      ]),
    )
    expect(
      decoded({
        ...former,
        roles: [
          { role: 'root', ...KNOWN, version: 9 },
          { role: 'root', ...KNOWN },
        ],
      }),
    ).toBeUndefined()
  })

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a list', []],
    ['an empty object', {}],
    ['another format', { ...FILE, format: 3 }],
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
    ['no threshold', { ...FILE, roles: [{ ...ENTRY, threshold: undefined }] }],
    ['a threshold of 0', { ...FILE, roles: [{ ...ENTRY, threshold: 0 }] }],
    ['no signers', { ...FILE, roles: [{ ...ENTRY, signers: undefined }] }],
    ['signers that are no texts', { ...FILE, roles: [{ ...ENTRY, signers: [1] }] }],
    ['an end that is not true', { ...FILE, roles: [{ ...ENTRY, ended: false }] }],
  ])('is garbage with %s', (_, content) => {
    expect(decodeTrustRecord(utf8(JSON.stringify(content) ?? ''), GUN)).toBeUndefined()
  })

  test('cut anywhere, it is garbage', () => {
    const file = encodeTrustRecord({ gun: GUN, origin: 'https://server', floors: new Map([['root', [FLOOR]]]) })
    for (let length = 0; length < file.length - 1; length++)
      expect(decodeTrustRecord(file.subarray(0, length), GUN)).toBeUndefined()
  })

  test('whatever its bytes are, the answer is undefined or a record', () => {
    const written = encodeTrustRecord({ gun: GUN, origin: 'https://server', floors: new Map([['root', [FLOOR]]]) })
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
        const read = decodeTrustRecord(bytes, GUN)
        if (read === undefined) return
        records++
        expect(read.gun).toBe(GUN)
        for (const { version, keys, signers, content, file } of [...read.floors.values()].flat()) {
          expect(Number.isSafeInteger(version) && version >= 1).toBe(true)
          expect([...keys, ...signers, content, file].every((text) => typeof text === 'string')).toBe(true)
        }
      }),
      { seed: 1, numRuns: 1000 },
    )
    expect(records).toBeGreaterThan(20)
  })
})
