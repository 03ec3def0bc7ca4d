/**
 * Servers that send their challenge only at `/v2/`, which Docker's client requests first, or answer 404 to a request without
 * credentials.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMemoryStore, createTrustClient, type TrustClientOptions, verifyTag } from '../../src/index.js'
import { createTrustCollection, type TrustCollection } from '../../src/testing/index.js'
import { type LoopbackServer, type SeenRequest, startServer, testAuthority } from '../support/loopback-server.js'

const GUN = 'registry.example/team/app'
const REFERENCE = `${GUN}:1.0`
const BASIC = `Basic ${Buffer.from('me:pa55word').toString('base64')}`
const FILE = /^\/v2\/(?<gun>.+)\/_trust\/tuf\/(?<name>.+)\.json$/

let folder: string
const open: { close(): Promise<void> }[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-hidden-'))
})
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
  await rm(folder, { recursive: true })
})

/** How a server hides a collection. */
interface Hiding {
  /** The answer without credentials: 404, or 401 without a usable challenge. */
  readonly file: { readonly status: number; readonly challenge?: string }
  /** The answer at `/v2/`; `REALM` is the token server. */
  readonly ping?: { readonly status: number; readonly headers: Record<string, string> }
  /** The Authorization header that the server accepts. */
  readonly token?: string
  /** The tokens that the token server gives without credentials and with them. */
  readonly tokens?: { readonly anonymous?: string; readonly mine?: string }
  /** The status for a request with another Authorization header. */
  readonly refused?: number
}

const LOGIN = { status: 401, headers: { 'www-authenticate': 'Bearer realm="REALM",service=s' } }

interface Hidden {
  readonly collection: TrustCollection
  readonly server: LoopbackServer
  readonly realm: LoopbackServer
  readonly options: TrustClientOptions
  /** The requests to the trust server: names of files, and other paths. */
  readonly asked: () => string[]
}

async function hide({
  file,
  ping = LOGIN,
  token = 'Bearer mine',
  tokens = { mine: 'mine' },
  refused = 401,
}: Hiding): Promise<Hidden> {
  const collection = createTrustCollection(GUN)
  collection.sign('1.0', 'the image')
  collection.publish()
  const realm = await startServer(({ headers }, response) => {
    const given =
      headers.authorization === undefined ? tokens.anonymous : headers.authorization === BASIC ? tokens.mine : undefined
    if (given === undefined) response.writeHead(401).end()
    else response.end(JSON.stringify({ token: given, expires_in: 300 }))
  })
  const withRealm = (text: string): string => text.replace('REALM', `${realm.url}/token`)
  const server = await startServer(({ url, headers }, response) => {
    if (url === '/v2/') {
      const entries = Object.entries(ping.headers).map(([name, value]) => [name, withRealm(value)] as const)
      return response.writeHead(ping.status, Object.fromEntries(entries)).end()
    }
    if (headers.authorization === token) {
      const body = FILE.exec(url)?.groups?.['gun'] === GUN ? collection.served(nameOf(url)) : undefined
      return response.writeHead(body === undefined ? 404 : 200).end(body)
    }
    if (headers.authorization !== undefined) return response.writeHead(refused).end()
    const challenge = file.challenge === undefined ? {} : { 'www-authenticate': withRealm(file.challenge) }
    return response.writeHead(file.status, challenge).end()
  })
  open.push(realm, server)
  const options: TrustClientOptions = {
    env: { HOME: folder },
    disableContentTrust: false,
    server: server.url,
    store: createMemoryStore(),
    ca: testAuthority.pem,
    credentials: { 'registry.example': { username: 'me', password: 'pa55word' } },
    now: () => collection.now,
  }
  return { collection, server, realm, options, asked: () => server.requests.map(({ url }) => nameOf(url)) }
}

function nameOf(url: string): string {
  return FILE.exec(url)?.groups?.['name'] ?? url
}

const headersAt = (server: LoopbackServer, path: string): (string | undefined)[] =>
  server.requests.filter(({ url }: SeenRequest) => url === path).map(({ headers }) => headers.authorization)

describe('a server that answers 404 without credentials', () => {
  test.each([
    ['a token', {}],
    ['a password', { ping: { status: 401, headers: { 'www-authenticate': 'Basic realm=x' } }, token: BASIC }],
    ['a token, while an anonymous token is refused', { tokens: { anonymous: 'anybody', mine: 'mine' } }],
  ])('gives the collection for credentials, by %s', async (_how, hiding) => {
    const { options, server, asked } = await hide({ file: { status: 404 }, ...hiding })
    expect(await verifyTag(REFERENCE, options)).toMatchObject({ status: 'trusted', freshness: 'fresh' })
    expect(asked().filter((path) => path === '/v2/')).toHaveLength(1)
    expect(headersAt(server, '/v2/')).toEqual([undefined])
  })

  test('gives the collection to another client with the same cache, after a rotation', async () => {
    const { options, collection } = await hide({ file: { status: 404 } })
    await verifyTag(REFERENCE, options)
    collection.rotateKey('root')
    collection.rotateKey('timestamp')
    collection.publish()
    expect(await verifyTag(REFERENCE, options)).toMatchObject({ freshness: 'fresh', warnings: [] })
  })

  test('gets the token with every later request', async () => {
    const { options, asked, server } = await hide({ file: { status: 404 } })
    await using client = createTrustClient(options)
    await client.verifyTag(REFERENCE)
    const before = server.requests.length
    await client.verifyTag(REFERENCE)
    expect(asked().slice(before).sort()).toEqual(['2.root', 'timestamp'])
    expect(server.requests.slice(before).map(({ headers }) => headers.authorization)).toEqual(['Bearer mine', 'Bearer mine'])
  })

  test('and with credentials too: ERR_NO_TRUST_DATA', async () => {
    const { options, asked } = await hide({ file: { status: 404 } })
    const other = verifyTag('registry.example/team/other:1.0', options)
    await expect(other).rejects.toMatchObject({ code: 'ERR_NO_TRUST_DATA' })
    expect(asked().filter((path) => path === '/v2/' || path === 'root')).toEqual(['root', '/v2/', 'root'])
  })

  test.each<[string, Partial<Hiding>]>([
    ['by the token server', { tokens: {} }],
    ['by the trust server, with 401', { tokens: { mine: 'other' } }],
    ['by the trust server, with 403', { tokens: { mine: 'other' }, refused: 403 }],
  ])('and credentials that are refused %s: ERR_UNAUTHORIZED names both answers', async (_who, hiding) => {
    const { options, realm } = await hide({ file: { status: 404 }, ...hiding })
    await expect(verifyTag(REFERENCE, options)).rejects.toMatchObject({
      code: 'ERR_UNAUTHORIZED',
      message: expect.stringMatching(
        /^you are not authorized .*: server returned 40[13]\. Without credentials it returned 404\.$/,
      ),
      hint: expect.stringMatching(/404/),
      evidence: { statusWithoutCredentials: 404 },
    })
    expect(realm.requests.map(({ headers }) => headers.authorization)).toEqual([BASIC]) // one request, and no anonymous one
  })

  test.each<[string, Partial<Hiding>]>([
    ['sends no challenge at /v2/', { ping: { status: 200, headers: {} } }],
    ['has no /v2/', { ping: { status: 404, headers: LOGIN.headers } }],
    ['sends 401 without a challenge at /v2/', { ping: { status: 401, headers: {} } }],
    ['redirects from /v2/', { ping: { status: 307, headers: { location: 'REALM', ...LOGIN.headers } } }],
  ])('and %s: the 404 is final, and no credentials are sent', async (_what, hiding) => {
    const { options, server, realm, asked } = await hide({ file: { status: 404 }, ...hiding })
    await expect(verifyTag(REFERENCE, options)).rejects.toMatchObject({ code: 'ERR_NO_TRUST_DATA' })
    expect(asked().filter((path) => path === '/v2/')).toHaveLength(1)
    expect(asked().filter((path) => path === 'root')).toHaveLength(1)
    expect(realm.requests).toEqual([])
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(server.requests.map(() => undefined))
  })

  test('makes the client ask the credentials function once for many collections', async () => {
    const { options, asked } = await hide({ file: { status: 404 }, ping: { status: 200, headers: {} } })
    const owners: string[] = []
    const credentials = (owner: string): undefined => void owners.push(owner)
    await using client = createTrustClient({ ...options, credentials })
    for (const name of ['a', 'b', 'c']) {
      await expect(client.verifyTag(`registry.example/team/${name}`)).rejects.toMatchObject({ code: 'ERR_NO_TRUST_DATA' })
    }
    expect(owners).toHaveLength(new Set(owners).size)
    expect(asked()).not.toContain('/v2/')
  })
})

describe('a server that answers 401 without a usable challenge', () => {
  test.each([
    ['none', {}],
    ['another scheme', { challenge: 'Negotiate' }],
    ['a token server over http', { challenge: 'Bearer realm="http://localhost/token"' }],
  ])('(%s) is asked for one at /v2/', async (_what, file) => {
    const { options, asked } = await hide({ file: { status: 401, ...file } })
    expect(await verifyTag(REFERENCE, options)).toMatchObject({ status: 'trusted' })
    expect(asked().filter((path) => path === '/v2/')).toHaveLength(1)
  })

  test('may accept an anonymous token', async () => {
    const { options, realm } = await hide({ file: { status: 401 }, token: 'Bearer anybody', tokens: { anonymous: 'anybody' } })
    expect(await verifyTag(REFERENCE, options)).toMatchObject({ status: 'trusted' })
    expect(realm.requests.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  test('and sends none at /v2/ either: ERR_UNAUTHORIZED', async () => {
    const { options, realm } = await hide({ file: { status: 401 }, ping: { status: 401, headers: {} } })
    await expect(verifyTag(REFERENCE, options)).rejects.toMatchObject({ code: 'ERR_UNAUTHORIZED' })
    expect(realm.requests).toEqual([])
  })
})

describe('the client does not request /v2/', () => {
  test.each([
    ['there are no credentials', {}],
    ['there are no credentials for this server', { 'other.example': { username: 'me', password: 'pa55word' } }],
    ['there are credentials for docker.io only', { 'docker.io': { username: 'me', password: 'pa55word' } }],
  ])('after a 404 when %s', async (_what, credentials) => {
    const { options, asked } = await hide({ file: { status: 404 } })
    await expect(verifyTag(REFERENCE, { ...options, credentials })).rejects.toMatchObject({ code: 'ERR_NO_TRUST_DATA' })
    expect(asked()).not.toContain('/v2/')
    expect(asked().filter((path) => path === 'root')).toHaveLength(1)
  })

  test('after a 404 when the credentials function fails', async () => {
    const { options, asked } = await hide({ file: { status: 404 } })
    const credentials = (): Promise<never> => Promise.reject(new Error('locked'))
    await expect(verifyTag(REFERENCE, { ...options, credentials })).rejects.toMatchObject({ code: 'ERR_NO_TRUST_DATA' })
    expect(asked()).not.toContain('/v2/')
  })

  test('when the collection is public, on first use and with a cache', async () => {
    const { options, collection, server, asked } = await hide({ file: { status: 404 }, token: 'never' })
    const open = await startServer(({ url }, response) => {
      const body = collection.served(nameOf(url))
      response.writeHead(body === undefined ? 404 : 200).end(body)
    })
    const names = (): string[] => open.requests.map(({ url }) => nameOf(url))
    try {
      const there = { ...options, server: open.url }
      await verifyTag(REFERENCE, there)
      expect(names()).not.toContain('/v2/')
      const before = open.requests.length
      await verifyTag(REFERENCE, there)
      expect(names().slice(before).sort()).toEqual(['2.root', 'timestamp'])
    } finally {
      await open.close()
    }
    expect([server.requests, asked()]).toEqual([[], []])
  })
})
