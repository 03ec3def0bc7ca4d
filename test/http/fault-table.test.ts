/**
 * Every network fault with no cache, a good cache, and a cache whose timestamp has expired: checks the code or the stale
 * answer, and that the store is unchanged.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createTlsServer } from 'node:https'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryStore, type ErrorCode, type MetadataStore, type TrustClientOptions, verifyTag } from '../../src/index.js'
import { createHttpTransport } from '../../src/trust-server/http-transport.js'
import { parseServer } from '../../src/trust-server/notary-url.js'
import { comparable, GUN, refusalOf, STALE_SENTENCE, Story } from '../client/story.js'
import { type LoopbackServer, listen, serverCertificate, testAuthority } from '../support/loopback-server.js'
import {
  BAD_ANSWERS,
  BROKEN_HTTP,
  HONEST,
  NO_ANSWER,
  STATUSES,
  UNREACHABLE,
  UNREADABLE,
  UNTRUSTED_PEERS,
  type WireFault,
} from './wire-faults.js'

const CACHES = ['no cache', 'a good cache', 'a cache whose timestamp has expired'] as const
const FILE = /\/_trust\/tuf\/(?<name>.+)\.json$/
/** For slow faults only: the other tests must not fail on a slow machine. */
const SHORT_DEADLINES = { connectMs: 300, headersMs: 300, bodyIdleMs: 300, totalMs: 600 }

const certificate = serverCertificate()
let dockerConfig: string

beforeAll(async () => {
  dockerConfig = await mkdtemp(join(tmpdir(), 'dct-faults-'))
})
afterAll(() => rm(dockerConfig, { recursive: true }))

/** Serves a story's collection over https, with the fault. */
async function serve(story: Story, fault: WireFault): Promise<LoopbackServer> {
  const key = certificate.privateKey.export({ type: 'pkcs8', format: 'pem' })
  const tls = createTlsServer({ key, cert: certificate.pem, ...fault.tls }, (request, response) => {
    const name = FILE.exec(request.url ?? '')?.groups?.['name'] ?? ''
    const honest = story.collection.served(name)
    if (fault.answer !== undefined && (fault.only?.test(name) ?? true))
      fault.answer({ name, honest, request, response, socket: request.socket })
    else response.writeHead(honest === undefined ? 404 : 200).end(honest)
  })
  // A TCP server in front applies faults before TLS.
  return listen(
    createServer((socket: Socket) => {
      if (fault.connection?.(socket) !== true) tls.emit('connection', socket)
    }),
  )
}

interface Cell {
  readonly outcome: string
  readonly freshness?: string
  readonly warnings?: readonly string[]
  readonly cause?: unknown
}

async function tryCell(fault: WireFault, cache: (typeof CACHES)[number]): Promise<Cell> {
  const story = new Story()
  await using server = await serve(story, fault)
  const store: MetadataStore = createMemoryStore()
  const options: TrustClientOptions = { env: {}, disableContentTrust: false, server: server.url, store, now: () => story.now }
  if (cache !== 'no cache') {
    await verifyTag('alpine:3.19', { ...options, transport: story.transport })
    story.wait(cache === 'a good cache' ? 1 : 20).collection.sign('3.19', 'newer')
    story.collection.publish()
  }
  if (fault.away) await server.close()
  const before = comparable(await store.read(GUN))
  const transport = createHttpTransport({
    server: parseServer(server.url),
    dockerConfig,
    env: {},
    ca: testAuthority.pem,
    ...(fault.slow ? { deadlines: SHORT_DEADLINES } : {}),
  })
  try {
    const result = await verifyTag('alpine:3.19', { ...options, transport })
    if (result.status !== 'trusted') throw new Error(result.status)
    if (result.freshness !== 'fresh') expect(comparable(await store.read(GUN))).toEqual(before)
    return { outcome: result.freshness, warnings: result.warnings.map(({ message }) => message) }
  } catch (cause) {
    const error = await refusalOf(Promise.reject(cause))
    expect(comparable(await store.read(GUN)), 'a refusal leaves the store untouched').toEqual(before)
    return { outcome: error.code, cause: error.cause }
  } finally {
    await transport.close()
    // Wait until the server sees the close.
    for (let turns = 0; server.openConnections() > 0 && turns < 500; turns++) await setTimeout(10)
    expect(server.openConnections(), 'connections left open').toBe(0)
  }
}

function expected({ code, cached }: WireFault, cache: (typeof CACHES)[number]): ErrorCode | 'stale' | 'fresh' {
  if (cache === 'no cache') return code
  const withCache = cached ?? (NO_ANSWER.has(code) ? 'stale' : code)
  return withCache === 'stale' && cache !== 'a good cache' ? 'ERR_METADATA_EXPIRED' : withCache
}

describe.concurrent.each([
  ['no usable connection', UNREACHABLE],
  ['a server that does not speak TLS 1.2 or later', UNTRUSTED_PEERS],
  ['a status other than 200 and 404', STATUSES],
  ['a wrong answer', BAD_ANSWERS],
  ['an answer that is not valid HTTP', BROKEN_HTTP],
  ['a body that cannot be decoded', UNREADABLE],
  ['a next root that cannot be decoded', UNREADABLE.map((fault) => ({ ...fault, only: /^\d+\.root$/ }))],
])('%s', (_, faults) => {
  test.each(faults.flatMap((fault) => CACHES.map((cache) => [fault.title, cache, fault] as const)))(
    '%s, with %s',
    async (_title, cache, fault) => {
      const cell = await tryCell(fault, cache)
      const outcome = expected(fault, cache)
      expect(cell.outcome).toBe(outcome)
      if (outcome === 'stale') expect(cell.warnings?.[0]?.startsWith(STALE_SENTENCE)).toBe(true)
      if (outcome === 'ERR_METADATA_EXPIRED') expect(cell.cause).toMatchObject({ kind: 'unavailable' })
    },
  )
})

describe.concurrent('an unusual answer that is accepted', () => {
  test.each(HONEST.map((fault) => [fault.title, fault] as const))('%s', async (_, fault) => {
    for (const cache of ['no cache', 'a good cache'] as const)
      expect(await tryCell(fault, cache)).toMatchObject({ outcome: 'fresh' })
  })
})
