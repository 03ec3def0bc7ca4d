import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { sha256Hex } from '../../src/crypto/hash.js'
import { Budget } from '../../src/trust/budget.js'
import { rootFloor } from '../../src/trust/load.js'
import { RootChain } from '../../src/trust/root-chain.js'
import { TargetsStage } from '../../src/trust/targets-stage.js'
import { RootStage, type SnapshotStage } from '../../src/trust/trusted-metadata-set.js'
import type { VersionFloors } from '../../src/trust/version-floors.js'
import { ed25519Signer, type Signer } from '../crypto/made-keys.js'
import {
  canonicalOf,
  EXPIRES,
  fileEntry,
  GUN,
  rootDocument,
  SIGNERS,
  signedFile,
  spoilt,
  targetsDocument,
  timestampDocument,
} from '../metadata/documents.js'
import {
  FILES,
  NOW,
  ROOT_FILE,
  refused,
  rootStage,
  snapshotStage,
  TARGETS_FILE,
  targetsStage,
  timestampStage,
} from './made-stages.js'

const NEW_KEY = ed25519Signer('the next root')
const ROOT = rootDocument()

describe('roots, one after the other', () => {
  const chain = RootChain.start(GUN, ROOT_FILE, new Budget())
  const root = (version: number, signers: readonly Signer[], keys: readonly Signer[] = [SIGNERS.root]) =>
    signedFile(rootDocument({ root: { keys } }, version), signers)

  test('what is no root is malformed, in the first place and later', () => {
    const malformed = { code: 'ERR_METADATA_MALFORMED', gun: GUN, role: 'root' }
    expect(refused(() => RootChain.start(GUN, utf8('{}'), new Budget()))).toMatchObject(malformed)
    expect(refused(() => chain.next(utf8('{}'), new Budget()))).toMatchObject(malformed)
    expect(refused(() => chain.bridge(utf8('{}'), new Budget()))).toMatchObject(malformed)
  })

  test('a first root that its keys did not sign', () => {
    const error = refused(() => RootChain.start(GUN, root(1, [NEW_KEY]), new Budget()))
    expect(error).toMatchObject({ code: 'ERR_ROOT_UNTRUSTED', evidence: { threshold: 1, validSignatures: 0 } })
  })

  test('which keys did not sign the next root, and which version was asked for', () => {
    const asked = { trusted: 1, offered: 2, asked: 2, threshold: 1, validSignatures: 0 }
    const strange = refused(() => chain.next(root(2, [NEW_KEY], [NEW_KEY]), new Budget()))
    expect(strange).toMatchObject({ code: 'ERR_ROOT_ROTATION', evidence: asked })
    expect(strange.message).toContain('failed to validate data with current trusted certificates')
    const unsigned = refused(() => chain.next(root(2, [SIGNERS.root], [NEW_KEY]), new Budget()))
    expect(unsigned).toMatchObject({ code: 'ERR_ROOT_ROTATION', evidence: asked })
    expect(unsigned.message).toContain('failed to validate data with its own keys')
    const { evidence } = refused(() => chain.bridge(root(4, [NEW_KEY], [NEW_KEY]), new Budget()))
    expect(evidence).toMatchObject({ trusted: 1, offered: 4, validSignatures: 0 })
    expect(evidence).not.toHaveProperty('asked')
  })

  test('the next is the next: no step back, none left out', () => {
    for (const found of [1, 3])
      expect(refused(() => chain.next(root(found, [SIGNERS.root]), new Budget()))).toMatchObject({
        code: 'ERR_ROOT_ROTATION',
        evidence: { asked: 2, found },
      })
    const next = chain.next(root(2, [SIGNERS.root, NEW_KEY], [NEW_KEY]), new Budget())
    expect([next.version, next.bridged, next.gun]).toEqual([2, false, GUN])
  })

  test('a bridge over versions is remembered; the same bytes, or the same content signed afresh, are none', () => {
    const bridged = chain.bridge(root(4, [SIGNERS.root]), new Budget())
    expect([bridged.version, bridged.bridged]).toEqual([4, true])
    expect(bridged.next(root(5, [SIGNERS.root]), new Budget()).bridged).toBe(true)
    expect(chain.bridge(ROOT_FILE, new Budget())).toBe(chain)
    const afresh = chain.bridge(signedFile(ROOT, [NEW_KEY, SIGNERS.root]), new Budget())
    expect([afresh.version, afresh.bridged, afresh === chain]).toEqual([1, false, false])
    expect(bridged.bridge(signedFile(rootDocument({}, 4), [NEW_KEY, SIGNERS.root]), new Budget()).bridged).toBe(true)
  })

  test('a bridge goes neither down nor aside', () => {
    const four = RootChain.start(GUN, root(4, [SIGNERS.root]), new Budget())
    expect(refused(() => four.bridge(root(3, [SIGNERS.root]), new Budget()))).toMatchObject({
      code: 'ERR_VERSION_ROLLBACK',
      gun: GUN,
      role: 'root',
      evidence: { version: 3, floor: 4 },
    })
    const other = spoilt(ROOT, ['expires'], '2031-01-01T00:00:00Z')
    expect(refused(() => chain.bridge(signedFile(other, [SIGNERS.root]), new Budget()))).toMatchObject({
      code: 'ERR_EQUIVOCATION',
      gun: GUN,
      role: 'root',
      evidence: { version: 1, accepted: sha256Hex(utf8(canonicalOf(ROOT))), offered: sha256Hex(utf8(canonicalOf(other))) },
    })
  })
})

describe('the root against what was accepted before', () => {
  const floorOfRoot = ({ anchor }: RootStage) => rootFloor(GUN, anchor.chain.root)
  const accepted = (version: number): VersionFloors => new Map([['root', [floorOfRoot(rootStage(new Map(), rootOf(version)))]]])
  const rootOf = (version: number, expires = EXPIRES, keys: readonly Signer[] = [SIGNERS.root]) =>
    signedFile(spoilt(rootDocument({ root: { keys } }, version), ['expires'], expires), keys)

  test('the same, and a later one', () => {
    expect(floorOfRoot(rootStage(accepted(2), rootOf(2))).version).toBe(2)
    expect(floorOfRoot(rootStage(accepted(2), rootOf(3))).version).toBe(3)
  })

  test('an older one, another of the same keys, another of other keys', () => {
    const subject = { gun: GUN, role: 'root' }
    expect(refused(() => rootStage(accepted(2), rootOf(1)))).toMatchObject({
      ...subject,
      code: 'ERR_VERSION_ROLLBACK',
      evidence: { version: 1, floor: 2 },
    })
    const before = accepted(2).get('root')?.[0]?.content
    const same = rootOf(2, '2031-01-01T00:00:00Z')
    expect(refused(() => rootStage(accepted(2), same))).toMatchObject({
      ...subject,
      code: 'ERR_EQUIVOCATION',
      evidence: { version: 2, accepted: before },
    })
    expect(refused(() => rootStage(accepted(2), rootOf(2, EXPIRES, [NEW_KEY])))).toMatchObject({
      ...subject,
      code: 'ERR_ROOT_ROTATION',
      evidence: {
        version: 2,
        accepted: before,
        offered: floorOfRoot(rootStage(new Map(), rootOf(2, EXPIRES, [NEW_KEY]))).content,
      },
    })
  })
})

describe('each stage says whose file it refuses', () => {
  test('garbage', () => {
    const garbage = utf8('{}')
    const malformed = (role: string) => ({ code: 'ERR_METADATA_MALFORMED', gun: GUN, role })
    expect(refused(() => rootStage().loadTimestamp(garbage))).toMatchObject(malformed('timestamp'))
    expect(refused(() => timestampStage(garbage).loadSnapshot(garbage))).toMatchObject(malformed('snapshot'))
    const stage = snapshotStage({ ...FILES, targets: fileEntry(garbage) })
    expect(refused(() => TargetsStage.load(stage, garbage))).toMatchObject(malformed('targets'))
  })

  test('other bytes', () => {
    const other = { code: 'ERR_METADATA_TOO_LARGE', gun: GUN }
    expect(refused(() => timestampStage(utf8('{}')).loadSnapshot(TARGETS_FILE))).toMatchObject({ ...other, role: 'snapshot' })
    expect(refused(() => snapshotStage({ ...FILES, root: fileEntry(utf8('{}')) }))).toMatchObject({ ...other, role: 'root' })
    const stage = snapshotStage({ ...FILES, targets: fileEntry(utf8('{}')) })
    expect(refused(() => TargetsStage.load(stage, TARGETS_FILE))).toMatchObject({ ...other, role: 'targets' })
  })

  test('too few signatures, and a day too late', () => {
    const strange = signedFile(timestampDocument(), [NEW_KEY])
    expect(refused(() => rootStage().loadTimestamp(strange))).toMatchObject({
      code: 'ERR_SIGNATURE_THRESHOLD',
      gun: GUN,
      role: 'timestamp',
      evidence: { threshold: 1, validSignatures: 0 },
    })
    const good = signedFile(timestampDocument(), [SIGNERS.timestamp])
    const late = rootStage(new Map(), ROOT_FILE, Date.parse(EXPIRES))
    expect(refused(() => late.loadTimestamp(good))).toMatchObject({
      code: 'ERR_METADATA_EXPIRED',
      gun: GUN,
      role: 'timestamp',
    })
  })
})

describe('files that will most likely be wanted next', () => {
  const stageOf = (delegations: number) =>
    snapshotStage({
      ...FILES,
      snapshot: fileEntry(utf8('x')),
      'targets/releases': fileEntry(utf8('x')),
      ...Object.fromEntries(Array.from({ length: delegations }, (_, at) => [`targets/d${at}`, fileEntry(utf8('x'))])),
    })
  const roles = (stage: SnapshotStage) => stage.prefetchable().map(([role]) => role)

  test('targets and delegations, up to 16 of them', () => {
    expect(roles(stageOf(1))).toEqual(['targets', 'targets/releases', 'targets/d0'])
    expect(roles(stageOf(14))).toHaveLength(16)
  })

  test('targets and releases alone when there are more', () => {
    expect(roles(stageOf(15))).toEqual(['targets', 'targets/releases'])
  })

  test('with what each must be', () => {
    const stage = stageOf(0)
    expect(stage.prefetchable()).toEqual(['targets', 'targets/releases'].map((role) => [role, stage.fileOf(role)]))
  })
})

test('a set of an earlier run is not resumed once any of it expired', () => {
  const brief = { ...targetsDocument(), expires: '2029-06-01T00:00:00Z' }
  const stage = targetsStage({}, new Map(), signedFile(brief, [SIGNERS.targets]))
  const { anchor, context } = stage
  const resumed = (now: number) => stage.resumed(new RootStage({ ...context, now }, anchor))
  expect(resumed(Date.parse(brief.expires) - 1)).toBeDefined()
  expect(resumed(Date.parse(brief.expires))).toBeUndefined()
})

test('a set of an earlier run is resumed under the same root object, while nothing in it expired and the clock went on', () => {
  const stage = targetsStage()
  const { anchor, context } = stage
  const resumed = (now: number, under = anchor) => stage.resumed(new RootStage({ ...context, now }, under))
  for (const now of [NOW, NOW + 1, Date.parse(EXPIRES) - 1]) {
    expect(resumed(now)?.loaded).toBe(stage.loaded)
    expect(resumed(now)?.context.now).toBe(now)
  }
  for (const now of [NOW - 1, Date.parse(EXPIRES), Number.NaN]) expect(resumed(now)).toBeUndefined()
  expect(resumed(NOW, { ...anchor, chain: RootChain.start(GUN, ROOT_FILE, new Budget()) })).toBeUndefined()
})
