import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { base64, fromBase64, hex, sameBytes, utf8, utf8Text } from '../src/bytes.js'

const RUNS = { seed: 1, numRuns: 100 }
/** Any text that is UTF-8. */
const anyText = fc
  .array(fc.integer({ min: 0, max: 0x10f7ff }), { maxLength: 12 })
  .map((codes) => String.fromCodePoint(...codes.map((code) => (code < 0xd800 ? code : code + 0x800))))
const ascii = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))

describe('text and UTF-8', () => {
  test('what utf8 writes, utf8Text reads', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(utf8Text(utf8(text))).toBe(text)
      }),
      RUNS,
    )
  })

  test.each([
    ['a stray byte', 'ff'],
    ['a character cut short', 'e282'],
    ['an overlong slash', 'c0af'],
    ['an encoded surrogate', 'eda080'],
    ['a code point beyond U+10FFFF', 'f4908080'],
    ['UTF-16', 'fffe7b00'],
  ])('%s is not UTF-8 [JSON-17]', (_, bytes) => {
    expect(utf8Text(ascii(Buffer.from(bytes, 'hex').toString('latin1')))).toBeUndefined()
  })

  test('a byte-order mark stays in the text, for the scanner to refuse [JSON-16]', () => {
    expect(utf8Text(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b))).toBe('\ufeff{')
  })

  test('a lone surrogate is written as U+FFFD, as Go writes it', () => {
    expect(hex(utf8('\ud800'))).toBe('efbfbd')
  })
})

test('hexadecimal is lower case, two digits a byte', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(hex(bytes)).toBe(Buffer.from(bytes).toString('hex'))
    }),
    RUNS,
  )
})

describe('base64', () => {
  test('bytes survive the way out and back, line breaks anywhere', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(), fc.constantFrom('\n', '\r\n', '\r', '\n\n'), (bytes, where, lineBreak) => {
        const text = base64(bytes)
        expect(text).toBe(Buffer.from(bytes).toString('base64'))
        const at = where % (text.length + 1)
        expect(fromBase64(`${text.slice(0, at)}${lineBreak}${text.slice(at)}`)).toEqual(bytes)
      }),
      RUNS,
    )
  })

  test('a view into a larger buffer is spelt alone', () => {
    const buffer = ascii('abcdef')
    expect(base64(buffer.subarray(2, 4))).toBe('Y2Q=')
  })

  test('decoded bytes do not share memory with the pool of Buffer', () => {
    const bytes = fromBase64('AAAA')
    expect(bytes?.buffer.byteLength).toBe(3)
  })

  // Buffer.from(text, 'base64') takes every one of these.
  test.each([
    ['without padding', 'YQ'],
    ['half the padding', 'YQ='],
    ['too much padding', 'YQ==='],
    ['three characters of padding', 'Y==='],
    ['padding alone', '===='],
    ['padding alone, half', '=='],
    ['padding inside', 'YQ==YQ=='],
    ['one character over', 'YWJjY'],
    ['url-safe digits', '-_-_'],
    ['a space', 'YW Jj'],
    ['a tab', 'YWJj\t'],
    ['a stray character', 'YWJj!!!!'],
    ['a NUL', 'YWJj\u0000\u0000\u0000\u0000'],
    ['a vertical tab for a line break', 'YWJj\u000b'],
    ['a line separator', 'YWJj\u2028'],
    ['letters that fold to ASCII', 'YWJ\u212a'],
  ])('%s is not standard base64 [SIG-40, HASH-13]', (_, text) => {
    expect(fromBase64(text)).toBeUndefined()
  })

  test('bits left over in the last digit are ignored, as Go ignores them', () => {
    expect(fromBase64('YR==')).toEqual(ascii('a'))
  })

  test('a megabyte of line breaks before the stray character costs nothing', () => {
    const started = performance.now()
    expect(fromBase64(`${'\n'.repeat(1_000_000)}!`)).toBeUndefined()
    expect(fromBase64(`${'='.repeat(1_000_000)}!`)).toBeUndefined()
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

test('bytes are the same only when length and every byte are [HASH-25]', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      expect(sameBytes(a, b)).toBe(Buffer.compare(a, b) === 0)
      expect(sameBytes(a, Uint8Array.from(a))).toBe(true)
      expect(sameBytes(a, Uint8Array.of(...a, 0))).toBe(false)
      expect(sameBytes(Uint8Array.of(...a, 0), a)).toBe(false)
    }),
    RUNS,
  )
})
