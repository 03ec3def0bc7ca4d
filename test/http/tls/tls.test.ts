import { execFile } from 'node:child_process'
import { mkdir, symlink } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { promisify } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { networkError } from '../../../src/http/network-errors.js'
import { createTlsContexts, readTlsMaterial } from '../../../src/http/tls/tls.js'
import { tlsFolder } from '../../../src/http/tls/tls-folder.js'
import { createCertificate } from '../../../src/testing/index.js'
import { serverCertificate, startProxy, testAuthority } from '../../support/loopback-server.js'
import { DAY, TODAY, tlsWorld } from './tls-world.js'

const world = tlsWorld()
const serve = world.serveFile.bind(world)
const ask = world.ask.bind(world)
const put = world.put.bind(world)
const otherAuthority = createCertificate({ subject: { cn: 'another CA' }, ca: true, ...TODAY })

describe('trusted CAs', () => {
  test('a CA in the folder of the host as typed', async () => {
    const server = await serve()
    await put(`localhost:${server.port}`, 'ca.crt', testAuthority.pem)
    expect(await ask(server.url)).toBe(2)
  })

  test('a CA in the folder of another spelling of the host is not read [HTTP-35]', async () => {
    const server = await serve()
    await put('localhost', 'ca.crt', testAuthority.pem)
    await expect(ask(server.url)).rejects.toMatchObject({ code: 'ERR_TLS' })
  })

  test('a symlink to a file with several certificates and CRLF, as mounted secrets have', async () => {
    const server = await serve()
    const bundle = `# comment\r\n${otherAuthority.pem}${testAuthority.pem}`.replaceAll('\n', '\r\n')
    const file = await put('elsewhere', 'bundle.pem', bundle)
    await put(`localhost:${server.port}`, 'README', 'nothing')
    await symlink(file, join(world.dockerConfig, 'tls', `localhost:${server.port}`, 'ca.crt'))
    expect(await ask(server.url)).toBe(2)
  })

  test.each(['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'])('the file that %s names', async (variable) => {
    const server = await serve()
    const file = await put('elsewhere', 'ca.pem', testAuthority.pem)
    expect(await ask(server.url, { env: { [variable]: file } })).toBe(2)
  })

  test('the files in the folders of SSL_CERT_DIR, when some folders are missing and some files hold something else', async () => {
    const server = await serve()
    const file = await put('elsewhere', '0a1b2c3d.0', testAuthority.pem)
    await put('elsewhere', 'notes', 'nothing')
    await mkdir(join(dirname(file), 'folder'))
    const env = { SSL_CERT_DIR: ['/no/such/folder', dirname(file)].join(delimiter) }
    expect(await ask(server.url, { env })).toBe(2)
  })

  test('the ca option, one text or several', async () => {
    const server = await serve()
    expect(await ask(server.url, { ca: testAuthority.pem })).toBe(2)
    expect(await ask(server.url, { ca: [otherAuthority.pem, testAuthority.pem] })).toBe(2)
  })

  test('the ca option adds to the default CAs', async () => {
    const material = await readTlsMaterial({ dockerConfig: world.dockerConfig, host: 'h', env: {}, ca: [testAuthority.pem] })
    expect(material.ca).toEqual(expect.arrayContaining([rootCertificates[0], testAuthority.pem.trim()]))
    expect(new Set(material.ca.map((one) => one.replace(/\s/g, ''))).size).toBe(material.ca.length)
  })
})

describe('when a CA for the server does not match, the other CAs of this machine are tried', () => {
  const dates = (from: number, to: number) => ({
    notBefore: new Date(Date.now() + from * DAY),
    notAfter: new Date(Date.now() + to * DAY),
  })
  const subject = { cn: 'company CA' }
  const renewed = createCertificate({ subject, ca: true, ...dates(-1, 10) })

  test.each([
    ['one that expired and was renewed with the same key', { keys: renewed, ...dates(-10, -1) }],
    ['one that only has the same name', dates(-1, 10)],
  ])('%s', async (_what, options) => {
    const other = createCertificate({ subject, ca: true, ...options })
    const server = await serve({ certificate: serverCertificate({ issuer: renewed }) })
    const file = await put('elsewhere', 'ca.pem', renewed.pem)
    expect(await ask(server.url, { env: { SSL_CERT_FILE: file }, ca: other.pem })).toBe(2)
  })
})

describe('a server whose certificate is not trusted is ERR_TLS', () => {
  test('an unknown CA: the hint names the folder for its certificate', async () => {
    const server = await serve()
    await expect(ask(server.url)).rejects.toMatchObject({
      code: 'ERR_TLS',
      kind: 'unavailable',
      message: expect.stringMatching(
        /^error contacting notary server: tls: failed to verify certificate: x509: certificate signed by unknown authority \(/,
      ),
      hint: expect.stringContaining(join(world.dockerConfig, 'tls', `localhost:${server.port}`)),
    })
    expect(server.requests).toEqual([])
  })

  test('a self-signed certificate', async () => {
    const key = createCertificate({
      subject: { cn: 'localhost' },
      notBefore: new Date(Date.now() - DAY),
      notAfter: new Date(Date.now() + DAY),
      san: ['localhost'],
    })
    const server = await serve({ certificate: key })
    await expect(ask(server.url)).rejects.toMatchObject({ code: 'ERR_TLS', message: expect.stringContaining('self-signed') })
  })

  test.each([
    ['another name', { names: ['other.example'] }, /not for localhost/, 1],
    ['an expired certificate', { notAfter: new Date(Date.now() - DAY / 2) }, /has expired/, 3],
    ['a certificate that is not valid yet', { notBefore: new Date(Date.now() + DAY / 2) }, /not valid yet/, 3],
    // Three lists: the CA option, Node's default CAs, and all CAs.
    ['another CA', { issuer: otherAuthority }, /issued by "another CA"/, 3],
  ])('%s', async (_, options, hint, connections) => {
    const server = await serve({ certificate: serverCertificate(options) })
    await expect(ask(server.url, { ca: testAuthority.pem })).rejects.toMatchObject({
      code: 'ERR_TLS',
      hint: expect.stringMatching(hint),
    })
    expect(server.connections()).toBe(connections)
    expect(server.requests).toEqual([])
  })

  test('TLS 1.1 [HTTP-33]', async () => {
    const server = await serve({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' })
    await expect(ask(server.url, { ca: testAuthority.pem })).rejects.toMatchObject({ code: 'ERR_TLS' })
  })

  test('plain HTTP on the port', async () => {
    const proxy = await startProxy()
    world.keep(proxy)
    await expect(ask(`https://localhost:${proxy.port}`)).rejects.toMatchObject({
      code: 'ERR_TLS',
      hint: expect.stringContaining('not https'),
    })
  })

  test('NODE_TLS_REJECT_UNAUTHORIZED=0 has no effect [HTTP-34]', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    const server = await serve()
    await expect(ask(server.url, { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } })).rejects.toMatchObject({ code: 'ERR_TLS' })
    expect(server.requests).toEqual([])
  })
})

describe('client certificates', () => {
  const client = createCertificate({
    subject: { cn: 'client' },
    issuer: testAuthority,
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY),
    extendedKeyUsage: ['clientAuth'],
  })
  const clientKey = client.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const mutual = { requestCert: true, rejectUnauthorized: true, ca: testAuthority.pem }

  test('a pair in the folder is shown to the trust server', async () => {
    const server = await serve(mutual)
    await put(`localhost:${server.port}`, 'client.cert', client.pem)
    await put(`localhost:${server.port}`, 'client.key', clientKey)
    expect(await ask(server.url, { ca: testAuthority.pem })).toBe(2)
  })

  test('without a pair the server refuses', async () => {
    const server = await serve(mutual)
    await expect(ask(server.url, { ca: testAuthority.pem })).rejects.toMatchObject({ kind: 'unavailable' })
    expect(server.requests).toEqual([])
  })

  // Alerts of servers written in Go. A server in Node closes the connection.
  test.each([
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
    'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
  ])('%s: the hint names the folder for the pair', (code) => {
    const folder = '/config/tls/trust.example'
    const context = { gun: 'a/b', host: 'trust.example', serverKind: 'trust server', tlsFolder: folder } as const
    expect(networkError(Object.assign(new Error('alert'), { code }), context)).toMatchObject({
      code: 'ERR_TLS',
      hint: expect.stringContaining('client.cert, with client.key, into /config/tls/trust.example.'),
    })
  })

  test.each([
    ['another host', '127.0.0.1'],
    ['another port of its host', 'localhost'],
  ])('the pair is not shown to %s that the trust server redirects to', async (_what, host) => {
    const other = await serve(mutual)
    const location = `https://${host}:${other.port}/`
    const server = await world.serve((_, response) => response.writeHead(302, { location }).end())
    await put(`localhost:${server.port}`, 'client.cert', client.pem)
    await put(`localhost:${server.port}`, 'client.key', clientKey)
    await expect(ask(server.url, { ca: testAuthority.pem })).rejects.toMatchObject({ kind: 'unavailable' })
    expect(other.requests).toEqual([])
  })

  test.each([
    ['a certificate without its key', [['x.cert', client.pem]], /x\.cert: missing key x\.key for client certificate x\.cert/],
    ['a key without its certificate', [['x.key', clientKey]], /x\.key: missing client certificate x\.cert for key x\.key/],
    [
      'a key of another certificate',
      [
        ['x.cert', testAuthority.pem],
        ['x.key', clientKey],
      ],
      /x\.key: cannot use the client key/,
    ],
    [
      'two pairs of one kind',
      [
        ['x.cert', client.pem],
        ['x.key', clientKey],
        ['y.cert', testAuthority.pem],
        ['y.key', testAuthority.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
      ],
      /do not go together/,
    ],
  ])('%s is a usage error', async (_, files, message) => {
    for (const [name = '', content = ''] of files) await put('localhost:1', name, content)
    await expect(ask('https://localhost:1')).rejects.toMatchObject({
      code: 'ERR_SETTINGS_INVALID',
      message: expect.stringMatching(message),
    })
  })
})

describe('a file that cannot be used is a usage error that names it', () => {
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'

  test.each([
    ['', 'no PEM certificate'],
    ['not PEM', 'no PEM certificate'],
    [broken, 'a certificate that cannot be read'],
    [testAuthority.pem + broken, 'a certificate that cannot be read'],
  ])('a .crt that holds %j', async (content, what) => {
    const file = await put('localhost:1', 'ca.crt', content)
    await expect(ask('https://localhost:1')).rejects.toMatchObject({
      code: 'ERR_SETTINGS_INVALID',
      message: expect.stringContaining(`${file}: ${what}`),
    })
  })

  test('a .crt that is a folder', async () => {
    await mkdir(join(world.dockerConfig, 'tls', 'localhost:1', 'ca.crt'), { recursive: true })
    await expect(ask('https://localhost:1')).rejects.toMatchObject({ code: 'ERR_SETTINGS_INVALID' })
  })

  test('the ca option without a certificate', async () => {
    await expect(ask('https://localhost:1', { ca: 'x' })).rejects.toMatchObject({
      code: 'ERR_SETTINGS_INVALID',
      message: 'the ca option: no PEM certificate',
    })
  })

  test.each([
    ['/no/such/folder', '/no/such/folder: no PEM certificate in the CA folders of SSL_CERT_DIR'],
    ['/etc/passwd', '/etc/passwd: cannot read the CA folder of SSL_CERT_DIR'],
  ])('SSL_CERT_DIR without a certificate: %s', async (folder, message) => {
    await expect(ask('https://localhost:1', { env: { SSL_CERT_DIR: folder } })).rejects.toMatchObject({
      code: 'ERR_SETTINGS_INVALID',
      message: expect.stringContaining(message),
    })
  })

  test.each(['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'])('%s that names no file', async (variable) => {
    await expect(ask('https://localhost:1', { env: { [variable]: '/no/such/file' } })).rejects.toMatchObject({
      code: 'ERR_SETTINGS_INVALID',
      message: expect.stringMatching(new RegExp(`^/no/such/file: cannot read the CA file of ${variable}`)),
    })
  })
})

test('a colon in the name of the folder is encoded on Windows', () => {
  expect(tlsFolder('config', 'host:443', 'linux')).toBe(join('config', 'tls', 'host:443'))
  expect(tlsFolder('config', 'host:443', 'win32')).toBe(join('config', 'tls', 'host%3A443'))
})

test('transports with the same CAs share their contexts, transports with other CAs do not', async () => {
  const [one, same, other] = await Promise.all(
    [[testAuthority.pem], [testAuthority.pem], [otherAuthority.pem]].map((ca) =>
      readTlsMaterial({ dockerConfig: world.dockerConfig, host: 'h', env: {}, ca }).then((material) =>
        createTlsContexts(material).otherHosts.map((context) => context()),
      ),
    ),
  )
  expect(one).toHaveLength(3)
  expect(new Set(one).size).toBe(3)
  expect(same?.map((context, at) => context === one?.[at])).toEqual([true, true, true])
  expect(other?.map((context, at) => context === one?.[at])).toEqual([false, true, false]) // the second has Node's default CAs
})

test('among many lists of CAs, the context of one in use is kept', async () => {
  const folder = join(world.dockerConfig, 'none')
  const contextOf = (authority: string) =>
    createTlsContexts({ folder, own: [authority], ca: [authority], withNodes: true, clientPairs: [] }).otherHosts[0]?.()
  const dates = { notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + DAY) }
  const used = contextOf(otherAuthority.pem)
  for (let other = 0; other < 10; other++) {
    contextOf(createCertificate({ subject: { cn: `CA ${other}` }, ca: true, ...dates }).pem)
    expect(contextOf(otherAuthority.pem)).toBe(used)
  }
})

/** Runs a child process with the built library (`npm test` builds it), since Node reads these settings when it starts. */
test.each([
  ['NODE_EXTRA_CA_CERTS of the process', [], {}],
  ['--use-openssl-ca', ['--use-openssl-ca'], { SSL_CERT_FILE: true }],
  ['--use-openssl-ca in NODE_OPTIONS', [], { NODE_OPTIONS: '--use-openssl-ca', SSL_CERT_FILE: true }],
])('a CA of the Node process that is not in env is not trusted: %s', async (_what, argv, settings) => {
  const server = await serve()
  const file = await put('elsewhere', 'ca.pem', testAuthority.pem)
  const variables = Object.keys(settings).length === 0 ? { NODE_EXTRA_CA_CERTS: true } : settings
  const env = Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, value === true ? file : String(value)]))
  const url = (name: string) => JSON.stringify(new URL(`../../../dist/${name}.js`, import.meta.url).href)
  const program = `
    const { createHttpTransport } = await import(${url('trust-server/http-transport')})
    const { parseServer } = await import(${url('trust-server/notary-url')})
    const transport = createHttpTransport({ server: parseServer('${server.url}'), dockerConfig: '/nonexistent', env: {} })
    const request = { gun: 'a/b', name: 'root', maxBytes: 100, signal: new AbortController().signal }
    console.log(await transport.fetchMetadata(request).then(() => 'trusted', ({ code }) => code))`
  const child = promisify(execFile)(process.execPath, [...argv, '--input-type=module', '-e', program], { env })
  expect((await child).stdout).toBe('ERR_TLS\n')
})
