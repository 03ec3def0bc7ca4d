/** Connections that are opened before undici asks for them. */
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { type Connector, createConnector } from '../../../src/http/connection/connector.js'
import { createTlsContexts } from '../../../src/http/tls/tls.js'
import { startServer, testAuthority } from '../../support/loopback-server.js'

const PATIENCE = { timeout: 5_000 }

function start(server: URL): Connector {
  const ca = [testAuthority.pem]
  const contexts = async () => createTlsContexts({ folder: '', own: ca, ca, withNodes: false, clientPairs: [] })
  return createConnector({ contexts, server, env: {}, timeoutMs: 5_000 })
}

/** Connects as undici does. */
function take({ connect }: Connector, { hostname, port }: URL): Promise<Socket> {
  return new Promise((resolve, reject) => {
    connect({ hostname, port, protocol: 'https:' }, (error, socket) => (error === null ? resolve(socket) : reject(error)))
  })
}

test.each(['localhost', '127.0.0.1'])(
  'the first request for %s gets the spare connection, the second a new one',
  async (name) => {
    await using server = await startServer((_, response) => response.end())
    const url = new URL(`https://${name}:${server.port}`)
    const connector = start(url)
    connector.connectAhead(url, 1)
    await expect.poll(server.connections, PATIENCE).toBe(1)
    const first = await take(connector, url)
    expect(server.connections()).toBe(1)
    const second = await take(connector, url)
    expect(server.connections()).toBe(2)
    for (const socket of [first, second]) socket.destroy()
  },
)

test('spare connections count toward the number that is asked for', async () => {
  await using server = await startServer((_, response) => response.end())
  const url = new URL(server.url)
  const connector = start(url)
  connector.connectAhead(url, 2)
  connector.connectAhead(url, 1)
  connector.connectAhead(url, 3)
  await expect.poll(server.connections, PATIENCE).toBe(3)
  const sockets = await Promise.all([take(connector, url), take(connector, url), take(connector, url)])
  expect(server.connections()).toBe(3)
  expect(new Set(sockets).size).toBe(3)
  for (const socket of sockets) socket.destroy()
})

test('the TCP connection is closed when the TLS contexts cannot be made', async () => {
  await using server = await startServer((_, response) => response.end())
  const url = new URL(server.url)
  const contexts = () => Promise.reject(new Error('no CA'))
  const connector = createConnector({ contexts, server: url, env: {}, timeoutMs: 5_000 })
  await expect(take(connector, url)).rejects.toThrow('no CA')
  await expect.poll(server.openConnections, PATIENCE).toBe(0)
})

test('close() closes spare connections, connected or not', async () => {
  await using server = await startServer((_, response) => response.end())
  const url = new URL(server.url)
  const [early, late] = [start(url), start(url)]
  early.connectAhead(url, 1)
  early.close()
  late.connectAhead(url, 1)
  await expect.poll(server.connections, PATIENCE).toBeGreaterThan(0)
  await new Promise((resolve) => setTimeout(resolve, 100))
  late.close()
  await expect.poll(server.openConnections, PATIENCE).toBe(0)
})

test('the first request gets the error of the spare connection, and the next one tries again', async () => {
  await using server = await startServer((_, response) => response.end())
  const url = new URL(server.url)
  await server.close()
  const connector = start(url)
  connector.connectAhead(url, 1)
  await expect(take(connector, url)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await expect(take(connector, url)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('a spare connection that the server closed is reported as closed', async () => {
  await using server = await startServer((_, response) => response.end())
  const url = new URL(server.url)
  const connector = start(url)
  connector.connectAhead(url, 1)
  await expect.poll(server.openConnections, PATIENCE).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 100))
  await server.close()
  await new Promise((resolve) => setTimeout(resolve, 100))
  await expect(take(connector, url)).rejects.toMatchObject({ code: expect.stringMatching(/^ECONN/) })
})

test('a spare connection does not keep the process alive, one in use does', async () => {
  await using server = await startServer((_, response) => response.end())
  /** Counts the server's end of each connection too. */
  const alive = () => process.getActiveResourcesInfo().filter((type) => type === 'TCPSocketWrap').length
  const before = alive()
  const url = new URL(server.url)
  const connector = start(url)
  connector.connectAhead(url, 1)
  await expect.poll(server.openConnections, PATIENCE).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(alive()).toBe(before + 1)
  const socket = await take(connector, url)
  expect(alive()).toBe(before + 2)
  socket.destroy()
})
