/** A disk that fails at each step of a commit: once, or at that and every later step, which has the same effect as a kill. */
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { createFileStore } from '../../src/cache/file-store.js'
import type { CacheChanges, MetadataStore } from '../../src/cache/metadata-store.js'
import { comparable, type Kept, refusalOf, Story } from '../client/story.js'
import { type Fault, FaultyDisk } from './faulty-disk.js'

const disk = vi.hoisted(() => ({ now: undefined as unknown }))
vi.mock('node:fs/promises', async (original) => {
  const { FaultyDisk } = await import('./faulty-disk.js')
  const faulty = new FaultyDisk()
  disk.now = faulty
  return faulty.wrap(await original())
})

const GUN = 'docker.io/library/alpine'
const ERRNOS = ['ENOSPC', 'EIO', 'EACCES', 'EROFS']
/** NIGHTLY=1 tries every error at every step; other runs try one error at each step, in turn. */
const EVERY_ERRNO = process.env['NIGHTLY'] !== undefined
/** A file system in memory, since these tests do not measure a disk. */
const PLACE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const LOCK = join('dct', 'docker.io%2flibrary%2falpine.lock')

let folder: string
let count = 0
beforeAll(async () => {
  folder = await mkdtemp(join(PLACE, 'dct-faults-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function faultyDisk(): FaultyDisk {
  if (!(disk.now instanceof FaultyDisk)) throw new Error('the disk is not wrapped')
  return disk.now
}

/** A new folder, copied from a template. */
async function folderLike(template: string | undefined): Promise<string> {
  const made = join(folder, `${++count}`)
  if (template !== undefined) await cp(template, made, { recursive: true })
  return made
}

/** Makes the lock of a failed writer old at once, since this process still runs. */
async function ageLock(trust: string): Promise<void> {
  const before = new Date(Date.now() - 60_000)
  await utimes(join(trust, LOCK), before, before).catch(() => undefined)
}

async function leftovers(trust: string): Promise<string[]> {
  return (await readdir(trust, { recursive: true })).filter((name) => /\.(tmp|lock|journal|turn)$/.test(name))
}

const roles = ['root', 'timestamp', 'snapshot', 'targets', 'targets/releases']
function changes(generation: string, changed = roles): CacheChanges {
  const metadata = new Map(changed.map((role) => [role, utf8(`${role} ${generation}`)]))
  return { metadata, floors: utf8(`floors ${generation}`) }
}

describe.each<[string, readonly string[] | undefined, string[]]>([
  ['the first commit', undefined, roles],
  ['a commit of some files', roles, ['timestamp', 'snapshot', 'targets/releases']],
  ['a commit of all files', roles, roles],
  ['a commit of one file', roles, ['timestamp']],
])('%s', (_, before, changed) => {
  let template: string | undefined
  let old: Kept
  let renewed: Kept
  let steps = 0
  beforeAll(async () => {
    const trust = await folderLike(undefined)
    if (before !== undefined) await createFileStore(trust).commit(GUN, changes('one', [...before]), undefined)
    old = comparable(await createFileStore(trust).read(GUN))
    template = before === undefined ? undefined : await folderLike(trust)
    const { revision } = await createFileStore(trust).read(GUN)
    await faultyDisk().during(() => createFileStore(trust).commit(GUN, changes('two', changed), revision))
    renewed = comparable(await createFileStore(trust).read(GUN))
    steps = faultyDisk().calls.length
  })

  test.each(['once', 'from there on'])(
    'with an error at any step, %s, leaves the old or the new files, and the next commit repairs them (CACHE-10, CACHE-14)',
    async (how) => {
      expect(steps).toBeGreaterThan(20)
      for (let at = 1; at <= steps; at++) {
        for (const errno of EVERY_ERRNO ? ERRNOS : ERRNOS.slice(at % ERRNOS.length).slice(0, 1))
          await tryStep({ at, errno, forever: how !== 'once' })
      }
    },
    EVERY_ERRNO ? 600_000 : 60_000,
  )

  async function tryStep(fault: Fault): Promise<void> {
    const where = JSON.stringify(fault)
    const trust = await folderLike(template)
    const store = createFileStore(trust)
    const { revision } = await store.read(GUN)
    const commit = () => store.commit(GUN, changes('two', changed), revision)
    const isWritten = await faultyDisk()
      .during(commit, fault)
      .then(
        () => true,
        () => false,
      )
    const kept = comparable(await store.read(GUN))
    if (isWritten) expect(kept, where).toEqual(renewed)
    else if (template === undefined && kept.files['root'] === undefined) expect(kept.floors, where).toBeUndefined()
    else if (kept.floors === old.floors) expect([old.files, renewed.files], where).toContainEqual(kept.files)
    else expect(kept, where).toEqual(renewed)
    // A writer removes its lock, except when the disk fails for good.
    if (!fault.forever) expect(existsSync(join(trust, LOCK)), where).toBe(false)
    await ageLock(trust)
    expect(await store.commit(GUN, changes('two', changed), (await store.read(GUN)).revision), where).toBe('written')
    expect(comparable(await store.read(GUN)), where).toEqual(renewed)
    expect(await leftovers(trust), where).toEqual([])
    await rm(trust, { recursive: true })
  }
})

describe('files are synced before they are renamed, and folders before the floors', () => {
  /** The calls that sync or rename, in order. */
  async function durable(trust: string, all: CacheChanges): Promise<string> {
    const { revision } = await createFileStore(trust).read(GUN)
    await faultyDisk().during(() => createFileStore(trust).commit(GUN, all, revision))
    return faultyDisk()
      .calls.filter((call) => call === 'sync' || call === 'rename')
      .join(' ')
      .replace(/(\b\w+)((?: \1)+)/g, (run, call) => `${call}*${run.split(' ').length}`)
  }

  test('on a first commit, with every new folder and without a journal; on a later one with a journal, unless it is one file', async () => {
    const trust = join(await folderLike(undefined), 'trust')
    // Five files and the floors; then metadata and targets, and the seven above that got a new folder.
    expect(await durable(trust, changes('one'))).toBe('sync*6 rename*5 sync*9 rename')
    expect(await durable(trust, changes('two', ['timestamp', 'snapshot']))).toBe('sync rename sync*4 rename*2 sync rename')
    expect(await durable(trust, changes('three', ['timestamp']))).toBe('sync*2 rename sync rename')
  })

  test('and nothing is written for an old revision', async () => {
    const store = createFileStore(await folderLike(undefined))
    await store.commit(GUN, changes('one'), undefined)
    const outcome = await faultyDisk().during(() => store.commit(GUN, changes('two'), undefined))
    expect(outcome).toBe('conflict')
    expect(faultyDisk().calls).not.toContain('rename')
    expect(comparable(await store.read(GUN)).floors).toBe('floors one')
  })
})

describe('a verification', () => {
  /** A store whose commit fails at one step. */
  function faulty(inner: MetadataStore, at: number, errno: string, forever: boolean): MetadataStore {
    return {
      read: (gun) => inner.read(gun),
      commit: (...what) => faultyDisk().during(() => inner.commit(...what), { at, errno, forever }),
      forget: (gun) => inner.forget(gun),
      list: () => inner.list(),
    }
  }

  test.each([true, false])(
    'succeeds when any step of its commit fails (and all later ones: %s); offline, the answer is the old or the new one; no floor is lost (CACHE-14)',
    async (forever) => {
      const story = new Story()
      story.collection.delegate('targets/releases')
      const first = story.collection.sign('3.20', 'first', { role: 'targets/releases' })
      story.collection.publish()
      const template = await folderLike(undefined)
      await story.verify('alpine:3.20', { store: createFileStore(template) })
      const older = story.replay()
      story.collection.rotateRoot().rotateKey('snapshot')
      const second = story.collection.sign('3.20', 'second', { role: 'targets/releases' })
      story.collection.publish()
      let steps = 100
      for (let at = 1; at <= steps; at++) {
        const trust = await folderLike(template)
        const store = createFileStore(trust)
        const errno = ERRNOS[at % ERRNOS.length] ?? ''
        const { digest, warnings } = await story.verify('alpine:3.20', { store: faulty(store, at, errno, forever) })
        if (faultyDisk().calls.length < at) steps = at
        const codes = warnings.map(({ code }) => code)
        expect(digest).toBe(second)
        const offline = await story.verify('alpine:3.20', { store: await copyOf(trust), offline: true })
        // Without a warning, the new files are on the disk.
        expect(codes.includes('WARN_CACHE_UNWRITABLE') ? [first, second] : [second], `step ${at}`).toContain(offline.digest)
        await ageLock(trust)
        const next = await story.verify('alpine:3.20', { store })
        expect(
          next.warnings.map(({ code }) => code),
          `step ${at}`,
        ).not.toContain('WARN_CACHE_UNWRITABLE')
        if (EVERY_ERRNO || at % 5 === 0) {
          story.serve(older)
          expect((await refusalOf(story.verify('alpine:3.20', { store }))).kind, `step ${at}`).toBe('untrusted')
          story.transport = story.collection.transport()
        }
        expect(await leftovers(trust), `step ${at}`).toEqual([])
        await rm(trust, { recursive: true })
      }
      expect(steps).toBeLessThan(100)
    },
    60_000,
  )

  async function copyOf(trust: string): Promise<MetadataStore> {
    const copy = await folderLike(trust)
    await ageLock(copy)
    return createFileStore(copy)
  }
})
