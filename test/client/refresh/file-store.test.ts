import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type TrustClientOptions, type TrustedResult, verifyTag } from '../../../src/index.js'
import { createTrustCollection } from '../../../src/testing/index.js'
import { GUN, refusalOf, Story, text, versionOf } from '../story.js'

const RELEASES = 'targets/releases'
let folder: string
let trust: string
let story: Story

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-store-'))
  trust = join(folder, 'trust')
  story = new Story()
  story.collection.delegate(RELEASES).sign('3.20', 'x', { role: RELEASES })
  story.collection.publish()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function verify(more: TrustClientOptions = {}, reference = 'alpine:3.20'): Promise<TrustedResult> {
  const { store: _, ...options } = story.options
  const result = await verifyTag(reference, { ...options, trustDirectory: trust, ...more })
  if (result.status !== 'trusted') throw new Error(result.status)
  return result
}

const metadata = (role: string, gun = GUN) => join(trust, 'tuf', ...gun.split('/'), 'metadata', `${role}.json`)
const floorsFile = () => join(trust, 'dct', 'docker.io%2flibrary%2falpine.json')

async function tree(): Promise<string[]> {
  const entries = await readdir(trust, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(trust, join(entry.parentPath, entry.name)))
    .sort()
}

async function contents(): Promise<Record<string, string>> {
  const files = await tree()
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file, await readFile(join(trust, file), 'utf8')] as const)),
  )
}

describe('the cache on disk', () => {
  test("has Docker's layout, the bytes as served, and the floors beside it", async () => {
    await verify()
    const base = 'tuf/docker.io/library/alpine/metadata'
    expect(await tree()).toEqual(
      [
        'dct/docker.io%2flibrary%2falpine.json',
        ...['root', 'snapshot', 'targets', 'targets/releases', 'timestamp'].map((role) => `${base}/${role}.json`),
      ].sort(),
    )
    for (const role of ['root', 'timestamp', 'snapshot', 'targets', RELEASES])
      expect(new Uint8Array(await readFile(metadata(role))), role).toEqual(new Uint8Array(story.collection.served(role) ?? []))
  })

  test.skipIf(process.platform === 'win32')("is nobody else's to read: files 0600, folders 0700 (CACHE-29, CVE-04)", async () => {
    const before = process.umask(0)
    try {
      await verify()
    } finally {
      process.umask(before)
    }
    const entries = await readdir(trust, { recursive: true, withFileTypes: true })
    for (const entry of entries) {
      const { mode } = await stat(join(entry.parentPath, entry.name))
      expect((mode & 0o777).toString(8), entry.name).toBe(entry.isDirectory() ? '700' : '600')
    }
    expect(((await stat(trust)).mode & 0o777).toString(8)).toBe('700')
  })

  test('answers the next run, also offline', async () => {
    const { digest } = await verify()
    expect(await verify()).toMatchObject({ digest, rootTrust: 'cached-root', freshness: 'fresh' })
    expect(await verify({ offline: true })).toMatchObject({ digest, freshness: 'offline' })
  })

  test('keeps port and case of a registry in the folder name', async () => {
    const gun = 'localhost:5000/Team/app'.toLowerCase()
    const collection = createTrustCollection(gun)
    collection.sign('1', 'x')
    collection.publish()
    await verify({ transport: collection.transport() }, 'localhost:5000/team/app:1')
    if (process.platform !== 'win32') expect((await stat(metadata('root', gun))).isFile()).toBe(true)
    expect(await readdir(join(trust, 'dct'))).toEqual(['localhost%3a5000%2fteam%2fapp.json'])
  })

  test('is found under dockerConfig, or DOCKER_CONFIG, when no trustDirectory is given', async () => {
    const { store: _, ...options } = story.options
    await verifyTag('alpine:3.20', { ...options, dockerConfig: folder })
    expect((await stat(metadata('root'))).isFile()).toBe(true)
    await rm(trust, { recursive: true })
    await verifyTag('alpine:3.20', { ...options, env: { DOCKER_CONFIG: folder } })
    expect((await stat(metadata('root'))).isFile()).toBe(true)
    await rm(trust, { recursive: true })
    await verifyTag('alpine:3.20', { ...options, env: { HOME: folder, USERPROFILE: folder } })
    expect((await stat(join(folder, '.docker', 'trust', 'tuf'))).isDirectory()).toBe(true)
  })

  test('is not made when content trust is off, and left as it is by a refusal', async () => {
    await verifyTag('alpine:3.20', { env: {}, trustDirectory: trust })
    await expect(stat(trust)).rejects.toMatchObject({ code: 'ENOENT' })
    await verify()
    const before = await contents()
    story.collection.tamper('targets', { after: (envelope) => void Object.assign(envelope, { signatures: [] }) }).publish()
    await refusalOf(verify())
    expect(await contents()).toEqual(before)
  })

  test('leaves no temporary files, and those that a crash left go with the next write; nothing else does (CACHE-37)', async () => {
    await verify()
    const left = `.dct-${crypto.randomUUID()}.tmp`
    const notOurs = [join(dirname(metadata('root')), 'notes.tmp'), join(dirname(metadata(RELEASES)), '.dct-notes.tmp')]
    for (const place of ['root', RELEASES]) await writeFile(join(dirname(metadata(place)), left), 'x')
    for (const path of notOurs) await writeFile(path, 'precious')
    story.collection.sign('3.21', 'y')
    story.collection.publish()
    await verify()
    expect((await tree()).filter((file) => file.endsWith('.tmp'))).toEqual(notOurs.map((path) => relative(trust, path)).sort())
  })

  test('that Docker wrote, without floors, is taken over', async () => {
    await verify()
    await rm(join(trust, 'dct'), { recursive: true })
    expect(await verify()).toMatchObject({ rootTrust: 'cached-root', warnings: [] })
    expect((await stat(floorsFile())).isFile()).toBe(true)
  })

  test.each(['timestamp', 'snapshot', 'targets', RELEASES])('heals: %s truncated', async (role) => {
    await verify()
    const before = await contents()
    await writeFile(metadata(role), '{"signed"')
    expect((await verify()).freshness).toBe('fresh')
    expect(await contents()).toEqual(before)
  })

  test('of which the root was deleted is refused: forgetting must be said (ROOT-37)', async () => {
    await verify()
    await rm(metadata('root'))
    const before = await contents()
    expect(await refusalOf(verify())).toMatchObject({ code: 'ERR_CACHE', role: 'root' })
    expect(await contents()).toEqual(before)
  })

  test('of which only a root is left refuses an older set: the floors are elsewhere (ATK-17)', async () => {
    await verify()
    for (const role of ['timestamp', 'snapshot', 'targets', RELEASES]) await rm(metadata(role))
    story.collection.setVersion(RELEASES, 1).sign('3.20', 'older', { role: RELEASES })
    story.collection.publish()
    expect(['ERR_EQUIVOCATION', 'ERR_VERSION_ROLLBACK']).toContain((await refusalOf(verify())).code)
  })
})

describe('what is not a plain file', () => {
  test.skipIf(process.platform === 'win32')(
    'a root behind a symbolic link is refused, wherever it leads (CACHE-06)',
    async () => {
      await verify()
      const elsewhere = join(folder, 'root.json')
      await writeFile(elsewhere, await readFile(metadata('root')))
      for (const target of [elsewhere, join(folder, 'nowhere')]) {
        await rm(metadata('root'))
        await symlink(target, metadata('root'))
        expect(await refusalOf(verify())).toMatchObject({ code: 'ERR_CACHE', role: 'root' })
        expect((await lstat(metadata('root'))).isSymbolicLink()).toBe(true)
      }
    },
  )

  test.skipIf(process.platform === 'win32').each(['timestamp', 'targets', RELEASES])(
    '%s behind a symbolic link is not read, and the file behind it is not written (CACHE-06)',
    async (role) => {
      await verify()
      const victim = join(folder, 'victim')
      await writeFile(victim, 'precious')
      await rm(metadata(role))
      await symlink(victim, metadata(role))
      expect((await verify()).freshness).toBe('fresh')
      expect(await readFile(victim, 'utf8')).toBe('precious')
      expect((await lstat(metadata(role))).isFile()).toBe(true)
    },
  )

  test('a root that is a folder is refused, and the folder stays (CACHE-02, CACHE-05)', async () => {
    await verify()
    await rm(metadata('root'))
    await mkdir(join(metadata('root'), 'precious'), { recursive: true })
    expect((await refusalOf(verify())).code).toBe('ERR_CACHE')
    expect((await stat(join(metadata('root'), 'precious'))).isDirectory()).toBe(true)
  })

  test('a timestamp that is a folder is a warning, never a recursive deletion (CACHE-05)', async () => {
    await verify()
    await rm(metadata('timestamp'))
    await mkdir(join(metadata('timestamp'), 'precious'), { recursive: true })
    const { status, warnings } = await verify()
    expect(status).toBe('trusted')
    expect(warnings.map(({ code }) => code)).toEqual(['WARN_CACHE_REPAIRED', 'WARN_CACHE_UNWRITABLE'])
    expect((await stat(join(metadata('timestamp'), 'precious'))).isDirectory()).toBe(true)
  })

  test.skipIf(process.platform === 'win32')('a pipe does not hold the run up', async () => {
    await verify()
    await rm(metadata('targets'))
    const { execFileSync } = await import('node:child_process')
    execFileSync('mkfifo', [metadata('targets')])
    expect((await verify()).freshness).toBe('fresh')
    expect((await lstat(metadata('targets'))).isFile()).toBe(true)
  })

  test('floors that are a folder: a warning, and the cached files are the floors', async () => {
    await verify()
    await rm(floorsFile())
    await mkdir(floorsFile())
    const { warnings } = await verify()
    expect(warnings.map(({ code }) => code).sort()).toEqual(['WARN_CACHE_REPAIRED', 'WARN_CACHE_UNWRITABLE'])
    story.collection.setVersion('targets', 1).publish()
    expect((await refusalOf(verify())).code).toBe('ERR_VERSION_ROLLBACK')
  })

  test('a file in the place of a folder: the cache cannot be written, which is a warning, and the answer is given', async () => {
    await mkdir(trust)
    await writeFile(join(trust, 'tuf'), 'in the way')
    const { status, rootTrust, warnings } = await verify()
    expect({ status, rootTrust }).toEqual({ status: 'trusted', rootTrust: 'first-use' })
    expect(warnings.map(({ code }) => code)).toContain('WARN_CACHE_UNWRITABLE')
    expect(await readFile(join(trust, 'tuf'), 'utf8')).toBe('in the way')
  })
})

describe('many at once', () => {
  test('share one folder, and what is left verifies', async () => {
    await Promise.all(Array.from({ length: 12 }, () => verify()))
    expect((await verify({ offline: true })).freshness).toBe('offline')
    expect((await tree()).filter((file) => file.includes('tmp'))).toEqual([])
  })

  test('an older and a newer publication leave the newer one, in whatever order they are written (CACHE-12)', async () => {
    await verify()
    const wrong: string[] = []
    for (let round = 0; round < 40; round++) {
      story.collection.sign('3.20', `older ${round}`, { role: RELEASES })
      story.collection.publish()
      const slow = story.collection.transport({ faults: { timestamp: story.collection.served('timestamp') ?? 'missing' } })
      story.collection.sign('3.20', `newer ${round}`, { role: RELEASES })
      story.collection.publish()
      const later = new Promise((resolve) => setTimeout(resolve, round % 12)).then(() => verify())
      await Promise.allSettled([verify({ transport: slow }), later])
      for (const role of ['timestamp', 'snapshot', RELEASES]) {
        const version = versionOf(await readFile(metadata(role)))
        if (version !== story.collection.version(role))
          wrong.push(`round ${round}: ${role} ${version} of ${story.collection.version(role)}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('a slow one does not put an older set over a newer one (CACHE-12)', async () => {
    await verify()
    story.collection.sign('3.20', 'second', { role: RELEASES })
    story.collection.publish()
    const slow = story.collection.transport()
    slow.faults.set('timestamp', story.collection.served('timestamp') ?? 'missing')
    story.collection.sign('3.20', 'third', { role: RELEASES })
    story.collection.publish()
    slow.faults.set(RELEASES, async (bytes) => {
      await verify()
      return bytes
    })
    await verify({ transport: slow }).catch(() => undefined)
    const floors = JSON.parse(await readFile(floorsFile(), 'utf8')) as { roles: { role: string; version: number }[] }
    expect(floors.roles.find(({ role }) => role === RELEASES)?.version).toBe(3)
    expect(text(await readFile(metadata(RELEASES)))).toContain('"version":3')
  })
})
