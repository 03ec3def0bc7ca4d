import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createTcpServer, type LookupFunction } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { createHttpTransport, type HttpTransportOptions } from '../../../src/trust-server/http-transport.js'
import { parseServer } from '../../../src/trust-server/notary-url.js'
import {
  type LoopbackProxy,
  type LoopbackServer,
  listen,
  serverCertificate,
  startProxy,
  startServer,
  testAuthority,
} from '../../support/loopback-server.js'

let dockerConfig: string
const open: { close(): Promise<void> }[] = []

beforeAll(async () => {
  dockerConfig = await mkdtemp(join(tmpdir(), 'dct-proxy-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const one of open.splice(0).reverse()) await one.close()
})
afterAll(() => rm(dockerConfig, { recursive: true }))

async function proxied(options: Parameters<typeof startProxy>[0] = {}): Promise<LoopbackProxy> {
  const proxy = await startProxy(options)
  open.push(proxy)
  return proxy
}

/** A server under a name that no resolver knows. */
async function hidden(names = ['trust.invalid']): Promise<LoopbackServer> {
  const server = await startServer((_, response) => response.end('{}'), { certificate: serverCertificate({ names }) })
  open.push(server)
  return server
}

async function ask(url: string, options: Partial<HttpTransportOptions>): Promise<number | undefined> {
  const transport = createHttpTransport({ server: parseServer(url), dockerConfig, env: {}, ca: testAuthority.pem, ...options })
  open.push(transport)
  const signal = new AbortController().signal
  return (await transport.fetchMetadata({ gun: 'a/b', name: 'root', maxBytes: 100, signal }))?.length
}

test('HTTPS_PROXY is asked to CONNECT, and the name is resolved there [HTTP-36]', async () => {
  const proxy = await proxied()
  const server = await hidden()
  expect(await ask(`https://trust.invalid:${server.port}`, { env: { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` } })).toBe(2)
  expect(proxy.connects.map(({ authority }) => authority)).toEqual([`trust.invalid:${server.port}`])
  expect(proxy.connects[0]?.headers['proxy-authorization']).toBeUndefined()
})

test('credentials of the proxy go to the proxy only', async () => {
  const proxy = await proxied()
  const server = await hidden()
  const env = { https_proxy: `http://user:pass@127.0.0.1:${proxy.port}` }
  expect(await ask(`https://trust.invalid:${server.port}`, { env })).toBe(2)
  expect(proxy.connects[0]?.headers['proxy-authorization']).toBe(`Basic ${Buffer.from('user:pass').toString('base64')}`)
  expect(server.requests[0]?.headers['proxy-authorization']).toBeUndefined()
})

/** Every name is this machine. */
const lookup: LookupFunction = (_name, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }])

test.each([
  ['trust.invalid', true],
  ['other.invalid,.invalid', true],
  ['*.invalid', true],
  ['*', true],
  ['PORT', true],
  ['trust.invalid:1', false],
  ['other.invalid', false],
  ['127.0.0.0/8', false],
])('NO_PROXY=%s for trust.invalid goes direct: %s', async (exceptions, direct) => {
  const proxy = await proxied()
  const server = await hidden()
  const env = {
    HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
    NO_PROXY: exceptions.replace('PORT', `trust.invalid:${server.port}`),
  }
  expect(await ask(`https://trust.invalid:${server.port}`, { env, lookup })).toBe(2)
  expect(proxy.connects).toHaveLength(direct ? 0 : 1)
})

test.each(['localhost', '127.0.0.1'])('%s is asked directly, whatever the proxy', async (hostname) => {
  const proxy = await proxied()
  const server = await hidden(['localhost', '127.0.0.1'])
  expect(await ask(`https://${hostname}:${server.port}`, { env: { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` } })).toBe(2)
  expect(proxy.connects).toEqual([])
})

test('what stands in the environment of the process is not read', async () => {
  vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:1')
  const server = await hidden()
  expect(await ask(`https://trust.invalid:${server.port}`, { lookup })).toBe(2)
})

test('a proxy that hangs up in the middle of the handshake is no connection', async () => {
  const proxy = await proxied()
  const hangingUp = await listen(createTcpServer((socket) => socket.once('data', () => socket.destroy())))
  open.push(hangingUp)
  const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }
  await expect(ask(`https://trust.invalid:${hangingUp.port}`, { env })).rejects.toMatchObject({
    code: 'ERR_SERVER_UNREACHABLE',
  })
})

test('a proxy that speaks before it was spoken to is refused', async () => {
  const eager = await listen(
    createTcpServer((socket) => socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nsurprise'))),
  )
  open.push(eager)
  const env = { HTTPS_PROXY: `http://127.0.0.1:${eager.port}` }
  await expect(ask('https://trust.invalid', { env })).rejects.toMatchObject({
    code: 'ERR_SERVER_UNREACHABLE',
    message: expect.stringContaining(`proxy 127.0.0.1:${eager.port}`),
  })
})

test('the certificate is checked through the tunnel: unknown CA', async () => {
  const proxy = await proxied()
  const server = await hidden()
  const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }
  await expect(ask(`https://trust.invalid:${server.port}`, { env, ca: [] })).rejects.toMatchObject({ code: 'ERR_TLS' })
  expect(server.requests).toEqual([])
})

test('the certificate is checked through the tunnel: another name', async () => {
  const proxy = await proxied()
  const server = await hidden(['other.invalid'])
  const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }
  await expect(ask(`https://trust.invalid:${server.port}`, { env })).rejects.toMatchObject({
    code: 'ERR_TLS',
    hint: expect.stringContaining('not for trust.invalid'),
  })
})

test.each([403, 407, 502])(
  'a proxy that answers %i is ERR_SERVER_UNREACHABLE, asked once, and no secret is told',
  async (status) => {
    const proxy = await proxied({ status })
    const env = { HTTPS_PROXY: `http://user:pa55word@127.0.0.1:${proxy.port}` }
    const failure = await ask('https://trust.invalid', { env }).catch((cause: unknown) => cause)
    expect(failure).toMatchObject({
      code: 'ERR_SERVER_UNREACHABLE',
      message: `error contacting notary server: proxy 127.0.0.1:${proxy.port}: answered ${status} to CONNECT`,
    })
    expect(failure).toMatchObject({ hint: expect.stringMatching(status === 407 ? /user:password@/ : /NO_PROXY/) })
    expect(JSON.stringify(failure)).not.toContain('pa55word')
    expect(proxy.connects).toHaveLength(1)
  },
)

test('a proxy that is not there is named', async () => {
  const proxy = await proxied()
  await proxy.close()
  const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }
  await expect(ask('https://trust.invalid', { env })).rejects.toMatchObject({
    code: 'ERR_SERVER_UNREACHABLE',
    message: expect.stringMatching(/^error contacting notary server: proxy 127\.0\.0\.1:\d+: .*ECONNREFUSED/),
  })
})

test('a proxy that accepts and stays silent is given up', async () => {
  const silent = await listen(createTcpServer((socket) => socket.resume()))
  open.push(silent)
  const env = { HTTPS_PROXY: `http://127.0.0.1:${silent.port}` }
  await expect(ask('https://trust.invalid', { env, deadlines: { connectMs: 100 } })).rejects.toMatchObject({
    code: 'ERR_SERVER_UNREACHABLE',
    message: `error contacting notary server: proxy 127.0.0.1:${silent.port}: no connection to trust.invalid within 100 ms`,
    hint: expect.stringContaining('HTTPS_PROXY'),
  })
})

test('a proxy over TLS carries, and is verified', async () => {
  const proxy = await proxied({ tls: true })
  const server = await hidden()
  const env = { HTTPS_PROXY: `https://localhost:${proxy.port}` }
  expect(await ask(`https://trust.invalid:${server.port}`, { env })).toBe(2)
  await expect(ask(`https://trust.invalid:${server.port}`, { env, ca: [] })).rejects.toMatchObject({
    code: 'ERR_TLS',
    message: expect.stringContaining(`proxy localhost:${proxy.port}`),
    hint: expect.stringContaining('proxy'),
  })
  expect(proxy.connects).toHaveLength(1)
})

test('HTTPS_PROXY that is no URL is a usage error', async () => {
  await expect(ask('https://trust.invalid', { env: { HTTPS_PROXY: 'socks5://p:1' } })).rejects.toMatchObject({
    code: 'ERR_SETTINGS_INVALID',
  })
})
