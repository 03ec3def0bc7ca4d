import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  describeCause,
  type ErrorCode,
  type ErrorDetails,
  printable,
  StaleError,
  systemCode,
  TrustError,
  UnavailableError,
  UnsignedError,
  UntrustedError,
  UsageError,
} from '../src/errors.js'

const GUN = 'docker.io/library/alpine'

/** One of every code, as the public table has them. */
function everyError(details?: ErrorDetails): TrustError[] {
  return [
    ...(
      [
        'ERR_SIGNATURE_THRESHOLD',
        'ERR_ROOT_UNTRUSTED',
        'ERR_ROOT_ROTATION',
        'ERR_PIN_MISMATCH',
        'ERR_VERSION_ROLLBACK',
        'ERR_HASH_MISMATCH',
        'ERR_METADATA_MALFORMED',
        'ERR_METADATA_TOO_LARGE',
        'ERR_EQUIVOCATION',
        'ERR_LOCK_MISMATCH',
      ] as const
    ).map((code) => new UntrustedError(code, 'message', details)),
    new UsageError('ERR_REFERENCE_INVALID', 'message', details),
    new UsageError('ERR_SETTINGS_INVALID', 'message', { ...details, hint: details?.hint ?? 'Correct the option that it names.' }),
    ...(
      [
        'ERR_NO_TRUST_DATA',
        'ERR_TAG_NOT_SIGNED',
        'ERR_DIGEST_NOT_SIGNED',
        'ERR_DIGEST_MISMATCH',
        'ERR_SIGNER_MISSING',
        'ERR_POLICY_DENIED',
        'ERR_NOT_LOCKED',
      ] as const
    ).map((code) => new UnsignedError(code, 'message', details)),
    ...(['ERR_METADATA_EXPIRED', 'ERR_CERTIFICATE_EXPIRED'] as const).map((code) => new StaleError(code, 'message', details)),
    ...(
      [
        'ERR_SERVER_UNREACHABLE',
        'ERR_TLS',
        'ERR_SERVER_RESPONSE',
        'ERR_UNAUTHORIZED',
        'ERR_METADATA_MISSING',
        'ERR_SERVER_RETIRED',
        'ERR_OFFLINE',
        'ERR_CACHE',
      ] as const
    ).map((code) => new UnavailableError(code, 'message', details)),
  ]
}

describe('every code', () => {
  const KINDS = {
    UntrustedError: 'untrusted',
    UsageError: 'usage',
    UnsignedError: 'unsigned',
    StaleError: 'stale',
    UnavailableError: 'unavailable',
  }

  test.each(everyError().map((error) => [error.code, error] as const))('%s: class, kind and hint fit', (code, error) => {
    expect(error).toBeInstanceOf(TrustError)
    expect(error).toBeInstanceOf(Error)
    expect(Object.entries(KINDS)).toContainEqual([error.name, error.kind])
    expect(error.name).toBe(error.constructor.name)
    expect(error.code).toBe(code)
    expect(error.hint.length).toBeGreaterThan(20)
    expect(error.hint).toBe(printable(error.hint))
  })

  test('only what may pass by itself is retryable: no verdict and no setting is', () => {
    const retryable = everyError().filter((error) => error.retryable)
    expect(retryable.map(({ code }) => code)).toEqual<ErrorCode[]>([
      'ERR_SERVER_UNREACHABLE',
      'ERR_SERVER_RESPONSE',
      'ERR_METADATA_MISSING',
    ])
  })

  test('the hint names the collection where it tells a command', () => {
    for (const error of everyError({ gun: GUN })) expect(error.hint).not.toContain('<GUN>')
    expect(new UnavailableError('ERR_CACHE', 'x', { gun: GUN }).hint).toContain(`dct cache forget ${GUN}`)
  })

  test('a given hint takes the place of the default, the collection filled in', () => {
    expect(new UsageError('ERR_SETTINGS_INVALID', 'x', { hint: 'see <GUN>', gun: GUN }).hint).toBe(`see ${GUN}`)
  })
})

describe('toJSON', () => {
  test('says everything that is known, and JSON.stringify uses it', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    const error = new UntrustedError('ERR_VERSION_ROLLBACK', 'lower', {
      gun: GUN,
      role: 'targets/releases',
      hint: 'wait',
      evidence: { version: 1, floor: 2, keys: ['a'] },
      cause,
    })
    expect(JSON.parse(JSON.stringify(error))).toStrictEqual({
      name: 'UntrustedError',
      code: 'ERR_VERSION_ROLLBACK',
      kind: 'untrusted',
      message: 'lower',
      hint: 'wait',
      retryable: false,
      gun: GUN,
      role: 'targets/releases',
      evidence: { version: 1, floor: 2, keys: ['a'] },
      cause: { name: 'Error', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' },
    })
    expect(error.cause).toBe(cause)
  })

  test('leaves out what is not known, and never writes null', () => {
    const json = new UsageError('ERR_REFERENCE_INVALID', 'x', { gun: undefined, role: undefined, cause: undefined }).toJSON()
    expect(Object.keys(json).sort()).toEqual(['code', 'hint', 'kind', 'message', 'name', 'retryable'])
  })

  test('an error without a cause has no own cause property', () => {
    expect(Object.hasOwn(new UsageError('ERR_REFERENCE_INVALID', 'x'), 'cause')).toBe(false)
  })

  test('survives every foreign thing that a store or transport of somebody else throws', () => {
    for (const cause of ['text', 42, null, Symbol('s'), {}, [], new Date(Number.NaN), () => 1, 10n]) {
      const { message } = new UnavailableError('ERR_CACHE', 'x', { cause }).toJSON().cause ?? {}
      expect(typeof message).toBe('string')
    }
  })

  test('survives a thrown object without a prototype, as a WebAssembly or VM module may throw it', () => {
    const error = new UnavailableError('ERR_CACHE', 'x', { cause: Object.create(null) })
    expect(typeof error.toJSON().cause?.message).toBe('string')
  })
})

describe('describeCause', () => {
  test('tells the first of several errors, as Node throws them for two addresses of one host', () => {
    const inner = Object.assign(new Error('connect ECONNREFUSED ::1:443'), { code: 'ECONNREFUSED' })
    expect(describeCause(new AggregateError([inner, new Error('other')]))).toBe('connect ECONNREFUSED ::1:443')
  })

  test('falls back to the system code, then to the name, when there is no message', () => {
    expect(describeCause(Object.assign(new Error(''), { code: 'EPIPE' }))).toBe('EPIPE')
    expect(describeCause(new TypeError(''))).toBe('TypeError')
    expect(describeCause(new AggregateError([]))).toBe('AggregateError')
  })

  test('keeps a terminal safe from a foreign message', () => {
    expect(describeCause(new Error('a\u001b[31m\r\nb'))).toBe('a [31m b')
    expect(describeCause('\u0007')).toBe(' ')
  })

  test('systemCode reads only a text', () => {
    expect([null, undefined, 'x', {}, { code: 5 }].map(systemCode)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(systemCode({ code: 'ENOENT' })).toBe('ENOENT')
  })
})

describe('printable', () => {
  test.each([
    ['escape sequences', 'a\u001b]0;owned\u0007b'],
    ['C1 controls', 'a\u009b31mb'],
    ['line breaks', 'a\r\nb'],
    ['line separators', 'a\u2028\u2029b'],
    ['bidirectional overrides', 'a\u202eb\u2066c\u2069'],
    ['NUL', 'a\u0000b'],
    ['DEL', 'a\u007fb'],
  ])('%s never reach a terminal [JSON-44]', (_, text) => {
    expect(printable(text)).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u)
    expect(printable(text)).toContain('a ')
    expect(new UntrustedError('ERR_HASH_MISMATCH', text, { hint: text }).message).toBe(printable(text))
    expect(new UntrustedError('ERR_HASH_MISMATCH', text, { hint: text }).hint).toBe(printable(text))
  })

  test('at most 2,000 characters, and never half of one', () => {
    const pair = '\u{1f600}'
    for (const text of ['x'.repeat(5000), pair.repeat(2000), `x${pair.repeat(2000)}`]) {
      const cut = printable(text)
      expect(cut.length).toBeLessThanOrEqual(2000)
      expect(cut.endsWith('…')).toBe(true)
      expect(Buffer.from(cut).toString()).toBe(cut) // a lone surrogate would come back as U+FFFD
    }
    expect(printable('x'.repeat(2000))).toBe('x'.repeat(2000))
  })

  test('ordinary text stays as it is; doing it twice changes nothing', () => {
    expect(printable('é 漢字 \u{1f600} "quoted" <tag>')).toBe('é 漢字 \u{1f600} "quoted" <tag>')
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('a', ' ', '\u0000', '\u001b', '\u009b', '\u2028', '\u202e', '\u2069', 'é', '\u{1f600}'),
        }),
        (text) => {
          expect(printable(printable(text))).toBe(printable(text))
        },
      ),
      { seed: 1, numRuns: 100 },
    )
  })
})
