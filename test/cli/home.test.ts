/** Without a home there is no configuration folder; the working folder never stands in for it. The built command is run. */
import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTrustCollection, startTrustServer, type TestTrustServer } from '../../src/testing/index.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const REFERENCE = 'registry.example/team/app:1.0'
const GUN = 'registry.example/team/app'
/** A user of whom the machine knows nothing, as in a container that runs under any number. */
const STRANGER = 54_321

interface Ran {
  readonly status: number
  readonly out: string
  readonly err: string
}

let server: TestTrustServer
let digest: string
/** The program where every user can read it. */
let program: string
/** The working folder. */
let checkout: string

beforeAll(async () => {
  const collection = createTrustCollection(GUN, { now: new Date() })
  digest = collection.sign('1.0', 'the image')
  server = await startTrustServer({ collections: [collection.publish()] })
  program = await mkdtemp(join(tmpdir(), 'dct-program-'))
  for (const part of ['dist', 'package.json']) await cp(join(ROOT, part), join(program, part), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(program, 'node_modules'))
  await chmod(program, 0o755)
})
afterAll(async () => {
  await server.close()
  await rm(program, { recursive: true })
})
beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'dct-checkout-'))
  await writeFile(join(checkout, 'ca.crt'), server.ca)
  await chmod(checkout, 0o777)
})
afterEach(() => rm(checkout, { recursive: true }))

/** As `env -i`: nothing but these variables. */
function node(argv: readonly string[], env: Readonly<Record<string, string>>, uid?: number): Promise<Ran> {
  const options = { cwd: checkout, env: { ...env }, ...(uid === undefined ? {} : { uid, gid: uid }) }
  return new Promise((done) => {
    execFile(process.execPath, argv, options, (error, out, err) => done({ status: Number(error?.code ?? 0), out, err }))
  })
}

const dct = (argv: readonly string[], env: Readonly<Record<string, string>>, uid?: number): Promise<Ran> =>
  node([join(program, 'dist/cli/bin.cjs'), ...argv], env, uid)

const verify = (more: readonly string[], env: Readonly<Record<string, string>> = {}, uid?: number): Promise<Ran> =>
  dct(['verify', '--server', server.url, '--tlscacert', join(checkout, 'ca.crt'), ...more, REFERENCE], env, uid)

/** A checkout with a `.docker` of its own: CAs, a credential helper, and a cache that vouches for another image. */
async function plantDocker(): Promise<void> {
  const forged = createTrustCollection(GUN, { now: new Date() })
  forged.sign('1.0', 'what the checkout would like to run')
  const evil = await startTrustServer({ collections: [forged.publish()] })
  const docker = join(checkout, '.docker')
  await mkdir(join(docker, 'tls', new URL(server.url).host), { recursive: true })
  await writeFile(join(docker, 'tls', new URL(server.url).host, 'ca.crt'), server.ca)
  await writeFile(join(checkout, 'evil.crt'), evil.ca)
  const filled = await dct(
    ['verify', '--server', evil.url, '--tlscacert', join(checkout, 'evil.crt'), '--trust-dir', join(docker, 'trust'), REFERENCE],
    { HOME: checkout },
  )
  await evil.close()
  expect(filled).toMatchObject({ status: 0, out: `${GUN}@${forged.digest('1.0')}\n` })
  await writeFile(join(docker, 'config.json'), 'not JSON: it must not even be read')
  await chmod(docker, 0o755)
}

test('the tests run as root, so that they can become another user', () => {
  expect(userInfo().uid).toBe(0)
})

describe.each([
  ['empty', { HOME: '' }],
  ['unset', {}],
  ['relative', { HOME: '.' }],
])('HOME %s', (_how, env) => {
  test('does not use the working folder as home: a planted cache, CAs and config.json have no effect', async () => {
    await plantDocker()
    const offline = await dct(['verify', '--offline', REFERENCE], env, STRANGER)
    expect(offline).toMatchObject({ status: 5, out: '' })
    expect(offline.err).toContain('offline')
    // The CA that would be found there is not believed.
    const online = await dct(['verify', '--server', server.url, REFERENCE], env, STRANGER)
    expect(online).toMatchObject({ status: 5, out: '' })
    expect((await verify([], env, STRANGER)).out).toBe(`${GUN}@${digest}\n`)
  })

  test('of a user without a passwd entry: runs without a folder, and warns once that every run is a first use', async () => {
    const { status, out, err } = await verify([], env, STRANGER)
    expect({ status, out }).toEqual({ status: 0, out: `${GUN}@${digest}\n` })
    const warnings = err.split('\n').filter((line) => /HOME/.test(line))
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/^dct: warning: .*HOME.*DOCKER_CONFIG.*--trust-dir/)
    expect(warnings[0]).toContain('every run is a first use')
    expect((await verify(['-q'], env, STRANGER)).err, 'not even -q hides it').toContain('DOCKER_CONFIG')
    expect(await readdir(checkout)).toEqual(['ca.crt'])
  })

  test('of a user without a passwd entry, with --trust-dir: the cache is used', async () => {
    const more = ['--trust-dir', join(checkout, 'trust')]
    const { status, err } = await verify(more, env, STRANGER)
    expect(status).toBe(0)
    expect(err.split('\n').filter((line) => /HOME.*DOCKER_CONFIG/.test(line))).toHaveLength(1)
    expect(err).not.toContain('every run')
    const second = await verify(['--json', ...more], env, STRANGER)
    expect(JSON.parse(second.out)).toMatchObject({ status: 'trusted', rootTrust: 'cached-root' })
  })

  test('of a user with a passwd entry: uses the home of that entry', async () => {
    const { out } = await dct(['env', '--json'], env)
    expect(JSON.parse(out)).toMatchObject({ dockerConfig: { value: join(userInfo().homedir, '.docker') } })
  })
})

test('dct env and dct cache report that there is no folder, and continue', async () => {
  const shown = await dct(['env', '--json', REFERENCE], {}, STRANGER)
  expect(shown.status).toBe(0)
  expect(JSON.parse(shown.out)).toMatchObject({
    dockerConfig: { value: 'none', why: expect.stringContaining('HOME') },
    cache: { value: 'none', why: expect.stringContaining('--trust-dir') },
    credentials: { value: expect.stringMatching(/^none/) },
  })
  const list = await dct(['cache', 'list'], {}, STRANGER)
  expect(list).toMatchObject({ status: 0, out: '' })
  expect(list.err).toContain('DOCKER_CONFIG')
})

test('a relative DOCKER_CONFIG is relative to the working folder, as with Docker; an empty one is unset', async () => {
  const relative = await dct(['env', '--json'], { HOME: '', DOCKER_CONFIG: 'conf' }, STRANGER)
  expect(JSON.parse(relative.out)).toMatchObject({ dockerConfig: { value: join(checkout, 'conf'), why: 'DOCKER_CONFIG' } })
  const empty = await dct(['env', '--json'], { HOME: '/somewhere', DOCKER_CONFIG: '' }, STRANGER)
  expect(JSON.parse(empty.out)).toMatchObject({ dockerConfig: { value: '/somewhere/.docker' } })
})

test('the library warns in the answer, and throws no error of the system', async () => {
  const script = `
    const { createTrustClient } = await import(process.argv[2])
    const { readFileSync } = await import('node:fs')
    const ca = readFileSync('ca.crt', 'utf8')
    const client = createTrustClient({ disableContentTrust: false, server: process.argv[3], ca })
    const { status, warnings } = await client.verifyTag('${REFERENCE}')
    const again = await client.verifyTag('${REFERENCE}')
    await client.close()
    console.log(JSON.stringify({ status, codes: warnings.map(({ code }) => code).sort(), again: again.rootTrust }))`
  const file = join(checkout, 'ask.mjs')
  await writeFile(file, script)
  const { out, err } = await node([file, join(program, 'dist/index.js'), server.url], {}, STRANGER)
  expect(err).toBe('')
  expect(JSON.parse(out)).toEqual({
    status: 'trusted',
    codes: ['WARN_CACHE_UNWRITABLE', 'WARN_FIRST_USE'],
    again: 'cached-root', // the process remembers
  })
})
