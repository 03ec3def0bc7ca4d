import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { sha256Hex } from '../../src/crypto/hash.js'
import { importKey } from '../../src/crypto/keys.js'
import { UntrustedError } from '../../src/errors.js'
import type { RoleKeys } from '../../src/metadata/model.js'
import { Budget } from '../../src/trust/budget.js'
import { mergePriorTrust, type PriorTrust } from '../../src/trust/prior-trust.js'
import { RootChain } from '../../src/trust/root-chain.js'
import { checkFloors, mergeFloors, type VersionFloor, type VersionFloors } from '../../src/trust/version-floors.js'
import { ed25519Signer, type Signer } from '../crypto/made-keys.js'
import { GUN, rootDocument, SIGNERS, signedFile } from '../metadata/documents.js'

const [A, B, C] = ['root-a', 'root-b', 'root-c'].map((seed) => ed25519Signer(seed)) as [Signer, Signer, Signer]

/** What the checks look at of an offered file. */
interface Offered {
  readonly version: number
  readonly content: Uint8Array
  readonly listed: readonly string[]
  readonly threshold: number
}

/** The error of a caller that knows the sources. */
class NotJoined extends Error {}

const rootFile = (version: number, key: Signer, signers: readonly Signer[] = [key]) =>
  signedFile(rootDocument({ root: { keys: [key], threshold: 1 } }, version), signers)
/** Each root is signed by the key before it. */
const FIRST = rootFile(1, A)
const SECOND = rootFile(2, B, [A, B])
const THIRD = rootFile(3, C, [B, C])
const chain = (file: Uint8Array, gun = GUN) => RootChain.start(gun, file, new Budget())
const trustIn = (file: Uint8Array | undefined, more: Partial<PriorTrust> = {}): PriorTrust => ({
  root: file === undefined ? undefined : chain(file),
  floors: new Map(),
  certificates: undefined,
  origin: undefined,
  ...more,
})

function merge(one: PriorTrust, other: PriorTrust, between?: ReadonlyMap<number, Uint8Array>): PriorTrust {
  const refuse = (why: string, cause?: UntrustedError) => new NotJoined(why, { cause })
  return mergePriorTrust(one, other, { budget: new Budget(), refuse, ...(between === undefined ? {} : { between }) })
}

describe('two roots of one collection', () => {
  test('the only one counts', () => {
    const known = trustIn(FIRST)
    expect(merge(known, trustIn(undefined)).root).toBe(known.root)
    expect(merge(trustIn(undefined), known).root).toBe(known.root)
    expect(merge(trustIn(undefined), trustIn(undefined)).root).toBeUndefined()
  })

  test('the newer one counts when the older one signed it, whichever source has it', () => {
    const [older, newer] = [trustIn(FIRST), trustIn(SECOND)]
    expect(merge(older, newer).root).toBe(newer.root)
    expect(merge(newer, older).root).toBe(newer.root)
  })

  test('versions between them are needed when the older one did not sign the newer one', () => {
    const [older, newer] = [trustIn(FIRST), trustIn(THIRD)]
    expect(() => merge(older, newer)).toThrow(NotJoined)
    expect(merge(older, newer, new Map([[2, SECOND]])).root).toBe(newer.root)
    const strange = rootFile(2, C)
    expect(() => merge(older, newer, new Map([[2, strange]]))).toThrow(NotJoined)
  })

  test('a newer one that no verified chain reaches refuses, and the cause says why', () => {
    const strange = trustIn(rootFile(2, C))
    for (const [one, other] of [
      [trustIn(FIRST), strange],
      [strange, trustIn(FIRST)],
    ] as const) {
      try {
        merge(one, other)
        expect.unreachable()
      } catch (error) {
        expect(error).toBeInstanceOf(NotJoined)
        expect(error).toMatchObject({ message: expect.stringContaining('from root version 1 to root version 2') })
        expect((error as Error).cause).toBeInstanceOf(UntrustedError)
        expect((error as Error).cause).toMatchObject({ code: 'ERR_ROOT_ROTATION' })
      }
    }
  })

  test('one version with two contents refuses; signed afresh it is the same root', () => {
    expect(() => merge(trustIn(FIRST), trustIn(rootFile(1, B)))).toThrow('two contents')
    const one = trustIn(FIRST)
    expect(merge(one, trustIn(rootFile(1, A, [B, A]))).root).toBe(one.root)
  })

  test('roots of two collections refuse', () => {
    const other = { ...trustIn(undefined), root: chain(FIRST, 'docker.io/library/busybox') }
    expect(() => merge(trustIn(FIRST), other)).toThrow('two collections')
  })
})

test('certificates count when they are those of the root that counts; the address is that of the first source that has one', () => {
  const record = (file: Uint8Array) => ({ root: sha256Hex(file), bound: new Map() })
  const [older, newer] = [
    trustIn(FIRST, { certificates: record(FIRST), origin: 'https://one.example/' }),
    trustIn(SECOND, { certificates: record(SECOND), origin: 'https://other.example/' }),
  ]
  expect(merge(older, newer)).toMatchObject({ certificates: record(SECOND), origin: 'https://one.example/' })
  expect(merge(older, { ...newer, certificates: undefined }).certificates).toBeUndefined()
  expect(merge({ ...older, origin: undefined }, newer).origin).toBe('https://other.example/')
})

describe('floors of two sources', () => {
  const CONTENTS = ['one', 'other'].map(utf8)
  const KEYS = [SIGNERS.root, A, B].map(({ key }) => ({ ...key, verifying: importKey(key) }))
  const ids = KEYS.map(({ id }) => id).sort()
  const some = fc.subarray(ids, { minLength: 1 })
  const floor: fc.Arbitrary<VersionFloor> = fc
    .record({
      version: fc.integer({ min: 1, max: 5 }),
      content: fc.constantFrom(...CONTENTS.map(sha256Hex)),
      keys: some,
      threshold: fc.integer({ min: 1, max: 2 }),
      signers: some,
      file: fc.constantFrom('cc', 'dd'),
      ended: fc.constantFrom(true as const, undefined),
    })
    .map(({ ended, ...rest }) => (ended === undefined ? rest : { ...rest, ended }))
  const floors: fc.Arbitrary<VersionFloors> = fc
    .array(fc.tuple(fc.constantFrom('root', 'targets', 'targets/a'), fc.array(floor, { minLength: 1, maxLength: 4 })), {
      maxLength: 3,
    })
    .map((entries) => new Map(entries))
  const options = { seed: 1, numRuns: 500 }
  const highest = (known: VersionFloors, role: string) => Math.max(0, ...(known.get(role) ?? []).map(({ version }) => version))

  test('merge to the same whichever comes first', () => {
    fc.assert(
      fc.property(floors, floors, (one, other) => {
        expect(mergeFloors(one, other)).toEqual(mergeFloors(other, one))
      }),
      options,
    )
  })

  test('never fall: the highest of each role is there, the highest first', () => {
    fc.assert(
      fc.property(floors, floors, (one, other) => {
        const merged = mergeFloors(one, other)
        for (const role of [...one.keys(), ...other.keys()]) {
          expect(merged.get(role)?.[0]?.version).toBe(Math.max(highest(one, role), highest(other, role)))
        }
      }),
      options,
    )
  })

  test('refuse all that either of them refuses', () => {
    const candidate: fc.Arbitrary<Offered> = fc.record({
      version: fc.integer({ min: 1, max: 6 }),
      content: fc.constantFrom(...CONTENTS),
      listed: some,
      threshold: fc.integer({ min: 1, max: 2 }),
    })
    const isRefused = (known: VersionFloors, role: string, { version, content, listed, threshold }: Offered) => {
      const keys: RoleKeys = { keys: new Map(KEYS.flatMap((key) => (listed.includes(key.id) ? [[key.id, key]] : []))), threshold }
      try {
        checkFloors({ gun: GUN, role, version, content, keys, signedBy: listed, file: content }, known.get(role))
        return false
      } catch (error) {
        if (!(error instanceof UntrustedError)) throw error
        return true
      }
    }
    let refused = 0
    fc.assert(
      fc.property(floors, floors, candidate, (one, other, offered) => {
        const merged = mergeFloors(one, other)
        for (const role of merged.keys()) {
          const before = isRefused(one, role, offered) || isRefused(other, role, offered)
          if (before) refused++
          if (before) expect(isRefused(merged, role, offered)).toBe(true)
        }
      }),
      options,
    )
    expect(refused).toBeGreaterThan(100)
  })

  test('that name two contents of one version are both kept: neither source is overruled', () => {
    const [one, other] = CONTENTS.map(
      (content): VersionFloor => ({
        version: 5,
        content: sha256Hex(content),
        keys: ids,
        threshold: 1,
        signers: ids,
        file: 'cc',
      }),
    )
    if (one === undefined || other === undefined) throw new Error('two contents')
    const merged = mergeFloors(new Map([['targets', [one]]]), new Map([['targets', [other]]])).get('targets')
    expect(new Set(merged)).toEqual(new Set([one, other]))
  })

  test('a delegation has ended only if its highest floor says so', () => {
    const known: VersionFloor = { version: 5, content: 'aa', keys: ['k'], threshold: 1, signers: ['k'], file: 'cc' }
    const of = (...list: VersionFloor[]): VersionFloors => new Map([['targets/a', list]])
    const ended = { ...known, ended: true as const }
    expect(mergeFloors(of(ended), of(known)).get('targets/a')).toEqual([known])
    expect(mergeFloors(of({ ...ended, version: 6 }), of(known)).get('targets/a')).toEqual([{ ...ended, version: 6 }])
  })
})
