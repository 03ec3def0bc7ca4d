import { readFileSync } from 'node:fs'
import { hexToBytes } from '@noble/hashes/utils.js'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hex, utf8 } from '../../src/bytes.js'
import { canonicalJson, dockerGoJson } from '../../src/metadata/canonical-json.js'
import { parseJson, scanDocument } from '../../src/metadata/json.js'
import { JsonError, type JsonValue, plainJson } from '../../src/metadata/json-value.js'
import { canonicalText, samples, spell, spellings } from './json-texts.js'

interface Vector {
  readonly name: string
  readonly inputHex: string
  readonly outputHex?: string
  readonly error?: string
}

/** Inputs, and the results of docker/go's own encoder. */
const VECTORS: readonly Vector[] = JSON.parse(readFileSync(new URL('canonical-json-vectors.json', import.meta.url), 'utf8'))

function canonical(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return canonicalJson(parseJson(bytes))
  } catch (cause) {
    if (cause instanceof JsonError) return undefined
    throw cause
  }
}

describe('the results of the encoder of docker/go', () => {
  // The schema refuses what Go refused because it is not an object.
  const judged = VECTORS.filter(({ name }) => name !== 'doc.array')

  test.each(judged.map((vector) => [vector.name, vector] as const))(
    '%s: gives the same bytes, or is refused',
    (_, { inputHex, outputHex }) => {
      const bytes = canonical(hexToBytes(inputHex))
      if (bytes !== undefined) expect(hex(bytes)).toBe(outputHex)
    },
  )

  test('of the texts that Go accepts, only those are refused that two parsers could read differently', () => {
    const refused = VECTORS.filter(({ inputHex, error }) => error === undefined && canonical(hexToBytes(inputHex)) === undefined)
    expect(refused.map(({ name }) => name)).toEqual([
      'str.lone-low',
      'str.high-then-high',
      'str.invalid-utf8-ff',
      'str.invalid-utf8-truncated',
      'str.invalid-utf8-overlong',
      'key.lone-surrogate',
      'key.two-invalid-collapse',
      'key.dup',
      'key.dup-escaped',
      'num.2^53',
      'num.2^53+1',
      'num.2^53+3',
      'num.2^63-1',
      'num.2^64',
      'num.1e18',
      'num.1e19',
      'num.1e21',
      'num.1e300',
      'num.-1e300',
      'num.123456789012345680',
    ])
  })
})

describe('any value in any text', () => {
  test('has one canonical form, and it is docker/go’s', () => {
    let [agreeing, differing] = [0, 0]
    fc.assert(
      fc.property(samples, spellings, (sample, spelling) => {
        const value = parseJson(utf8(spell(sample, spelling)))
        const expected = canonicalText(sample)
        expect(Buffer.from(canonicalJson(value)).toString()).toBe(expected)
        expect(dockerGoJson(value)).toBe(expected)
        if (canonicalize(plainJson(value)) === expected) agreeing++
        else differing++
      }),
      { seed: 1, numRuns: 1500 },
    )
    expect(Math.min(agreeing, differing)).toBeGreaterThan(50) // both writers are used
  })

  test('keeps its bytes only when they are canonical', () => {
    let asItStands = 0
    fc.assert(
      fc.property(samples, spellings, fc.boolean(), fc.boolean(), (sample, spelling, canonicalAlready, last) => {
        const text = canonicalAlready ? canonicalText(sample) : spell(sample, spelling)
        const file = last ? `{"signatures": [], "signed":${text}}` : `{"signed":${text} , "signatures":[]}`
        let scanned: Uint8Array | undefined
        try {
          scanned = scanDocument(utf8(file)).canonical.get('signed')
        } catch (cause) {
          if (cause instanceof JsonError) return // canonical text with raw control characters is not JSON
          throw cause
        }
        if (scanned === undefined) return
        asItStands++
        expect(new TextDecoder('utf-8', { ignoreBOM: true }).decode(scanned)).toBe(canonicalText(sample))
      }),
      { seed: 1, numRuns: 800 },
    )
    expect(asItStands).toBeGreaterThan(50)
  })
})

describe('examples', () => {
  test('names sorted by UTF-16 are not canonical', () => {
    const scanned = scanDocument(utf8('{"signed":{"\u{1f600}":1,"\ufb33":2}}'))
    expect(scanned.canonical.get('signed')).toBeUndefined()
  })

  test.each([
    ['keys sorted by UTF-8, not by UTF-16', '{"\u{1f600}":1,"\ufb33":2}', '{"\ufb33":2,"\u{1f600}":1}'],
    ['the same below another name', '{"x":[{"\u{1f600}":1,"\ufb33":2}]}', '{"x":[{"\ufb33":2,"\u{1f600}":1}]}'],
    ['control characters raw, in values and names [JSON-26]', '{"a\\nb":"\\u0000\\t\\u001f"}', '{"a\nb":"\u0000\t\u001f"}'],
    ['quote and backslash escaped, nothing else', '"\\"\\\\\\/<>&\\u2028\\u007f"', '"\\"\\\\/<>&\u2028\u007f"'],
    ['quote and backslash in a name beside a control character', '{"\\"\\\\":"\\n"}', '{"\\"\\\\":"\n"}'],
    ['minus zero', '[-0,-0.0,0]', '[0,0,0]'],
    ['integers in any form', '[1.0,1e0,100e-2,12.5e1]', '[1,1,1,125]'],
    ['1e-400 is zero', '[1e-400]', '[0]'],
    ['empty ones', '{"a":{},"b":[],"":""}', '{"":"","a":{},"b":[]}'],
    ['no Unicode normalisation', '["é","e\\u0301"]', '["é","e\u0301"]'],
    ['__proto__ and toJSON', '{"toJSON":1,"__proto__":{"x":2}}', '{"__proto__":{"x":2},"toJSON":1}'],
    ['prefixes first', '{"aa":1,"a":2,"a!":3}', '{"a":2,"a!":3,"aa":1}'],
  ])('%s', (_, text, expected) => {
    expect(Buffer.from(canonicalJson(parseJson(utf8(text)))).toString()).toBe(expected)
  })

  test.each(['1.5', '-0.1', '1e-5', '{"a":[{"b":2.25}]}'])('%s has no canonical form', (text) => {
    expect(() => canonicalJson(parseJson(utf8(text)))).toThrow(JsonError)
  })

  test('the scanner refuses a number that JavaScript cannot write as an integer', () => {
    const odd: JsonValue[] = [Number.NaN, Number.POSITIVE_INFINITY, 1.5]
    for (const value of odd) expect(() => dockerGoJson(value)).toThrow(JsonError)
  })
})
