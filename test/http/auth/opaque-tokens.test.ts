/** Every token that fits in one header is sent unchanged; a token that could end or split the header is refused. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { givenCredentials } from '../../../src/credentials/credentials.js'
import { bearerAuthorization, NoToken, readToken } from '../../../src/http/auth/token-request.js'
import { transportWorld } from '../../support/transport-world.js'

const world = transportWorld()

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
  test.each(['token server', 'registrytoken of config.json'])('from a %s is sent unchanged', async (origin) => {
    const realm = await world.serve((_, response) => response.end(answer(token)))
    const server = await world.serve(({ headers }, response) => {
      if (headers.authorization === `Bearer ${token}`) response.end('{}')
      else
        response
          .writeHead(401, {
            'www-authenticate': origin === 'token server' ? `Bearer realm="${realm.url}/token"` : 'Basic realm="x"',
          })
          .end()
    })
    const transport = world.transport(server.url, { credentials: givenCredentials(() => ({ registryToken: token })) })
    const signal = new AbortController().signal
    expect(await transport.fetchMetadata({ gun: 'a/b', name: 'root', maxBytes: 100, signal })).toHaveLength(2)
  })
})

test('a token of visible ASCII is accepted, any other is refused', () => {
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
