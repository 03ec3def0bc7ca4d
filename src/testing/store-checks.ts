/** What a `MetadataStore` has to do, as checks that any test runner can call. A store that passes them keeps no answer older than it should. */
import { sameBytes, utf8, utf8Text } from '../bytes.js'
import type { CacheChanges, CachedCollection, MetadataStore } from '../cache/metadata-store.js'

/** One check. */
export interface StoreCheck {
  /** What the store has to do, as the title of a test. */
  readonly title: string
  /** Rejects with an Error that says what the store did instead. `createStore` gives an empty store each time. */
  readonly run: (createStore: () => MetadataStore | Promise<MetadataStore>) => Promise<void>
}

const GUN = 'registry.example/team/app'

/** Names that lie close together, or that an object would answer for by itself. */
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

/** Commits at once from one revision. */
const WRITERS = 12

const ROLES = ['root', 'timestamp', 'snapshot', 'targets', 'targets/releases', 'targets/constructor', 'targets/a/b']

/** Every check. Call each with a function that makes an empty store. */
export const STORE_CHECKS: readonly StoreCheck[] = [
  {
    title: 'says that nothing is kept of a collection that was never written',
    async run(createStore) {
      const store = await createStore()
      await expectKept(store, GUN, undefined)
      expectSame(await store.list(), [], 'list() of an empty store')
      expectSame(await store.forget(GUN), false, 'forget() of what is not kept')
    },
  },
  {
    title: 'gives back what was written, every byte and every role',
    async run(createStore) {
      const store = await createStore()
      await write(store, GUN, changes('one'), undefined)
      await expectKept(store, GUN, changes('one'))
    },
  },
  {
    title: 'leaves the files alone that a commit does not name',
    async run(createStore) {
      const store = await createStore()
      const revision = await write(store, GUN, changes('one'), undefined)
      await write(store, GUN, changes('two', ['timestamp']), revision)
      const metadata = new Map([...changes('one').metadata, ...changes('two', ['timestamp']).metadata])
      await expectKept(store, GUN, { metadata, floors: changes('two').floors })
    },
  },
  {
    title: 'writes nothing on a revision that is past, or on none where there is one',
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
    title: 'gives every commit a revision that never comes back, though the content is the same',
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
    title: 'lets one of many writers through that began at the same revision',
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
    title: 'forgets a collection as a whole, and no other',
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
    title: 'keeps collections apart, whatever their names, and lists them in ascending order',
    async run(createStore) {
      const store = await createStore()
      for (const gun of ODD_NAMES) await write(store, gun, changes(gun), undefined)
      for (const gun of ODD_NAMES) await expectKept(store, gun, changes(gun))
      expectSame(await store.list(), [...ODD_NAMES].sort(), 'list()')
    },
  },
  {
    title: 'has maps of its own: what a caller does with those it gave or got changes nothing',
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

/** `revision(gun)` is a shorter way to the same. */
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
