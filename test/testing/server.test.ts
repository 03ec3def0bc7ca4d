import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryStore, createTrustClient, type TrustClientOptions, verifyTag } from '../../src/index.js'
import {
  createSimulatedTransport,
  createTrustCollection,
  type FaultName,
  type ServerAuth,
  startTrustServer,
  type TrustCollection,
} from '../../src/testing/index.js'

const DCT = fileURLToPath(new URL('../../dist/cli/bin.cjs', import.meta.url))

let dockerConfig: string
beforeAll(async () => {
  dockerConfig = await mkdtemp(join(tmpdir(), 'dct-server-'))
})
afterAll(() => rm(dockerConfig, { recursive: true }))

function published(gun = 'localhost:5000/app'): TrustCollection {
  const collection = createTrustCollection(gun)
  collection.sign('1', 'x')
  return collection.publish()
}

const FAULTS: [FaultName, string][] = [
  ['missing', 'ERR_NO_TRUST_DATA'],
  ['unreachable', 'ERR_SERVER_UNREACHABLE'],
  ['cut-off', 'ERR_SERVER_UNREACHABLE'],
  ['silent', 'ERR_SERVER_UNREACHABLE'],
  ['unauthorized', 'ERR_UNAUTHORIZED'],
  ['forbidden', 'ERR_UNAUTHORIZED'],
  ['rate-limited', 'ERR_SERVER_RESPONSE'],
  ['server-error', 'ERR_SERVER_RESPONSE'],
  ['login-page', 'ERR_METADATA_MALFORMED'],
  ['empty', 'ERR_METADATA_MALFORMED'],
  ['bad-encoding', 'ERR_SERVER_RESPONSE'],
  ['tls', 'ERR_TLS'],
]

const options = (server: { url: string; ca?: string }, collection: TrustCollection): TrustClientOptions => ({
  env: {},
  disableContentTrust: false,
  server: server.url,
  ...(server.ca === undefined ? {} : { ca: server.ca }),
  dockerConfig,
  store: createMemoryStore(),
  now: () => collection.now,
})

describe('a collection served over https', () => {
  test('verifies through the real transport, and the requests can be seen', async () => {
    const collection = published()
    await using server = await startTrustServer({ collections: [collection, published('localhost:5000/other')] })
    expect(await verifyTag('localhost:5000/app:1', options(server, collection))).toMatchObject({
      status: 'trusted',
      server: server.url,
    })
    const paths = server.requests.map(({ path }) => path.replace(/[0-9a-f]{64}/, '<hash>')).sort()
    expect(paths).toEqual(
      ['2.root', 'root', 'snapshot', 'targets', 'targets/releases', 'timestamp'].map(
        (name) => `/v2/localhost:5000/app/_trust/tuf/${name}.json`,
      ),
    )
    expect(await verifyTag('localhost:5000/other:1', options(server, collection))).toMatchObject({ status: 'trusted' })
  })

  test.each(FAULTS)('%s becomes %s, over https and in process', async (fault, code) => {
    const collection = published()
    const timeout = fault === 'silent' ? 500 : 15_000
    if (fault !== 'tls') {
      await using server = await startTrustServer({ collections: [collection], faults: { '*': fault } })
      await expect(verifyTag('localhost:5000/app:1', { ...options(server, collection), timeout })).rejects.toMatchObject({ code })
    }
    const transport = collection.transport({ faults: { '*': fault } })
    const inProcess = { ...options({ url: 'https://trust.example' }, collection), transport, timeout }
    await expect(verifyTag('localhost:5000/app:1', inProcess)).rejects.toMatchObject({ code })
  })

  test('faults can be changed while it runs, and requests name collection and file', async () => {
    const collection = published()
    await using server = await startTrustServer({ collections: [collection], faults: { timestamp: 'server-error' } })
    const verify = () => verifyTag('localhost:5000/app:1', options(server, collection))
    await expect(verify()).rejects.toMatchObject({ code: 'ERR_SERVER_RESPONSE', role: 'timestamp' })
    server.faults.delete('timestamp')
    server.requests.length = 0
    expect((await verify()).status).toBe('trusted')
    expect(server.requests).toContainEqual({
      method: 'GET',
      path: '/v2/localhost:5000/app/_trust/tuf/timestamp.json',
      gun: 'localhost:5000/app',
      file: 'timestamp',
    })
  })

  test('an unknown fault is a TypeError at once', async () => {
    await expect(startTrustServer({ faults: { '*': 'unreachble' as 'unreachable' } })).rejects.toThrow(
      /^no fault for \*: unreachble; .* missing,/,
    )
    await using server = await startTrustServer()
    for (const fault of ['tls', 'nonsense', undefined]) expect(() => server.faults.set('root', fault as never)).toThrow(TypeError)
    expect(server.faults.size).toBe(0)
    expect(() => published().transport({ faults: { root: 'nonsense' as 'tls' } })).toThrow(TypeError)
  })

  test('bytes and functions are served in the place of a file', async () => {
    const collection = published()
    await using server = await startTrustServer({ collections: [collection], faults: { timestamp: Buffer.from('<html>') } })
    const verify = () => verifyTag('localhost:5000/app:1', options(server, collection))
    await expect(verify()).rejects.toMatchObject({ code: 'ERR_METADATA_MALFORMED' })
    server.faults.set('timestamp', (honest) => Promise.resolve(honest))
    expect((await verify()).status).toBe('trusted')
  })

  test('without its CA it is not trusted', async () => {
    const collection = published()
    await using server = await startTrustServer({ collections: [collection] })
    const { ca: _, ...without } = options(server, collection)
    await expect(verifyTag('localhost:5000/app:1', without)).rejects.toMatchObject({ code: 'ERR_TLS' })
  })
})

describe('the environment of a server', () => {
  const now = () => new Date(Date.now() - 3_600_000) // the command reads the real clock
  const current = () => createTrustCollection('localhost:5000/app', { now: now(), tags: { 1: 'x' } }).publish()
  const me = { username: 'me', password: 'pa55:wörd' }

  test.each<[string, ServerAuth | undefined]>([
    ['nothing', undefined],
    ['a password', { type: 'basic', ...me }],
    ['an anonymous token', { type: 'token' }],
    ['a token for those with a password', { type: 'token', ...me }],
  ])('is all that verifyTag and a child need, when the server asks for %s', async (_, auth) => {
    const collection = current()
    await using server = await startTrustServer({ collections: [collection], ...(auth && { auth }) })
    const canonical = `localhost:5000/app@${collection.sign('1', 'x')}`
    expect(await verifyTag('localhost:5000/app:1', { env: { ...server.env } })).toMatchObject({ canonicalReference: canonical })
    const env = { ...process.env, ...server.env }
    const child = await promisify(execFile)(process.execPath, [DCT, 'verify', 'localhost:5000/app:1'], { env })
    expect(child.stdout).toBe(`${canonical}\n`)
    const shown = new Set(server.requests.map(({ authorization }) => authorization))
    const expected = { undefined: [undefined], basic: [undefined, 'basic'], token: [undefined, 'bearer'] }[`${auth?.type}`] ?? []
    expect([...shown]).toEqual(expect.arrayContaining(expected))
    expect(server.requests.some(({ path }) => path.startsWith('/token?'))).toBe(auth?.type === 'token')
    expect(JSON.stringify(server.requests)).not.toContain('pa55')
  })

  test.each<ServerAuth>([
    { type: 'basic', ...me },
    { type: 'token', ...me },
  ])('without the right credentials nothing is served: %j', async (auth) => {
    const collection = published()
    await using server = await startTrustServer({ collections: [collection], auth })
    const verify = (credentials: TrustClientOptions['credentials']) =>
      verifyTag('localhost:5000/app:1', { ...options(server, collection), ...(credentials && { credentials }) })
    await expect(verify(undefined)).rejects.toMatchObject({ code: 'ERR_UNAUTHORIZED' })
    await expect(verify({ username: 'me', password: 'wrong' })).rejects.toMatchObject({ code: 'ERR_UNAUTHORIZED' })
    expect((await verify(me)).status).toBe('trusted')
  })

  test('a token is for one collection, and faults of the token server have a name', async () => {
    const [one, other] = [published('localhost:5000/one'), published('localhost:5000/other')]
    await using server = await startTrustServer({ collections: [one, other], auth: { type: 'token' } })
    await using client = createTrustClient(options(server, one))
    await client.verifyTag('localhost:5000/one:1')
    await client.verifyTag('localhost:5000/other:1')
    const scopes = server.requests.filter(({ path }) => path.startsWith('/token')).map(({ path }) => path.split('scope=')[1])
    expect(scopes).toEqual([one, other].map(({ gun }) => encodeURIComponent(`repository:${gun}:pull`)))
    server.faults.set('token', 'forbidden')
    await expect(verifyTag('localhost:5000/one:1', options(server, one))).rejects.toMatchObject({ code: 'ERR_UNAUTHORIZED' })
  })

  test.each(['expired', 'another-name', 'another-ca'] as const)(
    'a certificate that is wrong (%s) is ERR_TLS',
    async (certificate) => {
      await using server = await startTrustServer({ collections: [current()], certificate })
      await expect(verifyTag('localhost:5000/app:1', { env: server.env })).rejects.toMatchObject({ code: 'ERR_TLS' })
      expect(server.requests).toEqual([])
    },
  )

  test('closing removes the folder, and may be repeated', async () => {
    const server = await startTrustServer()
    expect(existsSync(server.env.DOCKER_CONFIG)).toBe(true)
    await server.close()
    await server.close()
    expect(existsSync(server.env.DOCKER_CONFIG)).toBe(false)
  })
})

describe('a transport in process', () => {
  const signal = new AbortController().signal

  test('serves what there is, counts requests, and knows no other collection', async () => {
    const collection = published()
    const transport = collection.transport()
    const ask = (gun: string, name: string) => transport.fetchMetadata({ gun, name, maxBytes: 1e6, signal })
    expect(await ask(collection.gun, 'root')).toEqual(collection.served('root'))
    expect(await ask(collection.gun, '2.root')).toBeUndefined()
    expect(await ask('another', 'root')).toBeUndefined()
    expect(transport.requests).toEqual(['root', '2.root', 'root'])
  })

  test('faults: the exact name before the role, the role before all', async () => {
    const collection = published()
    const [name = ''] = [...collection.files().keys()].filter((file) => file.startsWith('targets.'))
    const faults = { '*': 'server-error', targets: 'tls', [name]: 'missing' } as const
    const transport = createSimulatedTransport([collection], { faults })
    const code = (file: string) =>
      transport.fetchMetadata({ gun: collection.gun, name: file, maxBytes: 1e6, signal }).then(
        (bytes) => bytes,
        (cause: { code: string }) => cause.code,
      )
    expect(await code(name)).toBeUndefined()
    expect(await code('targets')).toBe('ERR_TLS')
    expect(await code('root')).toBe('ERR_SERVER_RESPONSE')
  })

  test('gives no more than is asked for, nothing after it was closed or aborted', async () => {
    const collection = published()
    const transport = collection.transport()
    const request = { gun: collection.gun, name: 'root', maxBytes: 10, signal }
    await expect(transport.fetchMetadata(request)).rejects.toMatchObject({ code: 'ERR_METADATA_TOO_LARGE', role: 'root' })
    const reason = new Error('enough')
    await expect(transport.fetchMetadata({ ...request, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await transport.close()
    await expect(transport.fetchMetadata(request)).rejects.toThrow('closed')
  })
})

test('the CAs of several servers go together: OpenSSL finds an issuer by its name', async () => {
  const servers = [await startTrustServer({ collections: [published()] }), await startTrustServer({ collections: [published()] })]
  try {
    const [one, other] = servers.map(({ ca }) => new X509Certificate(ca).subject)
    expect(one).not.toBe(other)
    const ca = servers.map((server) => server.ca)
    for (const { url, env } of servers) {
      const options = { env, ca, server: url, disableContentTrust: false, now: () => new Date('2026-03-01T12:00:00Z') }
      expect((await verifyTag('localhost:5000/app:1', { ...options, store: createMemoryStore() })).status).toBe('trusted')
    }
  } finally {
    for (const server of servers) await server.close()
  }
})
