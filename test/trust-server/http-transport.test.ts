import { writeFile } from 'node:fs/promises'
import { createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { CONNECTIONS } from '../../src/http/connections.js'
import type { TransportEvent } from '../../src/http/events.js'
import { MAX_REDIRECTS } from '../../src/http/redirect.js'
import type { MetadataRequest, Transport } from '../../src/trust-server/transport.js'
import { listen, testAuthority } from '../support/loopback-server.js'
import { transportWorld } from '../support/transport-world.js'

const GUN = 'docker.io/library/alpine'
const BODY = '{"signed":{},"signatures":[]}'
const never = new AbortController().signal

const world = transportWorld()
const serve = world.serve.bind(world)
const transportTo = world.transport.bind(world)

function ask(transport: Transport, request: Partial<MetadataRequest> = {}): Promise<Uint8Array | undefined> {
  return transport.fetchMetadata({ gun: GUN, name: 'timestamp', maxBytes: 1000, signal: never, ...request })
}

async function textOf(answer: Promise<Uint8Array | undefined>): Promise<string | undefined> {
  const bytes = await answer
  return bytes === undefined ? undefined : Buffer.from(bytes).toString()
}

describe('fetchMetadata', () => {
  test('requests the address of the file, and returns the bytes of a 200', async () => {
    const server = await serve((_, response) => response.end(BODY))
    expect(await textOf(ask(transportTo(`${server.url}/prefix/`), { name: 'targets/releases.ab' }))).toBe(BODY)
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `GET /prefix/v2/${GUN}/_trust/tuf/targets/releases.ab.json`,
    ])
  })

  test('returns no bytes for a 200 without a body, which is not a missing file', async () => {
    const server = await serve((_, response) => response.end())
    expect(await textOf(ask(transportTo(server.url)))).toBe('')
  })

  test('returns undefined for a 404, after one request', async () => {
    const server = await serve((_, response) => response.writeHead(404).end('{"errors":[]}'))
    expect(await ask(transportTo(server.url))).toBeUndefined()
    expect(server.requests).toHaveLength(1)
  })

  test.each([
    ['timestamp', 'no-cache'],
    ['2.root', 'no-cache'],
    ['root', 'no-cache'],
    [`snapshot.${'a'.repeat(64)}`, undefined],
  ])('requests %s with accept-encoding identity and cache-control %s [HTTP-38]', async (name, cacheControl) => {
    const server = await serve((_, response) => response.end(BODY))
    await ask(transportTo(server.url), { name })
    expect(server.requests[0]?.headers).toMatchObject({ 'accept-encoding': 'identity', 'user-agent': 'docker-content-trust' })
    expect(server.requests[0]?.headers['cache-control']).toBe(cacheControl)
    expect(server.requests[0]?.headers.authorization).toBeUndefined()
  })

  test.each([1, 6, undefined])('keeps connections open, up to a maximum: option %s', async (connections) => {
    const most = connections ?? CONNECTIONS
    let running = 0
    let seen = 0
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const server = await serve(async (_, response) => {
      running += 1
      seen = Math.max(seen, running)
      // A moment longer, in which one more connection would be seen.
      if (running === most) setTimeout(release, 100)
      await released
      running -= 1
      response.end(BODY)
    })
    const transport = transportTo(server.url, connections === undefined ? {} : { connections })
    await Promise.all(Array.from({ length: 20 + most }, () => ask(transport)))
    expect(seen).toBe(most)
    await ask(transport)
    expect(server.connections()).toBe(most)
  })

  test('uses a connection again after a 404', async () => {
    const server = await serve((request, response) => response.writeHead(request.url.includes('root') ? 404 : 200).end(BODY))
    const transport = transportTo(server.url)
    await ask(transport, { name: '2.root' })
    await ask(transport)
    expect(server.connections()).toBe(1)
  })
})

describe('connectAhead', () => {
  test('opens the connections of the first requests, and each further request opens its own at once', async () => {
    const server = await serve(async (_, response) => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      response.end(BODY)
    })
    const transport = transportTo(server.url)
    const connected = transport.connectAhead?.()
    await Promise.all(Array.from({ length: 4 }, () => ask(transport)))
    await connected
    expect(server.connections()).toBe(4)
    await transport.connectAhead?.()
    await ask(transport)
    expect(server.connections()).toBe(4)
  })

  test('sends nothing, and close() closes its connections', async () => {
    const server = await serve((_, response) => response.end(BODY))
    const transport = transportTo(server.url)
    await transport.connectAhead?.()
    await expect.poll(server.connections).toBeGreaterThan(0)
    expect(server.requests).toEqual([])
    await transport.close()
    await expect.poll(server.openConnections).toBe(0)
    await transport.connectAhead?.()
    expect(server.openConnections()).toBe(0)
  })

  test('does not reject: the request reports the failure', async () => {
    const server = await serve((_, response) => response.end(BODY))
    await server.close()
    const transport = transportTo(server.url)
    await transport.connectAhead?.()
    await expect(ask(transport)).rejects.toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' })
  })

  test('leaves no connection when settings cannot be used; the request reports that, and the next one reads them again', async () => {
    const server = await serve((_, response) => response.end(BODY))
    const ca = [testAuthority.pem]
    const given = { ca, env: { SSL_CERT_FILE: join(world.dockerConfig, 'later.pem') } }
    const transport = transportTo(server.url, given)
    const unread = { code: 'ERR_SETTINGS_INVALID', message: expect.stringContaining('later.pem') }
    await transport.connectAhead?.()
    await expect.poll(server.openConnections).toBe(0)
    await expect(ask(transport)).rejects.toMatchObject(unread)
    await expect.poll(server.openConnections).toBe(0)
    await writeFile(join(world.dockerConfig, 'later.pem'), testAuthority.pem)
    expect(await textOf(ask(transport))).toBe(BODY)
  })
})

describe('a status other than 200 and 404', () => {
  test.each([204, 206, 304, 400, 402, 405, 410, 418, 429, 500, 502, 503, 504])('%i is ERR_SERVER_RESPONSE', async (status) => {
    const server = await serve((_, response) => response.writeHead(status).end())
    await expect(ask(transportTo(server.url), { name: '3.root' })).rejects.toMatchObject({
      code: 'ERR_SERVER_RESPONSE',
      kind: 'unavailable',
      message: `unable to reach trust server at this time: ${status}.`,
      gun: GUN,
      role: 'root',
      evidence: { status },
    })
  })

  test.each([
    [401, 2], // the second request asks for the challenge at /v2/
    [403, 1],
  ])('%i is ERR_UNAUTHORIZED', async (status, requests) => {
    const server = await serve((_, response) => response.writeHead(status).end())
    await expect(ask(transportTo(server.url))).rejects.toMatchObject({
      code: 'ERR_UNAUTHORIZED',
      message: `you are not authorized to perform this operation: server returned ${status}.`,
    })
    expect(server.requests).toHaveLength(requests)
  })
})

describe('endless data', () => {
  test('an announced length over the limit is refused before the body is read', async () => {
    const server = await serve((_, response) => response.writeHead(200, { 'content-length': 1001 }).write('x'))
    await expect(ask(transportTo(server.url))).rejects.toMatchObject({
      code: 'ERR_METADATA_TOO_LARGE',
      kind: 'untrusted',
      message: 'trust server returned a bad response: the server announced 1001 bytes',
      evidence: { maxBytes: 1000 },
    })
  })

  test('an endless chunked body is refused at the limit', async () => {
    let stopped = false
    const server = await serve((_, response) => {
      response.writeHead(200)
      const feed = (): void => {
        while (!stopped && response.write('x'.repeat(400))) {
          // until the buffer is full
        }
      }
      response.on('drain', feed).on('close', () => {
        stopped = true
      })
      feed()
    })
    await expect(ask(transportTo(server.url))).rejects.toMatchObject({ code: 'ERR_METADATA_TOO_LARGE' })
    await expect.poll(() => stopped).toBe(true)
  })

  test('a body of exactly the limit is accepted', async () => {
    const server = await serve((_, response) => response.end('x'.repeat(1000)))
    expect(await ask(transportTo(server.url))).toHaveLength(1000)
  })

  test('a decompression bomb is refused at the limit', async () => {
    const server = await serve((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(100_000))),
    )
    await expect(ask(transportTo(server.url))).rejects.toMatchObject({ code: 'ERR_METADATA_TOO_LARGE' })
  })

  test('endless headers are refused', async () => {
    const server = await serve((_, response) => response.writeHead(200, { 'x-long': 'x'.repeat(40_000) }).end(BODY))
    await expect(ask(transportTo(server.url))).rejects.toMatchObject({ code: 'ERR_SERVER_RESPONSE' })
  })
})

describe('content encodings', () => {
  test.each(['gzip', 'x-gzip', 'GZIP'])('%s is decoded', async (encoding) => {
    const server = await serve((_, response) => response.writeHead(200, { 'content-encoding': encoding }).end(gzipSync(BODY)))
    expect(await textOf(ask(transportTo(server.url)))).toBe(BODY)
  })

  test.each([
    ['br', brotliCompressSync(BODY)],
    ['gzip', Buffer.from(BODY)],
    ['gzip', gzipSync(BODY).subarray(0, -4)],
    ['gzip, gzip', gzipSync(gzipSync(BODY))],
    ['deflate', Buffer.from(BODY)],
  ])('%s with a body that is not one valid gzip is ERR_SERVER_RESPONSE', async (encoding, body) => {
    const server = await serve((_, response) => response.writeHead(200, { 'content-encoding': encoding }).end(body))
    await expect(ask(transportTo(server.url))).rejects.toMatchObject({ code: 'ERR_SERVER_RESPONSE' })
  })

  test('identity is accepted', async () => {
    const server = await serve((_, response) => response.writeHead(200, { 'content-encoding': 'identity' }).end(BODY))
    expect(await textOf(ask(transportTo(server.url)))).toBe(BODY)
  })
})

describe('redirects', () => {
  test.each([301, 302, 303, 307, 308])('%i to another https host is followed', async (status) => {
    const other = await serve((_, response) => response.end(BODY))
    const server = await serve((_, response) => response.writeHead(status, { location: `${other.url}/elsewhere` }).end())
    expect(await textOf(ask(transportTo(server.url)))).toBe(BODY)
    expect(other.requests.map(({ url }) => url)).toEqual(['/elsewhere'])
  })

  test('a relative one is followed', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/v2/here?x=1') response.end(BODY)
      else response.writeHead(302, { location: '/v2/here?x=1' }).end()
    })
    expect(await textOf(ask(transportTo(server.url)))).toBe(BODY)
  })

  test.each([
    ['to http', 'http://localhost/x', /away from https/],
    ['to a file', 'file:///etc/passwd', /away from https/],
    ['with credentials', 'https://user:secret@localhost/x', /carries credentials/],
    ['to an invalid address', 'https://', /no usable address/],
    ['without an address', undefined, /no usable address/],
  ])('%s is refused', async (_, location, hint) => {
    const server = await serve((_request, response) => response.writeHead(302, location === undefined ? {} : { location }).end())
    const failure = await ask(transportTo(server.url)).catch((cause: unknown) => cause)
    expect(failure).toMatchObject({
      code: 'ERR_SERVER_RESPONSE',
      message: 'unable to reach trust server at this time: 302.',
      hint: expect.stringMatching(hint),
    })
    expect(JSON.stringify(failure)).not.toContain('secret')
  })

  test('a loop is refused', async () => {
    const server = await serve((_, response) => response.writeHead(302, { location: '/again' }).end())
    await expect(ask(transportTo(server.url))).rejects.toMatchObject({ code: 'ERR_SERVER_RESPONSE' })
    expect(server.requests).toHaveLength(MAX_REDIRECTS + 1)
  })
})

describe('the network', () => {
  test('a refused connection is ERR_SERVER_UNREACHABLE', async () => {
    const server = await serve(() => undefined)
    await server.close()
    await expect(ask(transportTo(server.url))).rejects.toMatchObject({
      code: 'ERR_SERVER_UNREACHABLE',
      message: expect.stringMatching(/^error contacting notary server: .*ECONNREFUSED/),
      retryable: true,
    })
  })

  test('an unknown host is ERR_SERVER_UNREACHABLE, without retries', async () => {
    const events: TransportEvent[] = []
    const transport = transportTo('https://no-such-host.invalid', { onEvent: (event) => events.push(event) })
    await expect(ask(transport)).rejects.toMatchObject({
      code: 'ERR_SERVER_UNREACHABLE',
      message: expect.stringMatching(/^error contacting notary server: getaddrinfo/),
    })
    expect(events.filter(({ type }) => type === 'request').length).toBeLessThanOrEqual(3)
  })

  test.each([
    ['a body shorter than announced', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort'],
    ['a chunked body without its end', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n'],
    ['a reset before the answer', ''],
  ])('%s is ERR_SERVER_UNREACHABLE', async (_, raw) => {
    const server = await serve((_request, response) => {
      response.socket?.write(raw, () => response.socket?.destroy())
    })
    await expect(ask(transportTo(server.url))).rejects.toMatchObject({
      code: 'ERR_SERVER_UNREACHABLE',
      message: expect.stringMatching(/^error contacting notary server: /),
    })
  })

  test.each([
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc', 'ERR_SERVER_UNREACHABLE'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      'ERR_SERVER_UNREACHABLE',
    ],
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', 'ERR_SERVER_RESPONSE'],
  ])('an answer with %s is refused', async (_, raw, code) => {
    const server = await serve((_request, response) => response.socket?.write(raw))
    await expect(ask(transportTo(server.url))).rejects.toMatchObject({ code })
  })

  test('a body without a length ends with the connection', async () => {
    const server = await serve((_request, response) => {
      response.socket?.end(`HTTP/1.1 200 OK\r\n\r\n${BODY}`)
    })
    expect(await textOf(ask(transportTo(server.url)))).toBe(BODY)
  })
})

describe('slow retrieval', () => {
  test('a server that accepts the connection and sends nothing is abandoned', async () => {
    const silent = await listen(createTcpServer((socket) => socket.resume()))
    world.keep(silent)
    const transport = transportTo(silent.url, { deadlines: { connectMs: 100 } })
    await expect(ask(transport)).rejects.toMatchObject({
      code: 'ERR_SERVER_UNREACHABLE',
      message: 'error contacting notary server: no connection to localhost within 100 ms',
    })
  })

  test('a server that never answers is abandoned', async () => {
    const server = await serve(() => undefined)
    await expect(ask(transportTo(server.url, { deadlines: { headersMs: 100 } }))).rejects.toMatchObject({
      code: 'ERR_SERVER_UNREACHABLE',
    })
  })

  test('an unanswered guess is abandoned long before an unanswered request', async () => {
    const server = await serve(() => undefined)
    const transport = transportTo(server.url, { deadlines: { guessMs: 100 } })
    const enough = new AbortController()
    const request = ask(transport, { signal: enough.signal }).catch((cause: unknown) => cause)
    await expect(ask(transport, { guess: true })).rejects.toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' })
    enough.abort('the request still waits')
    expect(await request).toBe('the request still waits')
  })

  test('a body that stops in the middle is abandoned', async () => {
    const server = await serve((_, response) => response.writeHead(200).write('x'))
    await expect(ask(transportTo(server.url, { deadlines: { bodyIdleMs: 100 } }))).rejects.toMatchObject({
      code: 'ERR_SERVER_UNREACHABLE',
    })
  })

  test('a byte now and then does not extend the deadline of a request', async () => {
    const server = await serve((_, response) => {
      const timer = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(timer))
    })
    await expect(ask(transportTo(server.url, { deadlines: { totalMs: 200 } }))).rejects.toMatchObject({
      code: 'ERR_SERVER_UNREACHABLE',
      message: 'error contacting notary server: no answer within 200 ms',
    })
  })

  test('a signal ends a request, which rejects with the reason', async () => {
    const server = await serve(() => undefined)
    const controller = new AbortController()
    const reason = { any: 'reason' }
    setTimeout(() => controller.abort(reason), 50)
    await expect(ask(transportTo(server.url), { signal: controller.signal })).rejects.toBe(reason)
  })

  test('with a signal that is aborted already, no connection is opened', async () => {
    const server = await serve((_, response) => response.end(BODY))
    await expect(ask(transportTo(server.url), { signal: AbortSignal.abort('stop') })).rejects.toBe('stop')
    expect(server.connections()).toBe(0)
  })

  test('a signal ends the wait between attempts', async () => {
    const server = await serve((_, response) => response.writeHead(503, { 'retry-after': '2' }).end())
    const controller = new AbortController()
    const started = Date.now()
    setTimeout(() => controller.abort('stop'), 100)
    await expect(ask(transportTo(server.url), { signal: controller.signal })).rejects.toBe('stop')
    expect(Date.now() - started).toBeLessThan(1_000)
  })

  test('close() ends a running request, also one that is still connecting', async () => {
    const silent = await listen(createTcpServer((socket) => socket.resume()))
    world.keep(silent)
    const server = await serve(() => undefined)
    for (const url of [server.url, silent.url]) {
      const transport = transportTo(url)
      const running = ask(transport).catch((cause: unknown) => cause)
      await new Promise((resolve) => setTimeout(resolve, 200))
      await transport.close()
      expect(await running).toMatchObject({
        code: 'ERR_SERVER_UNREACHABLE',
        message: 'error contacting notary server: the transport was closed',
      })
    }
    expect(silent.connections()).toBe(1)
    await expect.poll(() => server.openConnections() + silent.openConnections()).toBe(0)
  })
})

describe('retries', () => {
  test.each([429, 500, 502, 503, 504])('a request is repeated after %i', async (status) => {
    let count = 0
    const server = await serve((_, response) => {
      count += 1
      if (count === 1) response.writeHead(status, { 'retry-after': '0' }).end()
      else response.end(BODY)
    })
    const events: TransportEvent[] = []
    expect(await textOf(ask(transportTo(server.url, { onEvent: (event) => events.push(event) })))).toBe(BODY)
    expect(events.map(({ type }) => type)).toEqual(['request', 'response', 'retry', 'request', 'response'])
  })

  test.each([
    ['by a closed connection', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"signed'],
    ['with connection: close', 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 100\r\n\r\n{"signed'],
    ['between its chunks', 'HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\na\r\n{"signed":\r\n'],
  ])('a request is repeated after a body that is cut off %s [HTTP-39]', async (_, raw) => {
    let count = 0
    const server = await serve((_request, response) => {
      count += 1
      if (count === 1) response.socket?.end(raw)
      else response.end(BODY)
    })
    expect(await textOf(ask(transportTo(server.url)))).toBe(BODY)
    expect(server.requests).toHaveLength(2)
  })

  test('data after a body is not taken for the answer to the next request [HTTP-20]', async () => {
    const server = await serve((request, response) => {
      if (request.url.includes('root'))
        response.socket?.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil')
      else response.end(BODY)
    })
    const transport = transportTo(server.url)
    expect(await textOf(ask(transport, { name: 'root' }))).toBe('{}')
    expect(await textOf(ask(transport))).toBe(BODY)
  })

  test('a request is repeated after a reset connection', async () => {
    let count = 0
    const server = await serve((_, response) => {
      count += 1
      if (count === 1) response.socket?.destroy()
      else response.end(BODY)
    })
    expect(await textOf(ask(transportTo(server.url)))).toBe(BODY)
  })

  test('a request is sent three times at most', async () => {
    const server = await serve((_, response) => response.writeHead(500).end())
    await expect(ask(transportTo(server.url))).rejects.toMatchObject({ code: 'ERR_SERVER_RESPONSE' })
    expect(server.requests).toHaveLength(3)
  })

  test.each([400, 401, 403, 404, 204])('a request is not repeated after %i', async (status) => {
    const server = await serve((_, response) => response.writeHead(status).end())
    await ask(transportTo(server.url)).catch(() => undefined)
    expect(server.requests.filter(({ url }) => url !== '/v2/')).toHaveLength(1)
  })

  test('a request is not repeated when the server asks for a long wait', async () => {
    const server = await serve((_, response) => response.writeHead(429, { 'retry-after': '3600' }).end())
    await expect(ask(transportTo(server.url))).rejects.toMatchObject({ evidence: { status: 429, retryAfter: '3600' } })
    expect(server.requests).toHaveLength(1)
  })
})
