/** Any bytes over a verified connection result in a file within the limit, a 404 or a TrustError, in time. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TrustError } from '../../src/index.js'
import { createHttpTransport } from '../../src/trust-server/http-transport.js'
import { parseServer } from '../../src/trust-server/notary-url.js'
import { runs } from '../fuzz/fuzz.js'
import { listen, serverCertificate, testAuthority } from '../support/loopback-server.js'

const MAX_BYTES = 1_000
const DEADLINES = { connectMs: 5_000, headersMs: 300, bodyIdleMs: 300, totalMs: 600 }
const certificate = serverCertificate()

let dockerConfig: string
beforeAll(async () => {
  dockerConfig = await mkdtemp(join(tmpdir(), 'dct-hostile-'))
})
afterAll(() => rm(dockerConfig, { recursive: true }))

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
const LINES = [
  ...[100, 101, 103, 200, 204, 206, 301, 302, 304, 401, 404, 407, 500, 999].map((status) => `HTTP/1.1 ${status} x\r\n`),
  'HTTP/1.0 200 OK\r\n',
  'HTTP/2.0 200 OK\r\n',
  'HTTP/1.1 200\r\n',
  'content-length: 2\r\n',
  'content-length: 0\r\n',
  'content-length: 5\r\n',
  'content-length: -1\r\n',
  'content-length: 99999999999999999999\r\n',
  'content-length: 0x2\r\n',
  'transfer-encoding: chunked\r\n',
  'transfer-encoding: gzip, chunked\r\n',
  'transfer-encoding: identity\r\n',
  'content-encoding: gzip\r\n',
  'content-encoding: br\r\n',
  'connection: close\r\n',
  'connection: upgrade\r\nupgrade: h2c\r\n',
  'location: /again\r\n',
  'location: https://localhost:1/\r\n',
  'location: \r\n',
  'www-authenticate: Bearer realm="https://localhost:1/"\r\n',
  'retry-after: 0\r\n',
  'keep-alive: timeout=99999\r\n',
  'trailer: x\r\n',
  '__proto__: x\r\n',
  ' folded\r\n',
  'no colon\r\n',
  `x-long: ${'x'.repeat(40_000)}\r\n`,
  'x: y\r\n'.repeat(9_000),
  '\r\n',
  '\r\n',
  '\n',
  '\0',
]
const BODIES = [
  '{}',
  '2\r\n{}\r\n',
  '0\r\n\r\n',
  '0\r\nx: y\r\n\r\n',
  'ffffffffffffffffff\r\n{}',
  '-1\r\n',
  `2;${'x'.repeat(40_000)}\r\n{}\r\n`,
  'x'.repeat(MAX_BYTES + 1),
  latin1(gzipSync('{}')),
  latin1(gzipSync(Buffer.alloc(1_000_000))),
  latin1(gzipSync('{}').subarray(0, 9)),
]
const honestly = fc.constantFrom(
  'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}',
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
  `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 22\r\n\r\n${latin1(gzipSync('{}'))}`,
  'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n',
)
const pieces = fc.array(fc.constantFrom(...LINES, ...BODIES), { maxLength: 12 }).map((all) => all.join(''))
/** A valid answer with something inserted or removed. */
const spoiled = fc
  .tuple(honestly, fc.nat(100), fc.nat(3), fc.constantFrom(...LINES, ...BODIES))
  .map(([text, at, gone, put]) => text.slice(0, at % text.length) + put + text.slice((at % text.length) + gone))
const wholeHead = fc
  .tuple(
    fc.constantFrom(...LINES.slice(0, 17)),
    fc.array(fc.constantFrom(...LINES.slice(17, -4)), { maxLength: 3 }),
    fc.constantFrom(...BODIES),
  )
  .map(([status, headers, body]) => `${status}${headers.join('')}\r\n${body}`)

test('any bytes result in a file within the limit, a 404 or a TrustError, in time and without an unhandled error', {
  timeout: 600_000,
}, async () => {
  let answer = { bytes: '', end: true }
  const server = await listen(
    createServer({ key: certificate.privateKey.export({ type: 'pkcs8', format: 'pem' }), cert: certificate.pem }, (socket) => {
      socket.on('error', () => undefined)
      socket.on('data', () => {
        const bytes = Buffer.from(answer.bytes, 'latin1')
        if (answer.end) socket.end(bytes)
        else socket.write(bytes)
      })
    }),
  )
  const unhandled: unknown[] = []
  const record = (cause: unknown): void => void unhandled.push(cause)
  process.on('unhandledRejection', record).on('uncaughtException', record)
  try {
    const input = fc.record({ bytes: fc.oneof(pieces, spoiled, wholeHead), end: fc.boolean() })
    const isTyped = async (given: typeof answer): Promise<void> => {
      answer = given
      const transport = createHttpTransport({
        server: parseServer(server.url),
        dockerConfig,
        env: {},
        ca: testAuthority.pem,
        deadlines: DEADLINES,
      })
      const started = performance.now()
      try {
        const signal = new AbortController().signal
        const file = await transport.fetchMetadata({ gun: 'a/b', name: 'timestamp', maxBytes: MAX_BYTES, signal })
        if (file === undefined) expect(given.bytes).toContain(' 404')
        else expect(file.length).toBeLessThanOrEqual(MAX_BYTES)
      } catch (cause) {
        expect(cause).toBeInstanceOf(TrustError)
      } finally {
        await transport.close()
      }
      // Three attempts and the pauses between them, on a busy machine.
      expect(performance.now() - started).toBeLessThan(10_000)
    }
    await fc.assert(fc.asyncProperty(input, isTyped), runs(60))
  } finally {
    process.off('unhandledRejection', record).off('uncaughtException', record)
    await server.close()
  }
  expect(unhandled).toEqual([])
})
