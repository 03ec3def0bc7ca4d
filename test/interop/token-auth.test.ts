/** A trust server that requires tokens, as registries do: anonymous ones, then ones for Docker's stored credentials. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTrustClient } from '../../src/index.js'
import { makeServerCertificates } from './lab/certificates.js'
import { type NotaryServer, startNotaryServer } from './lab/notary-server.js'
import { createOurReader, digestOf, lookupAfresh, type OurReader } from './lab/our-reader.js'
import { createPublisher } from './lab/publisher.js'
import { startTokenServer, type TokenRequest, type TokenServer } from './lab/token-server.js'

const publicGun = 'registry.example/public/app'
const privateGun = 'registry.example/private/app'
const digest = `sha256:${digestOf('1.0')}`
const password = 'correct-horse-battery-staple'
const wrong = 'wrong-horse-battery-staple'
const basic = (secret: string): string => Buffer.from(`robot:${secret}`).toString('base64')

let folder: string
let tokens: TokenServer
let server: NotaryServer
let reader: OurReader

/** The token server's rules: everything with the password, in a header or as an identity token; pulling the public collection without a login. */
function allow({ method, url, headers, body }: TokenRequest): readonly string[] {
  if (method === 'POST') return new URLSearchParams(body).get('refresh_token') === password ? ['pull'] : []
  if (headers.authorization === `Basic ${basic(password)}`) return ['pull', 'push', '*']
  return headers.authorization === undefined && decodeURIComponent(url).includes(publicGun) ? ['pull'] : []
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'notary-lab-tokens-'))
  const certificates = await makeServerCertificates(join(folder, 'tls'))
  tokens = await startTokenServer({ certificates, folder, allow })
  server = await startNotaryServer({ certificates, auth: tokens.auth })
  await using publisher = await createPublisher({ server, env: { NOTARY_AUTH: basic(password) } })
  for (const gun of [publicGun, privateGun]) {
    await publisher.init(gun)
    await publisher.addHash(gun, '1.0', digestOf('1.0'), 5)
    await publisher.publish(gun)
  }
})

afterAll(async () => {
  await server?.stop()
  await tokens?.stop()
  await rm(folder, { recursive: true, force: true })
})

beforeEach(async () => {
  reader = await createOurReader(server)
  return () => reader[Symbol.asyncDispose]()
})

const configure = (config: object): Promise<void> => writeFile(join(reader.config, 'config.json'), JSON.stringify(config))
const trustHost = (): string => `localhost:${server.port}`

/** The requests to the token server while `work` ran. */
async function tokenRequests(work: () => Promise<unknown>): Promise<TokenRequest[]> {
  const before = tokens.requests.length
  await work()
  return tokens.requests.slice(before)
}

test('a public collection is read with an anonymous token', async () => {
  expect((await lookupAfresh(server, publicGun, '1.0')).digest).toBe(digest)
  const asked = await tokenRequests(async () => {
    expect((await reader.verify(`${publicGun}:1.0`)).digest).toBe(digest)
  })
  expect(asked.length).toBeGreaterThan(0)
  for (const { method, headers, url } of asked) {
    expect(method).toBe('GET')
    expect(headers.authorization).toBeUndefined()
    const query = new URL(url, 'https://localhost').searchParams
    expect(query.get('service')).toBe(tokens.auth.service)
    expect(query.get('scope')).toBe(`repository:${publicGun}:pull`)
  }
  const run = await reader.dct('verify', `${publicGun}:1.0`)
  expect(run).toMatchObject({ status: 0, stdout: `${publicGun}@${digest}\n` })
})

test('one token is enough for all files of a collection', async () => {
  expect(await tokenRequests(() => reader.verify(`${publicGun}:1.0`))).toHaveLength(1)
})

test('credentials are not sent if an anonymous token is enough', async () => {
  await configure({ auths: { 'registry.example': { auth: basic(password) } } })
  const asked = await tokenRequests(() => reader.verify(`${publicGun}:1.0`))
  expect(asked.map(({ headers }) => headers.authorization)).toEqual(asked.map(() => undefined))
})

// Docker sends them; notary logs in only to publish, and reads anonymously.
test.each<[string, () => string]>([
  ['the registry', () => 'registry.example'],
  ['the trust server', () => trustHost()],
])('credentials of %s in config.json open what is private', async (_, key) => {
  await configure({ auths: { [key()]: { auth: basic(password) } } })
  expect((await reader.verify(`${privateGun}:1.0`)).digest).toBe(digest)
  const run = await reader.dct('verify', `${privateGun}:1.0`)
  expect(run).toMatchObject({ status: 0, stdout: `${privateGun}@${digest}\n`, stderr: '' })
})

test('the login of a credential helper opens a private collection', async () => {
  const bin = join(reader.config, 'bin')
  await mkdir(bin)
  const answer = JSON.stringify({ ServerURL: 'registry.example', Username: 'robot', Secret: password })
  const helper = join(bin, 'docker-credential-lab')
  const script = `#!/bin/sh\nread -r host\n[ "$1 $host" = "get registry.example" ] || { echo credentials not found in native keychain; exit 1; }\necho '${answer}'\n`
  await writeFile(helper, script)
  await chmod(helper, 0o755)
  await configure({ credHelpers: { 'registry.example': 'lab' } })
  const run = await reader.dctWith({ PATH: `${bin}:${process.env['PATH']}` }, 'verify', `${privateGun}:1.0`)
  expect(run).toMatchObject({ status: 0, stdout: `${privateGun}@${digest}\n` })
})

test('an identity token is exchanged for a token by POST, and opens a private collection', async () => {
  await configure({ auths: { 'registry.example': { identitytoken: password } } })
  const asked = await tokenRequests(async () => {
    expect((await reader.verify(`${privateGun}:1.0`)).digest).toBe(digest)
  })
  expect(asked.map(({ method, headers }) => [method, headers.authorization])).toEqual([
    ['GET', undefined],
    ['POST', undefined],
  ])
  expect(asked[1]?.url).not.toContain(password)
  const run = await reader.dct('verify', '--verbose', `${privateGun}:1.0`)
  expect(run).toMatchObject({ status: 0, stdout: `${privateGun}@${digest}\n` })
  expect(run.stderr).not.toContain(password)
})

test.each([
  ['for every registry', { username: 'robot', password }],
  ['by registry', { 'registry.example': { username: 'robot', password } }],
  ['by a function', (key: string) => (key === 'registry.example' ? { username: 'robot', password } : undefined)],
])('credentials given %s open a private collection, and the events show how', async (_, credentials) => {
  const events: object[] = []
  const onEvent = (event: object): unknown => events.push(event)
  expect((await reader.verify(`${privateGun}:1.0`, { credentials, onEvent })).digest).toBe(digest)
  expect(events).toContainEqual({ type: 'auth', realm: tokens.auth.realm, method: 'bearer-anonymous' })
  expect(events).toContainEqual({ type: 'auth', realm: tokens.auth.realm, method: 'bearer-credentials' })
  for (const secret of [password, basic(password), 'eyJ']) expect(JSON.stringify(events)).not.toContain(secret)
})

test('one login is enough for many calls of one client', async () => {
  await using client = createTrustClient({ ...reader.options, credentials: { username: 'robot', password } })
  const asked = await tokenRequests(async () => {
    for (let question = 0; question < 3; question++) expect(await client.verifyTag(`${privateGun}:1.0`)).toMatchObject({ digest })
  })
  expect(asked.map(({ headers }) => headers.authorization)).toEqual([undefined, `Basic ${basic(password)}`])
})

test.each([
  ['not installed', undefined, 'executable file not found in $PATH', 'not installed'],
  ['locked', 'echo The collection is locked; exit 1', 'the keychain is locked or cannot be reached', 'Unlock the keychain'],
  ['without an entry', 'echo credentials not found in native keychain; exit 1', 'server returned 401', 'no credentials for'],
])('a credential helper that is %s has its own message and hint', async (_, script, message, hint) => {
  const bin = join(reader.config, 'bin')
  await mkdir(bin)
  if (script !== undefined) {
    await writeFile(join(bin, 'docker-credential-lab'), `#!/bin/sh\n${script}\n`)
    await chmod(join(bin, 'docker-credential-lab'), 0o755)
  }
  await configure({ credsStore: 'lab' })
  const run = await reader.dctWith({ PATH: `${bin}:${process.env['PATH']}` }, 'verify', `${privateGun}:1.0`)
  expect(run).toMatchObject({ status: 5, stdout: '' })
  expect(run.stderr).toContain(message)
  expect(run.stderr).toContain(hint)
})

test('without credentials both clients refuse a private collection', async () => {
  await expect(lookupAfresh(server, privateGun, '1.0')).rejects.toThrow(/401|authori/i)
  const refusal = await reader.refusal(`${privateGun}:1.0`)
  expect(refusal).toMatchObject({ code: 'ERR_UNAUTHORIZED', kind: 'unavailable' })
  expect(refusal.message).toMatch(/^you are not authorized to perform this operation: server returned 401\./)
  expect(await reader.dct('verify', `${privateGun}:1.0`)).toMatchObject({ status: 5, stdout: '' })
})

test('wrong credentials are refused and not shown', async () => {
  await using publisher = await createPublisher({ server, env: { NOTARY_AUTH: basic(wrong) } })
  await expect(publisher.init(privateGun)).rejects.toThrow(/401|authori/i)
  await configure({ auths: { 'registry.example': { auth: basic(wrong) } } })
  const refusal = await reader.refusal(`${privateGun}:1.0`)
  expect(refusal.code).toBe('ERR_UNAUTHORIZED')
  const told = [JSON.stringify(refusal), String(refusal.stack), refusal.hint]
  for (const option of ['--verbose', '--json']) {
    const run = await reader.dct('verify', option, `${privateGun}:1.0`)
    expect(run.status).toBe(5)
    told.push(run.stdout, run.stderr)
  }
  for (const text of told) for (const secret of [wrong, basic(wrong)]) expect(text).not.toContain(secret)
})

test('with credentials that no longer work the cache is used, with a warning', async () => {
  await configure({ auths: { 'registry.example': { auth: basic(password) } } })
  await reader.verify(`${privateGun}:1.0`)
  await configure({ auths: { 'registry.example': { auth: basic(wrong) } } })
  expect(await reader.verify(`${privateGun}:1.0`)).toMatchObject({ digest, freshness: 'stale' })
  expect((await reader.refusal(`${privateGun}:1.0`, { staleFallback: 'refuse' })).code).toBe('ERR_UNAUTHORIZED')
})
