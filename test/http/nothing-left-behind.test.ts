/** A request that is aborted, fails or succeeds leaves no socket, timer or listener. */
import { getEventListeners } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMemoryStore, verifyTag } from '../../src/index.js'
import { createHttpTransport } from '../../src/trust-server/http-transport.js'
import { parseServer } from '../../src/trust-server/notary-url.js'
import { type Handler, type LoopbackServer, listen, startServer, testAuthority } from '../support/loopback-server.js'

/** For a busy machine. */
const PATIENCE = { timeout: 10_000 }
/** Shorter than the deadlines that would close them in any case. */
const CONNECTIONS = { timeout: 5_000 }

let dockerConfig: string

beforeAll(async () => {
  dockerConfig = await mkdtemp(join(tmpdir(), 'dct-left-'))
})
afterAll(() => rm(dockerConfig, { recursive: true }))

const silent: Handler = () => undefined
const challenge = (realm: string): Handler => {
  return (_, response) => response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}/token"` }).end()
}
/** Waits until the test runner's own timer has ended. */
const quiet = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100))
/** Timers that keep a process alive. */
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

/** Waits a second at most, less than any timer that could be left. (`expect.poll` has a timer of its own.) */
async function timersAtRest(before: number): Promise<number> {
  for (let turns = 0; turns < 10 && timers() > before; turns++) await quiet()
  return timers()
}

/** Servers that stop the request at the moment that the title names. The first one gets the request. */
const MOMENTS: readonly [title: string, start: () => Promise<LoopbackServer[]>][] = [
  ['connecting', async () => [await listen(createTcpServer((socket) => socket.resume()))]],
  ['waiting for headers', async () => [await startServer(silent)]],
  ['waiting for the body', async () => [await startServer((_, response) => response.writeHead(200).write('{'))]],
  [
    'waiting for the next attempt',
    async () => [await startServer((_, response) => response.writeHead(503, { 'retry-after': '2' }).end())],
  ],
  [
    'following a redirect',
    async () => {
      const other = await startServer(silent)
      return [await startServer((_, response) => response.writeHead(302, { location: other.url }).end()), other]
    },
  ],
  [
    'waiting for a token',
    async () => {
      const realm = await startServer(silent)
      return [await startServer(challenge(realm.url)), realm]
    },
  ],
]

test.each(MOMENTS)('a request that is aborted while %s', async (_, start) => {
  const servers = await start()
  await quiet()
  const before = timers()
  const controller = new AbortController()
  const transport = createHttpTransport({
    server: parseServer(servers[0]?.url ?? ''),
    dockerConfig,
    env: {},
    ca: testAuthority.pem,
  })
  const request = { gun: 'a/b', name: 'root', maxBytes: 100, signal: controller.signal }
  const running = transport.fetchMetadata(request).catch((cause: unknown) => cause)
  // Abort shortly after the client reached the last server.
  await expect.poll(() => servers.at(-1)?.connections(), PATIENCE).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 100))
  const reason = { any: 'reason' }
  controller.abort(reason)
  expect(await running).toBe(reason)
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  await transport.close()
  await expect.poll(() => servers.map((server) => server.openConnections()), CONNECTIONS).toEqual(servers.map(() => 0))
  expect(await timersAtRest(before)).toBeLessThanOrEqual(before)
  for (const server of servers) await server.close()
})

test('a request that is aborted closes its connection at once, although the client stays open', async () => {
  await using server = await startServer(silent)
  const transport = createHttpTransport({ server: parseServer(server.url), dockerConfig, env: {}, ca: testAuthority.pem })
  const controller = new AbortController()
  const running = transport.fetchMetadata({ gun: 'a/b', name: 'root', maxBytes: 100, signal: controller.signal })
  await expect.poll(() => server.requests.length, PATIENCE).toBe(1)
  controller.abort('stop')
  await expect(running).rejects.toBe('stop')
  await expect.poll(() => server.openConnections(), CONNECTIONS).toBe(0)
  await transport.close()
})

test.each([
  ['succeeds', '{}', undefined],
  ['fails', undefined, 'ERR_SERVER_RESPONSE'],
])('a request that %s leaves no listener on the signal of its caller', async (_, body, code) => {
  await using server = await startServer((_request, response) => response.writeHead(body === undefined ? 400 : 200).end(body))
  const transport = createHttpTransport({ server: parseServer(server.url), dockerConfig, env: {}, ca: testAuthority.pem })
  const { signal } = new AbortController()
  const running = transport.fetchMetadata({ gun: 'a/b', name: 'root', maxBytes: 100, signal })
  if (code === undefined) await running
  else await expect(running).rejects.toMatchObject({ code })
  expect(getEventListeners(signal, 'abort')).toEqual([])
  await transport.close()
})

test('an aborted verifyTag rejects with the reason, and leaves no connection', async () => {
  await using server = await startServer(silent)
  const controller = new AbortController()
  await quiet()
  const before = timers()
  const running = verifyTag('registry.example/app:1', {
    env: {},
    disableContentTrust: false,
    server: server.url,
    dockerConfig,
    ca: testAuthority.pem,
    store: createMemoryStore(),
    signal: controller.signal,
  })
  await expect.poll(() => server.requests.length, PATIENCE).toBeGreaterThan(0)
  controller.abort('stop')
  await expect(running).rejects.toBe('stop')
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  await expect.poll(() => server.openConnections(), CONNECTIONS).toBe(0)
  expect(await timersAtRest(before)).toBeLessThanOrEqual(before)
})
