/** A certificate is for the names in its SAN, not for its CN: at trust servers, token servers and https proxies. */
import { createServer } from 'node:https'
import { describe, expect, test } from 'vitest'
import { checkServerIdentity } from '../../../src/http/tls/server-identity.js'
import { createCertificate, type MadeCertificate } from '../../../src/testing/index.js'
import { listen, serverCertificate, startProxy, startServer, testAuthority } from '../../support/loopback-server.js'
import { TODAY, tlsWorld } from './tls-world.js'

const world = tlsWorld()
const ca = testAuthority.pem

/** A certificate without SAN unless some names are given. */
function certificateFor(cn: string, san?: readonly string[]): MadeCertificate {
  const more = san === undefined ? {} : { san }
  return createCertificate({ subject: { cn }, issuer: testAuthority, extendedKeyUsage: ['serverAuth'], ...TODAY, ...more })
}

describe('with a certificate whose only name is its CN', () => {
  const certificate = certificateFor('localhost')
  const words = /certificate relies on legacy Common Name field, use SANs instead/

  test('a trust server is ERR_TLS, and the hint names the missing SAN', async () => {
    const server = await world.serveFile({ certificate })
    await expect(world.ask(server.url, { ca })).rejects.toMatchObject({
      code: 'ERR_TLS',
      message: expect.stringMatching(words),
      hint: expect.stringMatching(/no SAN .*its CN is not a name/),
    })
    expect(server.requests).toEqual([])
    expect(server.connections()).toBe(1) // another list of CAs would not help
  })

  test('a token server is ERR_TLS, and gets nothing', async () => {
    const realm = await world.serveFile({ certificate })
    const server = world.keep(
      await startServer((_, response) =>
        response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm.url}/token"` }).end(),
      ),
    )
    await expect(world.ask(server.url, { ca })).rejects.toMatchObject({
      code: 'ERR_TLS',
      hint: expect.stringContaining(`localhost:${realm.port} has no SAN`),
    })
    expect(realm.requests).toEqual([])
  })

  test('an https proxy is ERR_TLS, and the hint names the proxy', async () => {
    const proxy = world.keep(await startProxy({ tls: true, certificate }))
    const server = await world.serveFile({ certificate: serverCertificate({ names: ['trust.example'] }) })
    const env = { HTTPS_PROXY: `https://localhost:${proxy.port}` }
    await expect(world.ask(`https://trust.example:${server.port}`, { ca, env })).rejects.toMatchObject({
      code: 'ERR_TLS',
      message: expect.stringMatching(words),
      hint: expect.stringContaining(`proxy's certificate. The certificate of localhost:${proxy.port} has no SAN`),
    })
    expect(proxy.connects).toEqual([])
  })

  test('a server behind a proxy is ERR_TLS', async () => {
    const proxy = world.keep(await startProxy())
    const server = await world.serveFile({ certificate: certificateFor('trust.example') })
    const env = { HTTPS_PROXY: `http://localhost:${proxy.port}` }
    await expect(world.ask(`https://trust.example:${server.port}`, { ca, env })).rejects.toMatchObject({ code: 'ERR_TLS' })
  })

  // Node checks no name when it resumes a session, so the session of a refused server must not be kept.
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('a server that offers sessions is refused each time: %s', async (version) => {
    let resumed = 0
    const key = certificate.privateKey.export({ type: 'pkcs8', format: 'pem' })
    const options = { key, cert: certificate.pem, minVersion: version, maxVersion: version }
    const server = world.keep(
      await listen(
        createServer(options, (_, response) => response.end('{}')).on('secureConnection', (socket) => {
          if (socket.isSessionReused()) resumed += 1
        }),
      ),
    )
    const transport = world.transport(server.url, { ca })
    for (let round = 0; round < 3; round += 1) {
      await expect(world.askOf(transport)).rejects.toMatchObject({ code: 'ERR_TLS' })
    }
    expect(resumed).toBe(0)
  })
})

describe('the names of a certificate', () => {
  test.each([
    [['localhost'], 'localhost', true],
    [['LOCALHOST'], 'localhost', true],
    [['localhost'], 'localhost.', true],
    [['notary.example'], 'notary.example', true],
    [['notary.example'], 'a.notary.example', false],
    [['*.example'], 'notary.example', true],
    [['*.corp'], 'notary.corp', true],
    [['*.corp'], 'a.notary.corp', false],
    [['*.corp'], 'corp', false],
    [['not*.corp'], 'notary.corp', false],
    [['*tary.corp'], 'notary.corp', false],
    [['a.*.corp'], 'a.b.corp', false],
    [['*'], 'localhost', false],
    [['.corp'], 'notary.corp', false],
    [['127.0.0.1'], '127.0.0.1', true],
    [['127.0.0.1'], 'localhost', false],
    [['::1'], '::1', true],
    [['::1'], '0:0:0:0:0:0:0:1', true],
    [['localhost'], '127.0.0.1', false],
    [['other.example', 'notary.example'], 'notary.example', true],
    [undefined, 'notary.example', false],
    [undefined, '127.0.0.1', false],
  ])('%j for %s: %s', (san, hostname, expected) => {
    const { der } = certificateFor(hostname, san) // the CN is always the name that is checked
    expect(checkServerIdentity(hostname, { raw: Buffer.from(der) }) === undefined).toBe(expected)
  })

  test('are none when the certificate cannot be read', () => {
    expect(checkServerIdentity('localhost', { raw: Buffer.from('x') })?.code).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  })
})
