/** What is connected to before anybody asks. */
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { type Connector, createConnector } from '../../../src/http/connection/connector.js'
import { createTlsContexts } from '../../../src/http/tls/tls.js'
import { startServer, testAuthority } from '../../support/loopback-server.js'

const PATIENCE = { timeout: 5_000 }

function start(trustServerHostname: string): Connector {
  const ca = [testAuthority.pem]
  const contexts = async () => createTlsContexts({ folder: '', own: ca, ca, withNodes: false, clientPairs: [] })
  return createConnector({ contexts, trustServerHostname, env: {}, timeoutMs: 5_000 })
}

/** As undici asks. */
function take({ connect }: Connector, { hostname, port }: URL): Promise<Socket> {
  return new Promise((resolve, reject) => {
    connect({ hostname, port, protocol: 'https:' }, (error, socket) => (error === null ? resolve(socket) : reject(error)))
  })
}

test.each(['localhost', '127.0.0.1'])(
  'the first to ask for %s gets what was begun, the second another connection',
  async (name) => {
    await using server = await startServer((_, response) => response.end())
    const url = new URL(`https://${name}:${server.port}`)
    const connector = start(name)
    connector.connectAhead(url, 1)
    await expect.poll(server.connections, PATIENCE).toBe(1)
    const first = await take(connector, url)
    expect(server.connections()).toBe(1)
    const second = await take(connector, url)
    expect(server.connections()).toBe(2)
    for (const socket of [first, second]) socket.destroy()
  },
)

test('as many are begun as are wanted, those included that nobody took yet', async () => {
  await using server = await startServer((_, response) => response.end())
  const url = new URL(server.url)
  const connector = start('localhost')
  connector.connectAhead(url, 2)
  connector.connectAhead(url, 1)
  connector.connectAhead(url, 3)
  await expect.poll(server.connections, PATIENCE).toBe(3)
  const sockets = await Promise.all([take(connector, url), take(connector, url), take(connector, url)])
  expect(server.connections()).toBe(3)
  expect(new Set(sockets).size).toBe(3)
  for (const socket of sockets) socket.destroy()
})

test('a wire that is laid is cut when there is nothing to shake hands with', async () => {
  await using server = await startServer((_, response) => response.end())
  const url = new URL(server.url)
  const contexts = () => Promise.reject(new Error('no CA'))
  const connector = createConnector({ contexts, trustServerHostname: 'localhost', env: {}, timeoutMs: 5_000 })
  await expect(take(connector, url)).rejects.toThrow('no CA')
  await expect.poll(server.openConnections, PATIENCE).toBe(0)
})

test('what nobody took is closed, connected or not', async () => {
  await using server = await startServer((_, response) => response.end())
  const url = new URL(server.url)
  const [early, late] = [start('localhost'), start('localhost')]
  early.connectAhead(url, 1)
  early.close()
  late.connectAhead(url, 1)
  await expect.poll(server.connections, PATIENCE).toBeGreaterThan(0)
  await new Promise((resolve) => setTimeout(resolve, 100))
  late.close()
  await expect.poll(server.openConnections, PATIENCE).toBe(0)
})

test('a failure is told to whoever asks, and the next one tries again', async () => {
  await using server = await startServer((_, response) => response.end())
  const url = new URL(server.url)
  await server.close()
  const connector = start('localhost')
  connector.connectAhead(url, 1)
  await expect(take(connector, url)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await expect(take(connector, url)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('a connection that ended before it was taken is none', async () => {
  await using server = await startServer((_, response) => response.end())
  const url = new URL(server.url)
  const connector = start('localhost')
  connector.connectAhead(url, 1)
  await expect.poll(server.openConnections, PATIENCE).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 100))
  await server.close()
  await new Promise((resolve) => setTimeout(resolve, 100))
  await expect(take(connector, url)).rejects.toMatchObject({ code: expect.stringMatching(/^ECONN/) })
})

test('what nobody took keeps no process alive, what somebody took does', async () => {
  await using server = await startServer((_, response) => response.end())
  /** With the server's own end of each connection. */
  const alive = () => process.getActiveResourcesInfo().filter((type) => type === 'TCPSocketWrap').length
  const before = alive()
  const url = new URL(server.url)
  const connector = start('localhost')
  connector.connectAhead(url, 1)
  await expect.poll(server.openConnections, PATIENCE).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(alive()).toBe(before + 1)
  const socket = await take(connector, url)
  expect(alive()).toBe(before + 2)
  socket.destroy()
})
