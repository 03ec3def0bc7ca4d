import { describe, expect, test } from 'vitest'
import { floorsLeft, MAX_ROLES_WITH_FLOORS } from '../../src/trust/floors-left.js'
import type { TargetsStage } from '../../src/trust/targets-stage.js'
import { RootStage } from '../../src/trust/trusted-metadata-set.js'
import { ed25519Signer } from '../crypto/made-keys.js'
import { delegatingTo, EXPIRES, fileEntry, GUN, SIGNERS, signedFile, spoilt, targetsDocument } from '../metadata/documents.js'
import { refused, targetsStage } from './made-stages.js'

const NEW_KEY = ed25519Signer('nobody')

describe('delegations of targets', () => {
  const RELEASES_FILE = signedFile({ ...targetsDocument(), delegations: null }, [SIGNERS.alice])
  const ALICE_FILE = signedFile({ ...targetsDocument(), delegations: null, version: 2 }, [SIGNERS.alice])
  const published = { 'targets/releases': fileEntry(RELEASES_FILE), 'targets/alice': fileEntry(ALICE_FILE) }
  const named = (stage: TargetsStage) => stage.pending().map(({ name }) => name)

  function load(stage: TargetsStage, role: string, file: Uint8Array): TargetsStage {
    const due = stage.pending().find(({ name }) => name === role)
    if (due === undefined) throw new Error(`${role} is not due`)
    return stage.loadDelegation(due, file)
  }

  test('those that were published are due, until they are loaded', () => {
    expect(named(targetsStage())).toEqual([])
    const stage = targetsStage(published)
    expect(named(stage)).toEqual(['targets/releases', 'targets/alice'])
    expect(stage.pending().map(({ file }) => file)).toEqual(
      ['targets/releases', 'targets/alice'].map((role) => stage.snapshot.metadata.meta.get(role)),
    )
    const one = load(stage, 'targets/alice', ALICE_FILE)
    expect(named(one)).toEqual(['targets/releases'])
    expect([...load(one, 'targets/releases', RELEASES_FILE).loaded].map(([role, { granted }]) => [role, granted])).toEqual([
      ['targets', ['']],
      ['targets/alice', ['1.', '2.']],
      ['targets/releases', ['']],
    ])
  })

  test('a signer without signatures is left out, with the reason; releases without is an error', () => {
    const unsigned = signedFile({ ...targetsDocument(), delegations: null }, [NEW_KEY])
    const stage = targetsStage({ 'targets/releases': fileEntry(unsigned), 'targets/alice': fileEntry(unsigned) })
    const left = load(stage, 'targets/alice', unsigned)
    expect(left.skipped).toMatchObject([{ role: 'targets/alice', file: unsigned }])
    expect(left.skipped[0]?.reason).toContain('valid signatures did not meet threshold for targets/alice (0 of 1)')
    expect(named(left)).toEqual(['targets/releases'])
    expect(left.files().get('targets/alice')).toBe(unsigned)
    expect(refused(() => load(stage, 'targets/releases', unsigned))).toMatchObject({
      code: 'ERR_SIGNATURE_THRESHOLD',
      role: 'targets/releases',
    })
  })

  test('what was accepted before and is still delegated may not be missing from the snapshot', () => {
    const before = floorsLeft(load(targetsStage(published), 'targets/alice', ALICE_FILE))
    expect([...before.keys()]).toEqual(['root', 'timestamp', 'snapshot', 'targets', 'targets/alice'])
    const floors = new Map([...before].filter(([role]) => role === 'targets/alice'))
    expect(refused(() => targetsStage({}, floors))).toMatchObject({
      code: 'ERR_VERSION_ROLLBACK',
      gun: GUN,
      role: 'targets/alice',
      evidence: { role: 'targets/alice' },
    })
  })

  test('the earliest expiry is that of the base roles and of the role that answers, not of another signer', () => {
    const until = (expires: string) => signedFile({ ...targetsDocument(), delegations: null, expires }, [SIGNERS.alice])
    const [releases, alice] = [until('2029-03-01T00:00:00Z'), until('2029-06-01T00:00:00Z')]
    const files = { 'targets/releases': fileEntry(releases), 'targets/alice': fileEntry(alice) }
    const stage = load(load(targetsStage(files), 'targets/alice', alice), 'targets/releases', releases)
    expect(stage.expires('targets')).toBe(Date.parse(EXPIRES))
    expect(stage.expires('targets/alice')).toBe(Date.parse('2029-06-01T00:00:00Z'))
    expect(stage.expires('targets/releases')).toBe(Date.parse('2029-03-01T00:00:00Z'))
  })

  test('floors of what is left out, and below it, stay as they were; those of delegations that ended wait for the next', () => {
    const [accepted] = floorsLeft(load(targetsStage(published), 'targets/alice', ALICE_FILE)).get('targets/alice') ?? []
    if (accepted === undefined) throw new Error('no floor')
    const past = [{ ...accepted, keys: ['a former key'] }]
    const roles = ['targets/alice', 'targets/alice/x', 'targets/alicex', 'targets/gone', 'targets/gone/x', 'targets']
    const kept = floorsLeft(targetsStage(published, new Map(roles.map((role) => [role, past]))))
    const isEnded = [...kept].map(([role, floors]) => [role, floors.every(({ ended }) => ended === true)])
    expect(Object.fromEntries(isEnded)).toEqual({
      root: false,
      timestamp: false,
      snapshot: false,
      targets: false,
      'targets/alice': false,
      'targets/alice/x': false,
      'targets/alicex': true,
      'targets/gone': true,
      'targets/gone/x': true,
    })
    expect(kept.get('targets/alice')).toEqual(past)
    expect(kept.get('targets/gone')).toEqual([{ ...past[0], ended: true }])
    expect(kept.get('targets')?.map(({ keys }) => keys)).toEqual([past[0]?.keys, [SIGNERS.targets.key.id]])
  })

  test('a delegation that ended and was made again, and has no file yet, may be missing from the snapshot; its floor holds', () => {
    const before = floorsLeft(load(targetsStage(published), 'targets/alice', ALICE_FILE))
    const ended = new Map([
      ['targets/alice', (before.get('targets/alice') ?? []).map((floor) => ({ ...floor, ended: true as const }))],
    ])
    const stage = targetsStage({}, ended)
    expect(named(stage)).toEqual([])
    // It goes on waiting: the next run does not miss it either.
    expect(floorsLeft(stage).get('targets/alice')).toEqual(ended.get('targets/alice'))
    const older = signedFile({ ...targetsDocument(), delegations: null, version: 1 }, [SIGNERS.alice])
    const renewed = targetsStage({ 'targets/alice': fileEntry(older) }, ended)
    expect(refused(() => load(renewed, 'targets/alice', older))).toMatchObject({ code: 'ERR_VERSION_ROLLBACK' })
  })

  test('floors of many ended delegations are dropped, those of other roles are not', () => {
    const floor = floorsLeft(load(targetsStage(published), 'targets/alice', ALICE_FILE)).get('targets/alice') ?? []
    const gone = Array.from({ length: MAX_ROLES_WITH_FLOORS }, (_, at) => [`targets/gone-${at}`, floor] as const)
    const kept = floorsLeft(targetsStage(published, new Map([...gone, ['targets/alice', floor]])))
    expect(kept.size).toBe(MAX_ROLES_WITH_FLOORS)
    for (const role of ['root', 'timestamp', 'snapshot', 'targets', 'targets/alice']) expect(kept.has(role)).toBe(true)
  })

  describe('a file that was accepted as that of another role', () => {
    const file = signedFile({ ...targetsDocument(), delegations: null, version: 5 }, [SIGNERS.alice])
    const files = { 'targets/alice': fileEntry(file), 'targets/releases': fileEntry(file) }
    const asAlices = (bytes = file) => {
      const floors = floorsLeft(load(targetsStage({ 'targets/alice': fileEntry(bytes) }), 'targets/alice', bytes))
      return new Map([['targets/alice', floors.get('targets/alice') ?? []]])
    }

    test('is refused, in the same state and in one that was verified again', () => {
      const refusal = {
        code: 'ERR_EQUIVOCATION',
        role: 'targets/releases',
        evidence: { version: 5, acceptedAs: 'targets/alice' },
      }
      expect(refused(() => load(targetsStage(files, asAlices()), 'targets/releases', file))).toMatchObject(refusal)
      const unaware = load(load(targetsStage(files), 'targets/alice', file), 'targets/releases', file)
      const { context, anchor } = unaware
      const aware = new RootStage({ ...context, floors: asAlices() }, anchor)
      expect(refused(() => unaware.readmitted(aware))).toMatchObject(refusal)
    })

    test('leaves a signer out who copied what releases says: no signer can lock the collection by that', () => {
      const stage = targetsStage(files, new Map([['targets/releases', asAlices().get('targets/alice') ?? []]]))
      const left = load(stage, 'targets/alice', file)
      expect(left.skipped).toMatchObject([
        { role: 'targets/alice', reason: expect.stringContaining('as targets/releases before') },
      ])
    })

    test('is taken when both roles were published at once, and then again', () => {
      const both = load(load(targetsStage(files), 'targets/alice', file), 'targets/releases', file)
      expect(load(targetsStage(files, floorsLeft(both)), 'targets/releases', file).loaded.has('targets/releases')).toBe(true)
    })

    test('is taken when it lists nothing', () => {
      const empty = signedFile({ ...targetsDocument(), delegations: null, targets: {}, version: 5 }, [SIGNERS.alice])
      const stage = targetsStage({ 'targets/alice': fileEntry(empty), 'targets/releases': fileEntry(empty) }, asAlices(empty))
      expect(load(stage, 'targets/releases', empty).loaded.has('targets/releases')).toBe(true)
    })
  })

  test('a signer that expired is left out today; releases that expired is an error', () => {
    const past = signedFile({ ...targetsDocument(), delegations: null, expires: '2028-12-31T23:59:59Z' }, [SIGNERS.alice])
    const stage = targetsStage({ 'targets/releases': fileEntry(past), 'targets/alice': fileEntry(past) })
    const left = load(stage, 'targets/alice', past)
    expect(left.skipped).toMatchObject([{ role: 'targets/alice', file: past }])
    expect(left.skipped[0]?.reason).toContain('targets/alice expired at 2028-12-31T23:59:59.000Z')
    expect(refused(() => load(stage, 'targets/releases', past))).toMatchObject({
      code: 'ERR_METADATA_EXPIRED',
      role: 'targets/releases',
    })
  })

  test.each([
    ['one byte more', 'ERR_METADATA_TOO_LARGE', (file: Uint8Array) => Buffer.concat([file, Buffer.from(' ')])],
    ['one byte less', 'ERR_HASH_MISMATCH', (file: Uint8Array) => file.slice(0, -1)],
    ['garbage', 'ERR_HASH_MISMATCH', (file: Uint8Array) => file.map((byte) => byte ^ 1)],
  ])('%s in place of the file of a signer is a fault, not a signer who is left out', (_, code, change) => {
    const stage = targetsStage({ 'targets/alice': fileEntry(ALICE_FILE) })
    const offered = change(ALICE_FILE)
    expect(refused(() => load(stage, 'targets/alice', offered))).toMatchObject({ code, gun: GUN, role: 'targets/alice' })
  })

  test('garbage that the snapshot names leaves the signer out, and fails in releases', () => {
    const garbage = ALICE_FILE.map((byte) => byte ^ 1)
    const stage = targetsStage({ 'targets/alice': fileEntry(garbage), 'targets/releases': fileEntry(garbage) })
    const left = load(stage, 'targets/alice', garbage)
    expect(left.skipped).toMatchObject([{ role: 'targets/alice', file: garbage }])
    expect(refused(() => load(stage, 'targets/releases', garbage)).code).toBe('ERR_METADATA_MALFORMED')
  })

  test('so is an older file of a signer', () => {
    const before = floorsLeft(load(targetsStage(published), 'targets/alice', ALICE_FILE))
    const older = signedFile({ ...targetsDocument(), delegations: null, version: 1 }, [SIGNERS.alice])
    const floors = new Map([...before].filter(([role]) => role === 'targets/alice'))
    const stage = targetsStage({ 'targets/alice': fileEntry(older) }, floors)
    expect(refused(() => load(stage, 'targets/alice', older))).toMatchObject({
      code: 'ERR_VERSION_ROLLBACK',
      evidence: { version: 1, floor: 2 },
    })
  })

  describe('a role that can never meet its threshold', () => {
    const delegating = (name: string, keys: readonly (typeof SIGNERS.alice)[], threshold: number) =>
      signedFile(delegatingTo(keys, [{ name, keyids: keys.map(({ key }) => key.id), paths: [''], threshold }]), [SIGNERS.targets])
    const accepted = floorsLeft(load(targetsStage(published), 'targets/alice', ALICE_FILE)).get('targets/alice')

    test.each([
      ['targets/alice', [], 1, 'it has 0 keys and a threshold of 1'],
      ['targets/alice', [SIGNERS.alice], 2, 'it has 1 keys and a threshold of 2'],
      ['targets/releases', [], 1, 'it has 0 keys and a threshold of 1'],
    ] as const)('%s is left out, and its file not asked for (%#)', (role, keys, threshold, reason) => {
      const stage = targetsStage({ [role]: fileEntry(ALICE_FILE) }, new Map(), delegating(role, keys, threshold))
      expect(stage.skipped).toEqual([{ role, reason }])
      expect(named(stage)).toEqual([])
      expect([...stage.files().keys()]).toEqual(['root', 'timestamp', 'snapshot', 'targets'])
    })

    test('is not even left out when it has no file', () => {
      expect(targetsStage({}, new Map(), delegating('targets/alice', [], 1)).skipped).toEqual([])
    })

    test('nor is its file missed when it had one', () => {
      if (accepted === undefined) throw new Error('no floor')
      const floors = new Map([['targets/alice', accepted]])
      expect(targetsStage({}, floors, delegating('targets/alice', [], 1)).skipped).toEqual([])
    })

    test('releases with some keys but too few is asked for: it is broken, not absent', () => {
      const file = delegating('targets/releases', [SIGNERS.alice], 2)
      const stage = targetsStage({ 'targets/releases': fileEntry(ALICE_FILE) }, new Map(), file)
      expect([named(stage), stage.skipped]).toEqual([['targets/releases'], []])
      expect(refused(() => load(stage, 'targets/releases', ALICE_FILE))).toMatchObject({
        code: 'ERR_SIGNATURE_THRESHOLD',
        evidence: { threshold: 2, validSignatures: 1 },
      })
    })
  })

  test('delegations below a signer are held to its paths and to the files of the snapshot, and those of a signer left out are not due', () => {
    const roles = ['targets/alice/a', 'targets/alice/b'].map((name) => ({
      name,
      keyids: [SIGNERS.bob.key.id],
      paths: ['1.2', '3.'],
      threshold: 1,
    }))
    const alices = signedFile(delegatingTo([SIGNERS.bob], roles), [SIGNERS.alice])
    const deputy = signedFile({ ...targetsDocument(), delegations: null }, [SIGNERS.bob])
    const files = { 'targets/alice': fileEntry(alices), 'targets/alice/b': fileEntry(deputy) }
    const stage = load(targetsStage(files), 'targets/alice', alices)
    expect(named(stage)).toEqual(['targets/alice/b'])
    const whole = load(stage, 'targets/alice/b', deputy)
    expect(whole.loaded.get('targets/alice/b')?.granted).toEqual(['1.2'])
    expect(whole.trusted().map(({ role }) => role)).toEqual([
      'root',
      'timestamp',
      'snapshot',
      'targets',
      'targets/alice',
      'targets/alice/b',
    ])
    expect([...whole.files().values()].slice(-2)).toEqual([alices, deputy])
    expect([...floorsLeft(whole)].map(([role, [floor]]) => [role, floor?.version])).toEqual([
      ['root', 1],
      ['timestamp', 1],
      ['snapshot', 1],
      ['targets', 1],
      ['targets/alice', 1],
      ['targets/alice/b', 1],
    ])
  })

  test('a thousand of them, and not one more', () => {
    const many = (count: number) =>
      signedFile(
        spoilt(
          targetsDocument(),
          ['delegations', 'roles'],
          Array.from({ length: count }, (_, at) => ({
            name: `targets/d${at}`,
            keyids: [SIGNERS.alice.key.id],
            paths: [''],
            threshold: 1,
          })),
        ),
        [SIGNERS.targets],
      )
    expect(named(targetsStage({}, new Map(), many(1000)))).toEqual([])
    expect(refused(() => targetsStage({}, new Map(), many(1001)))).toMatchObject({
      code: 'ERR_METADATA_TOO_LARGE',
      gun: GUN,
      role: 'targets',
      evidence: { limit: 1000 },
    })
  })
})
