/** Errors of the network, and bugs that must not be reported as errors of the network. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UnavailableError } from '../../src/errors.js'
import { networkError, statusError } from '../../src/http/network-errors.js'

const context = {
  gun: 'registry.example/team/app',
  host: 'notary.example',
  serverKind: 'trust server',
  tlsFolder: '/tls',
} as const
const withCode = (code: string, error: Error = new Error('it failed')) => Object.assign(error, { code })

describe('an error of the network is ERR_SERVER_UNREACHABLE', () => {
  test.each([
    ['a refused connection', withCode('ECONNREFUSED')],
    ['an unknown name', withCode('ENOTFOUND')],
    ['a resolver that does not answer', withCode('EAI_AGAIN')],
    ['no route', withCode('EHOSTUNREACH')],
    ['a socket that undici lost', withCode('UND_ERR_SOCKET')],
    ['headers that do not come', withCode('UND_ERR_HEADERS_TIMEOUT')],
    ['a body that stops', withCode('UND_ERR_BODY_TIMEOUT')],
    ['a stream that ends early', withCode('ERR_STREAM_PREMATURE_CLOSE')],
    ['every address of a name refused', withCode('ECONNREFUSED', new AggregateError([withCode('ECONNREFUSED')]))],
    ['the same without a code of its own', new AggregateError([new Error('?'), withCode('ENETUNREACH')])],
    ['an error of fetch', new TypeError('fetch failed', { cause: withCode('ECONNRESET') })],
    ['an abort', new DOMException('aborted', 'AbortError')],
    ['an abort of Node', withCode('ABORT_ERR')],
  ])('%s', (_what, cause) => {
    expect(networkError(cause, context)).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE', retryable: true, cause })
  })
})

test('an assertion that an answer (such as 101) makes fail in undici is ERR_SERVER_RESPONSE', () => {
  const error = networkError(withCode('ERR_ASSERTION'), context)
  expect(error).toMatchObject({ code: 'ERR_SERVER_RESPONSE' })
  expect(error).not.toHaveProperty('cause')
})

test('the message names the kind of server that was asked', () => {
  const registry = { ...context, serverKind: 'registry' } as const
  const refused = withCode('ECONNREFUSED', new Error('connect ECONNREFUSED'))
  expect(networkError(refused, context)).toMatchObject({ message: 'error contacting notary server: connect ECONNREFUSED' })
  expect(networkError(refused, registry)).toMatchObject({ message: 'error contacting registry: connect ECONNREFUSED' })
  expect(statusError(500, context)).toMatchObject({ message: 'unable to reach trust server at this time: 500.' })
  expect(statusError(500, registry)).toMatchObject({ message: 'unable to reach registry at this time: 500.' })
})

describe('a bug is returned unchanged', () => {
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

  test('any other error is never an UnavailableError', () => {
    fc.assert(
      fc.property(fc.anything(), fc.string(), (thrown, message) => {
        const error = new RangeError(message, { cause: thrown })
        expect(networkError(error, context)).toBe(error)
        expect(networkError(thrown, context)).not.toBeInstanceOf(UnavailableError)
      }),
    )
  })
})
