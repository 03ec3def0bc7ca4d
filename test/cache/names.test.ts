/** Paths for collections and roles: as in Docker where a disk can hold them, and never shared by two collections. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { createFileStore } from '../../src/cache/file-store.js'
import type { MetadataStore } from '../../src/cache/metadata-store.js'
import { decodeName, flatName, metadataFolder, roleFile } from '../../src/cache/names.js'

const PLATFORMS = ['linux', 'darwin', 'win32'] as const
const folderOf = (gun: string, platform: NodeJS.Platform = 'linux') => metadataFolder(gun, platform).slice(1, -1).join('/')

/** GUNs of the grammar, with unusual ones more often. */
const segment = fc.oneof(
  fc.constantFrom(
    'con',
    'NUL',
    'com1',
    'aux.x',
    'metadata',
    'METADATA',
    'root.json',
    'timestamp.json',
    'targets.json',
    'targets',
    'changelist',
    'a.',
    'A',
    'a',
    'localhost:5000',
    'x'.repeat(120),
  ),
  fc.stringMatching(/^[A-Za-z0-9._:-]{1,12}$/),
)
const guns = fc
  .array(segment, { minLength: 1, maxLength: 5 })
  .filter((segments) => segments.every((one) => one !== '.' && one !== '..'))
  .map((segments) => segments.join('/'))

/** Names of collections that share a file or folder in Docker's layout. */
const SEEN_TO_MEET = [
  ['x', 'x/metadata/timestamp.json'],
  ['x', 'x/metadata/root.json'],
  ['x', 'x/metadata/targets/y'],
  ['x', 'x/metadata/targets.json/metadata'],
  ['x/metadata', 'x/metadata/metadata/root.json'],
]

interface Paths {
  readonly files: readonly string[]
  /** The files, and every folder above them. */
  readonly all: ReadonlySet<string>
  /** The folders that are removed and listed as a whole. */
  readonly delegations: string
}

/** The paths of a collection with two delegations. */
function pathsOf(gun: string, platform: NodeJS.Platform): Paths {
  const fold = (path: string) => (platform === 'linux' ? path : path.toLowerCase())
  const folder = metadataFolder(gun, platform).join('/')
  const roles = ['root', 'timestamp', 'snapshot', 'targets', 'targets/metadata', 'targets/metadata/root'].map((role) => {
    const { folders, file } = roleFile(role, platform)
    return [folder, ...folders, file].join('/')
  })
  const own = ['json', 'journal', 'lock', 'lock.turn'].map((suffix) => `dct/${flatName(gun)}.${suffix}`)
  const files = [...roles, ...own].map(fold)
  const above = (path: string) => path.split('/').map((_, index, all) => all.slice(0, index).join('/'))
  return { files, all: new Set([...files, ...files.flatMap(above)]), delegations: fold(`${folder}/targets`) }
}

describe('the folder of a collection', () => {
  test('is the same as in Docker when the disk can hold its name', () => {
    for (const gun of [
      'docker.io/library/alpine',
      'localhost:5000/Team/app',
      'a/con/nul.x',
      `x/${'y'.repeat(250)}`,
      'a/metadata',
    ])
      expect(folderOf(gun)).toBe(gun)
    for (const platform of PLATFORMS) expect(folderOf('docker.io/library/alpine', platform)).toBe('docker.io/library/alpine')
  })

  test.each([
    ['registry.example/con', 'registry.example/%63on'],
    ['nul.example/aux/com1', '%6eul.example/%61ux/%63om1'],
    ['prn/lpt9.x/com10', '%70rn/%6cpt9.x/com10'],
    ['trailing./dots..', 'trailing%2e/dots.%2e'],
    ['localhost:5000/Team', 'localhost%3a5000/%54eam'],
    ['CON/Nul.x', '%43%4f%4e/%4eul.x'],
  ])('has a name that Windows allows: %s (CACHE-25)', (gun, folder) => {
    expect(folderOf(gun, 'win32')).toBe(folder)
    expect(folder.split('/').map(decodeName).join('/')).toBe(gun)
  })

  test.each(['darwin', 'win32'] as const)('encodes upper case on disks that ignore case: %s (CACHE-25)', (platform) => {
    expect(folderOf('registry.example/Team', platform)).not.toBe(folderOf('registry.example/team', platform))
    expect(folderOf('registry.example/Team', platform)).toBe(folderOf('registry.example/Team', platform).toLowerCase())
  })

  test('has no name of more than 255 bytes, and long names with the same beginning stay distinct (CACHE-26)', () => {
    const long = `${'x'.repeat(300)}.example`
    for (const platform of PLATFORMS) {
      const [one = '', other = ''] = [folderOf(`${long}:1/a`, platform), folderOf(`${long}:2/a`, platform)]
      expect(one).not.toBe(other)
      for (const name of one.split('/')) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255)
    }
  })

  test('is not shared by two collections on any platform', () => {
    fc.assert(
      fc.property(guns, guns, fc.constantFrom(...PLATFORMS), (one, other, platform) => {
        const fold = (path: string) => (platform === 'linux' ? path : path.toLowerCase())
        const paths = [one, other].map((gun) => fold(metadataFolder(gun, platform).join('/')))
        expect(paths[0] === paths[1]).toBe(one === other)
        const flat = [one, other].map((gun) => flatName(gun).toLowerCase())
        expect(flat[0] === flat[1]).toBe(one === other)
      }),
      { numRuns: 2000 },
    )
  })

  test('holds no file where another collection needs a folder, and no folder where it needs a file', () => {
    const related = fc.tuple(guns, guns).map(([gun, more]) => [gun, `${gun}/${more}`])
    const pairs = fc.oneof(fc.tuple(guns, guns), related, fc.constantFrom(...SEEN_TO_MEET))
    fc.assert(
      fc.property(pairs, fc.constantFrom(...PLATFORMS), ([one = '', other = ''], platform) => {
        if (one === other) return
        const [mine, theirs] = [pathsOf(one, platform), pathsOf(other, platform)]
        const meet = (ours: Paths, others: Paths) =>
          ours.files.filter((path) => others.all.has(path) || path.startsWith(`${others.delegations}/`))
        expect([...meet(mine, theirs), ...meet(theirs, mine)], `${one} and ${other}`).toEqual([])
      }),
      { numRuns: 1000 },
    )
  })

  test.each(['../../x', 'a/../../b', 'a/./b', '/abs', 'a//b', 'a/', '', 'a/..', 'a\\..\\b', 'a\0b'])(
    'never leads out of the trust directory: %j (CACHE-20, CACHE-21)',
    (gun) => {
      expect(() => metadataFolder(gun)).toThrow('cannot be the name of a cache folder')
    },
  )
})

describe('the file of a role', () => {
  test.each([
    '../x',
    'targets/../../x',
    'targets//x',
    '/targets',
    'targets/a.b',
    'targets/A',
    'mirrors',
    '',
    'root/x',
    'targets/',
  ])('is refused for a name that is not a role: %j (CACHE-28)', (role) => {
    expect(() => roleFile(role)).toThrow('cannot be the name of a cached file')
  })

  test('has a name that Windows allows (CACHE-25)', () => {
    expect(roleFile('targets/con/nul', 'win32')).toEqual({ folders: ['targets', '%63on'], file: '%6eul.json' })
    expect(roleFile('targets/con/nul', 'linux')).toEqual({ folders: ['targets', 'con'], file: 'nul.json' })
  })

  test('has at most 255 bytes, `.json` included', () => {
    const { file } = roleFile(`targets/${'x'.repeat(253)}`, 'linux')
    expect(file.length).toBeLessThanOrEqual(255)
    expect(roleFile(`targets/${'x'.repeat(250)}`, 'linux').file).toBe(`${'x'.repeat(250)}.json`)
  })
})

describe('a store', () => {
  let folder: string
  let store: MetadataStore
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dct-names-'))
    store = createFileStore(join(folder, 'trust'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const keep = (gun: string, roles = ['root', 'timestamp', 'snapshot', 'targets']) =>
    store.commit(
      gun,
      { metadata: new Map(roles.map((role) => [role, utf8(`${role} of ${gun}`)])), floors: utf8(`floors of ${gun}`) },
      undefined,
    )
  const textOf = async (gun: string, role: string) => Buffer.from((await store.read(gun)).metadata.get(role) ?? []).toString()

  test.each(['../../x', 'a/../../b', '/abs'])(
    'reads, writes and forgets nothing outside its folder: %s (CACHE-20, CACHE-21)',
    async (gun) => {
      await expect(store.read(gun)).rejects.toThrow('cannot be the name')
      await expect(keep(gun)).rejects.toThrow('cannot be the name')
      await expect(store.forget(gun)).rejects.toThrow('cannot be the name')
      expect(await readdir(folder)).toEqual([])
    },
  )

  test('writes no file for an invalid role (CACHE-28)', async () => {
    await expect(keep('a/b', ['root', 'targets/../../../../../x'])).rejects.toThrow('cannot be the name')
    expect((await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.json'))).toEqual([])
  })

  test('keeps a delegation apart from the collection whose folder has its name (CACHE-22)', async () => {
    await keep('g', ['root', 'timestamp', 'snapshot', 'targets', 'targets/metadata/root', 'targets/x/metadata/root'])
    await keep('g/metadata/targets')
    await keep('g/metadata/targets/x')
    await keep('g/metadata')
    await keep('g/metadata/root.json')
    expect(await textOf('g', 'targets/metadata/root')).toBe('targets/metadata/root of g')
    const others = ['g/metadata', 'g/metadata/root.json', 'g/metadata/targets', 'g/metadata/targets/x']
    for (const gun of ['g', ...others]) expect(await textOf(gun, 'root')).toBe(`root of ${gun}`)
    expect(await store.list()).toEqual(['g', ...others])
    expect(await store.forget('g')).toBe(true)
    expect(await store.list()).toEqual(others)
  })

  test('lists and forgets collections with encoded names', async () => {
    const kept = ['LOCALHOST:5000/Con/a.', 'a/changelist', 'a/metadata', 'docker.io/library/alpine', 'targets', 'x/%7e'].sort()
    for (const gun of kept) await keep(gun)
    expect(await store.list()).toEqual(kept)
    for (const gun of kept) expect(await store.forget(gun)).toBe(true)
    expect(await store.list()).toEqual([])
    expect(await store.forget('docker.io/library/alpine')).toBe(false)
  })

  test('keeps collections with names that are too long for the disk (CACHE-26)', async () => {
    const guns = [1, 2].map((port) => `${'x'.repeat(300)}.example:${port}/app`)
    for (const gun of guns) await keep(gun)
    for (const gun of guns) expect(await textOf(gun, 'root')).toBe(`root of ${gun}`)
    for (const gun of guns) expect(await store.forget(gun)).toBe(true)
  })
})
