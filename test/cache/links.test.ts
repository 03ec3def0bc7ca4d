/** Links and other objects in place of files and folders of the cache: nothing is read or written through them. */
import { execFileSync } from 'node:child_process'
import { lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createFileStore } from '../../src/cache/file-store.js'
import { GUN, refusalOf, Story } from '../client/story.js'

const RELEASES = 'targets/releases'
let folder: string
let trust: string
let story: Story

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-links-'))
  trust = join(folder, 'trust')
  story = new Story()
  story.collection.delegate(RELEASES).sign('3.20', 'x', { role: RELEASES })
  story.collection.publish()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const verify = (more = {}) => story.verify('alpine:3.20', { store: createFileStore(trust), ...more })
const codes = async () => (await verify()).warnings.map(({ code }) => code).filter((code) => code !== 'WARN_FIRST_USE')
const file = (role: string) => join(trust, 'tuf', GUN, 'metadata', `${role}.json`)
const own = (suffix: string) => join(trust, 'dct', `docker.io%2flibrary%2falpine.${suffix}`)

/** Moves a folder of the cache elsewhere and links it. */
async function linkAway(path: string): Promise<string> {
  const elsewhere = join(folder, 'elsewhere')
  await rename(path, elsewhere)
  await symlink(elsewhere, path)
  return elsewhere
}

/** All files below a folder, with their content. */
async function contents(path: string): Promise<Record<string, string>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Object.fromEntries(await Promise.all(files.map(async (name) => [name, await readFile(name, 'utf8')] as const)))
}

describe.skipIf(process.platform === 'win32')('a folder that is a symbolic link', () => {
  test.each(['tuf', 'tuf/docker.io', 'tuf/docker.io/library/alpine', 'tuf/docker.io/library/alpine/metadata'])(
    'is not followed to a root: %s (CACHE-07)',
    async (inner) => {
      await verify()
      const elsewhere = await linkAway(join(trust, inner))
      const before = await contents(elsewhere)
      story.collection.sign('3.21', 'y')
      story.collection.publish()
      expect(await refusalOf(verify())).toMatchObject({ code: 'ERR_CACHE', role: 'root' })
      expect((await refusalOf(verify())).message).toContain('the path leads through a symbolic link')
      expect(await contents(elsewhere)).toEqual(before)
    },
  )

  test.each(['tuf', 'tuf/docker.io'])('is not written through on a first use: %s (CACHE-07)', async (inner) => {
    const victim = join(folder, 'victim')
    await mkdir(victim)
    await mkdir(dirname(join(trust, inner)), { recursive: true })
    await symlink(victim, join(trust, inner))
    expect(await codes()).toEqual(['WARN_CACHE_UNWRITABLE'])
    expect(await readdir(victim)).toEqual([])
  })

  test('to a folder of delegations is not read, and no file is written through it (CACHE-07)', async () => {
    await verify()
    const elsewhere = await linkAway(dirname(file(RELEASES)))
    const before = await contents(elsewhere)
    story.collection.sign('3.21', 'y', { role: RELEASES })
    story.collection.publish()
    expect(await codes()).toEqual(['WARN_CACHE_REPAIRED', 'WARN_CACHE_UNWRITABLE'])
    expect(await contents(elsewhere)).toEqual(before)
  })

  test('to the folder of floors: they are rebuilt from the files, with a warning, and not written through it (CACHE-07)', async () => {
    await verify()
    const elsewhere = await linkAway(join(trust, 'dct'))
    const before = await contents(elsewhere)
    expect(await codes()).toEqual(['WARN_CACHE_REPAIRED', 'WARN_CACHE_UNWRITABLE'])
    expect(await contents(elsewhere)).toEqual(before)
    story.collection.setVersion(RELEASES, 1).sign('3.20', 'older', { role: RELEASES })
    story.collection.publish()
    expect((await refusalOf(verify())).kind).toBe('untrusted')
  })

  test('keeps its target when the collection is forgotten', async () => {
    await verify()
    const elsewhere = await linkAway(join(trust, 'tuf', 'docker.io'))
    const before = await contents(elsewhere)
    await expect(createFileStore(trust).forget(GUN)).rejects.toThrow('the path leads through a symbolic link')
    expect(await contents(elsewhere)).toEqual(before)
  })

  test('may be the trust directory itself, since its owner made it (CACHE-07)', async () => {
    await mkdir(join(folder, 'elsewhere', 'trust'), { recursive: true })
    await symlink(join(folder, 'elsewhere', 'trust'), trust)
    expect(await codes()).toEqual([])
    expect(await verify({ offline: true })).toMatchObject({ freshness: 'offline' })
    expect(await readdir(join(folder, 'elsewhere', 'trust'))).toEqual(['dct', 'tuf'])
    expect(await createFileStore(trust).list()).toEqual([GUN])
  })
})

describe('an object that is not a regular file', () => {
  const kinds: [string, (path: string) => Promise<unknown>][] = [
    ['a folder', (path) => mkdir(join(path, 'precious'), { recursive: true })],
    ...(process.platform === 'win32'
      ? []
      : ([
          ['a pipe', async (path) => execFileSync('mkfifo', [path])],
          ['a link to nowhere', (path) => symlink(join(folder, 'nowhere'), path)],
          ['a link to a file', (path) => symlink(join(folder, 'victim'), path)],
        ] satisfies typeof kinds)),
  ]

  test.each(kinds)('in place of the lock gives a warning at once, and is kept: %s', async (_, make) => {
    await writeFile(join(folder, 'victim'), 'precious')
    await verify()
    await make(own('lock'))
    story.collection.sign('3.21', 'y')
    story.collection.publish()
    const start = performance.now()
    expect(await codes()).toEqual(['WARN_CACHE_UNWRITABLE'])
    expect(performance.now() - start).toBeLessThan(9000)
    expect((await lstat(own('lock'))).isFile()).toBe(false)
    expect(await readFile(join(folder, 'victim'), 'utf8')).toBe('precious')
  })

  test.each(kinds)('in place of the journal gives a warning, and is not overwritten: %s', async (_, make) => {
    await writeFile(join(folder, 'victim'), 'precious')
    await verify()
    await make(own('journal'))
    story.collection.sign('3.21', 'y')
    story.collection.publish()
    expect(await codes()).toEqual(['WARN_CACHE_UNWRITABLE'])
    expect((await lstat(own('journal'))).isFile()).toBe(false)
    expect(await readFile(join(folder, 'victim'), 'utf8')).toBe('precious')
  })

  test.each(kinds)('in place of a root is refused, and is kept: %s (CACHE-02, CACHE-05, CACHE-06)', async (_, make) => {
    await writeFile(join(folder, 'victim'), 'precious')
    await verify()
    await rm(file('root'))
    await make(file('root'))
    expect(await refusalOf(verify())).toMatchObject({ code: 'ERR_CACHE', role: 'root' })
    expect((await lstat(file('root'))).isFile()).toBe(false)
    expect(await readFile(join(folder, 'victim'), 'utf8')).toBe('precious')
  })
})

describe('a file of 10 GB', () => {
  test.each(['timestamp', 'targets', RELEASES])('is not read but fetched again: %s (CACHE-09)', async (role) => {
    await verify()
    await truncate(file(role), 10 * 2 ** 30)
    expect((await verify()).freshness).toBe('fresh')
    expect((await lstat(file(role))).size).toBeLessThan(10_000)
  })

  test('is refused in place of the root (CACHE-09)', async () => {
    await verify()
    await truncate(file('root'), 10 * 2 ** 30)
    const refusal = await refusalOf(verify())
    expect(refusal).toMatchObject({ code: 'ERR_CACHE', role: 'root' })
    expect(refusal.message).toContain('has 10737418240 bytes, at most 67108864 are read')
  })

  test('is not read as floors, which are rebuilt (CACHE-09)', async () => {
    await verify()
    await truncate(own('json'), 10 * 2 ** 30)
    expect(await codes()).toEqual(['WARN_CACHE_REPAIRED'])
    expect(await codes()).toEqual([])
  })
})
