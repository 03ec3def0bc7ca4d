import { describe, expect, test } from 'vitest'
import { createSigningKey, type SigningKey, type TrustCollection } from '../../../src/testing/index.js'
import { bytesOf, codeAndRole, GUN, refusalOf, Story, storeWith, text } from '../story.js'

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

  test('though the floors were deleted: the cached files count (a cache that Docker wrote)', async () => {
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
      expect((await story.keptVersions())[role]).toBe(4)
      story.collection.setVersion(role, 3).publish()
      expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_VERSION_ROLLBACK', role })
    },
  )

  test('a new key for releases brings its version back', async () => {
    const story = await seasoned()
    story.collection.setVersion(RELEASES, FAR).publish()
    await story.verify()
    story.collection.setDelegationKeys(RELEASES, {}).setVersion(RELEASES, 3).publish()
    expect((await story.verify('alpine:3.20')).role).toBe(RELEASES)
    story.collection.setVersion(RELEASES, 2).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: RELEASES })
  })

  test('taking away the one of two keys that was stolen brings its version back, and reopens nothing below it', async () => {
    const { story, alice, signedBy } = await twoSigners()
    signedBy('bob').setVersion(RELEASES, FAR).publish()
    await story.verify('alpine:3.20')
    signedBy('alice').setVersion(RELEASES, 4).publish()
    expect(codeAndRole(await story.refused('alpine:3.20'))).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: RELEASES })
    story.collection
      .setDelegationKeys(RELEASES, { keys: [alice] })
      .setVersion(RELEASES, 2)
      .publish()
    expect(codeAndRole(await story.refused('alpine:3.20'))).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: RELEASES })
    story.collection.setVersion(RELEASES, 4).publish()
    expect((await story.verify('alpine:3.20')).role).toBe(RELEASES)
  })

  test('taking a key away does not, when the version could be an honest one', async () => {
    const { story, alice, signedBy } = await twoSigners()
    signedBy('bob').setVersion(RELEASES, 1_000_003).publish()
    await story.verify('alpine:3.20')
    story.collection
      .setDelegationKeys(RELEASES, { keys: [alice] })
      .setVersion(RELEASES, 3)
      .publish()
    expect(codeAndRole(await story.refused('alpine:3.20'))).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: RELEASES })
    story.collection.setVersion(RELEASES, 1_000_004).publish()
    expect((await story.verify('alpine:3.20')).role).toBe(RELEASES)
  })

  test('a key that was only added does not', async () => {
    const story = await seasoned()
    const [old] = story.collection.keys(RELEASES)
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

  test('releases is accepted when targets no longer delegates to it', async () => {
    const story = await seasoned()
    story.collection.undelegate(RELEASES).publish()
    expect((await story.verify('alpine:3.21')).role).toBe('targets')
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

describe('a delegation that was ended and made again', () => {
  /** Ended, as the client saw; then made again with this key. */
  async function madeAgain(key?: SigningKey): Promise<{ story: Story; key: SigningKey }> {
    const story = await seasoned()
    const [old] = story.collection.keys(RELEASES)
    if (old === undefined) throw new Error('no key')
    story.collection.undelegate(RELEASES).publish()
    await story.verify('alpine:3.21')
    story.collection.delegate(RELEASES, { keys: [key ?? old] })
    return { story, key: old }
  }

  test('may begin at version 1 with another key (DEL-34)', async () => {
    const { story } = await madeAgain(createSigningKey())
    const digest = story.collection.sign('3.19', 'again', { role: RELEASES })
    story.collection.publish()
    expect(await story.verify()).toMatchObject({ digest, role: RELEASES })
  })

  test('refuses what the same key signed in its former life', async () => {
    const { story } = await madeAgain()
    story.collection.sign('3.19', 'older', { role: RELEASES })
    story.collection.publish()
    expect(story.collection.version(RELEASES)).toBe(1)
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: RELEASES })
    story.collection.setVersion(RELEASES, 3).publish()
    expect((await story.verify()).role).toBe(RELEASES)
  })

  test('need not have a file yet, and keeps its floor meanwhile', async () => {
    const { story } = await madeAgain()
    story.collection.publish()
    expect((await story.verify('alpine:3.21')).role).toBe('targets')
    story.collection.sign('3.19', 'older', { role: RELEASES })
    story.collection.publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: RELEASES })
  })
})

/** releases v1 to v3, of which alice and bob signed each; either may. The client accepted v3. */
async function twoSigners() {
  const [alice, bob] = [createSigningKey(), createSigningKey()]
  const story = new Story()
  const signedBy = (...names: ('alice' | 'bob')[]) =>
    story.collection.tamper(RELEASES, {
      after: (envelope) => {
        const ids = names.map((name) => (name === 'alice' ? alice : bob).id)
        envelope.signatures = envelope.signatures.filter(({ keyid }) => ids.includes(keyid))
      },
    })
  story.collection.delegate(RELEASES, { keys: [alice, bob] })
  const states: Map<string, Uint8Array>[] = []
  for (const content of ['first', 'second', 'third']) {
    story.collection.sign('3.20', content, { role: RELEASES })
    story.collection.publish()
    states.push(story.replay())
  }
  await story.verify('alpine:3.20')
  return { story, alice, bob, signedBy, states }
}

describe('a change of keys does not reopen the past:', () => {
  /** The publisher goes on without bob, or as `change` says; the server signs anew what it may and serves the first releases. */
  async function replayed(change: (collection: TrustCollection, alice: SigningKey, bob: SigningKey) => unknown) {
    const { story, alice, bob, states } = await twoSigners()
    change(story.collection, alice, bob)
    const older = states[0]?.get(RELEASES)
    if (older === undefined) throw new Error('no first releases')
    story.collection.tamper(RELEASES, { bytes: () => older }).publish()
    return story
  }

  test('one of two keys was removed, and the server serves what the other signed before', async () => {
    const story = await replayed((collection, alice) => collection.setDelegationKeys(RELEASES, { keys: [alice] }))
    expect(codeAndRole(await story.refused('alpine:3.20'))).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: RELEASES })
  })

  test('one was exchanged, or one was added', async () => {
    for (const withBob of [false, true]) {
      const story = await replayed((collection, alice, bob) =>
        collection.setDelegationKeys(RELEASES, { keys: [alice, createSigningKey(), ...(withBob ? [bob] : [])] }),
      )
      expect(codeAndRole(await story.refused('alpine:3.20'))).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: RELEASES })
    }
  })

  test('the threshold was raised', async () => {
    const story = await replayed((collection, alice, bob) =>
      collection.setDelegationKeys(RELEASES, { keys: [alice, bob], threshold: 2 }),
    )
    expect(codeAndRole(await story.refused('alpine:3.20'))).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: RELEASES })
  })

  test('the server left one of two signatures away before, so that the floor seems to rest on the key to be removed', async () => {
    const { story, alice, signedBy, states } = await twoSigners()
    story.collection.sign('3.20', 'fourth', { role: RELEASES })
    signedBy('bob').publish()
    await story.verify('alpine:3.20')
    const older = states[0]?.get(RELEASES) ?? new Uint8Array()
    story.collection
      .setDelegationKeys(RELEASES, { keys: [alice] })
      .tamper(RELEASES, { bytes: () => older })
      .publish()
    expect(codeAndRole(await story.refused('alpine:3.20'))).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: RELEASES })
  })

  test('a key went and came back', async () => {
    const { story, alice, bob, states } = await twoSigners()
    for (const key of [createSigningKey(), createSigningKey()]) {
      story.collection.setDelegationKeys(RELEASES, { keys: [key] }).publish()
      await story.verify('alpine:3.20')
    }
    const older = states[0]?.get(RELEASES) ?? new Uint8Array()
    story.collection
      .setDelegationKeys(RELEASES, { keys: [alice, bob] })
      .tamper(RELEASES, { bytes: () => older })
      .publish()
    expect(codeAndRole(await story.refused('alpine:3.20'))).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: RELEASES })
  })

  test('floors that an earlier release of this client wrote hold as well', async () => {
    const { story, alice, states } = await twoSigners()
    const store = await storeWith((kept) => {
      const { roles, ...rest } = JSON.parse(text(kept.floors ?? new Uint8Array())) as { roles: Record<string, unknown>[] }
      const former = roles.map(({ threshold: _threshold, signers: _signers, ...entry }) => entry)
      kept.floors = bytesOf(JSON.stringify({ ...rest, format: 1, roles: former }))
    }, story.store)
    const older = states[0]?.get(RELEASES) ?? new Uint8Array()
    story.collection
      .setDelegationKeys(RELEASES, { keys: [alice] })
      .tamper(RELEASES, { bytes: () => older })
      .publish()
    expect(codeAndRole(await refusalOf(story.verify('alpine:3.20', { store })))).toEqual({
      code: 'ERR_VERSION_ROLLBACK',
      role: RELEASES,
    })
  })

  test('and the honest next version is accepted after each of them, also the same number signed anew', async () => {
    for (const next of [4, 3]) {
      const { story, alice } = await twoSigners()
      story.collection
        .setDelegationKeys(RELEASES, { keys: [alice] })
        .setVersion(RELEASES, next)
        .publish()
      expect(await story.verify('alpine:3.20')).toMatchObject({ role: RELEASES, freshness: 'fresh' })
    }
  })
})

describe('authentic files of before a key rotation, put into the cache, do not disarm the floors', () => {
  /** A client that saw timestamp 40, its key rotated, 41 and 42; with the files of the first of these. */
  async function woundBack() {
    const story = await seasoned()
    story.collection.setVersion('timestamp', 40).publish()
    await story.verify()
    const { metadata: past } = await story.store.read(GUN)
    story.collection.rotateKey('timestamp').setVersion('timestamp', 41).publish()
    await story.verify()
    const replay = story.replay()
    story.collection.sign('3.22', 'x')
    story.collection.setVersion('timestamp', 42).publish()
    await story.verify()
    const store = await storeWith(({ metadata }) => {
      for (const role of ['root', 'timestamp']) metadata.set(role, past.get(role) ?? bytesOf(''))
    }, story.store)
    return { story, store, replay }
  }

  test('a replay is refused, though the cache cannot be written', async () => {
    const { story, store, replay } = await woundBack()
    story.serve(replay)
    for (const one of [{ ...store, commit: () => Promise.reject(new Error('EROFS')) }, store])
      expect(codeAndRole(await refusalOf(story.verify('alpine:3.19', { store: one })))).toEqual({
        code: 'ERR_VERSION_ROLLBACK',
        role: 'timestamp',
      })
  })

  test('an honest run goes on', async () => {
    const { story, store } = await woundBack()
    expect(await story.verify('alpine:3.22', { store })).toMatchObject({ freshness: 'fresh', warnings: [] })
  })
})

describe("one key in two roles: a signer's file served as that of releases", () => {
  /** As `docker trust signer add` sets it up: alice has one key for both roles. */
  async function dockerLike() {
    const alice = createSigningKey()
    const story = new Story()
    story.collection.delegate(RELEASES, { keys: [alice] }).delegate('targets/alice', { keys: [alice] })
    const both = (content: string) => {
      for (const role of [RELEASES, 'targets/alice']) story.collection.sign('3.20', content, { role })
      return story.collection.publish()
    }
    both('first')
    both('second')
    for (const content of ['a', 'b', 'not released']) {
      story.collection.sign('3.20', content, { role: 'targets/alice' })
      story.collection.publish()
    }
    await story.verify('alpine:3.20')
    return { story, both, alices: story.replay().get('targets/alice') ?? new Uint8Array() }
  }

  test('is refused, and the digest that was accepted stays', async () => {
    const { story, alices } = await dockerLike()
    story.collection
      .tamper(RELEASES, { bytes: () => alices })
      .setVersion(RELEASES, 5)
      .publish()
    const refusal = await story.refused('alpine:3.20')
    expect(codeAndRole(refusal)).toEqual({ code: 'ERR_EQUIVOCATION', role: RELEASES })
    expect(refusal.evidence).toEqual({ version: 5, acceptedAs: 'targets/alice' })
  })

  test('honest twins pass: both roles published with the same content in one run', async () => {
    const { story } = await dockerLike()
    for (const tag of ['3.21', '3.22']) {
      for (const role of [RELEASES, 'targets/alice']) {
        for (const one of ['3.20', '3.21']) story.collection.sign(one, `released ${tag}`, { role })
        story.collection.setVersion(role, tag === '3.21' ? 6 : 7)
      }
      story.collection.publish()
      const { metadata } = { metadata: story.replay() }
      expect(metadata.get(RELEASES)).toEqual(metadata.get('targets/alice'))
      expect(await story.verify('alpine:3.20')).toMatchObject({ role: RELEASES, signers: ['alice'] })
      expect(await story.verify('alpine:3.20')).toMatchObject({ role: RELEASES, signers: ['alice'] })
    }
  })
})
