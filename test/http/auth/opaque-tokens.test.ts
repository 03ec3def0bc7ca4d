/** Tokens are whatever their server hands out: all that can stand in one header is sent, nothing that could end it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { givenCredentials } from '../../../src/credentials/credentials.js'
import { bearerAuthorization, NoToken, readToken } from '../../../src/http/auth/token-request.js'
import { createHttpTransport } from '../../../src/trust-server/http-transport.js'
import { parseServer } from '../../../src/trust-server/notary-url.js'
import { type Handler, type LoopbackServer, startServer, testAuthority } from '../../support/loopback-server.js'

let dockerConfig: string
const open: { close(): Promise<void> }[] = []

beforeAll(async () => {
  dockerConfig = await mkdtemp(join(tmpdir(), 'dct-tokens-'))
})
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})
afterAll(() => rm(dockerConfig, { recursive: true }))

async function serve(handler: Handler): Promise<LoopbackServer> {
  const server = await startServer(handler)
  open.push(server)
  return server
}

const visible = Array.from({ length: 0x7e - 0x20 }, (_, at) => String.fromCharCode(0x21 + at)).join('')
const OPAQUE = [
  'a|b:c',
  '00000000-0000-0000-0000-000000000000:c2VjcmV0',
  'v1;user=me,scope="pull"',
  '{"exp":1}',
  '=',
  'a==b',
  visible,
]

const answer = (token: string): Uint8Array => new Uint8Array(Buffer.from(JSON.stringify({ token })))

describe.each(OPAQUE)('the token %s', (token) => {
  test.each(['token server', 'registrytoken of config.json'])('of a %s is sent as it is', async (origin) => {
    const realm = await serve((_, response) => response.end(answer(token)))
    const server = await serve(({ headers }, response) => {
      if (headers.authorization === `Bearer ${token}`) response.end('{}')
      else
        response
          .writeHead(401, {
            'www-authenticate': origin === 'token server' ? `Bearer realm="${realm.url}/token"` : 'Basic realm="x"',
          })
          .end()
    })
    const transport = createHttpTransport({
      server: parseServer(server.url),
      dockerConfig,
      env: {},
      ca: testAuthority.pem,
      credentials: givenCredentials(() => ({ registryToken: token })),
    })
    open.push(transport)
    const signal = new AbortController().signal
    expect(await transport.fetchMetadata({ gun: 'a/b', name: 'root', maxBytes: 100, signal })).toHaveLength(2)
  })
})

test('a token of visible ASCII is taken, any other is refused', () => {
  const isTaken = (token: string): void => {
    if (/^[!-~]+$/.test(token)) {
      expect(readToken(answer(token)).token).toBe(token)
      expect(bearerAuthorization(token)).toBe(`Bearer ${token}`)
    } else {
      expect(() => readToken(answer(token))).toThrow(NoToken)
      expect(bearerAuthorization(token)).toBeUndefined()
    }
  }
  const pieces = fc.constantFrom(
    'a',
    '|',
    ':',
    ',',
    ';',
    '"',
    '=',
    ' ',
    '\t',
    '\r',
    '\n',
    '\0',
    '\x7f',
    '\x85',
    'é',
    '\u2028',
    '\ud800',
  )
  const token = fc.oneof(fc.string({ unit: pieces, maxLength: 6 }), fc.string({ unit: 'binary', maxLength: 6 }))
  fc.assert(
    fc.property(token, (text) => void isTaken(text)),
    { numRuns: 300 },
  )
  for (const text of ['a\r\nx: y', 'a\n', '\na', 'a b', ' ', '']) isTaken(text)
})
