/** How often the server is asked, and for what: round trips first, then bytes. */
import { describe, expect, test, vi } from 'vitest'
import { createTrustClient, type MetadataStore, type TrustClient, type TrustEvent } from '../../../src/index.js'
import { codeAndRole, DAY, GUN, refusalOf, Story } from '../story.js'

const FIRST_FLIGHT = ['2.root', 'root', 'snapshot', 'targets', 'targets/releases', 'timestamp']

function sorted(story: Story): string[] {
  return story
    .requests()
    .map((name) => name.replace(/[0-9a-f]{64}/, '<hash>'))
    .sort()
}

/** A transport that answers nothing before the whole of an expected flight was asked for. */
function inFlights(story: Story, sizes: readonly number[]): void {
  const { transport } = story
  const [first = 1, ...rest] = sizes
  let size = first
  let waiting: (() => void)[] = []
  story.transport = Object.assign(Object.create(transport), {
    async fetchMetadata(request: Parameters<typeof transport.fetchMetadata>[0]) {
      const landed = new Promise<void>((resolve) => waiting.push(resolve))
      if (waiting.length === size) {
        for (const land of waiting) land()
        waiting = []
        size = rest.shift() ?? 1
      }
      await landed
      return transport.fetchMetadata(request)
    },
  })
}

test('the connection is begun before the cache is read, and loading what judges waits for it', async () => {
  const story = new Story()
  const { transport } = story
  const happened: string[] = []
  let connected: (() => void) | undefined
  story.transport = Object.assign(Object.create(transport), {
    connectAhead() {
      happened.push('connect')
      return new Promise<void>((resolve) => {
        connected = resolve
      })
    },
    fetchMetadata(request: Parameters<typeof transport.fetchMetadata>[0]) {
      happened.push('ask')
      setImmediate(() => connected?.())
      return transport.fetchMetadata(request)
    },
  })
  const onEvent = ({ type }: TrustEvent) => void (type === 'cache' || type === 'role-loaded' ? happened.push(type) : undefined)
  await story.verify('alpine:3.19', { onEvent })
  expect(happened.slice(0, 3)).toEqual(['connect', 'cache', 'ask'])
  expect(happened.filter((one) => one === 'connect')).toHaveLength(1)
  expect(happened.indexOf('role-loaded')).toBeGreaterThan(happened.lastIndexOf('connect'))
})

describe('on first use', () => {
  test('all that a small collection has is asked for at once', async () => {
    const story = new Story()
    inFlights(story, [6])
    await story.verify()
    expect(sorted(story)).toEqual(FIRST_FLIGHT)
  })

  test('signers are asked for in a second flight, releases are in the first', async () => {
    const story = new Story()
    for (const role of ['targets/releases', 'targets/alice', 'targets/bob']) {
      story.collection.delegate(role)
      story.collection.sign('3.19', 'alpine 3.19', { role })
    }
    story.collection.publish()
    inFlights(story, [6, 2])
    expect((await story.verify()).signers).toEqual(['alice', 'bob'])
    expect(sorted(story)).toEqual([...FIRST_FLIGHT, 'targets/alice.<hash>', 'targets/bob.<hash>'].sort())
  })

  test('files of signers are asked for beside the next root, not after it', async () => {
    const story = new Story()
    story.collection.delegate('targets/releases')
    story.collection.delegate('targets/alice')
    for (const role of ['targets/releases', 'targets/alice']) story.collection.sign('3.19', 'alpine 3.19', { role })
    story.collection.rotateRoot()
    story.collection.publish()
    inFlights(story, [6, 2])
    expect((await story.verify()).signers).toEqual(['alice'])
    expect(sorted(story)).toEqual([...FIRST_FLIGHT, '3.root', 'targets/alice.<hash>'].sort())
  })

  test('files that were fetched beside the next root are not used when that root removes their keys', async () => {
    const story = new Story()
    story.collection.delegate('targets/releases')
    story.collection.sign('3.19', 'alpine 3.19', { role: 'targets/releases' })
    story.collection.publish()
    const [root, timestamp] = ['root', 'timestamp'].map((name) => story.collection.served(name))
    story.collection.rotateKey('timestamp')
    story.collection.publish()
    const { transport } = story
    const roots = [root]
    story.transport = Object.assign(Object.create(transport), {
      async fetchMetadata(request: Parameters<typeof transport.fetchMetadata>[0]) {
        const file = await transport.fetchMetadata(request)
        return request.name === 'root' ? (roots.pop() ?? file) : request.name === 'timestamp' ? timestamp : file
      },
    })
    expect(codeAndRole(await refusalOf(story.verify()))).toEqual({ code: 'ERR_SIGNATURE_THRESHOLD', role: 'timestamp' })
    expect(await story.store.list()).toEqual([])
  })

  test('a guess that is not the file that the verified roles name is not used, and an event tells it', async () => {
    const story = new Story()
    const old = story.collection.served('targets')
    story.collection.sign('3.20', 'alpine 3.20')
    story.collection.publish()
    const { transport } = story
    story.transport = Object.assign(Object.create(transport), {
      async fetchMetadata(request: Parameters<typeof transport.fetchMetadata>[0]) {
        const file = await transport.fetchMetadata(request)
        return request.name === 'targets' ? old : file
      },
    })
    const events: TrustEvent[] = []
    expect((await story.verify('alpine:3.20', { onEvent: (event) => events.push(event) })).digest).toMatch(/^sha256:/)
    expect(sorted(story)).toEqual([...FIRST_FLIGHT, 'targets.<hash>'].sort())
    expect(events.filter(({ type }) => type === 'wrong-guess')).toEqual([
      { type: 'wrong-guess', gun: GUN, name: 'targets', bytes: old?.length },
    ])
  })

  test.each(['unreachable', 'unauthorized', 'server-error', 'tls'] as const)(
    'a guess that is %s is asked for once more by its name',
    async (fault) => {
      const story = new Story()
      const { transport } = story
      const guesses: (boolean | undefined)[] = []
      story.transport = Object.assign(Object.create(transport), {
        fetchMetadata(request: Parameters<typeof transport.fetchMetadata>[0]) {
          guesses.push(request.guess)
          if (request.guess) transport.faults.set('*', fault)
          else transport.faults.clear()
          return transport.fetchMetadata(request)
        },
      })
      expect((await story.verify()).status).toBe('trusted')
      expect(guesses.filter((guess) => guess === true)).toHaveLength(4)
    },
  )

  test('an event tells a guess that was not used', async () => {
    const story = new Story()
    story.transport.faults.set('targets/releases', new Uint8Array(1_000))
    const events: TrustEvent[] = []
    expect((await story.verify('alpine:3.19', { onEvent: (event) => events.push(event) })).status).toBe('trusted')
    expect(events.filter(({ type }) => type === 'wrong-guess')).toEqual([
      { type: 'wrong-guess', gun: GUN, name: 'targets/releases', bytes: 1_000 },
    ])
  })

  test('a guess that never ends does not outlive the refresh', async () => {
    const story = new Story()
    story.transport.faults.set('targets/releases', 'silent')
    expect((await story.verify()).status).toBe('trusted')
  })

  test('a guess of the next root has no other limit than the root that is asked for', async () => {
    const story = new Story()
    story.transport.faults.set('2.root', new Uint8Array(5 * 1024 * 1024))
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_TOO_LARGE', role: 'root' })
  })

  test('a guess is not read beyond 8 MiB', async () => {
    const story = new Story()
    story.transport.faults.set('targets/releases', new Uint8Array(9 * 1024 * 1024))
    const events: TrustEvent[] = []
    expect((await story.verify('alpine:3.19', { onEvent: (event) => events.push(event) })).status).toBe('trusted')
    expect(events.filter(({ type }) => type === 'wrong-guess')).toEqual([])
  })
})

describe('with a cache', () => {
  test('an unchanged collection is one flight of two requests', async () => {
    const story = new Story()
    await story.verify()
    story.requests()
    inFlights(story, [2])
    await story.verify()
    expect(sorted(story)).toEqual(['2.root', 'timestamp'])
  })
})

describe('a living client', () => {
  function living(story: Story, store: MetadataStore = story.store, events: TrustEvent[] = []): TrustClient {
    return createTrustClient({ ...story.options, store, onEvent: (event) => events.push(event) })
  }

  test('reads, parses and verifies nothing again while root and timestamp are the same', async () => {
    const story = new Story()
    const events: TrustEvent[] = []
    await using client = living(story, story.store, events)
    await client.verifyTag('alpine:3.19')
    await client.verifyTag('alpine:3.19') // finds the store to hold what was verified
    const read = vi.spyOn(story.store, 'read')
    story.requests()
    events.length = 0
    inFlights(story, [2])
    const result = await client.verifyTag('alpine:3.19')
    expect(result).toMatchObject({ status: 'trusted', rootTrust: 'cached-root', freshness: 'fresh', warnings: [] })
    expect(read).not.toHaveBeenCalled()
    expect(sorted(story)).toEqual(['2.root', 'timestamp'])
    expect(events.flatMap((event) => (event.type === 'role-loaded' ? [[event.role, event.from]] : []))).toEqual([
      ['root', 'memory'],
      ['timestamp', 'memory'],
      ['snapshot', 'memory'],
      ['targets', 'memory'],
    ])
  })

  test('sees a new publish, and a new root', async () => {
    const story = new Story()
    await using client = living(story)
    const first = await client.verifyTag('alpine:3.19')
    story.collection.sign('3.19', 'signed again')
    story.collection.publish()
    const second = await client.verifyTag('alpine:3.19')
    expect(second).not.toMatchObject({ digest: Reflect.get(first, 'digest') })
    story.collection.rotateRoot()
    story.collection.publish()
    await client.verifyTag('alpine:3.19')
    expect((await story.keptVersions())['root']).toBe(2)
  })

  test.each([
    ['the timestamp', 20, 'ERR_METADATA_EXPIRED', 'timestamp'],
    ['targets and snapshot', 365 * 3 + 2, 'ERR_METADATA_EXPIRED', 'timestamp'],
  ])('judges the expiry of %s at each call', async (_what, days, code, role) => {
    const story = new Story()
    await using client = living(story)
    await client.verifyTag('alpine:3.19')
    await client.verifyTag('alpine:3.19')
    story.now = new Date(story.now.getTime() + days * DAY)
    await expect(client.verifyTag('alpine:3.19')).rejects.toMatchObject({ code, role })
  })

  test('judges the root certificate at each call', async () => {
    const story = new Story({ roles: { root: { certificate: { notAfter: new Date('2026-03-05T12:00:00Z') } } } })
    await using client = living(story)
    await client.verifyTag('alpine:3.19')
    story.now = new Date(story.now.getTime() + 5 * DAY)
    await expect(client.verifyTag('alpine:3.19')).rejects.toMatchObject({ code: 'ERR_CERTIFICATE_EXPIRED' })
  })

  test('counts what another process accepted meanwhile: an older timestamp from the server is then a rollback', async () => {
    const story = new Story()
    const old = story.replay()
    await using client = living(story)
    await client.verifyTag('alpine:3.19')
    await client.verifyTag('alpine:3.19')
    story.collection.sign('3.20', 'alpine 3.20')
    story.collection.publish()
    await story.verify('alpine:3.20') // another process, on the same store
    story.transport.faults.set('timestamp', old.get('timestamp') ?? 'missing')
    await expect(client.verifyTag('alpine:3.19')).rejects.toMatchObject({ code: 'ERR_VERSION_ROLLBACK', role: 'timestamp' })
  })

  test('starts again when the collection was forgotten', async () => {
    const story = new Story()
    await using client = living(story)
    await client.verifyTag('alpine:3.19')
    await client.verifyTag('alpine:3.19')
    await story.store.forget(GUN)
    expect(await client.verifyTag('alpine:3.19')).toMatchObject({ rootTrust: 'first-use' })
  })

  test('does the same with a store that gives no revision alone', async () => {
    const story = new Story()
    const { revision: _without, ...store } = story.store
    await using client = living(story, store)
    await client.verifyTag('alpine:3.19')
    story.requests()
    await client.verifyTag('alpine:3.19')
    expect(sorted(story)).toEqual(['2.root', 'timestamp'])
    await store.forget(GUN)
    expect(await client.verifyTag('alpine:3.19')).toMatchObject({ rootTrust: 'first-use' })
  })

  test('falls back to the cache when the server is away, though it has the set in memory', async () => {
    const story = new Story()
    await using client = living(story)
    await client.verifyTag('alpine:3.19')
    story.transport.faults.set('*', 'unreachable')
    expect(await client.verifyTag('alpine:3.19')).toMatchObject({ freshness: 'stale' })
  })
})
