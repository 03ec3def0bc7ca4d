import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { sha256Hex } from '../../src/crypto/hash.js'
import { importKey } from '../../src/crypto/keys.js'
import { UntrustedError } from '../../src/errors.js'
import type { RoleKeys } from '../../src/metadata/model.js'
import {
  type Candidate,
  checkFloors,
  floorHolds,
  floorOf,
  MAX_FLOORS_OF_A_ROLE,
  MAX_HONEST_LEAD,
  type VersionFloor,
  withAccepted,
  withCached,
} from '../../src/trust/version-floors.js'
import { ed25519Signer } from '../crypto/made-keys.js'

const GUN = 'docker.io/library/alpine'
const KEYS = ['a', 'b', 'c', 'd'].map((seed) => ed25519Signer(seed).key).map((key) => ({ ...key, verifying: importKey(key) }))
const [A, B, C, D] = KEYS

const of = (threshold: number, ...keys: (typeof A)[]): RoleKeys => ({
  keys: new Map(keys.flatMap((key) => (key === undefined ? [] : [[key.id, key]]))),
  threshold,
})
const keysOf = (...keys: (typeof A)[]): RoleKeys => of(1, ...keys)

function candidate(
  version: number,
  content = 'content',
  keys: RoleKeys = keysOf(A, B),
  signers = [...keys.keys.keys()],
): Candidate {
  const signedBy = [...signers].sort()
  return { gun: GUN, role: 'targets', version, content: utf8(content), keys, signedBy, file: utf8(`file of ${content}`) }
}

const idOf = (key: typeof A): string => key?.id ?? ''

/** The code that a candidate is refused with on the floors that others left. */
function refusal(offered: Candidate, before: readonly VersionFloor[] | undefined): string | undefined {
  try {
    checkFloors(offered, before)
  } catch (error) {
    if (!(error instanceof UntrustedError)) throw error
    expect(error).toMatchObject({ gun: GUN, role: 'targets' })
    return error.code
  }
  return undefined
}

describe('what a floor lets pass', () => {
  const floors = [floorOf(candidate(5))]

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
    // One was taken away.
    ['an older one after a key was taken away', candidate(4, 'other', keysOf(A)), 'ERR_VERSION_ROLLBACK'],
    ['the same number and other content after a key was taken away', candidate(5, 'other', keysOf(A)), undefined],
    ['an older one after a key was exchanged', candidate(1, 'other', keysOf(A, C)), 'ERR_VERSION_ROLLBACK'],
    ['an older one after the threshold was raised', candidate(4, 'other', of(2, A, B)), 'ERR_VERSION_ROLLBACK'],
    ['an older one after all keys were exchanged', candidate(1, 'other', keysOf(C)), undefined],
    ['the same keys in another order', candidate(4, 'other', keysOf(B, A)), 'ERR_VERSION_ROLLBACK'],
    ['the same keys in another order, other content', candidate(5, 'other', keysOf(B, A)), 'ERR_EQUIVOCATION'],
  ])('%s', (_, offered, code) => {
    expect(refusal(offered, floors)).toBe(code)
  })

  test('anything passes where there is no floor', () => {
    expect(refusal(candidate(1), undefined)).toBeUndefined()
    expect(refusal(candidate(1), [])).toBeUndefined()
  })

  test('the refusal says both versions, or both contents', () => {
    expect(() => checkFloors(candidate(4), floors)).toThrow(/targets version 4 is lower than current version 5/)
    expect(() => checkFloors(candidate(5, 'other'), floors)).toThrow(
      expect.objectContaining({
        evidence: { version: 5, accepted: sha256Hex(utf8('content')), offered: sha256Hex(utf8('other')) },
      }),
    )
  })

  test('a floor holds while the lower threshold of its keys is left', () => {
    const [one] = floors
    if (one === undefined) throw new Error('no floor')
    for (const keys of [keysOf(A, B), keysOf(A, B, C), keysOf(B), of(2, A, C), of(2, A, B)])
      expect(floorHolds(one, keys)).toBe(true)
    for (const keys of [keysOf(C), keysOf(), of(2, C, D)]) expect(floorHolds(one, keys)).toBe(false)
    const two = { ...one, threshold: 2 }
    for (const keys of [of(2, A, B), keysOf(A), of(1, B, C)]) expect(floorHolds(two, keys)).toBe(true)
    for (const keys of [of(2, A, C), keysOf(C)]) expect(floorHolds(two, keys)).toBe(false)
  })

  test('a floor records hashes of content and file, threshold, and keys and signers in order', () => {
    expect(floorOf(candidate(5, 'x', of(2, C, A, B), [idOf(C), idOf(A)]))).toEqual({
      version: 5,
      content: sha256Hex(utf8('x')),
      file: sha256Hex(utf8('file of x')),
      keys: [A, B, C].map(idOf).sort(),
      threshold: 2,
      signers: [A, C].map(idOf).sort(),
    })
  })

  test('a lower version under the same keys is always refused', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 53 - 1 }),
        fc.integer({ min: 1, max: 2 ** 53 - 1 }),
        fc.string(),
        fc.string(),
        (one, two, before, after) => {
          const code = refusal(candidate(two, after), [floorOf(candidate(one, before))])
          expect(code).toBe(two < one ? 'ERR_VERSION_ROLLBACK' : two === one && before !== after ? 'ERR_EQUIVOCATION' : undefined)
        },
      ),
      { seed: 1, numRuns: 300 },
    )
  })
})

describe('a version pushed up by a stolen key (fast-forward)', () => {
  const stolen = (lead: number, keys = keysOf(A, B)) => [floorOf(candidate(5 + lead, 'pushed', keys, [idOf(B)]))]

  test('locks nothing once that key is taken away, whether others stay or not', () => {
    for (const keys of [keysOf(A), keysOf(A, C), keysOf(C)]) {
      expect(refusal(candidate(5, 'honest', keys), stolen(MAX_HONEST_LEAD + 1))).toBeUndefined()
      expect(refusal(candidate(5, 'honest', keys), stolen(2 ** 53 - 6))).toBeUndefined()
    }
  })

  test('is an ordinary floor while that key is there, or when it is not that far above', () => {
    expect(refusal(candidate(5, 'honest'), stolen(MAX_HONEST_LEAD + 1))).toBe('ERR_VERSION_ROLLBACK')
    expect(refusal(candidate(5, 'honest', keysOf(A)), stolen(MAX_HONEST_LEAD))).toBe('ERR_VERSION_ROLLBACK')
  })

  test('does not fall because a signature is missing, while the others meet the threshold', () => {
    const [floor] = stolen(MAX_HONEST_LEAD + 1)
    if (floor === undefined) throw new Error('no floor')
    const signers = [A, B].map(idOf).sort()
    expect(refusal(candidate(5, 'honest', keysOf(A)), [{ ...floor, signers }])).toBe('ERR_VERSION_ROLLBACK')
  })

  test('leaves the floor below it in force', () => {
    const honest = [floorOf(candidate(5, 'honest', keysOf(A, B), [idOf(A)]))]
    const pushed = withAccepted(honest, floorOf(candidate(2 ** 40, 'pushed', keysOf(A, B), [idOf(B)])))
    expect(refusal(candidate(6, 'next', keysOf(A)), pushed)).toBeUndefined()
    expect(refusal(candidate(4, 'older', keysOf(A)), pushed)).toBe('ERR_VERSION_ROLLBACK')
  })
})

describe('the floors of a role', () => {
  const versions = (floors: readonly VersionFloor[]) => floors.map(({ version }) => version)
  const floorsAfter = (...accepted: Candidate[]) => accepted.map(floorOf).reduce(withAccepted, [])

  test('are one while nothing but the version changes, or keys and signers are added', () => {
    expect(versions(floorsAfter(candidate(1), candidate(2), candidate(9)))).toEqual([9])
    expect(versions(floorsAfter(candidate(1, '', keysOf(A)), candidate(2, '', keysOf(A, B))))).toEqual([2])
  })

  test('are kept apart when keys go, signers change, or the threshold is raised', () => {
    expect(versions(floorsAfter(candidate(1, '', keysOf(A, B)), candidate(2, '', keysOf(A))))).toEqual([2, 1])
    expect(versions(floorsAfter(candidate(1, '', keysOf(A, B), [idOf(A)]), candidate(2, '', keysOf(A, B), [idOf(B)])))).toEqual([
      2, 1,
    ])
    expect(versions(floorsAfter(candidate(1), candidate(2, '', of(2, A, B))))).toEqual([2, 1])
  })

  test('hold again when a key comes back', () => {
    const floors = floorsAfter(candidate(3, 'a', keysOf(A)), candidate(4, 'b', keysOf(B)))
    expect(refusal(candidate(2, 'older', keysOf(A)), floors)).toBe('ERR_VERSION_ROLLBACK')
    expect(refusal(candidate(3, 'b', keysOf(B)), floors)).toBe('ERR_VERSION_ROLLBACK')
  })

  test('are not many', () => {
    let floors: readonly VersionFloor[] = []
    for (let version = 1; version <= 40; version++)
      floors = withAccepted(floors, { ...floorOf(candidate(version)), keys: [`key ${version}`], signers: [`key ${version}`] })
    expect(floors).toHaveLength(MAX_FLOORS_OF_A_ROLE)
    expect(floors[0]?.version).toBe(40)
  })

  test('are raised by a cache, never lowered, and of one version what was known stays', () => {
    const known = floorsAfter(candidate(5))
    expect(withCached(known, floorOf(candidate(4, 'older')))).toBe(known)
    expect(withCached(known, floorOf(candidate(5, 'other', keysOf(A, B, C))))).toBe(known)
    expect(versions(withCached(known, floorOf(candidate(6))))).toEqual([6])
    // A file of before a key rotation.
    expect(versions(withCached(known, floorOf(candidate(9, '', keysOf(C)))))).toEqual([9, 5])
    expect(refusal(candidate(4), withCached(known, floorOf(candidate(9, '', keysOf(C)))))).toBe('ERR_VERSION_ROLLBACK')
  })

  test('never forget: what one accepted floor refuses is refused after any others, but for a fast-forward', () => {
    const roleKeys = fc
      .tuple(fc.subarray(KEYS, { minLength: 1 }), fc.integer({ min: 1, max: 2 }))
      .map(([keys, threshold]) => of(Math.min(threshold, keys.length), ...keys))
    const accepted = fc.tuple(fc.integer({ min: 1, max: 20 }), roleKeys, fc.nat()).map(([version, keys, some]) => {
      const signers = [...keys.keys.keys()].filter((_, at) => (some >> at) % 2 === 1)
      return candidate(version, `content ${version}`, keys, signers)
    })
    fc.assert(
      fc.property(fc.array(accepted, { minLength: 1, maxLength: MAX_FLOORS_OF_A_ROLE }), accepted, (history, offered) => {
        let floors: readonly VersionFloor[] = []
        const taken: Candidate[] = []
        for (const one of history) {
          if (refusal(one, floors) !== undefined) continue
          floors = withAccepted(floors, floorOf(one))
          taken.push(one)
        }
        const isOlder = taken.some((one) => offered.version < one.version && floorHolds(floorOf(one), offered.keys))
        if (isOlder) expect(refusal(offered, floors)).toBe('ERR_VERSION_ROLLBACK')
        else expect(refusal(offered, floors)).not.toBe('ERR_VERSION_ROLLBACK')
      }),
      { numRuns: 3000 },
    )
  })
})
