/** One cache with several writers: other processes, servers and collections, and an attacker who restores an old state. */
import { chmod, cp, lstat, mkdtemp, rename as move, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createFileStore } from '../../src/cache/file-store.js'
import { putInPlace, writeBeside } from '../../src/cache/safe-file.js'
import { readSettings } from '../../src/client/settings/settings.js'
import { createMemoryStore, createTrustClient, type MetadataStore } from '../../src/index.js'
import { createSimulatedTransport, createTrustCollection } from '../../src/testing/index.js'
import { GUN, refusalOf, Story, storeWith, versionOf } from '../client/story.js'

let folder: string
let trust: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-whose-'))
  trust = join(folder, 'trust')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** A store that calls a function right before the next commit. */
function interposed(inner: MetadataStore, happens: () => Promise<unknown>): MetadataStore {
  let next: (() => Promise<unknown>) | undefined = happens
  return {
    read: (gun) => inner.read(gun),
    async commit(...what) {
      const now = next
      next = undefined
      await now?.()
      return inner.commit(...what)
    },
    forget: (gun) => inner.forget(gun),
    list: () => inner.list(),
  }
}

describe.each([
  ['in memory', () => createMemoryStore()],
  ['on disk', () => createFileStore(trust)],
])('another process, %s,', (_, createStore) => {
  test('that pinned another root first keeps it, and the second process is refused (CACHE-13)', async () => {
    const story = new Story({}, { store: createStore() })
    const anew = createTrustCollection(GUN, { seed: 'anew' })
    anew.sign('3.19', 'evil')
    anew.publish()
    const kept = () => story.keptVersions()
    const store = interposed(story.store, () => story.verify())
    expect(await refusalOf(story.verify('alpine:3.19', { store, transport: anew.transport() }))).toMatchObject({
      code: 'ERR_ROOT_ROTATION',
    })
    expect(await kept()).toMatchObject({ root: 1 })
    expect(await story.verify()).toMatchObject({ rootTrust: 'cached-root' })
  })

  test.each([
    ['rejects', () => Promise.reject(new Error('the transaction failed'))],
    ['returns an invalid outcome', () => Promise.resolve(JSON.parse('null'))],
  ])(
    'that pinned another root first keeps it, when a store %s instead of reporting the conflict (CACHE-13)',
    async (_how, handle) => {
      const story = new Story({}, { store: createStore() })
      const anew = createTrustCollection(GUN, { seed: 'anew' })
      anew.sign('3.19', 'evil')
      anew.publish()
      const inner = interposed(story.store, () => story.verify())
      const store: MetadataStore = {
        ...inner,
        commit: async (...what) => {
          const outcome = await inner.commit(...what)
          return outcome === 'conflict' ? handle() : outcome
        },
      }
      expect(await refusalOf(story.verify('alpine:3.19', { store, transport: anew.transport() }))).toMatchObject({
        code: 'ERR_ROOT_ROTATION',
      })
    },
  )

  test('that pinned the previous root on first use is compatible with the newer root (CACHE-13)', async () => {
    const story = new Story({}, { store: createStore() })
    const older = story.replay()
    story.collection.rotateRoot().publish()
    const store = interposed(story.store, async () => {
      const slow = new Story()
      slow.serve(older).transport.faults.set('*', 'missing')
      await slow.verify('alpine:3.19', { store: story.store })
    })
    expect(await story.verify('alpine:3.19', { store })).toMatchObject({ rootTrust: 'cached-root' })
    expect(await story.keptVersions()).toMatchObject({ root: 2, timestamp: 2 })
  })

  test('that forgot the collection meanwhile does not find half of it afterwards', async () => {
    const story = new Story({}, { store: createStore() })
    await story.verify()
    story.collection.sign('3.20', 'x')
    story.collection.publish()
    const store = interposed(story.store, () => story.store.forget(GUN))
    expect(await story.verify('alpine:3.20', { store })).toMatchObject({ rootTrust: 'first-use' })
    expect(await story.verify('alpine:3.20', { offline: true })).toMatchObject({ rootTrust: 'cached-root' })
  })

  test('such as Docker, which writes no floors, keeps its newer files (CACHE-12)', async () => {
    const story = new Story({}, { store: createStore() })
    await story.verify()
    story.collection.sign('3.19', 'second')
    story.collection.publish()
    const slow = story.collection.transport({ faults: { timestamp: story.collection.served('timestamp') ?? 'missing' } })
    story.collection.sign('3.19', 'third')
    story.collection.publish()
    const { floors = new Uint8Array(), revision } = await story.store.read(GUN)
    const docker = async () => {
      const metadata = new Map(
        ['timestamp', 'snapshot', 'targets'].map((role) => [role, story.collection.served(role) ?? floors]),
      )
      await story.store.commit(GUN, { metadata, floors }, revision)
    }
    const lagging = story.verify('alpine:3.19', { store: interposed(story.store, docker), transport: slow })
    expect(await refusalOf(lagging)).toMatchObject({ code: 'ERR_VERSION_ROLLBACK', role: 'timestamp' })
    expect(await story.keptVersions()).toEqual({ root: 1, timestamp: 3, snapshot: 3, targets: 3 })
  })

  test('that wrote a newer snapshot makes the client verify again (CACHE-12)', async () => {
    const story = new Story({}, { store: createStore() })
    await story.verify()
    story.collection.setVersion('timestamp', 9).touchTimestamp()
    const split = story.collection.transport({ faults: { timestamp: story.collection.served('timestamp') ?? 'missing' } })
    story.collection.setVersion('timestamp', 2).sign('3.19', 'second')
    story.collection.publish()
    const store = interposed(story.store, () => story.verify())
    const refusal = await refusalOf(story.verify('alpine:3.19', { store, transport: split }))
    expect(refusal).toMatchObject({ code: 'ERR_VERSION_ROLLBACK', role: 'snapshot' })
    expect((await story.floors())['snapshot']).toBe(2)
  })
})

describe('a cached timestamp', () => {
  test('newer than that of the server: the server is refused (CACHE-15)', async () => {
    const story = new Story()
    const older = story.replay()
    story.collection.touchTimestamp()
    await story.verify()
    expect(await story.serve(older).refused()).toMatchObject({ code: 'ERR_VERSION_ROLLBACK', role: 'timestamp' })
  })

  test('is used with a warning when the server cannot be reached, until it expires (CACHE-16)', async () => {
    const story = new Story()
    await story.verify()
    story.transport.faults.set('*', 'unreachable')
    const { freshness, warnings } = await story.verify()
    expect(freshness).toBe('stale')
    expect(warnings.map(({ code }) => code)).toEqual(['WARN_STALE_TIMESTAMP'])
    story.now = new Date(story.now.getTime() + 15 * 86_400_000)
    expect((await story.refused()).code).toBe('ERR_METADATA_EXPIRED')
  })

  test('is not used for another server that cannot be reached (CACHE-19)', async () => {
    const story = new Story()
    await story.verify()
    story.transport.faults.set('*', 'unreachable')
    expect((await story.refused('alpine:3.19', { server: 'https://other.example' })).code).toBe('ERR_SERVER_UNREACHABLE')
    expect((await story.refused('alpine:3.19', { server: 'https://other.example', offline: true })).code).toBe('ERR_OFFLINE')
  })

  test('is not used for another collection in the same store and client (CACHE-38)', async () => {
    const names = ['registry.example/team/app', 'other.example/team/app']
    const collections = names.map((name) => createTrustCollection(name))
    const digests = collections.map((collection) => collection.sign('1.0', collection.gun))
    for (const collection of collections) collection.publish()
    const { transport: _, ...options } = new Story().options
    const client = createTrustClient({ ...options, transport: createSimulatedTransport(collections) })
    const results = await Promise.all([...names, ...names].map((name) => client.verifyTag(`${name}:1.0`)))
    expect(results.map((result) => ('digest' in result ? result.digest : ''))).toEqual([...digests, ...digests])
    await client.close()
  })
})

describe('a cache on disk', () => {
  const onDisk = () => new Story({}, { store: createFileStore(trust) })

  test('that was restored to an old state gives the old answer offline, and no server can use that (CACHE-31)', async () => {
    const story = onDisk()
    const { digest } = await story.verify()
    await cp(trust, join(folder, 'before'), { recursive: true })
    const newer = story.collection.sign('3.19', 'newer')
    story.collection.publish()
    await story.verify()
    await rm(trust, { recursive: true })
    await move(join(folder, 'before'), trust)
    expect((await story.verify('alpine:3.19', { offline: true })).digest).toBe(digest)
    expect((await story.verify()).digest).toBe(newer)
  })

  test.each([0, 4_000_000_000])('gives the same result for files of any age: %i (CACHE-36)', async (seconds) => {
    const story = onDisk()
    const { digest } = await story.verify()
    for (const entry of await readdir(trust, { recursive: true })) await utimes(join(trust, entry), seconds, seconds)
    expect(await story.verify('alpine:3.19', { offline: true })).toMatchObject({ digest, freshness: 'offline' })
    expect(await story.verify()).toMatchObject({ digest, freshness: 'fresh' })
    expect(versionOf((await story.store.read(GUN)).metadata.get('timestamp') ?? new Uint8Array())).toBe(1)
  })

  test('whose path is too long for the system gives a warning, and verification succeeds (CACHE-26)', async () => {
    const store = createFileStore(join(folder, ...Array.from({ length: 17 }, () => 'x'.repeat(250))))
    const { rootTrust, warnings } = await new Story({}, { store }).verify()
    expect(rootTrust).toBe('first-use')
    expect(warnings.map(({ code }) => code)).toContain('WARN_CACHE_UNWRITABLE')
  })

  test.skipIf(process.platform === 'win32')(
    'that other users may write to is used, because all of it is verified again (CACHE-29)',
    async () => {
      const story = onDisk()
      await story.verify()
      await chmod(trust, 0o777)
      expect(await story.verify()).toMatchObject({ freshness: 'fresh', warnings: [] })
      expect((await lstat(trust)).mode & 0o777).toBe(0o777)
      const spoiled = await storeWith(({ metadata }) => metadata.set('root', new Uint8Array()), story.store)
      expect((await refusalOf(story.verify('alpine:3.19', { store: spoiled }))).code).toBe('ERR_CACHE')
    },
  )

  test('without HOME is in the home folder of the user, and a relative HOME gives one place (CACHE-30)', async () => {
    expect((await readSettings({ env: {} })).dockerConfig).toBe(join(userInfo().homedir, '.docker'))
    for (const env of [{ HOME: 'relative', USERPROFILE: 'relative' }, { DOCKER_CONFIG: 'relative' }])
      expect(isAbsolute((await readSettings({ env })).dockerConfig ?? '')).toBe(true)
  })
})

describe('on Windows', () => {
  test('a file that another process has open is replaced when it is closed; on other systems the error is final (CACHE-34)', async () => {
    const ready = await writeBeside(folder, 'file', new Uint8Array([1]))
    await rm(ready.temporary)
    const renames = vi.fn(async () => {
      if (renames.mock.calls.length < 4) throw Object.assign(new Error('EPERM'), { code: 'EPERM' })
    })
    await putInPlace(ready, renames, 'win32')
    expect(renames).toHaveBeenCalledTimes(4)
    renames.mockClear()
    await expect(putInPlace(ready, renames, 'linux')).rejects.toThrow('EPERM')
    expect(renames).toHaveBeenCalledTimes(1)
    const never = vi.fn(() => Promise.reject(Object.assign(new Error('EBUSY'), { code: 'EBUSY' })))
    await expect(putInPlace(ready, never, 'win32')).rejects.toThrow('EBUSY')
    expect(never.mock.calls.length).toBeLessThanOrEqual(10)
  })
})
