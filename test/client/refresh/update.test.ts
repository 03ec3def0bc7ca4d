import { describe, expect, test } from 'vitest'
import { createSigningKey } from '../../../src/testing/index.js'
import { canonicalId, DAY, GUN, Story } from '../story.js'

describe('after a publication', () => {
  test('the new digest is the answer, and the root is the one that is cached', async () => {
    const story = new Story()
    const first = await story.verify()
    const digest = story.wait(1).collection.sign('3.19', 'alpine 3.19.1')
    story.collection.publish()
    const second = await story.verify()
    expect(second.digest).toBe(digest)
    expect(second.digest).not.toBe(first.digest)
    expect(second).toMatchObject({ rootTrust: 'cached-root', freshness: 'fresh', warnings: [] })
    expect(await story.keptVersions()).toEqual({ root: 1, timestamp: 2, snapshot: 2, targets: 2 })
    expect(await story.floors()).toEqual({ root: 1, timestamp: 2, snapshot: 2, targets: 2 })
  })

  test('a tag that was taken away is not signed any more', async () => {
    const story = new Story()
    await story.verify()
    story.wait(1).collection.remove('3.19').publish()
    const error = await story.verify().catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'ERR_TAG_NOT_SIGNED', kind: 'unsigned', message: 'No valid trust data for 3.19' })
    // The set itself verified: what it says is kept, or the removal could be undone by an older snapshot.
    expect((await story.floors())['targets']).toBe(2)
  })

  test('nothing changed: only timestamp and next root are asked for, nothing is written', async () => {
    const story = new Story()
    await story.verify()
    story.requests()
    const before = await story.kept()
    let commits = 0
    const store = { ...story.store, commit: () => Promise.reject(new Error(`${++commits} commits`)) }
    await story.verify('alpine:3.19', { store })
    expect(story.requests().sort()).toEqual(['2.root', 'timestamp'])
    expect(commits).toBe(0)
    expect(await story.kept()).toEqual(before)
  })

  test('what did not change is taken from the cache', async () => {
    const story = new Story()
    story.collection.delegate('targets/releases').sign('3.20', 'x', { role: 'targets/releases' })
    story.collection.publish()
    await story.verify()
    story.requests()
    story.collection.sign('3.21', 'y', { role: 'targets/releases' })
    story.collection.publish()
    await story.verify('alpine:3.21')
    const asked = story.requests().map((name) => name.replace(/\.[0-9a-f]{64}$/, ''))
    expect(asked.sort()).toEqual(['2.root', 'snapshot', 'targets/releases', 'timestamp'])
  })

  test('a renewed timestamp alone brings a later expiry', async () => {
    const story = new Story()
    await story.verify()
    story.wait(10).collection.touchTimestamp()
    story.requests()
    expect((await story.verify()).expires).toBe(new Date(story.now.getTime() + 14 * DAY).toISOString())
    expect(story.requests().sort()).toEqual(['2.root', 'timestamp'])
    expect(await story.keptVersions()).toMatchObject({ timestamp: 2, snapshot: 1 })
  })

  test('version gaps are accepted (VER-08)', async () => {
    const story = new Story()
    await story.verify()
    for (const role of ['targets', 'snapshot', 'timestamp']) story.collection.setVersion(role, 1001)
    story.collection.publish()
    await story.verify()
    expect(await story.floors()).toEqual({ root: 1, timestamp: 1001, snapshot: 1001, targets: 1001 })
  })

  test('a publication between two requests is a reason to look once more (ATK-42)', async () => {
    const story = new Story()
    await story.verify()
    story.collection.sign('3.19', 'second')
    story.collection.publish()
    const old = story.collection.served('timestamp')
    const digest = story.collection.sign('3.19', 'third')
    story.collection.publish()
    let asked = 0
    story.transport.faults.set('timestamp', (newest) => (asked++ === 0 ? old : newest))
    const [gone] = [...story.collection.files().keys()].filter((name) => name.startsWith('snapshot.')).slice(-2)
    story.transport.faults.set(gone ?? '', 'missing')
    expect((await story.verify()).digest).toBe(digest)
    expect(asked).toBe(2)
    expect(await story.keptVersions()).toMatchObject({ timestamp: 3, snapshot: 3, targets: 3 })
  })

  test('a file that stays missing is an error after one more look, and the old set stays (ATK-42, HTTP-05)', async () => {
    const story = new Story()
    await story.verify()
    story.collection.sign('3.19', 'second')
    story.collection.publish()
    for (const role of ['snapshot', 'targets']) {
      story.transport.faults.clear()
      story.transport.faults.set(role, 'missing')
      const refusal = await story.refused()
      expect(refusal).toMatchObject({ code: 'ERR_METADATA_MISSING', role, retryable: true })
      expect(refusal.message).toContain(`trust data missing for remote repository ${GUN} or remote repository not found`)
    }
  })

  test('a generation that was not wholly had is not kept: offline, the one before still answers (ATK-32)', async () => {
    const story = new Story()
    const { digest } = await story.verify()
    story.collection.sign('3.19', 'second')
    story.collection.publish()
    story.transport.faults.set('snapshot', 'server-error')
    expect((await story.refused()).code).toBe('ERR_SERVER_RESPONSE')
    expect(await story.verify('alpine:3.19', { offline: true })).toMatchObject({ digest, freshness: 'offline' })
  })

  test('two questions at once are answered from one refresh', async () => {
    const { createTrustClient } = await import('../../../src/index.js')
    const story = new Story()
    await using client = createTrustClient(story.options)
    await Promise.all([client.verifyTag('alpine:3.19'), client.verifyTag('alpine:3.19'), client.listTags('alpine')])
    expect(story.requests().filter((name) => name === 'timestamp')).toHaveLength(1)
  })
})

describe('the other questions', () => {
  test('listTags gives released tags in natural order, inspect every role', async () => {
    const { createTrustClient } = await import('../../../src/index.js')
    const story = new Story()
    story.collection.sign('3.2', 'a')
    const digest = story.collection.sign('3.10', 'b')
    story.collection.delegate('targets/releases')
    story.collection.sign('3.2', 'c', { role: 'targets/releases' })
    story.collection.publish()
    await using client = createTrustClient(story.options)
    const { tags, freshness } = await client.listTags('alpine')
    expect(tags.map(({ tag, role }) => `${tag} ${role}`)).toEqual(['3.2 targets/releases', '3.10 targets', '3.19 targets'])
    expect(tags[1]).toEqual({ tag: '3.10', digest, size: 528, role: 'targets', signers: [] })
    expect(freshness).toBe('fresh')
    const { roles } = await client.inspect('alpine')
    expect(roles.map(({ role, version, threshold }) => `${role} ${version} ${threshold}`)).toEqual([
      'root 1 1',
      'timestamp 2 1',
      'snapshot 2 1',
      'targets 2 1',
      'targets/releases 1 1',
    ])
    expect(roles.at(-1)?.signedBy).toEqual(story.collection.keys('targets/releases').map(({ id }) => id))
  })

  test('inspect gives both IDs of every key: as listed, and of the bare key', async () => {
    const { createTrustClient } = await import('../../../src/index.js')
    const certificate = { subject: { cn: 'alice' }, notBefore: new Date('2026-01-01'), notAfter: new Date('2036-01-01') }
    const alice = createSigningKey({ type: 'ecdsa-x509', certificate })
    const story = new Story({ roles: { root: { keys: 3, threshold: 2 } } })
    story.collection.delegate('targets/alice', { keys: [alice] }).sign('3.19', 'alpine 3.19', { role: 'targets/alice' })
    story.collection.publish()
    await using client = createTrustClient(story.options)
    const { roles } = await client.inspect('alpine')
    expect(roles.map(({ role }) => role)).toEqual(['root', 'timestamp', 'snapshot', 'targets', 'targets/alice'])
    for (const { role, keys, keyDetails, keysAsListed } of roles) {
      const listed = story.collection.keys(role)
      const expected = listed.map((key) => ({ id: key.id, canonicalId: canonicalId(key), algorithm: key.type }))
      expect(keyDetails, role).toMatchObject(expected.sort((one, other) => (one.id < other.id ? -1 : 1)))
      expect(keys).toEqual(keyDetails.map(({ id }) => id))
      expect(keysAsListed, role).toEqual(listed.map(({ id }) => id))
    }
    expect(roles.at(-1)?.keyDetails[0]?.certificateExpires).toBe('2036-01-01T00:00:00.000Z')
    expect(roles.find(({ role }) => role === 'timestamp')?.keyDetails[0]).not.toHaveProperty('certificateExpires')
  })

  test('lookup takes targets first, then delegations in their order; roles pick', async () => {
    const { createTrustClient } = await import('../../../src/index.js')
    const story = new Story()
    story.collection.delegate('targets/releases').delegate('targets/alice')
    const released = story.collection.sign('3.19', 'released', { role: 'targets/releases' })
    const alices = story.collection.sign('only', 'alice', { role: 'targets/alice' })
    story.collection.publish()
    await using client = createTrustClient({ ...story.options, disableContentTrust: true })
    expect(await client.lookup(GUN, '3.19')).toMatchObject({ target: '3.19', role: 'targets' })
    expect(await client.lookup(GUN, '3.19', { roles: ['targets/releases'] })).toMatchObject({ digest: released })
    expect(await client.lookup(GUN, 'only')).toMatchObject({ digest: alices, role: 'targets/alice' })
    await expect(client.lookup(GUN, 'only', { roles: ['targets'] })).rejects.toMatchObject({ code: 'ERR_TAG_NOT_SIGNED' })
  })

  test('a closed client answers nothing', async () => {
    const { createTrustClient } = await import('../../../src/index.js')
    const client = createTrustClient(new Story().options)
    await client.close()
    await expect(client.verifyTag('alpine')).rejects.toMatchObject({ code: 'ERR_SETTINGS_INVALID' })
  })
})
