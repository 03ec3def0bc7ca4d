/** Every snippet and command of the README is run, against a trust server on loopback that has the images they name. */
import { type ExecFileException, execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CollectionServer, createTrustCollection, serveCollections } from '../src/testing/index.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const readme = await readFile(join(ROOT, 'README.md'), 'utf8')

let folder: string
let server: CollectionServer
let env: Record<string, string>
let digest: string

beforeAll(async () => {
  // The commands read the real clock.
  const alpine = createTrustCollection('docker.io/library/alpine', { now: new Date(Date.now() - 3_600_000) })
  digest = alpine.sign('3.19', 'the image')
  alpine.sign('3.20', 'another image')
  alpine.publish()
  server = await serveCollections([alpine])
  folder = await mkdtemp(join(tmpdir(), 'dct-readme-'))
  await mkdir(join(folder, 'node_modules'))
  await symlink(ROOT, join(folder, 'node_modules', 'docker-content-trust'), 'junction')
  await mkdir(join(folder, 'bin'))
  await writeFile(join(folder, 'bin', 'dct'), `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, 'dist/cli/bin.js')}" "$@"\n`, {
    mode: 0o755,
  })
  const tls = join(folder, 'docker', 'tls', new URL(server.url).host)
  await mkdir(tls, { recursive: true })
  await writeFile(join(tls, 'ca.crt'), server.ca)
  env = {
    PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
    HOME: folder,
    DOCKER_CONFIG: join(folder, 'docker'),
    DOCKER_CONTENT_TRUST_SERVER: server.url,
  }
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

/** The code blocks of a language, with the number of their first line. */
function blocks(language: string): [number, string][] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map((match) => {
    return [readme.slice(0, match.index).split('\n').length + 1, match[1] ?? '']
  })
}

function run(program: string, argv: string[]): Promise<{ error: ExecFileException | null; out: string; err: string }> {
  return new Promise((done) => execFile(program, argv, { cwd: folder, env }, (error, out, err) => done({ error, out, err })))
}

test.each(blocks('ts'))('the snippet at line %i runs as it stands and gives the signed digest', async (line, code) => {
  const file = join(folder, `line-${line}.mjs`)
  await writeFile(file, code)
  const { error, out, err } = await run(process.execPath, [file])
  expect(error, err).toBeNull()
  expect(out).toContain(digest)
})

test.each(
  blocks('sh').flatMap(([line, block]) =>
    block
      .trimEnd()
      .split('\n')
      .map((command, index): [number, string] => [line + index, command]),
  ),
)('the command at line %i works: %s', async (_line, command) => {
  const { error, err } = await run('/bin/sh', ['-c', command])
  expect(error, err).toBeNull()
})

test('the command of the first screen prints what it promises', async () => {
  expect((await run('/bin/sh', ['-c', 'dct verify alpine:3.19'])).out).toBe(`docker.io/library/alpine@${digest}\n`)
})

test('every npm command names a script that is there', async () => {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  const named = [...readme.matchAll(/npm (?:run )?((?!ci\b|install\b)[a-z][a-z:]*)/g)].map(([, name]) => name)
  expect(named).toEqual(expect.arrayContaining(['demo', 'test', 'test:interop']))
  for (const name of named) expect(Object.keys(scripts)).toContain(name)
})

test('every link leads to a file', async () => {
  const links = [...readme.matchAll(/\]\((?!https:)([^)#]+)/g)].map(([, path]) => path ?? '')
  expect(links.length).toBeGreaterThan(0)
  for (const path of links) await expect(readFile(join(ROOT, path))).resolves.toBeDefined()
})

test('every option of dct verify --help is one that the program takes, and every exit status of the table is described', async () => {
  const { out } = await run('/bin/sh', ['-c', 'dct verify --help'])
  for (const [option] of out.matchAll(/--[a-z-]+/g)) {
    const ran = await run('/bin/sh', ['-c', `dct --version ${option}=x`])
    expect(ran.err, option).not.toContain('Unknown option')
  }
  for (const [, status] of readme.matchAll(/^\| (\d+) \|/gm)) expect(out).toContain(status)
})
