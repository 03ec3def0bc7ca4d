/** Errors lead on: they name the server, the setting that names the server, and the next command to type. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTrustCollection, startTrustServer } from '../../src/testing/index.js'
import { type Handler, listen, startServer, testAuthority } from '../support/loopback-server.js'
import { type Ran, runProgram, type World } from './program.js'

const GUN = 'registry.example/team/app'
const REFERENCE = `${GUN}:1.0`
const SCOPE = `repository:${GUN}:pull`

let folder: string
const open: { close(): unknown }[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-words-'))
})
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
  await rm(folder, { recursive: true })
})

const serve = async (handler: Handler) => {
  const server = await startServer(handler)
  open.push(server)
  return server
}

/** `dct` with a folder of its own, and the CA of the tests. */
async function dct(argv: readonly string[], world: World = {}): Promise<Ran> {
  await writeFile(join(folder, 'ca.crt'), testAuthority.pem)
  const [command = '', ...rest] = argv
  return runProgram([command, '--config', folder, '--tlscacert', join(folder, 'ca.crt'), ...rest], world)
}

/** The two lines of an error. */
function linesOf({ err }: Ran): { error: string; hint: string } {
  const line = (start: string) => err.split('\n').find((one) => one.startsWith(start)) ?? ''
  return { error: line('dct: error: '), hint: line('dct: hint: ') }
}

/** An address where nothing listens. */
async function deadAddress(): Promise<string> {
  const server = await startServer(() => undefined)
  await server.close()
  return server.url
}

describe('a server that is away: the address, the setting that names it, and dct env', () => {
  test('refused, by DOCKER_CONTENT_TRUST_SERVER', async () => {
    const url = await deadAddress()
    const ran = await dct(['verify', REFERENCE], { env: { DOCKER_CONTENT_TRUST_SERVER: url } })
    const { error, hint } = linesOf(ran)
    expect(ran.status).toBe(5)
    expect(error).toMatch(/ECONNREFUSED.* \(ERR_SERVER_UNREACHABLE\)$/)
    expect(hint).toContain(`${url} (DOCKER_CONTENT_TRUST_SERVER)`)
    expect(hint).toMatch(/: dct env registry\.example\/team\/app$/)
  })

  test('refused, by --server: the command to type has it too', async () => {
    const url = await deadAddress()
    const { hint } = linesOf(await dct(['verify', '--server', url, REFERENCE]))
    expect(hint).toContain(`${url} (--server)`)
    expect(hint.endsWith(`dct env --server ${url} ${GUN}`)).toBe(true)
  })

  test('a name that does not resolve, by default', async () => {
    const { error, hint } = linesOf(await dct(['verify', 'registry.invalid/team/app:1.0']))
    expect(error).toContain('registry.invalid')
    expect(hint).toMatch(
      /https:\/\/registry\.invalid.*DOCKER_CONTENT_TRUST_SERVER is not set.*: dct env registry\.invalid\/team\/app$/,
    )
  })

  test('no answer until the timeout', async () => {
    const silent = await serve(() => undefined)
    const { error, hint } = linesOf(
      await dct(['verify', '--timeout', '0.3', REFERENCE], { env: { DOCKER_CONTENT_TRUST_SERVER: silent.url } }),
    )
    expect(error).toContain('no answer within 0.3 s (ERR_SERVER_UNREACHABLE)')
    expect(hint).toContain(silent.url)
    expect(hint).toMatch(/: dct env registry\.example\/team\/app$/)
  })

  test('with an expired cache: the hint is about the server, not about the publisher', async () => {
    const collection = createTrustCollection(GUN, { now: new Date() })
    collection.sign('1.0', 'the image')
    const server = await startTrustServer({ collections: [collection.publish()] })
    const argv = ['verify', '--config', folder, REFERENCE]
    await writeFile(join(folder, 'ca.crt'), server.ca)
    const world = { env: { DOCKER_CONTENT_TRUST_SERVER: server.url } }
    expect((await runProgram([...argv, '--tlscacert', join(folder, 'ca.crt')], world)).status).toBe(0)
    await server.close()
    const later = new Date(Date.now() + 30 * 86_400_000)
    const ran = await runProgram(argv, { ...world, now: later })
    expect(ran.status).toBe(4)
    const { error, hint } = linesOf(ran)
    expect(error).toMatch(/\(ERR_METADATA_EXPIRED\)$/)
    expect(hint).toContain('gives no answer')
    expect(hint).toContain(server.url)
    expect(hint).toMatch(/: dct env registry\.example\/team\/app$/)
  })
})

test('names a port that answers without TLS', async () => {
  const plain = await listen(createServer((_request, response) => response.end('hello')))
  open.push(plain)
  const { error, hint } = linesOf(await dct(['verify', '--server', plain.url, REFERENCE]))
  expect(error).toMatch(new RegExp(`localhost:${plain.port} answered without TLS.* \\(ERR_TLS\\)$`))
  expect(hint).not.toContain('ca.crt')
})

describe('a token server', () => {
  const guarded =
    (realm: string): Handler =>
    (request, response) => {
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="x"` }).end()
      return request
    }

  test.each([
    [404, false],
    [500, true],
    [503, true],
    [429, true],
  ])('that answers %i is named with its scope; retryable: %s', async (status, retryable) => {
    const tokens = await serve((_request, response) => response.writeHead(status, { 'retry-after': '60' }).end())
    const server = await serve(guarded(`${tokens.url}/token`))
    const ran = await dct(['verify', '--json', '--server', server.url, REFERENCE])
    const { error, hint } = linesOf(ran)
    expect(error).toContain(`${tokens.url}/token answered ${status} for the scope ${SCOPE}. (ERR_SERVER_RESPONSE)`)
    expect(JSON.parse(ran.out).error).toMatchObject({ retryable, evidence: { status, url: `${tokens.url}/token`, scope: SCOPE } })
    expect(hint).toContain(`localhost:${tokens.port}`)
  })

  test('whose token the trust server refuses: the hint names the login, and says that the collection may not exist', async () => {
    const tokens = await serve((request, response) => {
      if (request.headers.authorization === undefined) response.writeHead(401).end()
      else response.end(JSON.stringify({ token: 'a-token' }))
    })
    const server = await serve(guarded(`${tokens.url}/token`))
    const auth = Buffer.from('me:secret').toString('base64')
    await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: { 'registry.example': { auth } } }))
    const { error, hint } = linesOf(await dct(['verify', '--server', server.url, REFERENCE]))
    expect(error).toMatch(/\(ERR_UNAUTHORIZED\)$/)
    expect(hint).toContain('gave a token for the credentials of registry.example')
    expect(hint).toMatch(/no such collection.*Azure.*repository-scoped/)
    expect(hint).toMatch(/: docker login registry\.example$/)
  })
})

describe('a server that asks to wait', () => {
  test.each([
    ['120', 'wait 2 minutes (Retry-After)'],
    ['90', 'wait 90 s (Retry-After)'],
    ['86400', 'wait 24 hours (Retry-After)'],
    [undefined, 'wait a minute'],
  ])('Retry-After: %s', async (retryAfter, words) => {
    const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
    const server = await serve((_request, response) => response.writeHead(429, headers).end())
    const { error, hint } = linesOf(await dct(['verify', '--server', server.url, REFERENCE]))
    expect(error).toContain('429')
    expect(hint).toContain(words)
    expect(hint).toContain('type the same command again')
  })
})

test('reports an expired first root though the timestamp is a 503: a retry would not help', async () => {
  const collection = createTrustCollection(GUN, { now: new Date(Date.now() - 20 * 366 * 86_400_000) })
  collection.sign('1.0', 'the image')
  await using server = await startTrustServer({ collections: [collection.publish()], faults: { timestamp: 'server-error' } })
  await writeFile(join(folder, 'ca.crt'), server.ca)
  const ran = await runProgram([
    'verify',
    '--config',
    folder,
    '--tlscacert',
    join(folder, 'ca.crt'),
    '--server',
    server.url,
    REFERENCE,
  ])
  expect(linesOf(ran).error).toMatch(/\(ERR_(?:METADATA|CERTIFICATE)_EXPIRED\)$/)
  expect(ran.status).toBe(4)
})

describe('dct lookup of a name without its registry', () => {
  test('explains what a GUN is, and gives the full name', async () => {
    const { hint } = linesOf(await dct(['lookup', '--server', await deadAddress(), 'alpine', '3.19']))
    expect(hint).toMatch(/did you mean docker\.io\/library\/alpine\?.*: dct lookup docker\.io\/library\/alpine 3\.19$/)
  })

  test('gives no such hint for a full name', async () => {
    const { hint } = linesOf(await dct(['lookup', '--server', await deadAddress(), GUN, '1.0']))
    expect(hint).not.toContain('did you mean')
    expect(hint).toContain('dct env')
  })
})

describe('the hint for a wrong setting names its next step', () => {
  test.each([
    [['verify', '--timeout', 'soon', REFERENCE], '--timeout 30'],
    [['verify', '--stale-fallback', 'no', REFERENCE], '--stale-fallback refuse'],
    [['verify', '--disable-content-trust=maybe', REFERENCE], '--disable-content-trust=false'],
    [['verify', '--pinning', '/nonexistent/pins.json', REFERENCE], 'ls -l /nonexistent/pins.json'],
    [['verify', '--role', 'targets', REFERENCE], 'Commands that take it: dct lookup.'],
    [['env', 'alpine', 'busybox'], 'dct env alpine'],
    [['cache', 'forget'], 'dct cache list'],
    [['cache', 'drop'], 'dct cache list'],
    [['demo', '--pinning', '/nonexistent'], 'dct demo --help'],
  ])('%j', async (argv, words) => {
    const ran = await runProgram(argv)
    const { error, hint } = linesOf(ran)
    expect(ran.status).toBe(2)
    expect(error).toMatch(/\(ERR_SETTINGS_INVALID\)$/)
    expect(hint).toContain(words)
    expect(hint).not.toContain('that the message names')
  })
})

describe('a reference without a signature: the hint ends in the command that shows what is signed', () => {
  test.each([
    ['a tag', `${GUN}:2.0`, `dct tags ${GUN}`],
    ['a tag that only a signer lists', `${GUN}:dev`, `dct tree ${GUN}`],
    ['a digest', `${GUN}@sha256:${'a'.repeat(64)}`, `dct tags ${GUN}`],
  ])('%s', async (_what, reference, command) => {
    const collection = createTrustCollection(GUN, { now: new Date(), tags: { '1.0': 'the image' } }).delegate('targets/alice')
    collection.sign('dev', 'another image', { role: 'targets/alice' })
    await using server = await startTrustServer({ collections: [collection.publish()] })
    await writeFile(join(folder, 'ca.crt'), server.ca)
    const options = ['--config', folder, '--tlscacert', join(folder, 'ca.crt'), '--server', server.url]
    const ran = await runProgram(['verify', ...options, reference])
    expect(ran.status).toBe(3)
    expect(linesOf(ran).hint.endsWith(`: ${command}`)).toBe(true)
  })
})
