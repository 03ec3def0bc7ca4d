import { describe, expect, test } from 'vitest'
import { type MetadataStore, type TrustClientOptions, verifyTag } from '../../../src/index.js'
import { createTrustCollection } from '../../../src/testing/index.js'
import { bytesOf, codeAndRole, comparable, GUN, type MutableCollection, refusalOf, Story, storeWith, text } from '../story.js'

const RELEASES = 'targets/releases'

/** A client with a full cache, of which `change` spoils something. */
async function spoiled(
  change: (kept: MutableCollection) => void,
): Promise<{ story: Story; store: MetadataStore; answer(more?: TrustClientOptions): ReturnType<Story['verify']> }> {
  const story = new Story()
  story.collection.delegate(RELEASES).sign('3.20', 'x', { role: RELEASES })
  story.collection.publish()
  await story.verify()
  const store = await storeWith(change, story.store)
  return { story, store, answer: (more) => story.verify('alpine:3.20', { store, ...more }) }
}

describe('a cached file that is spoiled is fetched again', () => {
  const REPAIRED = [expect.objectContaining({ code: 'WARN_CACHE_REPAIRED' })]
  const spoilings: [string, (bytes: Uint8Array) => Uint8Array][] = [
    ['empty', () => bytesOf('')],
    ['cut off', (bytes) => bytes.subarray(0, 100)],
    ['garbage', () => bytesOf('\0\0\0')],
    ['JSON of something else', () => bytesOf('{"a":1}')],
    ['one bit off', (bytes) => bytes.map((byte, index) => (index === 200 ? byte ^ 1 : byte))],
  ]
  test.each(
    ['timestamp', 'snapshot', 'targets', RELEASES].flatMap((role) =>
      spoilings.map(([how, change]) => [role, how, change] as const),
    ),
  )('%s, %s (CACHE-03)', async (role, _, change) => {
    const { story, store, answer } = await spoiled(({ metadata }) =>
      metadata.set(role, change(metadata.get(role) ?? bytesOf(''))),
    )
    expect(await answer()).toMatchObject({ rootTrust: 'cached-root', freshness: 'fresh' })
    expect(comparable(await store.read(GUN))).toEqual(await story.kept())
  })

  test.each(
    ['timestamp', 'snapshot', 'targets', RELEASES].flatMap((role) =>
      ['', '\0\0\0', '{"a":1}', '{"signed":'].map((bytes) => [role, bytes] as const),
    ),
  )('with a warning, once: %s is %j', async (role, bytes) => {
    const { answer } = await spoiled(({ metadata }) => metadata.set(role, bytesOf(bytes)))
    expect((await answer()).warnings).toEqual(REPAIRED)
    expect((await answer()).warnings).toEqual([])
  })

  test('or missing', async () => {
    const { story, store, answer } = await spoiled(({ metadata }) => {
      for (const role of ['timestamp', 'snapshot', 'targets', RELEASES]) metadata.delete(role)
    })
    expect((await answer()).status).toBe('trusted')
    expect(comparable(await store.read(GUN))).toEqual(await story.kept())
  })

  test('or unreadable', async () => {
    const { answer } = await spoiled(({ metadata, unreadable }) => {
      metadata.delete('targets')
      unreadable.set('targets', 'EACCES: permission denied')
    })
    expect(await answer()).toMatchObject({ status: 'trusted', warnings: REPAIRED })
  })

  test('written otherwise it is fetched again too: the bytes count (CACHE-33)', async () => {
    const { story, answer } = await spoiled(({ metadata }) =>
      metadata.set('targets', bytesOf(`${text(metadata.get('targets') ?? bytesOf(''))} `)),
    )
    story.requests()
    await answer()
    expect(story.requests().some((name) => name.startsWith('targets.'))).toBe(true)
  })
})

describe('a cached root that cannot be relied on is never replaced', () => {
  const hint = `dct cache forget ${GUN}`

  test.each<[string, (kept: MutableCollection) => void]>([
    ['empty', ({ metadata }) => metadata.set('root', bytesOf(''))],
    ['garbage (ROOT-36)', ({ metadata }) => metadata.set('root', bytesOf('garbage'))],
    ['cut off', ({ metadata }) => metadata.set('root', (metadata.get('root') ?? bytesOf('')).subarray(0, -2))],
    [
      'changed',
      ({ metadata }) =>
        metadata.set('root', bytesOf(text(metadata.get('root') ?? bytesOf('')).replace('"version":1', '"version":2'))),
    ],
    [
      'unreadable (CACHE-04)',
      ({ metadata, unreadable }) => {
        metadata.delete('root')
        unreadable.set('root', 'EIO: i/o error')
      },
    ],
    ['gone, though the floors are there (ROOT-37, CACHE-02)', ({ metadata }) => metadata.delete('root')],
    ['gone with everything but the floors', ({ metadata }) => metadata.clear()],
    [
      'gone, and the floors unreadable',
      (kept) => {
        kept.metadata.clear()
        delete kept.floors
        kept.floorsUnreadable = 'EACCES'
      },
    ],
  ])('when it is %s', async (_, change) => {
    const { story, store, answer } = await spoiled(change)
    story.requests()
    const before = comparable(await store.read(GUN))
    for (const offline of [false, true]) {
      const refusal = await refusalOf(answer({ offline }))
      expect(refusal).toMatchObject({ code: 'ERR_CACHE', kind: 'unavailable', role: 'root' })
      expect(refusal.hint).toContain(hint)
    }
    expect(story.requests()).toEqual([])
    expect(comparable(await store.read(GUN))).toEqual(before)
  })

  test('nothing at all there is a first use', async () => {
    const { answer } = await spoiled((kept) => {
      kept.metadata.clear()
      delete kept.floors
    })
    expect((await answer()).rootTrust).toBe('first-use')
  })

  test('of another collection it names nothing here (ROOT-38, CACHE-18)', async () => {
    const nginx = createTrustCollection('docker.io/library/nginx')
    nginx.sign('3.20', 'x')
    nginx.publish()
    const { answer } = await spoiled(({ metadata }) => {
      for (const role of ['root', 'timestamp', 'snapshot', 'targets']) metadata.set(role, nginx.served(role) ?? bytesOf(''))
    })
    expect((await refusalOf(answer())).kind).toBe('untrusted')
    expect((await refusalOf(answer({ offline: true }))).kind).toBe('untrusted')
  })

  test('replaced by a forged one, it is told apart from the one accepted before', async () => {
    const anew = createTrustCollection(GUN, { seed: 'anew' })
    anew.sign('3.20', 'evil')
    anew.publish()
    const { answer } = await spoiled(({ metadata }) => {
      for (const role of ['root', 'timestamp', 'snapshot', 'targets']) metadata.set(role, anew.served(role) ?? bytesOf(''))
    })
    for (const more of [{}, { offline: true }, { transport: anew.transport() }])
      expect(codeAndRole(await refusalOf(answer(more)))).toEqual({ code: 'ERR_ROOT_ROTATION', role: 'root' })
  })
})

describe('version floors', () => {
  test.each<[string, (kept: MutableCollection) => void]>([
    ['garbage', (kept) => void Object.assign(kept, { floors: bytesOf('garbage') })],
    ['empty', (kept) => void Object.assign(kept, { floors: bytesOf('') })],
    [
      'of another collection (CACHE-18)',
      (kept) => void Object.assign(kept, { floors: bytesOf('{"format":1,"gun":"docker.io/library/nginx","roles":[]}') }),
    ],
    [
      'of a format that is not known',
      (kept) => void Object.assign(kept, { floors: bytesOf(`{"format":99,"gun":"${GUN}","roles":[]}`) }),
    ],
    [
      'unreadable',
      (kept) => {
        delete kept.floors
        kept.floorsUnreadable = 'EACCES'
      },
    ],
  ])('that are %s are rebuilt from the verified cache, with a warning', async (_, change) => {
    const { story, store, answer } = await spoiled(change)
    const { warnings } = await answer()
    expect(warnings.map(({ code }) => code)).toEqual(['WARN_CACHE_REPAIRED'])
    expect(comparable(await store.read(GUN))).toEqual(await story.kept())
    expect((await answer()).warnings).toEqual([])
  })

  test('that are garbage do not open the way for an older version', async () => {
    for (const role of ['timestamp', 'snapshot', 'targets', RELEASES]) {
      const { story, answer } = await spoiled((kept) => void Object.assign(kept, { floors: bytesOf('garbage') }))
      story.collection.sign('3.30', 'y')
      story.collection.sign('3.30', 'y', { role: RELEASES })
      story.collection.publish()
      await answer()
      story.collection.setVersion(role, 1).publish()
      expect(codeAndRole(await refusalOf(answer()))).toEqual({ code: 'ERR_VERSION_ROLLBACK', role })
    }
  })

  test('that were set far too high make the collection fail until it is forgotten (CACHE-32)', async () => {
    const { story, store, answer } = await spoiled((kept) => {
      kept.floors = bytesOf(text(kept.floors ?? bytesOf('')).replace(/("role": "timestamp",\s*"version": )\d+/, '$19000000'))
    })
    expect((await refusalOf(answer())).code).toBe('ERR_VERSION_ROLLBACK')
    expect(await store.list()).toEqual([GUN])
    expect(await story.store.forget(GUN)).toBe(true)
    expect((await story.verify()).rootTrust).toBe('first-use')
  })
})

describe('a cache that cannot be written', () => {
  const readOnly = (store: MetadataStore): MetadataStore => ({
    ...store,
    commit: () => Promise.reject(Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' })),
  })

  test('is a warning, and the answer is given (CACHE-14)', async () => {
    const story = new Story()
    const { status, warnings } = await story.verify('alpine:3.19', { store: readOnly(story.store) })
    expect(status).toBe('trusted')
    expect(warnings).toContainEqual({ code: 'WARN_CACHE_UNWRITABLE', message: expect.stringContaining('EROFS') })
    expect(await story.store.list()).toEqual([])
  })

  test('is no warning when there is nothing to be written', async () => {
    const story = new Story()
    await story.verify()
    expect((await story.verify('alpine:3.19', { store: readOnly(story.store) })).warnings).toEqual([])
  })

  test('or read at all is an error', async () => {
    const story = new Story()
    const store = { ...story.store, read: () => Promise.reject(new Error('EIO: i/o error')) }
    expect(await refusalOf(story.verify('alpine:3.19', { store }))).toMatchObject({ code: 'ERR_CACHE', kind: 'unavailable' })
    expect(story.requests()).toEqual([])
  })
})

describe('a refusal', () => {
  test('of a store that Docker wrote, without floors, leaves it so', async () => {
    const { story, store, answer } = await spoiled((kept) => void delete kept.floors)
    const before = comparable(await store.read(GUN))
    story.collection.setVersion('timestamp', 1).touchTimestamp()
    await refusalOf(answer())
    expect(comparable(await store.read(GUN))).toEqual(before)
  })

  test('never carries a digest', async () => {
    const story = new Story()
    story.collection.tamper('targets', { after: (envelope) => void Object.assign(envelope, { signatures: [] }) }).publish()
    const refusal = await refusalOf(verifyTag('alpine:3.19', story.options))
    expect(JSON.stringify(refusal.toJSON())).not.toContain('sha256:')
  })
})

test('a newer set that another process wrote meanwhile is not replaced by an older one (CACHE-12)', async () => {
  const story = new Story()
  await story.verify()
  story.collection.sign('3.19', 'second')
  story.collection.publish()
  const slow = story.collection.transport()
  slow.faults.set('timestamp', story.collection.served('timestamp') ?? 'missing')
  story.collection.sign('3.19', 'third')
  story.collection.publish()
  // The slow one reads the cache and gets the second set; before it is done, the other one has kept the third.
  slow.faults.set('targets', async (bytes) => {
    await story.verify()
    expect((await story.floors())['timestamp']).toBe(3)
    return bytes
  })
  await story.verify('alpine:3.19', { transport: slow }).catch(() => undefined)
  expect(await story.floors()).toEqual({ root: 1, timestamp: 3, snapshot: 3, targets: 3 })
  expect(await story.keptVersions()).toEqual({ root: 1, timestamp: 3, snapshot: 3, targets: 3 })
})

test('half a write, whichever half, is healed by the next run (CACHE-10, CACHE-11)', async () => {
  const story = new Story()
  story.collection.delegate(RELEASES).sign('3.20', 'x', { role: RELEASES })
  story.collection.publish()
  await story.verify()
  const before = await story.store.read(GUN)
  story.collection.rotateRoot().rotateKey('timestamp').rotateKey('targets')
  const digest = story.collection.sign('3.20', 'y', { role: RELEASES })
  story.collection.publish()
  await story.verify()
  const after = await story.store.read(GUN)
  const parts = ['root', 'timestamp', 'snapshot', 'targets', RELEASES, 'floors']
  for (let written = 0; written < 2 ** parts.length; written++) {
    const isNew = (part: string) => (written & (1 << parts.indexOf(part))) !== 0
    const store = await storeWith((kept) => {
      for (const [role, bytes] of before.metadata) if (!isNew(role)) kept.metadata.set(role, bytes)
      if (!isNew('floors') && before.floors !== undefined) kept.floors = before.floors
    }, story.store)
    const names = parts.filter(isNew).join(' ')
    // Floors are written last of all; floors of a root that is not there are somebody's doing.
    if (isNew('floors') && !isNew('root')) continue
    expect((await story.verify('alpine:3.20', { store })).digest, names).toBe(digest)
    expect(comparable(await store.read(GUN)), names).toEqual(comparable(after))
  }
})
