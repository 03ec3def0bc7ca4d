/** Checks of a `MetadataStore` that any test runner can call. A store that passes them does not lose or mix up commits. */
import { sameBytes, utf8, utf8Text } from '../bytes.js'
import type { CacheChanges, CachedCollection, MetadataStore } from '../cache/metadata-store.js'

/** One check. */
export interface StoreCheck {
  /** The required behaviour, as the title of a test. */
  readonly title: string
  /** Rejects with an Error that says what the store did instead. `createStore` must return an empty store each time. */
  readonly run: (createStore: () => MetadataStore | Promise<MetadataStore>) => Promise<void>
}

const GUN = 'registry.example/team/app'

/** Names that share parts of their paths, or that every object has as a property. */
const ODD_NAMES = [
  'a',
  'a/metadata',
  'a/metadata/root.json',
  'a/metadata/targets',
  'a/targets',
  'A',
  'localhost:5000/con/nul.x',
  'constructor',
  '__proto__/toString',
]

/** Concurrent commits from one revision. */
const WRITERS = 12

const ROLES = ['root', 'timestamp', 'snapshot', 'targets', 'targets/releases', 'targets/constructor', 'targets/a/b']

/** All checks. Call each with a function that makes an empty store. */
export const STORE_CHECKS: readonly StoreCheck[] = [
  {
    title: 'reports that nothing is kept of a collection that was never written',
    async run(createStore) {
      const store = await createStore()
      await expectKept(store, GUN, undefined)
      expectSame(await store.list(), [], 'list() of an empty store')
      expectSame(await store.forget(GUN), false, 'forget() of what is not kept')
    },
  },
  {
    title: 'returns every byte of every role that was written',
    async run(createStore) {
      const store = await createStore()
      await write(store, GUN, changes('one'), undefined)
      await expectKept(store, GUN, changes('one'))
    },
  },
  {
    title: 'keeps the files that a commit does not name',
    async run(createStore) {
      const store = await createStore()
      const revision = await write(store, GUN, changes('one'), undefined)
      await write(store, GUN, changes('two', ['timestamp']), revision)
      const metadata = new Map([...changes('one').metadata, ...changes('two', ['timestamp']).metadata])
      await expectKept(store, GUN, { metadata, floors: changes('two').floors })
    },
  },
  {
    title: 'writes nothing when the revision of a commit is old or missing',
    async run(createStore) {
      const store = await createStore()
      const first = await write(store, GUN, changes('one'), undefined)
      await write(store, GUN, changes('two'), first)
      for (const past of [first, undefined, 'a revision that never was']) {
        expectSame(await store.commit(GUN, changes('three'), past), 'conflict', `commit() on revision ${past}`)
        await expectKept(store, GUN, changes('two'))
      }
    },
  },
  {
    title: 'gives every commit a new revision, also for the same content',
    async run(createStore) {
      const store = await createStore()
      const seen = new Set<string>()
      let revision = await write(store, GUN, changes('one'), undefined)
      for (const content of ['one', 'two', 'one']) {
        seen.add(revision)
        revision = await write(store, GUN, changes(content), revision)
        if (seen.has(revision)) throw new Error(`revision ${revision} came back`)
      }
      await store.forget(GUN)
      seen.add(revision)
      revision = await write(store, GUN, changes('one'), undefined)
      if (seen.has(revision)) throw new Error(`revision ${revision} came back after forget()`)
    },
  },
  {
    title: 'accepts one of many concurrent commits from the same revision',
    async run(createStore) {
      const store = await createStore()
      for (const revision of [undefined, await revisionAfterFirst(store)]) {
        const gun = revision === undefined ? 'registry.example/new' : GUN
        const writers = Array.from({ length: WRITERS }, (_, number) => store.commit(gun, changes(`writer ${number}`), revision))
        const outcomes = await Promise.all(writers)
        const written = outcomes.flatMap((outcome, number) => (outcome === 'written' ? [number] : []))
        expectSame(written.length, 1, 'commits that were written')
        await expectKept(store, gun, changes(`writer ${written[0]}`))
      }
    },
  },
  {
    title: 'forgets a whole collection, and no other one',
    async run(createStore) {
      const store = await createStore()
      await write(store, GUN, changes('one'), undefined)
      await write(store, `${GUN}/more`, changes('two'), undefined)
      expectSame(await store.forget(GUN), true, 'forget() of what is kept')
      await expectKept(store, GUN, undefined)
      await expectKept(store, `${GUN}/more`, changes('two'))
      expectSame(await store.list(), [`${GUN}/more`], 'list()')
    },
  },
  {
    title: 'keeps collections with any names apart, and lists them in ascending order',
    async run(createStore) {
      const store = await createStore()
      for (const gun of ODD_NAMES) await write(store, gun, changes(gun), undefined)
      for (const gun of ODD_NAMES) await expectKept(store, gun, changes(gun))
      expectSame(await store.list(), [...ODD_NAMES].sort(), 'list()')
    },
  },
  {
    title: 'copies maps: changes of the caller to a map that it passed or received have no effect',
    async run(createStore) {
      const store = await createStore()
      const given = changes('one')
      const metadata = new Map(given.metadata)
      await write(store, GUN, { ...given, metadata }, undefined)
      metadata.clear()
      const { metadata: taken } = await store.read(GUN)
      if (taken instanceof Map) taken.clear()
      await expectKept(store, GUN, changes('one'))
    },
  },
]

function changes(content: string, roles: readonly string[] = ROLES): CacheChanges {
  return { metadata: new Map(roles.map((role) => [role, utf8(`${role} ${content} \0`)])), floors: utf8(`floors ${content}`) }
}

/** The revision after a commit that must be written. */
async function write(store: MetadataStore, gun: string, all: CacheChanges, revision: string | undefined): Promise<string> {
  expectSame(await store.commit(gun, all, revision), 'written', `commit() of ${gun} on revision ${revision}`)
  const { revision: after } = await store.read(gun)
  if (typeof after !== 'string') throw new Error(`read() of ${gun} gives no revision after a commit`)
  return after
}

function revisionAfterFirst(store: MetadataStore): Promise<string> {
  return write(store, GUN, changes('first'), undefined)
}

async function expectKept(store: MetadataStore, gun: string, kept: CacheChanges | undefined): Promise<void> {
  const found = await store.read(gun)
  const expected = kept ?? { metadata: new Map(), floors: undefined }
  expectSame([...found.metadata.keys()].sort(), [...expected.metadata.keys()].sort(), `the roles kept of ${gun}`)
  for (const [role, bytes] of expected.metadata) expectBytes(found.metadata.get(role), bytes, `${role} of ${gun}`)
  expectBytes(found.floors, expected.floors, `the floors of ${gun}`)
  expectSame(found.unreadable.size, 0, `unreadable files of ${gun}`)
  if (kept === undefined) expectSame(found.revision, undefined, `the revision of ${gun}`)
  await expectOneRevision(store, gun, found)
}

/** `revision(gun)` must give the same revision as `read(gun)`. */
async function expectOneRevision(store: MetadataStore, gun: string, found: CachedCollection): Promise<void> {
  if (store.revision !== undefined)
    expectSame(await store.revision(gun), found.revision, `revision() of ${gun}, as read() gives it`)
}

function expectBytes(found: Uint8Array | undefined, expected: Uint8Array | undefined, what: string): void {
  const isSame = found === undefined || expected === undefined ? found === expected : sameBytes(found, expected)
  if (!isSame) throw new Error(`${what}: expected ${shown(expected)}, got ${shown(found)}`)
}

function shown(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? 'nothing' : JSON.stringify(utf8Text(bytes) ?? [...bytes])
}

function expectSame(found: unknown, expected: unknown, what: string): void {
  const [got, wanted] = [found, expected].map((value) => JSON.stringify(value))
  if (got !== wanted) throw new Error(`${what}: expected ${wanted}, got ${got}`)
}
