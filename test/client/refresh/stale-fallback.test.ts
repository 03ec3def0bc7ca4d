import { describe, expect, test } from 'vitest'
import { UnavailableError, verifyTag } from '../../../src/index.js'
import { bytesOf, codeAndRole, DAY, GUN, refusalOf, STALE_SENTENCE, Story, storeWith } from '../story.js'

/** A client that verified once; then the publisher went on, and something came between them. */
async function cutOff(name = '*', fault: 'unreachable' | 'unauthorized' | 'server-error' | 'tls' | 'missing' = 'unreachable') {
  const story = new Story()
  const { digest } = await story.verify()
  story.wait(1).collection.sign('3.19', 'newer')
  story.collection.publish()
  story.transport.faults.set(name, fault)
  story.requests()
  return { story, digest }
}

describe('no usable answer for the timestamp: the cached one answers, with a warning', () => {
  test.each([
    ['unreachable', 'connect ECONNREFUSED'],
    ['unauthorized', 'server returned 401'],
    ['server-error', '503'],
    ['tls', 'self-signed certificate'],
  ] as const)("when the server is %s, in Docker's exact words (ATK-23, HTTP-07, HTTP-32)", async (fault, cause) => {
    const { story, digest } = await cutOff('*', fault)
    const before = await story.kept()
    const result = await story.verify()
    expect(result).toMatchObject({ digest, freshness: 'stale', rootTrust: 'cached-root', expires: '2026-03-15T12:00:00.000Z' })
    expect(result.warnings).toEqual([{ code: 'WARN_STALE_TIMESTAMP', message: expect.stringContaining(cause) }])
    expect(result.warnings[0]?.message.startsWith(STALE_SENTENCE)).toBe(true)
    expect(await story.kept()).toEqual(before)
  })

  test.each(['timestamp', '2.root'])('when only %s has no answer', async (name) => {
    const { story, digest } = await cutOff(name)
    expect(await story.verify()).toMatchObject({ digest, freshness: 'stale' })
  })

  test('until it expires; then the refusal carries the network error as its cause (VER-35)', async () => {
    const { story } = await cutOff()
    story.now = new Date(story.collection.now.getTime() + 20 * DAY)
    const refusal = await story.refused()
    expect(codeAndRole(refusal)).toEqual({ code: 'ERR_METADATA_EXPIRED', role: 'timestamp' })
    expect(refusal.cause).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' })
  })

  test('and comes back to fresh when the server does', async () => {
    const { story, digest } = await cutOff()
    await story.verify()
    story.transport.faults.clear()
    const result = await story.verify()
    expect(result).toMatchObject({ freshness: 'fresh', warnings: [] })
    expect(result.digest).not.toBe(digest)
  })

  test('is a failure with staleFallback refuse', async () => {
    const { story } = await cutOff()
    expect(await story.refused('alpine:3.19', { staleFallback: 'refuse' })).toMatchObject({
      code: 'ERR_SERVER_UNREACHABLE',
      kind: 'unavailable',
      retryable: true,
    })
  })

  test('is a failure on first use', async () => {
    const story = new Story()
    story.transport.faults.set('*', 'unreachable')
    expect((await story.refused()).code).toBe('ERR_SERVER_UNREACHABLE')
  })

  test('is a failure when the cache holds only a root', async () => {
    const { story } = await cutOff()
    const store = await storeWith(({ metadata }) => {
      for (const role of [...metadata.keys()]) if (role !== 'root') metadata.delete(role)
    }, story.store)
    expect((await refusalOf(story.verify('alpine:3.19', { store }))).code).toBe('ERR_SERVER_UNREACHABLE')
  })

  test.each(['timestamp', 'snapshot', 'targets'])(
    'is a failure when the cached %s is garbage: the network error says why',
    async (role) => {
      const { story } = await cutOff()
      const store = await storeWith(({ metadata }) => metadata.set(role, bytesOf('garbage')), story.store)
      const refusal = await refusalOf(story.verify('alpine:3.19', { store }))
      expect(refusal.code).toBe('ERR_SERVER_UNREACHABLE')
    },
  )

  test('is a failure when the cached timestamp is older than its floor', async () => {
    const story = new Story()
    const old = story.collection.served('timestamp') ?? new Uint8Array()
    const oldSnapshot = story.collection.served('snapshot') ?? new Uint8Array()
    story.collection.touchTimestamp()
    await story.verify()
    const store = await storeWith(({ metadata }) => metadata.set('timestamp', old).set('snapshot', oldSnapshot), story.store)
    story.transport.faults.set('*', 'unreachable')
    const refusal = await refusalOf(story.verify('alpine:3.19', { store }))
    expect(codeAndRole(refusal)).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: 'timestamp' })
  })
})

describe('a bad answer never falls back', () => {
  test.each<[string, (story: Story) => void, string]>([
    [
      'garbage with 200 (HTTP-14)',
      (story) => void story.transport.faults.set('timestamp', bytesOf('<html>')),
      'ERR_METADATA_MALFORMED',
    ],
    [
      'nothing with 200 (HTTP-13)',
      (story) => void story.transport.faults.set('timestamp', bytesOf('')),
      'ERR_METADATA_MALFORMED',
    ],
    [
      'an unsigned timestamp',
      (story) =>
        void story.collection
          .tamper('timestamp', { after: (envelope) => void Object.assign(envelope, { signatures: [] }) })
          .publish(),
      'ERR_SIGNATURE_THRESHOLD',
    ],
    ['an older timestamp', (story) => void story.collection.setVersion('timestamp', 1).touchTimestamp(), 'ERR_VERSION_ROLLBACK'],
    [
      'an expired timestamp (VER-36)',
      (story) => void story.collection.setExpiry('timestamp', new Date('2026-01-01T00:00:00Z')).touchTimestamp(),
      'ERR_METADATA_EXPIRED',
    ],
    [
      'endless data',
      (story) => void story.transport.faults.set('timestamp', new Uint8Array(2 ** 21).fill(0x20)),
      'ERR_METADATA_TOO_LARGE',
    ],
    ['a garbage next root', (story) => void story.transport.faults.set('2.root', bytesOf('{}')), 'ERR_METADATA_MALFORMED'],
    [
      'an unrelated next root',
      (story) => void story.collection.rotateRoot({ signedByOld: false }).publish(),
      'ERR_ROOT_ROTATION',
    ],
    [
      'a timestamp that cannot be decoded (HTTP-26)',
      (story) => void story.transport.faults.set('timestamp', 'bad-encoding'),
      'ERR_SERVER_RESPONSE',
    ],
    [
      'a next root that cannot be decoded',
      (story) => void story.transport.faults.set('2.root', 'bad-encoding'),
      'ERR_SERVER_RESPONSE',
    ],
    [
      'no timestamp, and a root that cannot be decoded',
      (story) => void story.transport.faults.set('timestamp', 'missing').set('root', 'bad-encoding'),
      'ERR_SERVER_RESPONSE',
    ],
    [
      'what a transport of others calls a bad answer',
      (story) =>
        void story.transport.faults.set('timestamp', () => {
          throw new UnavailableError('ERR_SERVER_UNREACHABLE', 'not what was asked for', { isBadAnswer: true })
        }),
      'ERR_SERVER_UNREACHABLE',
    ],
    [
      'a good timestamp and no snapshot',
      (story) => void story.transport.faults.set('snapshot', 'unreachable'),
      'ERR_SERVER_UNREACHABLE',
    ],
  ])('%s', async (_, change, code) => {
    const story = new Story()
    story.collection.touchTimestamp()
    await story.verify()
    story.collection.sign('3.19', 'newer')
    story.collection.publish()
    change(story)
    expect((await story.refused()).code).toBe(code)
  })
})

describe('a cache from another server', () => {
  const elsewhere = 'https://elsewhere.example'

  test('does not stand in for this one', async () => {
    const { story } = await cutOff()
    expect((await story.refused('alpine:3.19', { server: elsewhere })).code).toBe('ERR_SERVER_UNREACHABLE')
    expect((await story.refused('alpine:3.19', { server: elsewhere, offline: true })).code).toBe('ERR_OFFLINE')
  })

  test('is the same server when only :443 or the case differs', async () => {
    const { story } = await cutOff()
    for (const server of ['https://notary.example:443', 'https://NOTARY.example/'])
      expect((await story.verify('alpine:3.19', { server })).freshness).toBe('stale')
  })

  test('belongs to that server once it has answered', async () => {
    const { story } = await cutOff()
    story.transport.faults.clear()
    await story.verify('alpine:3.19', { server: elsewhere })
    story.transport.faults.set('*', 'unreachable')
    expect((await story.verify('alpine:3.19', { server: elsewhere })).freshness).toBe('stale')
    expect((await story.refused()).code).toBe('ERR_SERVER_UNREACHABLE')
  })

  test('counts when its server is not known: Docker wrote it', async () => {
    const { story } = await cutOff()
    const store = await storeWith((kept) => void delete kept.floors, story.store)
    expect((await story.verify('alpine:3.19', { store })).freshness).toBe('stale')
  })
})

describe('offline', () => {
  test('nothing is asked, and the cache answers', async () => {
    const { story, digest } = await cutOff()
    const result = await story.verify('alpine:3.19', { offline: true })
    expect(result).toMatchObject({ digest, freshness: 'offline', rootTrust: 'cached-root' })
    expect(result.warnings.map(({ code }) => code)).toEqual(['WARN_STALE_TIMESTAMP'])
    expect(story.requests()).toEqual([])
  })

  test('with staleFallback refuse the cache answers all the same: it was asked for', async () => {
    const { story } = await cutOff()
    expect((await story.verify('alpine:3.19', { offline: true, staleFallback: 'refuse' })).freshness).toBe('offline')
  })

  test('an empty cache is no answer', async () => {
    const story = new Story()
    expect(await story.refused('alpine:3.19', { offline: true })).toMatchObject({ code: 'ERR_OFFLINE', kind: 'unavailable' })
    expect(story.requests()).toEqual([])
  })

  test.each(['snapshot', 'targets'])('a cache without %s is no answer', async (role) => {
    const { story } = await cutOff()
    const store = await storeWith(({ metadata }) => metadata.delete(role), story.store)
    expect((await refusalOf(story.verify('alpine:3.19', { store, offline: true }))).code).toBe('ERR_OFFLINE')
  })

  test('an expired timestamp is no answer', async () => {
    const { story } = await cutOff()
    story.now = new Date(story.now.getTime() + 20 * DAY)
    expect(codeAndRole(await story.refused('alpine:3.19', { offline: true }))).toEqual({
      code: 'ERR_METADATA_EXPIRED',
      role: 'timestamp',
    })
  })
})

describe('404', () => {
  test('for timestamp and root: the collection is gone, and the cache does not stand in', async () => {
    const { story } = await cutOff('*', 'missing')
    const refusal = await story.refused()
    expect(refusal).toMatchObject({ code: 'ERR_NO_TRUST_DATA', kind: 'unsigned' })
    expect(refusal.message).toBe(
      `remote trust data does not exist for alpine: notary.example does not have trust data for ${GUN}`,
    )
    expect(story.requests().sort()).toEqual(['2.root', 'root', 'timestamp'])
  })

  test('for the timestamp alone: the server has a fault, and the cache stands in', async () => {
    const { story, digest } = await cutOff('timestamp', 'missing')
    const result = await story.verify()
    expect(result).toMatchObject({ digest, freshness: 'stale' })
    expect(result.warnings[0]?.message.startsWith(STALE_SENTENCE)).toBe(true)
    expect((await story.refused('alpine:3.19', { staleFallback: 'refuse' })).code).toBe('ERR_METADATA_MISSING')
  })

  test('for the timestamp, and no answer for root: the cache stands in', async () => {
    const { story, digest } = await cutOff('timestamp', 'missing')
    story.transport.faults.set('root', 'unreachable')
    expect(await story.verify()).toMatchObject({ digest, freshness: 'stale' })
  })

  test('for root alone: it is not asked for unless something failed (HTTP-02)', async () => {
    const { story } = await cutOff('root', 'missing')
    expect((await story.verify()).freshness).toBe('fresh')
  })
})

describe('notary.docker.io', () => {
  const options = (story: Story) => {
    const { server: _, ...rest } = story.options
    return rest
  }

  test('is the server when none is named, and its end is announced', async () => {
    const story = new Story()
    const result = await verifyTag('alpine:3.19', options(story))
    expect(result).toMatchObject({ status: 'trusted', server: 'https://notary.docker.io' })
    expect('warnings' in result && result.warnings.map(({ code }) => code)).toContain('WARN_SERVER_RETIRING')
  })

  test('out of reach before 2026-12-08 is unreachable, with a hint; from then on retired', async () => {
    const story = new Story()
    story.transport.faults.set('*', 'unreachable')
    story.now = new Date('2026-12-07T23:59:59Z')
    const before = await refusalOf(verifyTag('alpine:3.19', options(story)))
    expect(before.code).toBe('ERR_SERVER_UNREACHABLE')
    expect(before.hint).toContain('2026-12-08')
    story.now = new Date('2026-12-08T00:00:00Z')
    expect(await refusalOf(verifyTag('alpine:3.19', options(story)))).toMatchObject({
      code: 'ERR_SERVER_RETIRED',
      kind: 'unavailable',
      retryable: false,
      role: 'root',
      cause: { code: 'ERR_SERVER_UNREACHABLE' },
    })
  })

  test('retired, with a cached timestamp that is still good: the cache stands in', async () => {
    const story = new Story({ now: new Date('2026-12-01T00:00:00Z') })
    await verifyTag('alpine:3.19', options(story))
    story.transport.faults.set('*', 'unreachable')
    story.wait(8)
    expect(await verifyTag('alpine:3.19', options(story))).toMatchObject({ status: 'trusted', freshness: 'stale' })
  })

  test('the failure of another server does not say so', async () => {
    const story = new Story()
    story.transport.faults.set('*', 'unreachable')
    story.now = new Date('2026-12-09T00:00:00Z')
    expect((await story.refused()).code).toBe('ERR_SERVER_UNREACHABLE')
  })
})
