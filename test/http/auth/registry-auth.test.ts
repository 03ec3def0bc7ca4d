import type { ServerResponse } from 'node:http'
import { describe, expect, test, vi } from 'vitest'
import { type Credentials, givenCredentials } from '../../../src/credentials/credentials.js'
import { MAX_TOKEN_ANSWER_BYTES } from '../../../src/http/auth/token-request.js'
import type { TransportEvent } from '../../../src/http/events.js'
import type { HttpTransportOptions } from '../../../src/trust-server/http-transport.js'
import type { Transport } from '../../../src/trust-server/transport.js'
import { type LoopbackServer, type SeenRequest, serverCertificate, startProxy } from '../../support/loopback-server.js'
import { transportWorld } from '../../support/transport-world.js'

const GUN = 'registry.example/team/app'
const SCOPE = `repository:${GUN}:pull`
const SECRET = 'pa55word'
const basic = `Basic ${Buffer.from(`me:${SECRET}`).toString('base64')}`

const world = transportWorld()

type Answer = (request: SeenRequest, response: ServerResponse) => unknown

async function serve(handler: Answer, names?: readonly string[]): Promise<LoopbackServer> {
  return world.serve(handler, names === undefined ? {} : { certificate: serverCertificate({ names }) })
}

/** A token server that gives the token `anonymous` without credentials, and `mine` for the credentials of `me`. */
async function tokenServer(
  options: { anonymous?: string | number; names?: string[]; extra?: object } = {},
): Promise<LoopbackServer> {
  return serve((request, response) => {
    const answer =
      request.headers.authorization === undefined
        ? (options.anonymous ?? 401)
        : request.headers.authorization === basic
          ? 'mine'
          : 401
    if (typeof answer === 'number') response.writeHead(answer).end()
    else response.end(JSON.stringify({ token: answer, ...options.extra }))
  }, options.names)
}

/** A trust server that accepts only the Authorization header `token`. */
async function trustServer(token: string, challenge: string | string[], names?: string[]): Promise<LoopbackServer> {
  return serve((request, response) => {
    if (request.headers.authorization === token) response.end('{}')
    else response.writeHead(401, { 'www-authenticate': challenge }).end()
  }, names)
}

const bearer = (realm: LoopbackServer, more = ''): string => `Bearer realm="${realm.url}/token",service="the service"${more}`

function transportTo(server: LoopbackServer | string, options: Partial<HttpTransportOptions> = {}): Transport {
  return world.transport(typeof server === 'string' ? server : server.url, options)
}

function ask(
  transport: Transport,
  options: { gun?: string; name?: string; signal?: AbortSignal } = {},
): Promise<Uint8Array | undefined> {
  const { gun = GUN, name = 'timestamp', signal = new AbortController().signal } = options
  return transport.fetchMetadata({ gun, name, maxBytes: 1000, signal })
}

function source(entries: Record<string, Credentials>): { credentials: ReturnType<typeof givenCredentials>; asked: string[] } {
  const asked: string[] = []
  const credentials = givenCredentials((key) => {
    asked.push(key)
    return entries[key]
  })
  return { credentials, asked }
}

/** Runs with a clock that is ahead by so many milliseconds. */
async function laterBy<T>(milliseconds: number, run: () => Promise<T>): Promise<T> {
  const now = performance.now.bind(performance)
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + milliseconds)
  try {
    return await run()
  } finally {
    clock.mockRestore()
  }
}

function methods(events: readonly TransportEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'auth' ? [event.method] : []))
}

const me = { username: 'me', password: SECRET }
const unauthorized = {
  code: 'ERR_UNAUTHORIZED',
  kind: 'unavailable',
  message: 'you are not authorized to perform this operation: server returned 401.',
  gun: GUN,
  role: 'timestamp',
}

describe('an anonymous token', () => {
  test('is requested for the service and the pull scope, and the scope in the challenge is ignored [HTTP-46]', async () => {
    const realm = await tokenServer({ anonymous: 'anon' })
    const server = await trustServer('Bearer anon', bearer(realm, ',scope="repository:other:pull,push,*"'))
    const { credentials, asked } = source({ 'registry.example': me })
    expect(await ask(transportTo(server, { credentials }))).toHaveLength(2)
    const seen = realm.requests.map(({ method, url }) => [method, ...new URL(url, realm.url).searchParams])
    expect(seen).toEqual([['GET', ['service', 'the service'], ['scope', SCOPE]]])
    expect(asked).toEqual([])
  })

  test.each([{ access_token: 'anon' }, { token: '', access_token: 'anon' }, { token: 'anon', access_token: 'other' }])(
    'is found in %j',
    async (answer) => {
      const realm = await serve((_, response) => response.end(JSON.stringify(answer)))
      const server = await trustServer('Bearer anon', bearer(realm))
      expect(await ask(transportTo(server))).toHaveLength(2)
    },
  )

  test('is shared by concurrent requests, and kept', async () => {
    const realm = await tokenServer({ anonymous: 'anon' })
    const server = await trustServer('Bearer anon', bearer(realm))
    const transport = transportTo(server)
    await Promise.all(['timestamp', '1.root', 'root', 'snapshot', 'targets'].map((name) => ask(transport, { name })))
    await ask(transport)
    expect(realm.requests).toHaveLength(1)
    expect(server.requests.at(-1)?.headers.authorization).toBe('Bearer anon')
  })

  test('is used for one collection only [HTTP-49]', async () => {
    const realm = await tokenServer({ anonymous: 'anon' })
    const server = await trustServer('Bearer anon', bearer(realm))
    const transport = transportTo(server)
    await ask(transport)
    await ask(transport, { gun: 'registry.example/other' })
    expect(realm.requests).toHaveLength(2)
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      'Bearer anon',
      undefined,
      'Bearer anon',
    ])
  })

  test('is requested again when it has expired', async () => {
    const realm = await tokenServer({ anonymous: 'anon', extra: { expires_in: 0.2 } })
    const server = await trustServer('Bearer anon', bearer(realm))
    const transport = transportTo(server)
    await ask(transport)
    await ask(transport)
    expect(realm.requests).toHaveLength(1)
    await new Promise((resolve) => setTimeout(resolve, 250))
    await ask(transport)
    expect(realm.requests).toHaveLength(2)
  })

  test.each([
    ['50 seconds ago', -50, 2],
    ['a second ago', -1, 1],
    ['longer ago than its lifetime, because the clocks differ', -900, 1],
    ['in the future, because the clocks differ', 900, 1],
  ])('of 60 seconds that was issued %s is used for its remaining lifetime', async (_, seconds, requests) => {
    const issued_at = new Date(Date.now() + seconds * 1000).toISOString()
    const realm = await tokenServer({ anonymous: 'anon', extra: { expires_in: 60, issued_at } })
    const server = await trustServer('Bearer anon', bearer(realm))
    const transport = transportTo(server)
    await ask(transport)
    await laterBy(11_000, () => ask(transport))
    expect(realm.requests).toHaveLength(requests)
  })

  test('that was accepted and is refused later is renewed before credentials are used', async () => {
    let wanted = 'first'
    const realm = await serve((_, response) => response.end(JSON.stringify({ token: wanted })))
    const server = await serve((request, response) => {
      if (request.headers.authorization === `Bearer ${wanted}`) response.end('{}')
      else response.writeHead(401, { 'www-authenticate': bearer(realm) }).end()
    })
    const { credentials, asked } = source({ 'registry.example': me })
    const transport = transportTo(server, { credentials })
    await ask(transport)
    wanted = 'second'
    expect(await laterBy(10_000, () => ask(transport))).toHaveLength(2)
    expect(asked).toEqual([])
    expect(realm.requests).toHaveLength(2)
  })

  test('still reaches the other requests when one of them is aborted', async () => {
    let give: () => void = () => undefined
    const realm = await serve((_, response) => {
      give = () => response.end('{"token":"anon"}')
    })
    const server = await trustServer('Bearer anon', bearer(realm))
    const transport = transportTo(server)
    const controller = new AbortController()
    const first = ask(transport, { signal: controller.signal }).catch((cause: unknown) => cause)
    await expect.poll(() => realm.requests.length).toBe(1)
    const second = ask(transport)
    await expect.poll(() => server.requests.length).toBe(2)
    controller.abort('stop')
    expect(await first).toBe('stop')
    give()
    expect(await second).toHaveLength(2)
  })
})

describe('credentials', () => {
  test('are sent to the token server after it refused an anonymous token', async () => {
    const realm = await tokenServer()
    const server = await trustServer('Bearer mine', bearer(realm))
    const events: TransportEvent[] = []
    const { credentials } = source({ 'registry.example': me })
    const transport = transportTo(server, { credentials, onEvent: (event) => events.push(event) })
    expect(await ask(transport)).toHaveLength(2)
    expect(realm.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, basic])
    expect(new URL(realm.requests[1]?.url ?? '', realm.url).searchParams.get('account')).toBe('me')
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, 'Bearer mine'])
    expect(events.flatMap((event) => (event.type === 'auth' ? [event] : []))).toEqual([
      { type: 'auth', realm: `${realm.url}/token`, method: 'bearer-anonymous' },
      { type: 'auth', realm: `${realm.url}/token`, method: 'bearer-credentials' },
    ])
    expect(JSON.stringify(events)).not.toMatch(/pa55word|mine|Basic/)
  })

  test.each([401, 403])('are sent after the trust server answered an anonymous token with %i', async (status) => {
    const realm = await tokenServer({ anonymous: 'anon' })
    const server = await serve((request, response) => {
      if (request.headers.authorization === 'Bearer mine') response.end('{}')
      else if (request.headers.authorization === undefined) response.writeHead(401, { 'www-authenticate': bearer(realm) }).end()
      else response.writeHead(status).end()
    })
    const { credentials } = source({ 'registry.example': me })
    const transport = transportTo(server, { credentials })
    expect(await ask(transport)).toHaveLength(2)
    await ask(transport)
    expect(realm.requests).toHaveLength(2)
  })

  test('of the trust server are tried before those of the registry', async () => {
    const realm = await tokenServer()
    const server = await trustServer('Bearer mine', bearer(realm))
    const own = source({ [`localhost:${server.port}`]: me, 'registry.example': { username: 'other', password: 'x' } })
    expect(await ask(transportTo(server, own))).toHaveLength(2)
    expect(own.asked).toEqual([`localhost:${server.port}`])
  })

  test('an identity token is exchanged by POST', async () => {
    const realm = await serve((request, response) => {
      if (request.method === 'POST') response.end(JSON.stringify({ access_token: 'mine', expires_in: 300 }))
      else response.writeHead(401).end()
    })
    const server = await trustServer('Bearer mine', bearer(realm))
    const { credentials } = source({ 'registry.example': { identityToken: 'refresh me' } })
    const events: TransportEvent[] = []
    expect(await ask(transportTo(server, { credentials, onEvent: (event) => events.push(event) }))).toHaveLength(2)
    expect(methods(events)).toEqual(['bearer-anonymous', 'identity-token'])
    const post = realm.requests[1]
    expect([post?.method, post?.url, post?.headers.authorization]).toEqual(['POST', '/token', undefined])
    expect(Object.fromEntries(new URLSearchParams(post?.body))).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'refresh me',
      service: 'the service',
      scope: SCOPE,
      client_id: 'docker-content-trust',
    })
  })

  test('a registry token is sent unchanged', async () => {
    const realm = await tokenServer()
    const server = await trustServer('Bearer given', bearer(realm))
    const { credentials } = source({ 'registry.example': { registryToken: 'given' } })
    const events: TransportEvent[] = []
    expect(await ask(transportTo(server, { credentials, onEvent: (event) => events.push(event) }))).toHaveLength(2)
    expect(methods(events)).toEqual(['bearer-anonymous', 'bearer-credentials'])
  })

  test('Basic is answered directly', async () => {
    const server = await trustServer(basic, 'Basic realm="x"')
    const { credentials } = source({ 'registry.example': me })
    const events: TransportEvent[] = []
    const transport = transportTo(server, { credentials, onEvent: (event) => events.push(event) })
    await ask(transport)
    await ask(transport)
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, basic, basic])
    expect(methods(events)).toEqual(['basic'])
  })

  test('Bearer is preferred to Basic', async () => {
    const realm = await tokenServer({ anonymous: 'anon' })
    const server = await trustServer('Bearer anon', ['Basic realm="x"', bearer(realm)])
    expect(await ask(transportTo(server))).toHaveLength(2)
  })

  test('that are refused are ERR_UNAUTHORIZED after three requests', async () => {
    const realm = await tokenServer({ anonymous: 'anon' })
    const server = await trustServer('Bearer nobody has this', bearer(realm))
    const { credentials } = source({ 'registry.example': me })
    const failure = await ask(transportTo(server, { credentials })).catch((cause: unknown) => cause)
    expect(failure).toMatchObject({ ...unauthorized, hint: expect.stringContaining('refused') })
    expect(server.requests).toHaveLength(3)
    expect(realm.requests).toHaveLength(2)
  })

  test('that the token server refuses are ERR_UNAUTHORIZED', async () => {
    const realm = await tokenServer()
    const server = await trustServer('Bearer mine', bearer(realm))
    const { credentials } = source({ 'registry.example': { username: 'me', password: `wrong ${SECRET}` } })
    const failure = await ask(transportTo(server, { credentials })).catch((cause: unknown) => cause)
    expect(failure).toMatchObject({ ...unauthorized, hint: expect.stringContaining('registry.example') })
    expect(JSON.stringify(failure)).not.toContain(SECRET)
  })

  test('that are missing are ERR_UNAUTHORIZED', async () => {
    const realm = await tokenServer()
    const server = await trustServer('Bearer mine', bearer(realm))
    await expect(ask(transportTo(server))).rejects.toMatchObject(unauthorized)
    await expect(ask(transportTo(server, source({})))).rejects.toMatchObject(unauthorized)
  })

  test('an identity token is not sent as a password', async () => {
    const server = await trustServer(basic, 'Basic realm="x"')
    const { credentials } = source({ 'registry.example': { identityToken: SECRET } })
    await expect(ask(transportTo(server, { credentials }))).rejects.toMatchObject(unauthorized)
    expect(server.requests).toHaveLength(1)
  })

  test('a token with a line break is not sent', async () => {
    const server = await trustServer(basic, 'Basic realm="x"')
    const { credentials } = source({ 'registry.example': { registryToken: `a\r\nx: ${SECRET}` } })
    const failure = await ask(transportTo(server, { credentials })).catch((cause: unknown) => cause)
    expect(failure).toMatchObject(unauthorized)
    expect(JSON.stringify(failure)).not.toContain(SECRET)
  })
})

describe('a realm', () => {
  test.each(['http://localhost/token', 'https://user:pw@localhost/token', 'token', '', 'file:///token'])(
    '%j gets nothing [HTTP-44]',
    async (realm) => {
      const server = await trustServer('Bearer x', `Bearer realm="${realm}"`)
      const { credentials, asked } = source({ 'registry.example': me })
      await expect(ask(transportTo(server, { credentials }))).rejects.toMatchObject({
        ...unauthorized,
        hint: expect.stringContaining('https'),
      })
      expect(asked).toEqual([])
    },
  )

  test('whose certificate is not trusted gets nothing', async () => {
    const realm = await serve(() => undefined, ['other.example'])
    const server = await trustServer('Bearer x', bearer(realm))
    await expect(ask(transportTo(server))).rejects.toMatchObject({
      code: 'ERR_TLS',
      hint: expect.stringContaining(`${realm.port}`),
    })
    expect(realm.requests).toEqual([])
  })

  test('that redirects cannot pass credentials on to another host', async () => {
    const other = await serve((_, response) => response.writeHead(401).end())
    const realm = await serve((_, response) => response.writeHead(307, { location: `${other.url}/token` }).end())
    const server = await trustServer('Bearer x', bearer(realm))
    const { credentials } = source({ 'registry.example': me })
    await expect(ask(transportTo(server, { credentials }))).rejects.toMatchObject(unauthorized)
    expect(realm.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, basic])
    expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined])
  })

  test('that redirects cannot pass a refresh token on', async () => {
    const other = await serve((_, response) => response.writeHead(401).end())
    const realm = await serve((request, response) => {
      if (request.method === 'GET') response.writeHead(401).end()
      else response.writeHead(307, { location: `${other.url}/token` }).end()
    })
    const server = await trustServer('Bearer x', bearer(realm))
    const { credentials } = source({ 'registry.example': { identityToken: SECRET } })
    await expect(ask(transportTo(server, { credentials }))).rejects.toMatchObject({ code: 'ERR_SERVER_RESPONSE' })
    expect(other.requests).toEqual([])
  })

  test.each([
    ['no JSON', `secret-${SECRET}`],
    ['no object', '"x"'],
    ['null', 'null'],
    ['no token', '{"expires_in":60}'],
    ['a token of another type', '{"token":{"a":1}}'],
    ['a token with a line break', JSON.stringify({ token: `x\r\nx-injected: ${SECRET}` })],
    ['an endless answer', JSON.stringify({ token: 'x'.repeat(MAX_TOKEN_ANSWER_BYTES) })],
  ])('that answers with %s is ERR_SERVER_RESPONSE, and the error holds nothing of the answer [HTTP-47]', async (_, body) => {
    const realm = await serve((_request, response) => response.end(body))
    const server = await trustServer('Bearer x', bearer(realm))
    const failure = await ask(transportTo(server)).catch((cause: unknown) => cause)
    expect(failure).toMatchObject({
      code: 'ERR_SERVER_RESPONSE',
      message: expect.stringMatching(/^unable to reach trust server at this time: the (?:token )?server/),
      gun: GUN,
    })
    expect(JSON.stringify(failure)).not.toContain(SECRET)
    expect(server.requests).toHaveLength(1)
  })

  test('that fails is ERR_SERVER_RESPONSE', async () => {
    const realm = await serve((_, response) => response.writeHead(503).end())
    const server = await trustServer('Bearer x', bearer(realm))
    await expect(ask(transportTo(server))).rejects.toMatchObject({
      code: 'ERR_SERVER_RESPONSE',
      evidence: { status: 503, host: `localhost:${realm.port}` },
    })
  })
})

test('credentials are not sent to a host that the trust server redirects to', async () => {
  const other = await serve((_, response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="gimme"' }).end())
  const server = await serve((request, response) => {
    if (request.headers.authorization === basic) response.writeHead(302, { location: `${other.url}/x` }).end()
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
  })
  const { credentials } = source({ 'registry.example': me, [`localhost:${other.port}`]: me })
  await expect(ask(transportTo(server, { credentials }))).rejects.toMatchObject(unauthorized)
  expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([undefined])
})

test.each(['basic', 'bearer'])('a %s challenge of a host that the trust server redirects to is not answered', async (scheme) => {
  const realm = await tokenServer({ anonymous: 'anon' })
  const challenge = scheme === 'basic' ? 'Basic realm="gimme"' : bearer(realm)
  const other = await serve((_, response) => response.writeHead(401, { 'www-authenticate': challenge }).end())
  const server = await serve((_, response) => response.writeHead(302, { location: `${other.url}/x` }).end())
  const { credentials, asked } = source({ 'registry.example': me })
  await expect(ask(transportTo(server, { credentials }))).rejects.toMatchObject(unauthorized)
  expect(asked).toEqual([])
  expect(realm.requests).toEqual([])
  expect(other.requests).toHaveLength(1)
})

test('without credentials, the hint names the hosts for which they are missing', async () => {
  const realm = await tokenServer()
  const server = await trustServer('Bearer mine', bearer(realm))
  await expect(ask(transportTo(server, source({})))).rejects.toMatchObject({
    ...unauthorized,
    hint: expect.stringContaining(`no credentials for localhost:${server.port} or registry.example`),
  })
})

test('a credentials function that fails is ERR_UNAUTHORIZED, not an error of the network', async () => {
  const realm = await tokenServer()
  const server = await trustServer('Bearer mine', bearer(realm))
  const cause = new Error('vault is sealed')
  const credentials = givenCredentials(() => Promise.reject(cause))
  await expect(ask(transportTo(server, { credentials }))).rejects.toMatchObject({
    code: 'ERR_UNAUTHORIZED',
    message: `error getting credentials - err: the credentials function failed for localhost:${server.port}`,
    cause,
  })
})

test('after a refusal without a challenge, the source is not asked for credentials', async () => {
  const server = await serve((_, response) => response.writeHead(403).end())
  const { credentials, asked } = source({ 'registry.example': me })
  await expect(ask(transportTo(server, { credentials }))).rejects.toMatchObject({
    code: 'ERR_UNAUTHORIZED',
    message: 'you are not authorized to perform this operation: server returned 403.',
  })
  expect(asked).toEqual([])
})

describe("docker.io's credentials", () => {
  const hub = { 'docker.io': me }
  const gun = 'docker.io/library/alpine'

  /** Servers whose names only the proxy can resolve. */
  async function throughProxy(
    trust: string,
    token: string,
  ): Promise<{ url: string; realm: LoopbackServer; env: Record<string, string> }> {
    const proxy = world.keep(await startProxy())
    const realm = await tokenServer({ names: [token] })
    const server = await trustServer('Bearer mine', `Bearer realm="https://${token}:${realm.port}/token",service=x`, [trust])
    return { url: `https://${trust}:${server.port}`, realm, env: { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` } }
  }

  test.each([
    ['notary.docker.io', 'auth.docker.io'],
    ['docker.io', 'hub.docker.com'],
  ])('are sent for the trust server %s to the token server %s', async (trust, token) => {
    const { url, env } = await throughProxy(trust, token)
    expect(await ask(transportTo(url, { ...source(hub), env }), { gun })).toHaveLength(2)
  })

  test.each([
    ['evil.example', 'evil.example', gun],
    ['evil.example', 'auth.docker.io', gun],
    ['notary.docker.io', 'evil.example', gun],
    ['notary.docker.io.evil.example', 'auth.docker.io', gun],
    ['evildocker.io', 'auth.docker.io', gun],
    ['notary.docker.io', 'docker.com', gun],
    ['evil.example', 'evil.example', 'index.docker.io/library/alpine'],
    ['evil.example', 'evil.example', 'DOCKER.IO/library/alpine'],
  ])('are not sent for the trust server %s to the token server %s for %s', async (trust, token, collection) => {
    const { url, env, realm } = await throughProxy(trust, token)
    const entries = { ...hub, 'index.docker.io': me, 'DOCKER.IO': me }
    await expect(ask(transportTo(url, { ...source(entries), env }), { gun: collection })).rejects.toMatchObject({
      code: 'ERR_UNAUTHORIZED',
      hint: expect.stringContaining('docker.io are not sent'),
    })
    expect(realm.requests.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  test('are sent to a trust server that docker.io is mapped to', async () => {
    const { url, env } = await throughProxy('mirror.example', 'auth.mirror.example')
    const transport = transportTo(url, { ...source(hub), env, serverIsMappedForDockerIo: true })
    expect(await ask(transport, { gun })).toHaveLength(2)
  })

  test('are not sent by Basic to another server', async () => {
    const server = await trustServer(basic, 'Basic realm="x"')
    await expect(ask(transportTo(server, source(hub)), { gun })).rejects.toMatchObject({ code: 'ERR_UNAUTHORIZED' })
    expect(server.requests).toHaveLength(1)
  })
})
