/** Faults of a server or of a host that answers in its place, and the result that the client must give. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import type { ErrorCode } from '../../src/index.js'

/** One request, and the honest answer to it; undefined means 404. */
interface Asked {
  readonly name: string
  readonly honest: Uint8Array | undefined
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The TLS socket. */
  readonly socket: Socket
}

/** A fault, and the expected code on first use. */
export interface WireFault {
  readonly title: string
  readonly code: ErrorCode | 'fresh'
  /** Only for these files; default: for all. */
  readonly only?: RegExp
  /** Answers instead of the server. */
  readonly answer?: (asked: Asked) => unknown
  /** Called for each connection before TLS. Returns true to leave out TLS. */
  readonly connection?: (socket: Socket) => boolean
  readonly tls?: ServerOptions
  /** Only a deadline ends it. */
  readonly slow?: true
  /** The server is stopped before the request. */
  readonly away?: true
  /** The expected result with a cache, when it does not follow from `code`. */
  readonly cached?: ErrorCode | 'stale'
}

/** The codes of faults without a usable answer: then the client uses the cached timestamp. */
export const NO_ANSWER: ReadonlySet<string> = new Set([
  'ERR_SERVER_UNREACHABLE',
  'ERR_TLS',
  'ERR_SERVER_RESPONSE',
  'ERR_UNAUTHORIZED',
])

const PORTAL = '<!DOCTYPE html><html><title>Welcome to our guest network</title></html>'
const FILLER = 'x'.repeat(8_192)

const raw =
  (text: string) =>
  ({ socket }: Asked): unknown =>
    socket.end(text)
const cut =
  (text: string) =>
  ({ socket }: Asked): unknown =>
    socket.write(text, () => socket.destroy())
const status =
  (code: number, headers: Record<string, string> = {}) =>
  ({ response }: Asked): unknown =>
    response.writeHead(code, headers).end()
const encoded =
  (encoding: string | string[], body: (honest: Uint8Array) => Uint8Array) =>
  ({ response, honest = new Uint8Array() }: Asked): unknown =>
    response.setHeader('content-encoding', encoding).end(body(honest))

const withoutEnd = (honest: Uint8Array): Uint8Array => gzipSync(honest).subarray(0, -9)
const withWrongChecksum = (honest: Uint8Array): Uint8Array => {
  const bytes = gzipSync(honest)
  bytes.writeUInt8(255 - bytes.readUInt8(bytes.length - 8), bytes.length - 8)
  return bytes
}

/** Writes until the socket closes. */
function feed(socket: Socket, piece: string): void {
  const go = (): void => {
    while (!socket.destroyed && socket.write(piece)) {
      // until the buffer is full
    }
  }
  socket.on('drain', go)
  go()
}

/** Writes a piece now and then. */
function drip(socket: Socket, pieces: string): void {
  let at = 0
  const timer = setInterval(() => socket.write(pieces.charAt(at++) || 'x'), 20)
  socket.on('close', () => clearInterval(timer))
}

export const UNREACHABLE: readonly WireFault[] = [
  { title: 'the port is closed', code: 'ERR_SERVER_UNREACHABLE', away: true },
  {
    title: 'connections are accepted and nothing is sent',
    code: 'ERR_SERVER_UNREACHABLE',
    slow: true,
    connection: (socket) => Boolean(socket.resume()),
  },
  {
    title: 'connections are closed at once',
    code: 'ERR_SERVER_UNREACHABLE',
    connection: (socket) => {
      socket.destroy()
      return true
    },
  },
  { title: 'requests are read and not answered', code: 'ERR_SERVER_UNREACHABLE', slow: true, answer: () => undefined },
  {
    title: 'the connection is reset before an answer [HTTP-39]',
    code: 'ERR_SERVER_UNREACHABLE',
    answer: ({ socket }) => socket.destroy(),
  },
  {
    title: 'the connection closes within the headers',
    code: 'ERR_SERVER_UNREACHABLE',
    answer: cut('HTTP/1.1 200 OK\r\ncontent-le'),
  },
  {
    title: 'the headers come a byte now and then',
    code: 'ERR_SERVER_UNREACHABLE',
    slow: true,
    answer: ({ socket }) => drip(socket, 'HTTP/1.1 200 OK\r\nx-slow: '),
  },
  {
    title: 'the body is shorter than announced [HTTP-19]',
    code: 'ERR_SERVER_UNREACHABLE',
    answer: cut('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"signed":'),
  },
  {
    title: 'the chunks have no end [HTTP-21]',
    code: 'ERR_SERVER_UNREACHABLE',
    answer: cut('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\n{"signed":\r\n'),
  },
  {
    title: 'the body is shorter than announced, with connection: close [HTTP-19]',
    code: 'ERR_SERVER_UNREACHABLE',
    answer: raw('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 100\r\n\r\n{"signed":'),
  },
  {
    title: 'the chunks have no end, with connection: close [HTTP-21]',
    code: 'ERR_SERVER_UNREACHABLE',
    answer: raw('HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\na\r\n{"signed":\r\n'),
  },
  {
    title: 'the body stops in the middle',
    code: 'ERR_SERVER_UNREACHABLE',
    slow: true,
    answer: ({ response }) => response.writeHead(200).write('{'),
  },
  {
    title: 'the body comes a byte now and then',
    code: 'ERR_SERVER_UNREACHABLE',
    slow: true,
    answer: ({ socket }) => drip(socket, 'HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{'),
  },
]

export const UNTRUSTED_PEERS: readonly WireFault[] = [
  {
    title: 'the port speaks plain HTTP',
    code: 'ERR_TLS',
    connection: (socket) => {
      socket.resume().end(`HTTP/1.1 200 OK\r\n\r\n${PORTAL}`)
      return true
    },
  },
  {
    title: 'the server supports only TLS 1.1 [HTTP-33]',
    code: 'ERR_TLS',
    tls: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
  },
]

export const STATUSES: readonly WireFault[] = [
  { title: 'status 203 [HTTP-12]', code: 'ERR_SERVER_RESPONSE', answer: status(203) },
  { title: 'status 204 [HTTP-12]', code: 'ERR_SERVER_RESPONSE', answer: status(204) },
  { title: 'status 206 [HTTP-12]', code: 'ERR_SERVER_RESPONSE', answer: status(206) },
  { title: 'status 304 [HTTP-12]', code: 'ERR_SERVER_RESPONSE', answer: status(304) },
  { title: 'status 400', code: 'ERR_SERVER_RESPONSE', answer: status(400) },
  { title: 'status 401 [HTTP-07]', code: 'ERR_UNAUTHORIZED', answer: status(401) },
  { title: 'status 403 [HTTP-08]', code: 'ERR_UNAUTHORIZED', answer: status(403) },
  {
    title: 'status 429 with a long Retry-After [HTTP-09]',
    code: 'ERR_SERVER_RESPONSE',
    answer: status(429, { 'retry-after': '600' }),
  },
  { title: 'status 500', code: 'ERR_SERVER_RESPONSE', answer: status(500) },
  { title: 'status 502', code: 'ERR_SERVER_RESPONSE', answer: status(502) },
  { title: 'status 503', code: 'ERR_SERVER_RESPONSE', answer: status(503) },
  { title: 'status 504', code: 'ERR_SERVER_RESPONSE', answer: status(504) },
  { title: 'status 511 of a captive portal', code: 'ERR_SERVER_RESPONSE', answer: status(511) },
  { title: 'status 404 for everything', code: 'ERR_NO_TRUST_DATA', answer: status(404) },
  {
    title: 'status 404 for the timestamp [HTTP-03]',
    code: 'ERR_METADATA_MISSING',
    only: /^timestamp$/,
    answer: status(404),
    cached: 'stale',
  },
  { title: 'status 404 for the snapshot [HTTP-05]', code: 'ERR_METADATA_MISSING', only: /^snapshot/, answer: status(404) },
  {
    title: 'status 400 for the next root, as some registries answer [HTTP-51]',
    code: 'ERR_SERVER_RESPONSE',
    only: /\.root$/,
    answer: status(400),
  },
  { title: 'a redirect to http', code: 'ERR_SERVER_RESPONSE', answer: status(302, { location: 'http://portal.example/login' }) },
  { title: 'a redirect in a circle', code: 'ERR_SERVER_RESPONSE', answer: status(307, { location: '/again' }) },
  { title: 'a redirect without an address', code: 'ERR_SERVER_RESPONSE', answer: status(302) },
]

export const BAD_ANSWERS: readonly WireFault[] = [
  { title: '200 with an empty body [HTTP-13]', code: 'ERR_METADATA_MALFORMED', answer: status(200) },
  {
    title: '200 with the page of a captive portal [HTTP-14]',
    code: 'ERR_METADATA_MALFORMED',
    answer: ({ response }) => response.end(PORTAL),
  },
  {
    title: 'a redirect to the page of a captive portal [HTTP-14]',
    code: 'ERR_METADATA_MALFORMED',
    answer: ({ request, response }) =>
      request.url === '/login' ? response.end(PORTAL) : response.writeHead(302, { location: '/login' }).end(),
  },
  {
    title: '200 with a JSON error [HTTP-51]',
    code: 'ERR_METADATA_MALFORMED',
    answer: ({ response }) => response.end('{"errors":[{"code":"UNKNOWN"}]}'),
  },
  {
    title: 'a body without a length that the connection cuts off [HTTP-22]',
    code: 'ERR_METADATA_MALFORMED',
    answer: ({ socket, honest = new Uint8Array() }) =>
      socket.end(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), honest.subarray(0, honest.length >> 1)])),
  },
  {
    title: 'a body longer than announced [HTTP-20]',
    code: 'ERR_METADATA_MALFORMED',
    answer: ({ socket, honest = new Uint8Array() }) =>
      socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${honest.length >> 1}\r\n\r\n`), honest])),
  },
  {
    title: 'the file of another role [HTTP-40]',
    code: 'ERR_METADATA_MALFORMED',
    only: /^timestamp$/,
    answer: ({ response }) => response.end('{"signed":{"_type":"Snapshot","version":1},"signatures":[]}'),
  },
  {
    title: 'an announced length over the limit [HTTP-18]',
    code: 'ERR_METADATA_TOO_LARGE',
    answer: ({ response }) => response.writeHead(200, { 'content-length': 2 ** 40 }).write('{'),
  },
  {
    title: 'an endless body',
    code: 'ERR_METADATA_TOO_LARGE',
    answer: ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
      feed(socket, `2000\r\n${FILLER}\r\n`.repeat(16))
    },
  },
  {
    title: 'gzip that decompresses to more than the limit [HTTP-24]',
    code: 'ERR_METADATA_TOO_LARGE',
    answer: encoded('gzip', () => gzipSync(Buffer.alloc(8 * 1024 * 1024))),
  },
]

export const BROKEN_HTTP: readonly WireFault[] = [
  { title: 'an answer that is not HTTP', code: 'ERR_SERVER_RESPONSE', answer: raw('SSH-2.0-OpenSSH_9.9\r\n') },
  {
    title: 'two lengths [HTTP-23]',
    code: 'ERR_SERVER_UNREACHABLE',
    answer: raw('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}'),
  },
  {
    title: 'a length and chunks [HTTP-23]',
    code: 'ERR_SERVER_UNREACHABLE',
    answer: raw('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n'),
  },
  {
    title: 'endless headers [HTTP-28]',
    code: 'ERR_SERVER_RESPONSE',
    answer: ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      feed(socket, 'x-a: b\r\n'.repeat(1_000))
    },
  },
  {
    title: 'one endless header [HTTP-28]',
    code: 'ERR_SERVER_RESPONSE',
    answer: ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nx-a: ')
      feed(socket, FILLER)
    },
  },
  {
    title: 'endless early hints [HTTP-28]',
    code: 'ERR_SERVER_RESPONSE',
    answer: ({ socket }) => feed(socket, 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n'.repeat(100)),
  },
]

/**
 * Status 200, and a body that cannot be decoded. The server answered, so the client must not use the cached timestamp,
 * whichever file it is.
 */
export const UNREADABLE: readonly WireFault[] = [
  { title: 'plain content called gzip [HTTP-25]', answer: encoded('gzip', (honest) => honest) },
  { title: 'an empty body called gzip [HTTP-25]', answer: encoded('gzip', () => new Uint8Array()) },
  { title: 'gzip without its end, with a matching length [HTTP-25]', answer: encoded('gzip', withoutEnd) },
  { title: 'gzip with a wrong checksum [HTTP-25]', answer: encoded('gzip', withWrongChecksum) },
  {
    title: 'gzip with other bytes after its end [HTTP-25]',
    answer: encoded('gzip', (honest) => Buffer.concat([gzipSync(honest), Buffer.from('<html>')])),
  },
  {
    title: 'gzip with zeros after its end [HTTP-25]',
    answer: encoded('gzip', (honest) => Buffer.concat([gzipSync(honest), Buffer.alloc(64)])),
  },
  { title: 'br [HTTP-26]', answer: encoded('br', (honest) => brotliCompressSync(honest)) },
  { title: 'plain content called br [HTTP-26]', answer: encoded('br', (honest) => honest) },
  { title: 'deflate [HTTP-26]', answer: encoded('deflate', (honest) => deflateSync(honest)) },
  { title: 'an unknown encoding', answer: encoded('x-portal', (honest) => honest) },
  { title: 'gzip twice [HTTP-27]', answer: encoded('gzip, gzip', (honest) => gzipSync(gzipSync(honest))) },
  { title: 'gzip twice, in two headers [HTTP-27]', answer: encoded(['gzip', 'gzip'], (honest) => gzipSync(gzipSync(honest))) },
  { title: 'gzip and br, in two headers', answer: encoded(['gzip', 'br'], (honest) => gzipSync(honest)) },
  {
    title: 'gzip a thousand times [HTTP-27]',
    answer: encoded(Array.from({ length: 1_000 }, () => 'gzip').join(', '), (honest) => gzipSync(honest)),
  },
  {
    title: 'chunks with an invalid size',
    answer: raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n'),
  },
  {
    title: 'chunks that are longer than their size',
    answer: raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{"signed"}\r\n0\r\n\r\n'),
  },
  {
    title: 'endless trailers [HTTP-29]',
    answer: ({ socket }: Asked): unknown => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n')
      return feed(socket, 'x-a: b\r\n'.repeat(1_000))
    },
  },
].map((fault) => ({ ...fault, code: 'ERR_SERVER_RESPONSE', cached: 'ERR_SERVER_RESPONSE' }))

/** Unusual answers that the client must accept. */
export const HONEST: readonly WireFault[] = [
  {
    title: 'gzip of a proxy, once and within the limit [HTTP-24]',
    code: 'fresh',
    answer: ({ honest, response }) =>
      honest === undefined
        ? response.writeHead(404).end()
        : response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(honest)),
  },
  {
    title: 'trailers [HTTP-29]',
    code: 'fresh',
    answer: ({ honest, response }) => {
      if (honest === undefined) return response.writeHead(404).end()
      response.writeHead(200, { trailer: 'x-checksum' }).write(honest)
      response.addTrailers({ 'x-checksum': 'nothing' })
      return response.end()
    },
  },
  {
    title: 'dates of another century, and an age [HTTP-37]',
    code: 'fresh',
    answer: ({ honest, response }) => {
      const headers = { date: 'Thu, 01 Jan 1970 00:00:00 GMT', 'last-modified': 'Fri, 01 Jan 2100 00:00:00 GMT', age: '99999999' }
      return response.writeHead(honest === undefined ? 404 : 200, headers).end(honest)
    },
  },
  {
    title: 'a few early hints',
    code: 'fresh',
    answer: ({ honest, response }) => {
      response.writeEarlyHints({ link: '</x>; rel=preload' })
      return response.writeHead(honest === undefined ? 404 : 200).end(honest)
    },
  },
  {
    title: 'a 404 with an HTML page [HTTP-51]',
    code: 'fresh',
    answer: ({ honest, response }) => (honest === undefined ? response.writeHead(404).end(PORTAL) : response.end(honest)),
  },
]
