import { describe, expect, test } from 'vitest'
import { codeAndRole, GUN, refusalOf, Story, storeWith } from './story.js'

const RELEASES = 'targets/releases'
const FAR = 9_000_000

/** A client that accepted version 3 of everything. */
async function seasoned(): Promise<Story> {
  const story = new Story()
  story.collection.delegate(RELEASES)
  for (const tag of ['a', 'b']) {
    story.collection.sign('3.20', tag, { role: RELEASES })
    story.collection.sign('3.21', tag)
    story.collection.publish()
  }
  await story.verify()
  return story
}

describe('an older version is refused', () => {
  test('of the whole set, replayed by the server (ATK-07)', async () => {
    const story = new Story()
    const before = story.replay()
    story.collection.sign('3.19', 'second')
    story.collection.publish()
    await story.verify()
    story.serve(before)
    const refusal = await story.refused()
    expect(codeAndRole(refusal)).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: 'timestamp' })
    expect(refusal.message).toBe(
      `potential malicious behavior - trust data version is lower than expected for remote repository ${GUN}: timestamp version 1 is lower than current version 2`,
    )
    expect(refusal.evidence).toEqual({ version: 1, floor: 2 })
  })

  test.each([
    ['snapshot', 'smaller (ATK-09)'],
    ['snapshot', 'larger (ATK-08)'],
    ['targets', 'smaller (ATK-10)'],
    ['targets', 'larger (ATK-11)'],
    [RELEASES, 'smaller (ATK-12, ATK-13)'],
    [RELEASES, 'larger (ATK-14)'],
  ])('of %s, the file %s than the cached one, by whoever holds the keys above', async (role, size) => {
    const story = await seasoned()
    const target = role === 'snapshot' ? 'targets' : role
    if (size.startsWith('smaller')) story.collection.remove('3.20', target).remove('3.21', target)
    else story.collection.sign('3.22', 'x'.repeat(64), { role: target, custom: { much: 'x'.repeat(1000) } })
    story.collection.setVersion(role, role === RELEASES ? 1 : 2).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_VERSION_ROLLBACK', role })
  })

  test('of a signer: that is a fault, not a signer who is left out', async () => {
    const story = new Story()
    story.collection.delegate('targets/alice')
    for (const tag of ['a', 'b']) {
      story.collection.sign(tag, tag, { role: 'targets/alice' })
      story.collection.publish()
    }
    await story.verify()
    story.collection.setVersion('targets/alice', 1).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: 'targets/alice' })
  })

  test('of a delegation below a signer who was left out meanwhile', async () => {
    const story = new Story()
    const deputy = 'targets/alice/deputy'
    story.collection.delegate('targets/alice').delegate(deputy).sign('3.19', 'alpine 3.19', { role: 'targets/alice' })
    for (const tag of ['a', 'b']) {
      story.collection.sign(tag, tag, { role: deputy })
      story.collection.publish()
    }
    await story.verify()
    story.collection.tamper('targets/alice', { after: (envelope) => void Object.assign(envelope, { signatures: [] }) }).publish()
    expect((await story.verify()).warnings.map(({ code }) => code)).toEqual(['WARN_DELEGATION_SKIPPED'])
    story.collection.sign('3.20', 'x', { role: 'targets/alice' })
    story.collection.setVersion(deputy, 1).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: deputy })
  })

  test.each([
    ['the timestamp (ATK-16)', ['timestamp']],
    ['all but the root (ATK-17)', ['timestamp', 'snapshot', 'targets', RELEASES]],
  ])('though %s was deleted from the cache', async (_, deleted) => {
    const story = await seasoned()
    const store = await storeWith(({ metadata }) => {
      for (const role of deleted) metadata.delete(role)
    }, story.store)
    story.collection.setVersion('timestamp', 2).touchTimestamp()
    expect(codeAndRole(await refusalOf(story.verify('alpine:3.19', { store })))).toEqual({
      code: 'ERR_VERSION_ROLLBACK',
      role: 'timestamp',
    })
    story.collection.setVersion('timestamp', 9).setVersion('targets', 1).publish()
    expect(codeAndRole(await refusalOf(story.verify('alpine:3.19', { store })))).toEqual({
      code: 'ERR_VERSION_ROLLBACK',
      role: 'targets',
    })
  })

  test('though the floors were deleted: what the cache holds counts (a cache that Docker wrote)', async () => {
    for (const role of ['timestamp', 'snapshot', 'targets', RELEASES]) {
      const story = await seasoned()
      const store = await storeWith((kept) => void delete kept.floors, story.store)
      story.collection.setVersion(role, 1).publish()
      expect(codeAndRole(await refusalOf(story.verify('alpine:3.19', { store })))).toEqual({ code: 'ERR_VERSION_ROLLBACK', role })
    }
  })

  test('though the cached files were spoiled', async () => {
    const story = await seasoned()
    const store = await storeWith(({ metadata }) => {
      for (const role of ['timestamp', 'snapshot', 'targets', RELEASES]) metadata.set(role, new Uint8Array(3))
    }, story.store)
    story.collection.setVersion(RELEASES, 1).publish()
    expect(codeAndRole(await refusalOf(story.verify('alpine:3.19', { store })))).toEqual({
      code: 'ERR_VERSION_ROLLBACK',
      role: RELEASES,
    })
  })
})

describe('one version with two contents is refused', () => {
  test.each(['snapshot', 'targets', RELEASES])('of %s (VER-07)', async (role) => {
    const story = await seasoned()
    const version = story.collection.version(role)
    story.collection.sign('3.19', 'other', { role: role === 'snapshot' ? 'targets' : role })
    story.collection.setVersion(role, version).publish()
    const refusal = await story.refused()
    expect(codeAndRole(refusal)).toEqual({ code: 'ERR_EQUIVOCATION', role })
    expect(refusal.evidence).toMatchObject({ version, accepted: expect.any(String), offered: expect.any(String) })
  })

  test('of the timestamp, when it names another snapshot (VER-06)', async () => {
    const story = await seasoned()
    story.collection.sign('3.19', 'other')
    story.collection.setVersion('timestamp', story.collection.version('timestamp')).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_EQUIVOCATION', role: 'timestamp' })
  })

  test('but a timestamp that only renews its expiry is accepted, and kept', async () => {
    const story = await seasoned()
    story.wait(3).collection.setVersion('timestamp', story.collection.version('timestamp')).touchTimestamp()
    expect((await story.verify()).expires).toBe(new Date('2026-03-18T12:00:00Z').toISOString())
    const { metadata } = await story.store.read(GUN)
    expect(metadata.get('timestamp')).toEqual(story.collection.served('timestamp'))
  })

  test('but the same content signed afresh, or written otherwise, is accepted (VER-05)', async () => {
    const story = await seasoned()
    const version = story.collection.version('targets')
    story.collection.tamper('targets', { bytes: (bytes) => Buffer.from(`${Buffer.from(bytes).toString()}\n`) })
    story.collection.setVersion('targets', version).publish()
    expect((await story.verify()).status).toBe('trusted')
  })
})

describe('after a fast-forward attack', () => {
  test.each(['timestamp', 'snapshot', 'targets'])(
    'a new key for %s brings its version back, in the same run (ATK-18..20)',
    async (role) => {
      const story = await seasoned()
      story.collection.setVersion(role, FAR).publish()
      await story.verify()
      expect((await story.floors())[role]).toBe(FAR)
      story.collection.setVersion(role, 4)
      story.collection.publish()
      expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_VERSION_ROLLBACK', role })
      story.collection.rotateKey(role).setVersion(role, 4).publish()
      expect((await story.verify()).status).toBe('trusted')
      expect((await story.floors())[role]).toBe(4)
      expect((await story.keptVersions())[role]).toBe(4)
    },
  )

  test('a new key for releases brings its version back', async () => {
    const story = await seasoned()
    story.collection.setVersion(RELEASES, FAR).publish()
    await story.verify()
    story.collection.setDelegationKeys(RELEASES, {}).setVersion(RELEASES, 3).publish()
    expect((await story.verify('alpine:3.20')).role).toBe(RELEASES)
    expect((await story.floors())[RELEASES]).toBe(3)
  })

  test('taking one of two keys away brings its version back', async () => {
    const story = new Story()
    story.collection.delegate(RELEASES, { keys: 2 }).setVersion(RELEASES, FAR).publish()
    await story.verify()
    story.collection.setDelegationKeys(RELEASES, { keys: story.collection.keys(RELEASES).slice(1) })
    story.collection.setVersion(RELEASES, 1).publish()
    expect((await story.verify()).status).toBe('trusted')
    expect((await story.floors())[RELEASES]).toBe(1)
  })

  test('a key that was only added does not', async () => {
    const story = await seasoned()
    const [old] = story.collection.keys(RELEASES)
    const { createSigningKey } = await import('../../src/testing/index.js')
    story.collection.setDelegationKeys(RELEASES, { keys: [createSigningKey(), ...(old === undefined ? [] : [old])] })
    story.collection.setVersion(RELEASES, 1).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: RELEASES })
  })

  test('a floor is the highest number that JSON can say, and no higher one is read (VER-03)', async () => {
    const story = await seasoned()
    story.collection.setVersion('timestamp', Number.MAX_SAFE_INTEGER).touchTimestamp()
    expect((await story.verify()).status).toBe('trusted')
    story.collection.setVersion('timestamp', 2 ** 53).touchTimestamp()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'timestamp' })
  })
})

describe('a snapshot that no longer lists', () => {
  test('releases, which is still delegated, is refused (ATK-39)', async () => {
    const story = await seasoned()
    story.collection.tamper('snapshot', { before: ({ meta }) => void delete meta[RELEASES] }).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: RELEASES })
  })

  test('releases is refused also when targets was signed again meanwhile', async () => {
    const story = await seasoned()
    story.collection.sign('3.30', 'x')
    story.collection.tamper('snapshot', { before: ({ meta }) => void delete meta[RELEASES] }).publish()
    expect((await story.refused()).code).toBe('ERR_VERSION_ROLLBACK')
  })

  test('a signer who is still delegated is refused', async () => {
    const story = new Story()
    story.collection.delegate('targets/alice').sign('3.19', 'alpine 3.19', { role: 'targets/alice' })
    story.collection.publish()
    await story.verify()
    story.collection.tamper('snapshot', { before: ({ meta }) => void delete meta['targets/alice'] }).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: 'targets/alice' })
  })

  test('releases is refused even when its keys were rotated: only the parent may end a delegation', async () => {
    const story = await seasoned()
    story.collection.setDelegationKeys(RELEASES, {})
    story.collection.tamper('snapshot', { before: ({ meta }) => void delete meta[RELEASES] }).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: RELEASES })
  })

  test('releases is accepted when targets no longer delegates to it; its floor goes', async () => {
    const story = await seasoned()
    story.collection.undelegate(RELEASES).publish()
    expect((await story.verify('alpine:3.21')).role).toBe('targets')
    expect(Object.keys(await story.floors())).not.toContain(RELEASES)
    expect((await story.refused('alpine:3.20')).code).toBe('ERR_TAG_NOT_SIGNED')
  })

  test('targets or root is malformed', async () => {
    for (const role of ['targets', 'root']) {
      const story = await seasoned()
      story.collection.tamper('snapshot', { before: ({ meta }) => void delete meta[role] }).publish()
      expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'snapshot' })
    }
  })
})

test('a delegation that was ended and begins again at version 1 is accepted (DEL-34)', async () => {
  const story = await seasoned()
  story.collection.undelegate(RELEASES).publish()
  await story.verify()
  story.collection.delegate(RELEASES)
  const digest = story.collection.sign('3.19', 'again', { role: RELEASES })
  story.collection.publish()
  expect(await story.verify()).toMatchObject({ digest, role: RELEASES })
  expect((await story.floors())[RELEASES]).toBe(1)
})
