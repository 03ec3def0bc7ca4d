/** A trust server with a public address must not lead the client to private addresses [HTTP-45]. */
import type { LookupFunction } from 'node:net'
import { describe, expect, test } from 'vitest'
import { PrivateAddresses } from '../../../src/http/connection/private-addresses.js'
import type { HttpTransportOptions } from '../../../src/trust-server/http-transport.js'
import {
  type Handler,
  type LoopbackProxy,
  type LoopbackServer,
  serverCertificate,
  startProxy,
} from '../../support/loopback-server.js'
import { transportWorld } from '../../support/transport-world.js'

const world = transportWorld()

async function serve(handler: Handler, names?: readonly string[]): Promise<LoopbackServer> {
  return world.serve(handler, names === undefined ? {} : { certificate: serverCertificate({ names }) })
}

/** A trust server that is reached through a proxy, so that it counts as public. */
async function publicServer(handler: Handler): Promise<{ url: string; proxy: LoopbackProxy; env: Record<string, string> }> {
  const proxy = world.keep(await startProxy())
  const server = await serve(handler, ['trust.example'])
  return { url: `https://trust.example:${server.port}`, proxy, env: { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` } }
}

function ask(url: string, options: Partial<HttpTransportOptions> = {}): Promise<Uint8Array | undefined> {
  const transport = world.transport(url, options)
  return transport.fetchMetadata({ gun: 'a/b', name: 'root', maxBytes: 100, signal: new AbortController().signal })
}

const challenge =
  (realm: string): Handler =>
  (request, response) => {
    if (request.headers.authorization === undefined)
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}/token",service=x` }).end()
    else response.end('{}')
  }
const token: Handler = (_, response) => response.end('{"token":"x"}')

describe('a public trust server', () => {
  test.each(['localhost', '127.0.0.1'])('cannot name a token server on %s [HTTP-45]', async (host) => {
    const realm = await serve(token)
    const { url, env } = await publicServer(challenge(`https://${host}:${realm.port}`))
    await expect(ask(url, { env })).rejects.toMatchObject({
      code: 'ERR_UNAUTHORIZED',
      hint: expect.stringContaining(`${host} is an address of this machine or of a private network`),
    })
    expect(realm.connections()).toBe(0)
  })

  test.each([
    '169.254.169.254',
    '10.0.0.1',
    '192.0.0.192',
    '[fd00:ec2::254]',
    '[fec0::1]',
    '[::ffff:169.254.169.254]',
    '[64:ff9b::a9fe:a9fe]',
    '[2002:a9fe:a9fe::1]',
    '2852039166',
  ])('cannot make the proxy connect to a token server on %s [HTTP-45]', async (host) => {
    const { url, env, proxy } = await publicServer(challenge(`https://${host}`))
    await expect(ask(url, { env })).rejects.toMatchObject({ code: 'ERR_UNAUTHORIZED' })
    expect(proxy.connects.map(({ authority }) => authority)).toEqual([new URL(url).host])
  })

  test('cannot redirect to a private address [HTTP-45]', async () => {
    const inside = await serve((_, response) => response.end('{}'))
    const { url, env } = await publicServer((_, response) => response.writeHead(302, { location: `${inside.url}/x` }).end())
    await expect(ask(url, { env })).rejects.toMatchObject({
      code: 'ERR_SERVER_RESPONSE',
      hint: expect.stringContaining('localhost is an address of this machine'),
    })
    expect(inside.connections()).toBe(0)
  })

  test('may name a token server with a public address', async () => {
    const realm = await serve(token, ['auth.example'])
    const { url, env } = await publicServer(challenge(`https://auth.example:${realm.port}`))
    expect(await ask(url, { env })).toHaveLength(2)
  })
})

test('a trust server on loopback may name a token server on loopback, also under another name', async () => {
  const realm = await serve(token, ['auth.example'])
  const server = await serve(challenge(`https://auth.example:${realm.port}`))
  const lookup: LookupFunction = (_name, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }])
  expect(await ask(server.url, { lookup })).toHaveLength(2)
})

describe('a name with several addresses', () => {
  const resolve = (addresses: readonly string[], options: { all: boolean }): Promise<unknown> => {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    const system: LookupFunction = (_name, { all }, callback) =>
      all === true ? callback(null, found) : callback(null, found[0]?.address ?? '', found[0]?.family)
    const guard = new PrivateAddresses('trust.example', system)
    guard.noteConnection('trust.example', '93.184.216.34')
    return new Promise((done, fail) => {
      guard.lookup('auth.example')('auth.example', options, (error, left) => (error === null ? done(left) : fail(error)))
    })
  }

  test('resolves to the public ones only', async () => {
    expect(await resolve(['10.0.0.1', '93.184.216.34'], { all: true })).toEqual([{ address: '93.184.216.34', family: 4 }])
    expect(await resolve(['93.184.216.34'], { all: false })).toBe('93.184.216.34')
  })

  test.each([true, false])('is refused when none is public (all: %s)', async (all) => {
    await expect(resolve(['10.0.0.1', 'fe80::1'], { all })).rejects.toThrow(/auth\.example is an address of this machine/)
  })
})
