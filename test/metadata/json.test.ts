import { readFileSync } from 'node:fs'
import { hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { MAX_NESTING, parseJson } from '../../src/metadata/json.js'
import { isJsonObject, JsonError, type JsonValue, NumberLiteral, plainJson } from '../../src/metadata/json-value.js'
import { oddCharacters, samples, spell, spellings } from './json-texts.js'

const read = (text: string): JsonValue => parseJson(utf8(text))

/** Why the text is refused; undefined when it is accepted. An error other than JsonError fails the test. */
function refusal(bytes: Uint8Array | string): string | undefined {
  try {
    parseJson(typeof bytes === 'string' ? utf8(bytes) : bytes)
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause
    return cause.message
  }
  return undefined
}

/** Compares JSON values by own members, in order, `__proto__` included. */
function same(ours: unknown, theirs: unknown): boolean {
  if (typeof ours !== 'object' || ours === null || typeof theirs !== 'object' || theirs === null) return Object.is(ours, theirs)
  const [a, b] = [Object.entries(ours), Object.entries(theirs)]
  return (
    Array.isArray(ours) === Array.isArray(theirs) &&
    a.length === b.length &&
    a.every(([name, value], at) => name === b[at]?.[0] && same(value, b[at]?.[1]))
  )
}

describe('the scanner and JSON.parse', () => {
  test('agree on every text of JSON.stringify', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: oddCharacters }), fc.constantFrom(0, 2, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        const huge = JSON.stringify(value, (_, member) =>
          typeof member === 'number' && Math.abs(member) > 2 ** 53 - 1 ? 'huge' : member,
        )
        fc.pre(huge === JSON.stringify(value))
        expect(same(plainJson(read(text)), JSON.parse(text))).toBe(true)
      }),
      { seed: 1, numRuns: 400 },
    )
  })

  test('agree on every text for a value', () => {
    fc.assert(
      fc.property(samples, spellings, (sample, spelling) => {
        const text = spell(sample, spelling)
        expect(same(plainJson(read(text)), JSON.parse(text))).toBe(true)
      }),
      { seed: 1, numRuns: 400 },
    )
  })

  test('agree on broken texts: JSON.parse accepts every text that the scanner accepts, with the same value', () => {
    const piece = fc.constantFrom(
      ...'{}[]",:0123456789.-+eE\\/u ntrfalsb\n\t\u0000',
      '\u00a0',
      '\ufeff',
      '"a"',
      '"b":',
      '\\u00',
      'true',
      'null',
      '1e',
    )
    const broken = fc.oneof(
      fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join('')),
      fc.tuple(samples, spellings, fc.nat(), fc.nat(2), piece).map(([sample, spelling, where, cut, insert]) => {
        const text = spell(sample, spelling)
        const at = where % (text.length + 1)
        return `${text.slice(0, at)}${insert}${text.slice(at + cut)}`
      }),
    )
    let [taken, refused] = [0, 0]
    fc.assert(
      fc.property(broken, (text) => {
        if (refusal(text) === undefined) {
          taken++
          expect(same(plainJson(read(text)), JSON.parse(Buffer.from(text).toString()))).toBe(true)
        } else refused++
      }),
      { seed: 1, numRuns: 2000 },
    )
    expect(Math.min(taken, refused)).toBeGreaterThan(100)
  })

  test('no bytes make it throw anything but a JsonError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        refusal(bytes)
        refusal(Uint8Array.of(0x22, ...bytes, 0x22))
        refusal(Uint8Array.of(0x5b, ...bytes, 0x5d))
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})

describe('refused as by JSON.parse', () => {
  test.each([
    ['nothing [JSON-15]', ''],
    ['white space alone', ' \n'],
    ['two documents [JSON-19]', '{}{}'],
    ['trailing garbage [JSON-19]', '{} x'],
    ['a trailing comma in an object [JSON-19]', '{"a":1,}'],
    ['a trailing comma in an array [JSON-19]', '[1,]'],
    ['a leading comma', '[,1]'],
    ['no comma', '[1 2]'],
    ['no colon', '{"a" 1}'],
    ['a name without quotes', '{a:1}'],
    ['a name in single quotes', "{'a':1}"],
    ['a number for a name', '{1:1}'],
    ['a name alone', '{"a"}'],
    ['a comment [JSON-19]', '{"a":1/*x*/}'],
    ['a comment to the end of the line', '{"a":1}//x'],
    ['an object without end', '{"a":1'],
    ['an array without end', '[1'],
    ['the wrong bracket', '[1}'],
    ['a string without end', '"a'],
    ['a string that ends in a backslash', '"a\\'],
    ['NaN [JSON-19]', '{"a":NaN}'],
    ['Infinity', '[Infinity]'],
    ['-Infinity', '[-Infinity]'],
    ['undefined', '[undefined]'],
    ['upper-case words', '[TRUE]'],
    ['a word cut short', '[tru]'],
    ['a leading zero [JSON-19]', '[01]'],
    ['a leading plus [JSON-19]', '[+1]'],
    ['a leading dot [JSON-19]', '[.5]'],
    ['a trailing dot', '[1.]'],
    ['an exponent without digits', '[1e]'],
    ['a lone minus', '[-]'],
    ['minus minus', '[--1]'],
    ['hexadecimal', '[0x10]'],
    ['a big integer', '[1n]'],
    ['an underscore', '[1_000]'],
    ['a raw control character [JSON-21]', '["\u0001"]'],
    ['the last raw control character [JSON-21]', '["\u001f"]'],
    ['a raw line break [JSON-21]', '["\n"]'],
    ['a raw NUL', '["\u0000"]'],
    ['an escaped apostrophe [JSON-23]', '["\\\'"]'],
    ['an unknown escape', '["\\x41"]'],
    ['an upper-case escape', '["\\U0041"]'],
    ['a name of Object.prototype as an escape', '["\\constructor"]'],
    ['a code unit of three digits', '["\\u041"]'],
    ['a code unit of other digits', '["\\u00g1"]'],
    ['a code unit with a sign', '["\\u+041"]'],
    ['a no-break space outside', '\u00a0{}'],
    ['a form feed outside', '{}\f'],
    ['a line separator outside', '\u2028{}'],
    ['a login page [JSON-40]', '<!doctype html><html></html>'],
  ])('%s', (_, text) => {
    expect(() => JSON.parse(text)).toThrow(SyntaxError)
    expect(refusal(text)).toBeTypeOf('string')
  })
})

describe('refused although JSON.parse accepts it', () => {
  test.each([
    ['a duplicate name [JSON-01, JSON-03]', '{"a":1,"a":1}', /duplicate/],
    ['a duplicate name deep inside [JSON-04]', '[{"x":{"a":{},"b":1,"a":{}}}]', /duplicate/],
    ['a duplicate name by escape [JSON-05]', '{"a":1,"\\u0061":2}', /duplicate/],
    ['a duplicate name by surrogate escape', '{"\u{1f600}":1,"\\ud83d\\ude00":2}', /duplicate/],
    ['a duplicate empty name', '{"":1,"":2}', /duplicate/],
    ['__proto__ twice [JSON-31]', '{"__proto__":1,"__proto__":2}', /duplicate/],
    ['an integer-like name twice', '{"1":1,"1":2}', /duplicate/],
    ['a lone high surrogate [JSON-25]', '["\\ud800"]', /surrogate/],
    ['a lone low surrogate [JSON-25]', '["\\udc00"]', /surrogate/],
    ['the last of them', '["\\udfff"]', /surrogate/],
    ['two low surrogates', '["\\udc00\\udc00"]', /surrogate/],
    ['a high surrogate before what is above the low ones', '["\\ud800\\ue000"]', /surrogate/],
    ['a high surrogate before another', '["\\ud83d\\ud83d\\ude00"]', /surrogate/],
    ['surrogates in the wrong order', '["\\ude00\\ud83d"]', /surrogate/],
    ['a high surrogate before a plain escape', '["\\ud83d\\n"]', /surrogate/],
    ['a lone surrogate in a name', '{"\\ud800":1}', /surrogate/],
    ['2^53 [VER-03]', '[9007199254740992]', /2\^53/],
    ['-2^53', '[-9007199254740992]', /2\^53/],
    ['2^53 with a fraction', '[9007199254740992.0]', /2\^53/],
    ['2^63-1 [VER-04]', '[9223372036854775807]', /2\^53/],
    ['1e19 [JSON-30]', '[1e19]', /2\^53/],
    ['-1e300 [JSON-30]', '[-1e300]', /2\^53/],
    ['1e400, which is Infinity [VER-02]', '[1e400]', /2\^53/],
    ['a number of a megabyte', `[${'9'.repeat(1_000_000)}]`, /2\^53/],
  ])('%s', (_, text, problem) => {
    expect(() => JSON.parse(text)).not.toThrow()
    expect(refusal(text)).toMatch(problem)
  })

  test.each([
    ['a stray byte', '5b22ff225d'],
    ['UTF-8 cut short', '5b22e282225d'],
    ['an overlong form', '5b22c0af225d'],
    ['an encoded surrogate', '5b22eda080225d'],
    ['UTF-16 [JSON-17]', '7b007d00'],
    ['a byte-order mark [JSON-16]', 'efbbbf7b7d'],
    ['two byte-order marks', 'efbbbfefbbbf7b7d'],
    ['the byte-order mark of UTF-16', 'fffe7b007d00'],
  ])('%s', (_, bytes) => {
    expect(refusal(hexToBytes(bytes))).toBeTypeOf('string')
  })

  test(`nesting deeper than ${MAX_NESTING}, and not that deep [JSON-37]`, () => {
    const nested = (depth: number, inner: string) => `${'['.repeat(depth)}${inner}${']'.repeat(depth)}`
    const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
    for (const inner of ['', '1']) expect(refusal(nested(MAX_NESTING, inner))).toBeUndefined()
    expect(refusal(objects(MAX_NESTING))).toBeUndefined()
    expect(refusal(nested(MAX_NESTING + 1, '1'))).toMatch(/deeper/)
    expect(refusal(nested(MAX_NESTING + 1, ''))).toMatch(/deeper/)
    expect(refusal(nested(MAX_NESTING, '{}'))).toMatch(/deeper/)
    expect(refusal(objects(MAX_NESTING + 1))).toMatch(/deeper/)
  })

  test('five million brackets, which kill a recursive reader [JSON-38]', () => {
    for (const text of ['['.repeat(5_000_000), '{"a":'.repeat(1_000_000)]) expect(refusal(text)).toMatch(/deeper/)
  })
})

test.each([
  ['a string that does not end', '"a', 'a string without end (at character 2)'],
  ['a control character', '"a\u001f"', 'a control character in a string (at character 2)'],
  ['a document that ends early', '[', 'the document ends early (at character 1)'],
  ['an invalid value', '[x]', 'not a JSON value (at character 1)'],
  ['more than one', '1 1', 'data after the document (at character 2)'],
  [
    'a long name twice',
    `{"${'n'.repeat(500)}":1,"${'n'.repeat(500)}":2}`,
    `duplicate member name "${'n'.repeat(100)}" (at character 1008)`,
  ],
])('the error names the problem and the position: %s', (_, text, problem) => {
  expect(refusal(text)).toBe(problem)
})

describe('accepted', () => {
  test('white space around, inside and at the end [JSON-18]', () => {
    expect(plainJson(read(' \t\r\n{ "a" : [ 1 , 2 ] } \n'))).toEqual({ a: [1, 2] })
  })

  test('DEL, separators and everything above them, raw [JSON-22]', () => {
    expect(read('"\u007f\u2028\u2029\u{1f600}\uffff\ufffd"')).toBe('\u007f\u2028\u2029\u{1f600}\uffff\ufffd')
  })

  test('an escaped NUL and an escaped pair [JSON-26]', () => {
    expect(read('"\\u0000\\ud83d\\uDE00\\/"')).toBe('\u0000\u{1f600}/')
    expect(read('"\\ud7ff\\ue000\\ud800\\udc00\\udbff\\udfff"')).toBe('\ud7ff\ue000\u{10000}\u{10ffff}')
  })

  test('a byte-order mark inside a string', () => {
    expect(read('"\ufeff"')).toBe('\ufeff')
  })

  test('names that differ in case or normal form: whether they collide is for the schema', () => {
    expect(Object.keys(Object(read('{"a":1,"A":2,"é":3,"e\\u0301":4}')))).toHaveLength(4)
  })

  test('__proto__, constructor and toString are names like any other [JSON-31]', () => {
    const value = read('{"__proto__":{"polluted":1},"constructor":2,"toString":3}')
    if (!isJsonObject(value)) throw new Error('no object')
    const above: object | null = Object.getPrototypeOf(value)
    expect(above === null ? [] : Reflect.ownKeys(above), 'nothing is inherited').toEqual([])
    expect(above === null ? null : Object.getPrototypeOf(above)).toBeNull()
    expect(Object.isFrozen(above), 'nor can be later').toBe(true)
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor', 'toString'])
    expect(value['hasOwnProperty']).toBeUndefined()
    const plain = plainJson(value)
    expect(Object.keys(Object(plain))).toEqual(['__proto__', 'constructor', 'toString'])
    expect('polluted' in Object(plain)).toBe(false)
    expect('polluted' in {}).toBe(false)
  })

  test('numbers that are not written as integers become a NumberLiteral [VER-02]', () => {
    for (const literal of ['1.0', '1e0', '1E0', '1.5', '100e-2', '-0.0']) expect(read(literal)).toBeInstanceOf(NumberLiteral)
    for (const literal of ['1', '0', '-0', '-1', '9007199254740991']) expect(read(literal)).toBe(Number(literal))
  })

  test('a string, a name and a member count of a megabyte, fast enough [JSON-39]', () => {
    const started = performance.now()
    const long = 'x'.repeat(1_000_000)
    expect(read(`{"${long}":"${long}"}`)).toHaveProperty(long, long)
    expect(read(`"${'\\n'.repeat(500_000)}"`)).toHaveLength(500_000)
    expect(read(`"${'\u{1f600}'.repeat(300_000)}"`)).toHaveLength(600_000)
    expect(read(`[${'[],'.repeat(300_000)}1]`)).toHaveLength(300_001)
    expect(read(`${' '.repeat(1_000_000)}1`)).toBe(1)
    expect(performance.now() - started).toBeLessThan(10_000)
  })
})

test('what Go refuses to decode is refused', () => {
  const vectors: { name: string; inputHex: string; error?: string }[] = JSON.parse(
    readFileSync(new URL('canonical-json-vectors.json', import.meta.url), 'utf8'),
  )
  const undecoded = vectors.filter(({ error }) => error?.startsWith('REJECT-DECODE'))
  expect(undecoded.length).toBeGreaterThan(10)
  const taken = undecoded.filter(({ inputHex }) => refusal(hexToBytes(inputHex)) === undefined)
  // Go was asked for an object there: what the top is, is for the schema.
  expect(taken.map(({ name }) => name)).toEqual(['doc.array'])
})
