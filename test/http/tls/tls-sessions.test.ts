import { createServer, type Server } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { TlsSessions } from '../../../src/http/tls/tls-sessions.js'
import type { Transport } from '../../../src/trust-server/transport.js'
import { listen, serverCertificate } from '../../support/loopback-server.js'
import { transportWorld } from '../../support/transport-world.js'

const world = transportWorld()
const transportTo = world.transport.bind(world)

/** A server that closes the connection after each answer, and records which handshakes resumed a session. */
async function serve(maxVersion: 'TLSv1.2' | 'TLSv1.3', names = ['localhost']): Promise<{ url: string; reused: boolean[] }> {
  const reused: boolean[] = []
  const { privateKey, pem } = serverCertificate({ names })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const server: Server = createServer({ key, cert: pem, maxVersion }, (_, response) =>
    response.writeHead(200, { connection: 'close' }).end('{}'),
  )
  server.on('secureConnection', (socket: TLSSocket) => reused.push(socket.isSessionReused()))
  const running = world.keep(await listen(server))
  return { url: running.url, reused }
}

const ask = (transport: Transport): Promise<Uint8Array | undefined> =>
  transport.fetchMetadata({ gun: 'a/b', name: 'root', maxBytes: 100, signal: new AbortController().signal })

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  '%s: further connections of a client resume the session of the first',
  async (version) => {
    const { url, reused } = await serve(version)
    const transport = transportTo(url)
    for (let asked = 0; asked < 4; asked++) expect(await ask(transport)).toHaveLength(2)
    expect(reused).toEqual([false, true, true, true])
    await ask(transportTo(url))
    expect(reused.at(-1), 'another client has none').toBe(false)
  },
)

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  '%s: the session of a server with a certificate for another name is not resumed, so that it is refused again',
  async (version) => {
    const { url, reused } = await serve(version, ['other.example'])
    const transport = transportTo(url)
    for (let asked = 0; asked < 3; asked++) await expect(ask(transport)).rejects.toMatchObject({ code: 'ERR_TLS' })
    expect(reused).not.toContain(true)
  },
)

test('a session belongs to one host and port, and only a few hosts have one', () => {
  const sessions = new TlsSessions()
  for (let host = 0; host < 40; host++) sessions.keep(`host${host}:443`, Buffer.from([host]))
  expect(sessions.find('host0:443')).toBeUndefined()
  expect(sessions.find('host39:443')).toEqual(Buffer.from([39]))
  expect(sessions.find('host39:444')).toBeUndefined()
})
