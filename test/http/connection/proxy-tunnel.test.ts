import { createServer as createTcpServer, type LookupFunction } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import type { HttpTransportOptions } from '../../../src/trust-server/http-transport.js'
import { type LoopbackProxy, type LoopbackServer, listen, serverCertificate, startProxy } from '../../support/loopback-server.js'
import { transportWorld } from '../../support/transport-world.js'

const world = transportWorld()
afterEach(() => vi.unstubAllEnvs())

async function proxied(options: Parameters<typeof startProxy>[0] = {}): Promise<LoopbackProxy> {
  return world.keep(await startProxy(options))
}

/** A server whose name no resolver knows. */
async function hidden(names = ['trust.invalid']): Promise<LoopbackServer> {
  return world.serve((_, response) => response.end('{}'), { certificate: serverCertificate({ names }) })
}

async function ask(url: string, options: Partial<HttpTransportOptions>): Promise<number | undefined> {
  const transport = world.transport(url, options)
  const signal = new AbortController().signal
  return (await transport.fetchMetadata({ gun: 'a/b', name: 'root', maxBytes: 100, signal }))?.length
}

test('a request goes through HTTPS_PROXY by CONNECT, and the proxy resolves the name [HTTP-36]', async () => {
  const proxy = await proxied()
  const server = await hidden()
  expect(await ask(`https://trust.invalid:${server.port}`, { env: { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` } })).toBe(2)
  expect(proxy.connects.map(({ authority }) => authority)).toEqual([`trust.invalid:${server.port}`])
  expect(proxy.connects[0]?.headers['proxy-authorization']).toBeUndefined()
})

test('credentials of the proxy are sent to the proxy only', async () => {
  const proxy = await proxied()
  const server = await hidden()
  const env = { https_proxy: `http://user:pass@127.0.0.1:${proxy.port}` }
  expect(await ask(`https://trust.invalid:${server.port}`, { env })).toBe(2)
  expect(proxy.connects[0]?.headers['proxy-authorization']).toBe(`Basic ${Buffer.from('user:pass').toString('base64')}`)
  expect(server.requests[0]?.headers['proxy-authorization']).toBeUndefined()
})

/** Resolves every name to this machine. */
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
])('NO_PROXY=%s excludes trust.invalid: %s', async (exceptions, direct) => {
  const proxy = await proxied()
  const server = await hidden()
  const env = {
    HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
    NO_PROXY: exceptions.replace('PORT', `trust.invalid:${server.port}`),
  }
  expect(await ask(`https://trust.invalid:${server.port}`, { env, lookup })).toBe(2)
  expect(proxy.connects).toHaveLength(direct ? 0 : 1)
})

test.each(['localhost', '127.0.0.1'])('%s is never reached through the proxy', async (hostname) => {
  const proxy = await proxied()
  const server = await hidden(['localhost', '127.0.0.1'])
  expect(await ask(`https://${hostname}:${server.port}`, { env: { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` } })).toBe(2)
  expect(proxy.connects).toEqual([])
})

test('the environment of the process is not read', async () => {
  vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:1')
  const server = await hidden()
  expect(await ask(`https://trust.invalid:${server.port}`, { lookup })).toBe(2)
})

test('a connection that closes during the handshake behind a proxy is ERR_SERVER_UNREACHABLE', async () => {
  const proxy = await proxied()
  const hangingUp = await listen(createTcpServer((socket) => socket.once('data', () => socket.destroy())))
  world.keep(hangingUp)
  const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }
  await expect(ask(`https://trust.invalid:${hangingUp.port}`, { env })).rejects.toMatchObject({
    code: 'ERR_SERVER_UNREACHABLE',
  })
})

test('a proxy that sends data before the handshake is refused', async () => {
  const eager = await listen(
    createTcpServer((socket) => socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nsurprise'))),
  )
  world.keep(eager)
  const env = { HTTPS_PROXY: `http://127.0.0.1:${eager.port}` }
  await expect(ask('https://trust.invalid', { env })).rejects.toMatchObject({
    code: 'ERR_SERVER_UNREACHABLE',
    message: expect.stringContaining(`proxy 127.0.0.1:${eager.port}`),
  })
})

test('a certificate of an unknown CA is refused through the tunnel', async () => {
  const proxy = await proxied()
  const server = await hidden()
  const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }
  await expect(ask(`https://trust.invalid:${server.port}`, { env, ca: [] })).rejects.toMatchObject({ code: 'ERR_TLS' })
  expect(server.requests).toEqual([])
})

test('a certificate for another name is refused through the tunnel', async () => {
  const proxy = await proxied()
  const server = await hidden(['other.invalid'])
  const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }
  await expect(ask(`https://trust.invalid:${server.port}`, { env })).rejects.toMatchObject({
    code: 'ERR_TLS',
    hint: expect.stringContaining('not for trust.invalid'),
  })
})

test.each([403, 407, 502])(
  'a proxy that answers %i is ERR_SERVER_UNREACHABLE after one request, and the error holds no secret',
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

test('the error for a proxy that refuses the connection names it', async () => {
  const proxy = await proxied()
  await proxy.close()
  const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }
  await expect(ask('https://trust.invalid', { env })).rejects.toMatchObject({
    code: 'ERR_SERVER_UNREACHABLE',
    message: expect.stringMatching(/^error contacting notary server: proxy 127\.0\.0\.1:\d+: .*ECONNREFUSED/),
  })
})

test('a proxy that accepts the connection and sends nothing is abandoned', async () => {
  const silent = await listen(createTcpServer((socket) => socket.resume()))
  world.keep(silent)
  const env = { HTTPS_PROXY: `http://127.0.0.1:${silent.port}` }
  await expect(ask('https://trust.invalid', { env, deadlines: { connectMs: 100 } })).rejects.toMatchObject({
    code: 'ERR_SERVER_UNREACHABLE',
    message: `error contacting notary server: proxy 127.0.0.1:${silent.port}: no connection to trust.invalid within 100 ms`,
    hint: expect.stringContaining('HTTPS_PROXY'),
  })
})

test('a proxy over TLS is used, and its certificate is verified', async () => {
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

test('HTTPS_PROXY with a SOCKS URL is a usage error', async () => {
  await expect(ask('https://trust.invalid', { env: { HTTPS_PROXY: 'socks5://p:1' } })).rejects.toMatchObject({
    code: 'ERR_SETTINGS_INVALID',
  })
})
