/** Messages and hints of TLS errors: what they must name in each situation, and the command to type next. */
import { execFileSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createCertificate } from '../../../src/testing/index.js'
import { serverCertificate, startProxy, startServer, testAuthority } from '../../support/loopback-server.js'
import { DAY, TODAY, tlsWorld } from './tls-world.js'

const world = tlsWorld()
const ca = testAuthority.pem
const otherAuthority = createCertificate({ subject: { cn: 'another CA' }, ca: true, ...TODAY })
const intermediate = createCertificate({ subject: { cn: 'intermediate CA' }, issuer: testAuthority, ca: true, ...TODAY })
const issued = serverCertificate({ issuer: intermediate })
const trusted = ca.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE')
const key = testAuthority.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** The end of a hint. */
const command = (text: string): string => `${text}$`
const anything = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')

interface Situation {
  readonly certificate?: ReturnType<typeof serverCertificate>
  /** Files to write. `TLS` is the folder of the server, `CONFIG` that of Docker's configuration, `PORT` the port. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>
  readonly options?: Parameters<typeof world.ask>[1]
  readonly code?: string
  readonly message: RegExp | string
  /** Regular expressions with the same names. The hint must match all of them. */
  readonly hint: readonly string[]
}

const unknown = 'x509: certificate signed by unknown authority'
const look = command('openssl s_client -showcerts -connect localhost:PORT </dev/null')

function chainOverNoCa(): ReturnType<typeof serverCertificate> {
  const between = createCertificate({ subject: { cn: 'no CA' }, issuer: testAuthority, ca: false, ...TODAY })
  const leaf = serverCertificate({ issuer: between })
  return { ...leaf, pem: leaf.pem + between.pem }
}

const SITUATIONS: Record<string, Situation> = {
  'no CA anywhere': {
    message: unknown,
    hint: [
      'issued by "loopback test CA"',
      'no file that ends in .crt in TLS',
      '--tlscacert',
      command('mkdir -p TLS && cp ca.crt TLS/ca.crt'),
    ],
  },
  'a self-signed certificate': {
    certificate: createCertificate({ subject: { cn: 'my server' }, san: ['localhost'], ...TODAY }),
    message: /unknown authority \(.*self-signed/,
    hint: ['"my server"\\) is self-signed', command('mkdir -p TLS && cp ca.crt TLS/ca.crt')],
  },
  'ca.pem instead of ca.crt': {
    files: { 'TLS/ca.pem': ca },
    message: unknown,
    hint: ['TLS/ca.pem is not read', 'end in .crt', command('mv TLS/ca.pem TLS/ca.crt')],
  },
  'the folder without the port': {
    files: { 'CONFIG/tls/localhost/ca.crt': ca },
    message: unknown,
    hint: ['TLS does not exist or is empty', 'port included', command('mkdir -p TLS && cp CONFIG/tls/localhost/\\* TLS')],
  },
  'the folder with another port': {
    files: { 'CONFIG/tls/LOCALHOST:1/ca.crt': ca },
    message: unknown,
    hint: [command('mkdir -p TLS && cp CONFIG/tls/LOCALHOST:1/\\* TLS')],
  },
  'another CA in the folder': {
    files: { 'TLS/company.crt': otherAuthority.pem },
    message: unknown,
    hint: ['issued by "loopback test CA"', '"another CA", from company.crt', look],
  },
  'another CA with --tlscacert': {
    options: { ca: otherAuthority.pem },
    message: unknown,
    hint: ['None of the certificates given', '"another CA", from --tlscacert', '^(?!.*give its certificate with)', look],
  },
  'a root, and a server that does not send the intermediate': {
    certificate: serverCertificate({ issuer: intermediate }),
    options: { ca },
    message: unknown,
    hint: ['issued by "intermediate CA"', 'sends no intermediate certificate', '"loopback test CA"', look],
  },
  'another root, and a server that sends the intermediate': {
    certificate: { ...issued, pem: issued.pem + intermediate.pem },
    message: unknown,
    hint: ['issued by "intermediate CA"', 'sends it too'],
  },
  'a certificate of another name': {
    certificate: serverCertificate({ names: ['other.example'] }),
    options: { ca },
    message: 'x509: certificate is valid for DNS:other.example, not localhost',
    hint: ['not for localhost:PORT', command('openssl x509 -noout -subject -ext subjectAltName')],
  },
  'a certificate without SAN': {
    certificate: createCertificate({ subject: { cn: 'localhost' }, issuer: testAuthority, ...TODAY }),
    options: { ca },
    message: 'use SANs instead',
    hint: ['no SAN', command('openssl x509 -noout -subject -ext subjectAltName')],
  },
  'an empty folder': {
    files: { 'TLS/README': 'the CA goes here', 'CONFIG/tls/localhost/README': 'the same' },
    message: unknown,
    hint: ['no file that ends in .crt in TLS', command('mkdir -p TLS && cp ca.crt TLS/ca.crt')],
  },
  'a certificate for clients': {
    certificate: createCertificate({
      subject: { cn: 'x' },
      issuer: testAuthority,
      san: ['localhost'],
      extendedKeyUsage: ['clientAuth'],
      ...TODAY,
    }),
    options: { ca },
    message: 'purpose',
    hint: ['may not be used for servers', 'serverAuth', command('openssl x509 -noout -purpose')],
  },
  'an intermediate certificate that is not a CA': {
    certificate: chainOverNoCa(),
    options: { ca },
    message: 'x509: ', // the rest depends on OpenSSL's version
    hint: ['or a CA above it, (?:cannot|may not) be used', command('openssl .*')],
  },
  'a clock behind the certificate': {
    certificate: serverCertificate({ notBefore: new Date(Date.now() + DAY / 2) }),
    options: { ca },
    message: 'not yet valid',
    hint: [
      'clock of this machine says 20[0-9-]+T',
      'good from 20[0-9-]+T\\S+ to 20',
      'it is not valid yet, or the clock',
      command('date -u'),
    ],
  },
  'an expired certificate': {
    certificate: serverCertificate({ notAfter: new Date(Date.now() - DAY / 2) }),
    options: { ca },
    message: 'has expired',
    hint: ['clock of this machine says', 'it has expired', command('date -u')],
  },
  'an expired CA': {
    certificate: serverCertificate({ issuer: intermediate }),
    options: {
      ca: createCertificate({
        subject: { cn: 'intermediate CA' },
        issuer: testAuthority,
        keys: intermediate,
        ca: true,
        notBefore: new Date(Date.now() - 2 * DAY),
        notAfter: new Date(Date.now() - DAY),
      }).pem,
    },
    message: 'has expired',
    hint: ['a CA certificate above it has expired', command('date -u')],
  },
  'tls/HOST that is a file': {
    files: { TLS: ca },
    code: 'ERR_SETTINGS_INVALID',
    message: 'this is a file, and should be a folder',
    hint: [command('mv TLS TLS.crt && mkdir TLS && mv TLS.crt TLS/ca.crt')],
  },
  'a certificate in DER': {
    files: { 'TLS/ca.crt': testAuthority.der },
    code: 'ERR_SETTINGS_INVALID',
    message: 'ca.crt: no PEM certificate, but a certificate in DER',
    hint: [command('openssl x509 -inform der -in TLS/ca.crt -out TLS/ca.crt.pem && mv TLS/ca.crt.pem TLS/ca.crt')],
  },
  'a TRUSTED CERTIFICATE': {
    files: { 'TLS/ca.crt': trusted },
    code: 'ERR_SETTINGS_INVALID',
    message: 'ca.crt: no PEM certificate, but a TRUSTED CERTIFICATE of OpenSSL',
    hint: [command('openssl x509 -in TLS/ca.crt -out TLS/ca.crt.pem && mv TLS/ca.crt.pem TLS/ca.crt')],
  },
  'a private key': {
    files: { 'TLS/ca.crt': key },
    code: 'ERR_SETTINGS_INVALID',
    message: 'ca.crt: no PEM certificate, but a PRIVATE KEY',
    hint: ['Correct or remove the file'],
  },
  'a text in UTF-16': {
    files: { 'TLS/ca.crt': Buffer.from(`\ufeff${ca}`, 'utf16le') },
    code: 'ERR_SETTINGS_INVALID',
    message: 'a text in UTF-16',
    hint: ['Correct or remove the file'],
  },
  'an empty file': {
    files: { 'TLS/ca.crt': '' },
    code: 'ERR_SETTINGS_INVALID',
    message: 'an empty file',
    hint: ['Correct or remove the file'],
  },
}

async function tell(url: string, options?: Parameters<typeof world.ask>[1]): Promise<unknown> {
  return world.ask(url, options).catch((cause: unknown) => cause)
}

describe('the error says which certificates were used, why they did not match, and the next command', () => {
  test.each(Object.entries(SITUATIONS))('%s', async (_title, situation) => {
    const { certificate, files = {}, options, code = 'ERR_TLS', message, hint } = situation
    const server = await world.serveFile(certificate === undefined ? {} : { certificate })
    const folder = join(world.dockerConfig, 'tls', `localhost:${server.port}`)
    const named = (text: string, written = (path: string) => path): string =>
      text
        .replaceAll('CONFIG', written(world.dockerConfig))
        .replace(/TLS(?=[^A-Z]|$)/g, written(folder))
        .replaceAll('PORT', String(server.port))
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(named(name)), { recursive: true })
      await writeFile(named(name), content)
    }
    const told = await tell(server.url, options)
    expect(told).toMatchObject({
      code,
      message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
    })
    for (const part of hint) expect(told).toMatchObject({ hint: expect.stringMatching(new RegExp(named(part, anything))) })
    expect(server.requests).toEqual([])
  })

  test('a port without TLS', async () => {
    const plain = world.keep(await startProxy())
    expect(await tell(`https://localhost:${plain.port}`)).toMatchObject({
      code: 'ERR_TLS',
      message: `error contacting notary server: localhost:${plain.port} answered without TLS`,
      hint: expect.stringMatching(/not https.*: dct env$/),
    })
  })

  test('a CA that is not the proxy’s', async () => {
    const proxy = world.keep(await startProxy({ tls: true, certificate: serverCertificate({ issuer: otherAuthority }) }))
    const env = { HTTPS_PROXY: `https://localhost:${proxy.port}` }
    expect(await tell('https://trust.example', { env, ca })).toMatchObject({
      code: 'ERR_TLS',
      message: expect.stringContaining(`proxy localhost:${proxy.port}`),
      hint: expect.stringMatching(/proxy's.*given.*: export NODE_EXTRA_CA_CERTS=/),
    })
    expect(await tell('https://trust.example', { env })).toMatchObject({ hint: expect.stringContaining('--tlscacert') })
  })
})

test.each([
  ['with a plain name', 'CONFIG'],
  ['with a space and a quote in its name', "it's here"],
])('the command in the hint repairs a DER file in a folder %s', async (_what, name) => {
  const server = await world.serveFile()
  world.dockerConfig = join(world.dockerConfig, name)
  await world.put(`localhost:${server.port}`, 'ca.crt', testAuthority.der)
  const told = await tell(server.url)
  const hint = told instanceof Error && 'hint' in told ? String(told.hint) : ''
  execFileSync('sh', ['-c', hint.slice(hint.indexOf('openssl'))])
  expect(await world.ask(server.url)).toBe(2)
  world.dockerConfig = dirname(world.dockerConfig)
})

test.each([['CONFIG/tls/localhost/ca.crt'], ['TLS/ca.pem'], ['TLS']])('the command in the hint repairs %s', async (place) => {
  const server = await world.serveFile()
  const folder = join(world.dockerConfig, 'tls', `localhost:${server.port}`)
  const file = place.replace('CONFIG', world.dockerConfig).replace('TLS', folder)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, ca)
  const told = await tell(server.url)
  const hint = told instanceof Error && 'hint' in told ? String(told.hint) : ''
  execFileSync('sh', ['-c', hint.slice(hint.lastIndexOf(': ') + 2)])
  expect(await readFile(join(folder, 'ca.crt'), 'utf8')).toBe(ca)
  expect(await world.ask(server.url)).toBe(2)
})

test('the host of a token server, which the trust server chose, is one word of the command', async () => {
  const other = await world.serveFile({ certificate: serverCertificate({ issuer: otherAuthority }) })
  const proxy = world.keep(await startProxy())
  const hostile = `a;touch$(b)'c.example:${other.port}`
  const server = world.keep(
    await startServer(
      (_, response) => response.writeHead(401, { 'www-authenticate': `Bearer realm="https://${hostile}/token"` }).end(),
      { certificate: serverCertificate({ names: ['trust.example'] }) },
    ),
  )
  const env = { HTTPS_PROXY: `http://localhost:${proxy.port}` }
  expect(await tell(`https://trust.example:${server.port}`, { ca, env })).toMatchObject({
    code: 'ERR_TLS',
    hint: expect.stringContaining(`-connect 'a;touch$(b)'\\''c.example:${other.port}' </dev/null`),
  })
})

test('control characters in a name that the server chose do not reach the terminal', async () => {
  const certificate = createCertificate({
    subject: { cn: 'x' },
    issuer: { ...otherAuthority, subject: createCertificate({ subject: { cn: 'a\n\u001b[2Jb' }, ...TODAY }).subject },
    san: ['localhost'],
    ...TODAY,
  })
  const server = await world.serveFile({ certificate })
  const told = await tell(server.url)
  expect(told).toMatchObject({ code: 'ERR_TLS', hint: expect.stringMatching(/^\P{Cc}+$/u) })
})
