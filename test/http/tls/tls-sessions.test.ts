import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { TlsSessions } from '../../../src/http/tls/tls-sessions.js'
import { createHttpTransport } from '../../../src/trust-server/http-transport.js'
import { parseServer } from '../../../src/trust-server/notary-url.js'
import type { Transport } from '../../../src/trust-server/transport.js'
import { listen, serverCertificate, testAuthority } from '../../support/loopback-server.js'

let dockerConfig: string
const open: { close(): Promise<void> }[] = []

beforeAll(async () => {
  dockerConfig = await mkdtemp(join(tmpdir(), 'dct-sessions-'))
})
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})
afterAll(() => rm(dockerConfig, { recursive: true }))

/** A server that closes after each answer, and notes which handshakes took up a session. */
async function serve(maxVersion: 'TLSv1.2' | 'TLSv1.3', names = ['localhost']): Promise<{ url: string; reused: boolean[] }> {
  const reused: boolean[] = []
  const { privateKey, pem } = serverCertificate({ names })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const server: Server = createServer({ key, cert: pem, maxVersion }, (_, response) =>
    response.writeHead(200, { connection: 'close' }).end('{}'),
  )
  server.on('secureConnection', (socket: TLSSocket) => reused.push(socket.isSessionReused()))
  const running = await listen(server)
  open.push(running)
  return { url: running.url, reused }
}

function transportTo(url: string): Transport {
  const transport = createHttpTransport({ server: parseServer(url), dockerConfig, env: {}, ca: testAuthority.pem })
  open.push(transport)
  return transport
}

const ask = (transport: Transport): Promise<Uint8Array | undefined> =>
  transport.fetchMetadata({ gun: 'a/b', name: 'root', maxBytes: 100, signal: new AbortController().signal })

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  '%s: further connections of a client take up the session of the first',
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
  '%s: the session of a server under another name is not taken up, so that it is refused again',
  async (version) => {
    const { url, reused } = await serve(version, ['other.example'])
    const transport = transportTo(url)
    for (let asked = 0; asked < 3; asked++) await expect(ask(transport)).rejects.toMatchObject({ code: 'ERR_TLS' })
    expect(reused).not.toContain(true)
  },
)

test('sessions are kept apart by host, and of a few hosts only', () => {
  const sessions = new TlsSessions()
  for (let host = 0; host < 40; host++) sessions.keep(`host${host}:443`, Buffer.from([host]))
  expect(sessions.find('host0:443')).toBeUndefined()
  expect(sessions.find('host39:443')).toEqual(Buffer.from([39]))
  expect(sessions.find('host39:444')).toBeUndefined()
})
