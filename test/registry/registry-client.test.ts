/** A registry is never trusted: every answer is a checked manifest, "not there", or a TrustError that says which of the rest it is. */
import { createHash } from 'node:crypto'
import { createServer as createHttpServer } from 'node:http'
import { expect, test } from 'vitest'
import type { TrustError } from '../../src/index.js'
import { createRegistryClient, type RegistryClient, type RegistryClientOptions } from '../../src/registry/registry-client.js'
import { type Handler, type LoopbackServer, listen, testAuthority } from '../support/loopback-server.js'
import { transportWorld } from '../support/transport-world.js'

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
const manifest = (fields: object): Buffer => Buffer.from(JSON.stringify({ schemaVersion: 2, ...fields }))
const IMAGE = manifest({ mediaType: OCI_MANIFEST, config: {}, layers: [] })
const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const signal = new AbortController().signal

const world = transportWorld()
const client = (options: Partial<RegistryClientOptions> = {}): RegistryClient =>
  world.keep(
    createRegistryClient({ dockerConfig: world.dockerConfig, env: {}, ca: [testAuthority.pem], engineFolders: [], ...options }),
  )
const fetchFrom = (server: LoopbackServer, bytes: Uint8Array, more: { size?: number } = {}, options = {}) =>
  client(options).fetchManifest({
    domain: `localhost:${server.port}`,
    path: 'team/app',
    digest: digestOf(bytes),
    size: bytes.length,
    signal,
    ...more,
  })
const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => ({ value }),
    (error: TrustError) => error.code ?? error,
  )
const serves =
  (bytes: Uint8Array, type = 'text/plain'): Handler =>
  (_, response) =>
    void response.writeHead(200, { 'content-type': type }).end(bytes)

test('fetches a manifest by its digest, with the media type of the checked bytes and not of the header', async () => {
  const server = await world.serve(serves(IMAGE, DOCKER_LIST))
  const found = await fetchFrom(server, IMAGE)
  expect(found).toEqual({ digest: digestOf(IMAGE), mediaType: OCI_MANIFEST, bytes: new Uint8Array(IMAGE) })
  const [{ url, headers } = { url: '', headers: {} }] = server.requests
  expect(url).toBe(`/v2/team/app/manifests/${digestOf(IMAGE)}`)
  expect(headers.accept).toContain(OCI_MANIFEST)
})

test.each([
  [
    'an index without a type is one, whatever the header says',
    { manifests: [] },
    OCI_MANIFEST,
    'application/vnd.oci.image.index.v1+json',
  ],
  ['the header decides between types of the same shape', { manifests: [] }, `${DOCKER_LIST}; charset=utf-8`, DOCKER_LIST],
  ['a manifest without a type is no list', { config: {}, layers: [] }, DOCKER_LIST, OCI_MANIFEST],
])('%s', async (_, fields, header, mediaType) => {
  const bytes = manifest(fields)
  const server = await world.serve(serves(bytes, header))
  expect(await fetchFrom(server, bytes)).toMatchObject({ mediaType })
})

test.each([
  ['an index that is a manifest too', manifest({ manifests: [], layers: [] })],
  ['schema 1', Buffer.from('{"schemaVersion":1}')],
  ['no JSON', Buffer.from('hello')],
  ['a list', Buffer.from('[]')],
  ['a media type that would split a header', manifest({ mediaType: 'a/b\r\nx: y', layers: [] })],
  ['a media type that is no text', manifest({ mediaType: 7, layers: [] })],
])('refuses signed bytes that are %s', async (_, bytes) => {
  const server = await world.serve(serves(bytes))
  expect(await code(fetchFrom(server, bytes))).toBe('ERR_METADATA_MALFORMED')
})

const OTHER = Buffer.from(IMAGE.toString().replace('2', '3'))
test.each<[string, Handler, string]>([
  ['other bytes of the same length', serves(OTHER), 'ERR_HASH_MISMATCH'],
  ['fewer bytes', serves(IMAGE.subarray(1)), 'ERR_HASH_MISMATCH'],
  ['nothing', serves(Buffer.alloc(0)), 'ERR_HASH_MISMATCH'],
  ['more bytes than are signed', serves(Buffer.concat([IMAGE, IMAGE])), 'ERR_METADATA_TOO_LARGE'],
  ['a fault', (_, response) => void response.writeHead(500).end(), 'ERR_SERVER_RESPONSE'],
  ['a 401 without a challenge', (_, response) => void response.writeHead(401).end(), 'ERR_UNAUTHORIZED'],
  ['a connection that ends', (_, response) => void response.destroy(), 'ERR_SERVER_UNREACHABLE'],
  [
    'a redirect to http',
    (_, response) => void response.writeHead(307, { location: 'http://localhost/x' }).end(),
    'ERR_SERVER_RESPONSE',
  ],
  [
    'an encoding that was not asked for',
    (_, response) => void response.writeHead(200, { 'content-encoding': 'br' }).end(IMAGE),
    'ERR_SERVER_RESPONSE',
  ],
])('a registry that sends %s', async (_, handler, expected) => {
  const server = await world.serve(handler)
  expect(await code(fetchFrom(server, IMAGE))).toBe(expected)
})

test('bytes with the right hash and another length than the signed one are refused', async () => {
  const server = await world.serve(serves(IMAGE))
  expect(await code(fetchFrom(server, IMAGE, { size: IMAGE.length + 1 }))).toBe('ERR_HASH_MISMATCH')
})

test('a signed length over 4 MiB is refused before anything is asked', async () => {
  const server = await world.serve(serves(IMAGE))
  expect(await code(fetchFrom(server, IMAGE, { size: 4 * 1024 * 1024 + 1 }))).toBe('ERR_METADATA_TOO_LARGE')
  expect(server.requests).toEqual([])
})

test('"not there" is no error, and only the registry itself can say it', async () => {
  const absent = await world.serve((_, response) => void response.writeHead(404).end())
  expect(await fetchFrom(absent, IMAGE)).toBeUndefined()
  const elsewhere = await world.serve((_, response) => void response.writeHead(307, { location: `${absent.url}/x` }).end())
  expect(await code(fetchFrom(elsewhere, IMAGE))).toBe('ERR_SERVER_RESPONSE')
})

test('a certificate of an unknown CA is ERR_TLS', async () => {
  const server = await world.serve(serves(IMAGE))
  expect(await code(fetchFrom(server, IMAGE, {}, { ca: [] }))).toBe('ERR_TLS')
})

test('asks for a token with the scope of the repository, and gives it only to who may have it', async () => {
  const server: LoopbackServer = await world.serve(({ url, headers }, response) => {
    if (url.startsWith('/token')) return response.end('{"token":"abc"}')
    if (headers.authorization === 'Bearer abc') return response.end(IMAGE)
    const challenge = `Bearer realm="${server.url}/token",service="registry",scope="repository:everything:push"`
    return response.writeHead(401, { 'www-authenticate': challenge }).end()
  })
  const asked: string[] = []
  const credentials = { get: async (key: string) => void asked.push(key) }
  expect(await fetchFrom(server, IMAGE, {}, { credentials })).toMatchObject({ mediaType: OCI_MANIFEST })
  expect(server.requests.map(({ url }) => decodeURIComponent(url))).toContain(
    '/token?service=registry&scope=repository:team/app:pull',
  )
  expect(asked).toEqual([])
})

test('takes the credentials of the registry, under its own name', async () => {
  const server: LoopbackServer = await world.serve(({ headers }, response) =>
    headers.authorization === `Basic ${Buffer.from('robot:secret').toString('base64')}`
      ? response.end(IMAGE)
      : response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
  )
  const asked: string[] = []
  const credentials = {
    get: async (key: string) => {
      asked.push(key)
      return { username: 'robot', password: 'secret' }
    },
  }
  expect(await fetchFrom(server, IMAGE, {}, { credentials })).toMatchObject({ mediaType: OCI_MANIFEST })
  expect(asked).toEqual([`localhost:${server.port}`])
})

test('on this machine speaks http to a registry without TLS, and sends it no credentials', async () => {
  const seen: (string | undefined)[] = []
  const answers = { status: 200 }
  const server = world.keep(
    await listen(
      createHttpServer(({ headers }, response) => {
        seen.push(headers.authorization)
        response.writeHead(answers.status, { 'www-authenticate': 'Basic realm="x"' }).end(IMAGE)
      }),
    ),
  )
  const credentials = { get: async () => ({ username: 'robot', password: 'secret' }) }
  expect(await fetchFrom(server, IMAGE, {}, { credentials })).toMatchObject({ mediaType: OCI_MANIFEST })
  answers.status = 401
  expect(await code(fetchFrom(server, IMAGE, {}, { credentials }))).toBe('ERR_UNAUTHORIZED')
  answers.status = 404
  expect(await fetchFrom(server, IMAGE, {}, { credentials })).toBeUndefined()
  expect(seen).toEqual([undefined, undefined, undefined])
})

test('another machine never gets plain http', async () => {
  const server = world.keep(await listen(createHttpServer((_, response) => void response.end(IMAGE))))
  const lookup: RegistryClientOptions['lookup'] = (_, options, callback) =>
    options.all === true ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4)
  const asked = client({ lookup: lookup }).fetchManifest({
    domain: `registry.example:${server.port}`,
    path: 'team/app',
    digest: digestOf(IMAGE),
    size: IMAGE.length,
    signal,
  })
  expect(await code(asked)).toBe('ERR_TLS')
})

test.each([
  ['Registry/team', 'team/app'],
  ['user@registry.example', 'team/app'],
  ['registry.example', 'team/../app'],
  ['registry.example', 'team//app'],
  ['registry.example', 'team/app?x'],
])('asks nobody for %s %s', async (domain, path) => {
  expect(await code(client().fetchManifest({ domain, path, digest: digestOf(IMAGE), signal }))).toBe('ERR_REFERENCE_INVALID')
})

test('resolves a tag by a HEAD, and by the bytes where the registry allows or tells no more', async () => {
  const digest = digestOf(OTHER)
  const resolve = (server: LoopbackServer) =>
    client().resolveTag({ domain: `localhost:${server.port}`, path: 'team/app', tag: '1.0', signal })
  const head = await world.serve((_, response) => void response.setHeader('docker-content-digest', digest).end())
  expect(await resolve(head)).toBe(digest)
  expect(head.requests.map(({ method }) => method)).toEqual(['HEAD'])
  const getOnly = await world.serve(({ method }, response) =>
    method === 'HEAD' ? response.writeHead(405).end() : response.end(IMAGE),
  )
  expect(await resolve(getOnly)).toBe(digestOf(IMAGE))
  const silent = await world.serve(serves(IMAGE))
  expect(await resolve(silent)).toBe(digestOf(IMAGE))
  const absent = await world.serve((_, response) => void response.writeHead(404).end())
  expect(await resolve(absent)).toBeUndefined()
})
