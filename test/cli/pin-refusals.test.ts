/** What `dct pin` and `dct verify -f` refuse to read or to write, and that a file is then as it was. */
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTrustCollection, startTrustServer, type TestTrustServer } from '../../src/testing/index.js'
import { type Ran, runProgram, type World } from './program.js'

const NOW = new Date('2026-03-01T00:00:00Z')
const APP = 'registry.example/team/app'
const TEXT = `FROM ${APP}:1.0\n`
const POD = `apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: '${APP}:1.0'}]}\n`
const isRoot = process.getuid?.() === 0

let server: TestTrustServer
let folder: string
let digest: string

beforeAll(async () => {
  const app = createTrustCollection(APP, { now: NOW })
  digest = app.sign('1.0', 'one')
  app.publish()
  server = await startTrustServer({ collections: [app] })
})
afterAll(() => server.close())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-refusals-'))
  await mkdir(join(folder, 'home'))
  await writeFile(join(folder, 'home', 'ca.crt'), server.ca)
})
afterEach(() => rm(folder, { recursive: true }))

const at = (name: string) => join(folder, name)

async function put(name: string, text: string | Uint8Array): Promise<string> {
  await mkdir(join(at(name), '..'), { recursive: true })
  await writeFile(at(name), text)
  return at(name)
}

function dct(command: string, argv: readonly string[], world: World = {}): Promise<Ran> {
  const common = ['--server', server.url, '--tlscacert', at('home/ca.crt'), '--config', at('home')]
  return runProgram([command, ...common, ...argv], { now: NOW, ...world })
}

describe('52: files on disk', () => {
  test.skipIf(isRoot)('a read-only file stays as it is, although its folder would let it be replaced', async () => {
    const path = await put('Dockerfile', TEXT)
    await chmod(path, 0o444)
    expect(await dct('pin', [path])).toMatchObject({ status: 2, out: '', err: expect.stringContaining('it is read-only') })
    expect(await readFile(path, 'utf8')).toBe(TEXT)
    expect((await lstat(path)).mode & 0o777).toBe(0o444)
  })

  test.skipIf(isRoot)('a folder that takes no new files: nothing is written, no part of a file is left', async () => {
    const path = await put('src/Dockerfile', TEXT)
    await chmod(at('src'), 0o555)
    try {
      expect(await dct('pin', [path])).toMatchObject({ status: 2, out: '' })
      expect(await readFile(path, 'utf8')).toBe(TEXT)
      expect(await readdir(at('src'))).toEqual(['Dockerfile'])
    } finally {
      await chmod(at('src'), 0o755)
    }
  })

  test('a link to a folder is not searched', async () => {
    await put('elsewhere/Dockerfile', TEXT)
    await symlink(at('elsewhere'), at('src'))
    expect(await dct('pin', [at('src')])).toMatchObject({ status: 2, out: '', err: expect.stringContaining('symbolic link') })
    expect(await readFile(at('elsewhere/Dockerfile'), 'utf8')).toBe(TEXT)
  })

  test('a huge file is refused before it is read', async () => {
    const path = await put('Dockerfile', TEXT)
    await truncate(path, 4 * 1024 ** 4)
    expect(await dct('pin', [path])).toMatchObject({ status: 2, out: '', err: expect.stringContaining('at most') })
  })

  test('bytes that are not UTF-8: that file is refused by its name, the others are written', async () => {
    const [bad, good] = [await put('a/Dockerfile', Uint8Array.of(0x46, 0xff)), await put('b/Dockerfile', TEXT)]
    expect(await dct('pin', [bad, good])).toMatchObject({
      status: 2,
      out: `${good}\n`,
      err: expect.stringContaining('not UTF-8'),
    })
  })
})

test('a file that is named twice, in two spellings and by its folder, is pinned once', async () => {
  const path = await put('src/Dockerfile', TEXT)
  const spellings = [path, `${at('src')}/./Dockerfile`, relative(process.cwd(), path), at('src')]
  expect(await dct('pin', spellings)).toMatchObject({ status: 0, out: `${path}\n` })
  expect(await readFile(path, 'utf8')).toBe(`FROM ${APP}:1.0@${digest}\n`)
})

test('standard input is refused before anything is asked, with what to type instead', async () => {
  const path = await put('Dockerfile', TEXT)
  expect(await dct('pin', [path, '-'], { stdin: TEXT })).toMatchObject({
    status: 2,
    out: '',
    err: expect.stringContaining('dct pin FILE'),
  })
  expect(await readFile(path, 'utf8')).toBe(TEXT)
})

test('a folder with odd files: those that name images are pinned, each other that may is told', async () => {
  await put('src/Dockerfile', TEXT)
  await put('src/dockerfile', TEXT)
  await put('src/dockerfile.ts', 'export {}\n')
  await put('src/Dockerfile.dockerignore', 'x\n')
  await put('src/.git/Dockerfile', TEXT)
  await put('src/node_modules/x/Dockerfile', TEXT)
  await put('src/block.json', POD)
  await put('src/logo.yaml', '')
  await mkdir(at('src/Containerfile'))
  const { status, out, err } = await dct('pin', [at('src')])
  const changed = ['Dockerfile', 'block.json', 'dockerfile'].map((name) => `${at('src')}/${name}\n`).join('')
  expect({ status, out }).toEqual({ status: 0, out: changed })
  for (const name of ['.git', 'node_modules']) expect(err).toContain(`${at('src')}/${name}: skipped: `)
  expect(await readFile(at('src/node_modules/x/Dockerfile'), 'utf8')).toBe(TEXT)
})

test('a Kubernetes manifest under the name of another kind of file is verified all the same', async () => {
  const path = await put('compose.yaml', POD.replace('1.0', '9'))
  expect(await dct('verify', ['-f', path])).toMatchObject({ status: 3, out: '' })
})

describe('what the file alone does not tell', () => {
  test('--path names further places, --build-context names that are no images, --platform the target', async () => {
    const cluster = await put('cluster.yaml', `apiVersion: x/v1\nkind: Cluster\nspec: {imageName: '${APP}:1.0'}\n`)
    expect(await dct('verify', ['-q', '-f', cluster, '--path', '$.spec.imageName'])).toMatchObject({ out: `${APP}@${digest}\n` })
    const path = await put('Dockerfile', `FROM base\nFROM ${APP}:1.0-$TARGETARCH\nFROM ${APP}:1.0\n`)
    const { status, err } = await dct('verify', ['-f', path, '--build-context', 'base', '--platform', 'linux/arm64'])
    expect(status).toBe(3)
    expect(err).not.toContain('Dockerfile:1:6')
    expect(err).toContain(`No valid trust data for 1.0-arm64`)
  })

  test.each([
    ['--path', 'spec.imageName', 'not a path'],
    ['--build-context', 'base=docker-image://alpine', '--build-context takes NAME'],
    ['--platform', 'arm64', '--platform takes OS/ARCHITECTURE'],
  ])('%s %s is refused', async (option, value, message) => {
    const pod = await put('pod.yaml', POD)
    const { status, out, err } = await dct('verify', ['-f', pod, option, value])
    expect({ status, out }).toEqual({ status: 2, out: '' })
    expect(err).toContain(message)
  })

  test('--path of dct verify goes with --file', async () => {
    expect(await dct('verify', ['--path', '$.x', `${APP}:1.0`])).toMatchObject({ status: 2, out: '' })
  })
})
