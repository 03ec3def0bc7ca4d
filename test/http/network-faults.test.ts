/** What is a failure of the network, and what is a fault of a program that must not pass for one. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UnavailableError } from '../../src/errors.js'
import { networkError } from '../../src/http/network-errors.js'

const context = { gun: 'registry.example/team/app', host: 'notary.example', tlsFolder: '/tls' }
const withCode = (code: string, error: Error = new Error('it failed')) => Object.assign(error, { code })

describe('a failure of the network is ERR_SERVER_UNREACHABLE', () => {
  test.each([
    ['a refused connection', withCode('ECONNREFUSED')],
    ['a name that is not known', withCode('ENOTFOUND')],
    ['a resolver that is away', withCode('EAI_AGAIN')],
    ['no route', withCode('EHOSTUNREACH')],
    ['a socket that undici lost', withCode('UND_ERR_SOCKET')],
    ['headers that do not come', withCode('UND_ERR_HEADERS_TIMEOUT')],
    ['a body that stops', withCode('UND_ERR_BODY_TIMEOUT')],
    ['a stream that ends early', withCode('ERR_STREAM_PREMATURE_CLOSE')],
    ['every address of a name refused', withCode('ECONNREFUSED', new AggregateError([withCode('ECONNREFUSED')]))],
    ['the same without a code of its own', new AggregateError([new Error('?'), withCode('ENETUNREACH')])],
    ['what fetch throws', new TypeError('fetch failed', { cause: withCode('ECONNRESET') })],
    ['an abort', new DOMException('aborted', 'AbortError')],
    ['an abort of Node', withCode('ABORT_ERR')],
  ])('%s', (_what, cause) => {
    expect(networkError(cause, context)).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE', retryable: true, cause })
  })
})

test('an assertion that an answer makes fail in undici (101, say) is an answer that is no HTTP', () => {
  const error = networkError(withCode('ERR_ASSERTION'), context)
  expect(error).toMatchObject({ code: 'ERR_SERVER_RESPONSE' })
  expect(error).not.toHaveProperty('cause')
})

describe('a fault of a program passes as what it is', () => {
  const cyclic = new Error('a cycle')
  cyclic.cause = cyclic
  test.each([
    ['a TypeError', new TypeError('require is not a function')],
    ['a module that a bundler left out', withCode('ERR_MODULE_NOT_FOUND')],
    ['the same in CommonJS', withCode('MODULE_NOT_FOUND')],
    ['an argument that undici does not take', withCode('UND_ERR_INVALID_ARG')],
    ['an argument that Node does not take', withCode('ERR_INVALID_ARG_TYPE', new TypeError('bad'))],
    ['a chain of causes without an end', cyclic],
    ['an empty AggregateError', new AggregateError([])],
  ])('%s', (_what, cause) => {
    expect(networkError(cause, context)).toBe(cause)
  })

  test('whatever it is: never a server that is away', () => {
    fc.assert(
      fc.property(fc.anything(), fc.string(), (thrown, message) => {
        const error = new RangeError(message, { cause: thrown })
        expect(networkError(error, context)).toBe(error)
        expect(networkError(thrown, context)).not.toBeInstanceOf(UnavailableError)
      }),
    )
  })
})
