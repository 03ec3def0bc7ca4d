/** Two calls at once: an answer that is older than what another call accepted meanwhile is asked for again. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createFileStore } from '../../../src/cache/file-store.js'
import {
  createMemoryStore,
  createTrustClient,
  type MetadataStore,
  type TrustClient,
  UnavailableError,
} from '../../../src/index.js'
import { GUN, refusalOf, Story } from '../story.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-cache-changed-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** A store may have no cheaper way to its revision than reading. */
function withoutRevision(): MetadataStore {
  const { revision: _, ...store } = createMemoryStore()
  return store
}

const STORES: [string, () => MetadataStore][] = [
  ['in memory', createMemoryStore],
  ['on disk', () => createFileStore(join(folder, 'trust'))],
  ['of others', withoutRevision],
]

/** Publishes a further state; its digest. */
function publish(story: Story, content: string): string {
  const digest = story.collection.sign('3.19', content)
  story.collection.publish()
  return digest
}

/** The server answers the next request for a timestamp with the one that it has now, once `meanwhile` is over. */
function hold(story: Story, meanwhile: () => Promise<unknown>): void {
  const older = story.collection.served('timestamp')
  let isFirst = true
  story.transport.faults.set('timestamp', async (honest) => {
    if (!isFirst) return honest
    isFirst = false
    await meanwhile()
    return older
  })
}

describe.each(STORES)('with a cache %s, a call while another call changed the cache', (_, createStore) => {
  const storied = (): Story => new Story({}, { store: createStore() })
  /** Another process: it shares the store and nothing else. */
  const another = (story: Story) => story.verify('alpine:3.19', { transport: story.collection.transport() })
  const living = (story: Story): TrustClient => createTrustClient(story.options)

  test('by another process answers what that one accepted: its own was new to the cache', async () => {
    const story = storied()
    await story.verify()
    publish(story, 'second')
    let third = ''
    hold(story, () => {
      third = publish(story, 'third')
      return another(story)
    })
    expect(await story.verify()).toMatchObject({ digest: third, freshness: 'fresh' })
  })

  test('by another process answers what that one accepted: its own was what the cache held', async () => {
    const story = storied()
    await story.verify()
    let second = ''
    hold(story, () => {
      second = publish(story, 'second')
      return another(story)
    })
    expect(await story.verify()).toMatchObject({ digest: second, freshness: 'fresh' })
  })

  test('by another process answers what that one accepted: its own was the first', async () => {
    const story = storied()
    let second = ''
    hold(story, () => {
      second = publish(story, 'second')
      return another(story)
    })
    expect(await story.verify()).toMatchObject({ digest: second, freshness: 'fresh', rootTrust: 'cached-root' })
  })

  test('by another call of the same client answers what that one accepted', async () => {
    const story = storied()
    await using client = living(story)
    for (let times = 0; times < 3; times++) await client.verifyTag('alpine:3.19') // by now it has the set in memory
    let second = ''
    hold(story, async () => {
      second = publish(story, 'second')
      // Its own refresh: a GUN and the name of an image share none.
      expect(await client.lookup(GUN, '3.19')).toMatchObject({ digest: second })
    })
    expect(await client.verifyTag('alpine:3.19')).toMatchObject({ digest: second, freshness: 'fresh' })
  })

  test('is refused when the server goes on with the older state', async () => {
    const story = storied()
    await story.verify()
    publish(story, 'second')
    const lagging = story.replay()
    hold(story, () => {
      publish(story, 'third')
      return another(story).then(() => story.serve(lagging))
    })
    expect(await refusalOf(story.verify())).toMatchObject({ code: 'ERR_VERSION_ROLLBACK', role: 'timestamp' })
  })

  test('answers from the newer cache when its own server was away', async () => {
    const story = storied()
    await story.verify()
    let second = ''
    let meanwhile: Promise<unknown> | undefined
    const fetchMetadata = async () => {
      if (second === '') second = publish(story, 'second')
      meanwhile ??= another(story)
      await meanwhile
      throw new UnavailableError('ERR_SERVER_UNREACHABLE', 'gone')
    }
    const stale = await story.verify('alpine:3.19', { transport: { fetchMetadata, close: () => Promise.resolve() } })
    expect(stale).toMatchObject({ digest: second, freshness: 'stale' })
  })

  test('does not ask again when the other accepted the same set', async () => {
    const story = storied()
    await story.verify()
    const digest = publish(story, 'second')
    hold(story, () => another(story))
    story.requests()
    expect(await story.verify()).toMatchObject({ digest })
    expect(story.requests().filter((name) => name === 'timestamp')).toHaveLength(1)
  })
})
