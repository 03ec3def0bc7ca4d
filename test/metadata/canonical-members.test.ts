import fc from 'fast-check'
import { expect, test } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { canonicalJson, dockerGoJson } from '../../src/metadata/canonical-json.js'
import { parseJson, scanDocument } from '../../src/metadata/json.js'
import { JsonError } from '../../src/metadata/json-value.js'

/** The members that the scanner takes for canonical, as text. */
function taken(document: string): string | undefined {
  const bytes = scanDocument(utf8(document)).canonical.get('signed')
  return bytes === undefined ? undefined : new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}

/** The canonical text by the writer; undefined for a value that has none. */
function written(text: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(canonicalJson(parseJson(utf8(text))))
  } catch (cause) {
    if (cause instanceof JsonError) return undefined
    throw cause
  }
}

test('a member that the scanner takes for canonical has exactly the bytes of the writer', () => {
  let canonical = 0
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }), fc.constantFrom(0, 1), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      fc.pre(!/\\ud[89a-f]/i.test(text)) // lone surrogates are refused, see json.test.ts
      let scanned: string | undefined
      try {
        scanned = taken(`{"signed":${text}}`)
      } catch (cause) {
        if (cause instanceof JsonError) return
        throw cause
      }
      if (scanned === undefined) return
      canonical++
      expect(scanned).toBe(written(text))
    }),
    { numRuns: 3000 },
  )
  expect(canonical).toBeGreaterThan(100)
})

test('the scanner takes the output of the canonical writer for canonical', () => {
  const value = parseJson(utf8('{"b":[1,{"d":"x\\"y\\\\z/<>&é\\u007f","c":null}],"a":-5,"\\ufb33":true}'))
  const text = dockerGoJson(value)
  expect(taken(`{"signed":${text},"signatures":[]}`)).toBe(text)
})

test('the same after names and among characters of several bytes', () => {
  expect(taken('{"é\u{1F600}":1,"signed":{"a":"é\ufb33\u{1F600}"},"signatures":[]}')).toBe('{"a":"é\ufb33\u{1F600}"}')
  expect(taken('{"signed":{"\u{10000}":"\u{103ff}"}}')).toBeUndefined()
  expect(taken('{"signed":{"":{"":1}}}')).toBe('{"":{"":1}}')
  expect(taken('{"s":1,"signed":{"a":"plain"},"signatures":[]}')).toBe('{"a":"plain"}')
})

test.each([
  ['white space', '{"a": 1}'],
  ['unsorted names', '{"b":1,"a":2}'],
  ['an escape that the writer does not use', '{"a":"\\/"}'],
  ['a code unit escape', '{"a":"\\u0041"}'],
  ['a number with a fraction', '{"a":1.0}'],
  ['minus zero', '{"a":-0}'],
  ['an exponent', '{"a":1e2}'],
  ['a number without canonical form', '{"a":1.5}'],
  ['names beyond the basic plane', '{"\u{1F600}":1}'],
  ['the first of them', '{"\u{10000}":1}'],
  ['white space and an escape', '{"a": "\\u0041"}'],
  ['white space twice and a fraction', '{ "a": 1.0}'],
])('%s is written again', (_what, text) => {
  expect(scanDocument(utf8(`{"signed":${text}}`)).canonical.has('signed')).toBe(false)
})

test('a nested member of the same name is not taken for that of the document', () => {
  for (const inner of ['{"signed":{"a":1}}', '{"b":{"signed":{"a":1}}}'])
    expect(scanDocument(utf8(`{"signed": ${inner.replace(':', ': ')},"signatures":[]}`)).canonical.get('signed')).toBeUndefined()
  const { canonical } = scanDocument(utf8('{"signed":{"signatures":[1]},"signatures":[ ]}'))
  expect([...canonical.keys()]).toEqual(['signed'])
})
