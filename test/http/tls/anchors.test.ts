/** Every certificate that a user names is an anchor, as in Go and so in Docker's client. Tried with docker 28.2.2. */
import { rootCertificates } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { readCertificate } from '../../../src/crypto/certificate.js'
import { createCertificate, type MadeCertificate } from '../../../src/testing/index.js'
import { serverCertificate, startProxy, testAuthority } from '../../support/loopback-server.js'
import { DAY, TODAY, tlsWorld } from './tls-world.js'

const world = tlsWorld()

const intermediate = createCertificate({ subject: { cn: 'intermediate CA' }, issuer: testAuthority, ca: true, ...TODAY })
const leaf = serverCertificate({ issuer: intermediate })
const sibling = serverCertificate({ issuer: intermediate })

/** The certificates that the server sends: its own, or its own and the intermediate. */
const ALONE = { certificate: leaf }
const CHAIN = { certificate: { ...leaf, pem: leaf.pem + intermediate.pem } }

/** The ways in which a user can name a certificate. */
const WAYS: [string, (pem: string, host: string) => Promise<Parameters<typeof world.ask>[1]>][] = [
  [
    'the folder of the server',
    async (pem, host) => {
      await world.put(host, 'ca.crt', pem)
      return {}
    },
  ],
  ['the ca option', async (pem) => ({ ca: pem })],
  ['SSL_CERT_FILE', async (pem) => ({ env: { SSL_CERT_FILE: await world.put('elsewhere', 'ca.pem', pem) } })],
  ['NODE_EXTRA_CA_CERTS', async (pem) => ({ env: { NODE_EXTRA_CA_CERTS: await world.put('elsewhere', 'ca.pem', pem) } })],
  [
    "the folder of Docker's engine",
    async (pem, host) => {
      await world.put(host, 'ca.crt', pem, 'certs.d')
      return { engineFolders: [`${world.dockerConfig}/certs.d`] }
    },
  ],
]

describe.each(WAYS)('named by %s', (_way, name) => {
  test.each([
    ['the intermediate alone', intermediate, ALONE],
    ['the intermediate, which the server sends too', intermediate, CHAIN],
    ["the server's own certificate", leaf, ALONE],
    ["the server's own certificate, with the intermediate sent", leaf, CHAIN],
    ['the root, with the intermediate sent', testAuthority, CHAIN],
  ])('%s is trusted', async (_what, { pem }, sent) => {
    const server = await world.serveFile(sent)
    expect(await world.ask(server.url, await name(pem, `localhost:${server.port}`))).toBe(2)
  })

  test.each([
    ['the root, when the server does not send the intermediate', testAuthority, ALONE],
    ['another certificate of the same CA', sibling, CHAIN],
  ])('%s is not trusted', async (_what, { pem }, sent) => {
    const server = await world.serveFile(sent)
    const asked = world.ask(server.url, await name(pem, `localhost:${server.port}`))
    await expect(asked).rejects.toMatchObject({ code: 'ERR_TLS' })
    expect(server.requests).toEqual([])
  })
})

describe('as an anchor', () => {
  const ended = { notBefore: new Date(Date.now() - 2 * DAY), notAfter: new Date(Date.now() - DAY) }
  const expiredIntermediate = createCertificate({
    subject: { cn: 'intermediate CA' },
    issuer: testAuthority,
    keys: intermediate,
    ca: true,
    ...ended,
  })
  const expired = serverCertificate({ issuer: intermediate, ...ended })
  const elsewhere = serverCertificate({ issuer: intermediate, names: ['other.example'] })
  const forClients = createCertificate({
    subject: { cn: 'localhost' },
    issuer: intermediate,
    san: ['localhost'],
    extendedKeyUsage: ['clientAuth'],
    ...TODAY,
  })
  const notCa = createCertificate({ subject: { cn: 'no CA' }, issuer: testAuthority, ...TODAY })

  test.each<[string, MadeCertificate, MadeCertificate]>([
    ['an intermediate that has expired', leaf, expiredIntermediate],
    ["a server's own certificate that has expired", expired, expired],
    ["the server's own certificate for another name", elsewhere, elsewhere],
    ['the intermediate of a certificate for another name', elsewhere, intermediate],
    ["the server's own certificate for clients only", forClients, forClients],
    ['a certificate that is not a CA but issued that of the server', serverCertificate({ issuer: notCa }), notCa],
  ])('%s is refused', async (_what, certificate, { pem }) => {
    const server = await world.serveFile({ certificate })
    await expect(world.ask(server.url, { ca: pem })).rejects.toMatchObject({ code: 'ERR_TLS' })
    expect(server.requests).toEqual([])
  })

  test('an intermediate does not verify a certificate that its root issued', async () => {
    const server = await world.serveFile({ certificate: serverCertificate() })
    await expect(world.ask(server.url, { ca: intermediate.pem })).rejects.toMatchObject({ code: 'ERR_TLS' })
  })

  test('a certificate of one transport is not trusted by the next one', async () => {
    const server = await world.serveFile(ALONE)
    expect(await world.ask(server.url, { ca: intermediate.pem })).toBe(2)
    await expect(world.ask(server.url)).rejects.toMatchObject({ code: 'ERR_TLS' })
  })
})

test('the certificate of an https proxy can be an anchor', async () => {
  const otherAuthority = createCertificate({ subject: { cn: 'another CA' }, ca: true, ...TODAY })
  const certificate = serverCertificate({ issuer: otherAuthority })
  const proxy = world.keep(await startProxy({ tls: true, certificate }))
  const server = await world.serveFile({ certificate: serverCertificate({ names: ['trust.example'] }) })
  const env = { HTTPS_PROXY: `https://localhost:${proxy.port}` }
  const url = `https://trust.example:${server.port}`
  await expect(world.ask(url, { env, ca: testAuthority.pem })).rejects.toMatchObject({ code: 'ERR_TLS' })
  expect(await world.ask(url, { env, ca: [testAuthority.pem, certificate.pem] })).toBe(2)
})

test("each of Node's default CAs is self-signed, so that partial chains change nothing for them", () => {
  const issued = rootCertificates.filter((pem) => {
    const root = readCertificate(pem)
    return typeof root === 'string' || !root.verify(root.publicKey)
  })
  expect(issued).toEqual([])
})
