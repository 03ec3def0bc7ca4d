import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryStore, type TrustClientOptions, verifyTag } from '../../src/index.js'
import {
  createSimulatedTransport,
  createTrustCollection,
  startTrustServer,
  type TrustCollection,
} from '../../src/testing/index.js'

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

const options = (server: { url: string; ca: string }, collection: TrustCollection): TrustClientOptions => ({
  env: {},
  disableContentTrust: false,
  server: server.url,
  ca: server.ca,
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

  test.each([
    ['missing', 'ERR_NO_TRUST_DATA'],
    ['unauthorized', 'ERR_UNAUTHORIZED'],
    ['server-error', 'ERR_SERVER_RESPONSE'],
    ['unreachable', 'ERR_SERVER_UNREACHABLE'],
    ['silent', 'ERR_SERVER_UNREACHABLE'],
  ] as const)('%s becomes %s', async (fault, code) => {
    const collection = published()
    await using server = await startTrustServer({ collections: [collection], faults: { '*': fault } })
    await expect(
      verifyTag('localhost:5000/app:1', { ...options(server, collection), timeout: fault === 'silent' ? 500 : 15_000 }),
    ).rejects.toMatchObject({
      code,
    })
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
