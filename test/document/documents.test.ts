import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type DocumentNode, itemPath, LineIndex, memberPath } from '../../src/document/document.js'
import { Faults } from '../../src/document/faults.js'
import { readJsonDocument } from '../../src/document/json-document.js'
import { readYamlDocument } from '../../src/document/yaml-document.js'

const LIMIT = 1_000_000

function read(text: string, reader: typeof readJsonDocument): DocumentNode | string {
  const faults = new Faults('file', 'x')
  return reader(new TextEncoder().encode(text), LIMIT, faults) ?? faults.error().message
}

test('JSON gives the same tree with the same places, whether it is read as JSON or as YAML', () => {
  const values = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.string({ maxLength: 20 }), tie('value'), { maxKeys: 4 }),
    ),
  })).value
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string({ minLength: 1, maxLength: 20 }).filter((name) => name !== '<<'),
        values,
      ),
      fc.constantFrom(undefined, 2),
      (value, spaces) => {
        const text = JSON.stringify(value, undefined, spaces)
        if (text.includes('"<<"')) return
        expect(read(text, readYamlDocument)).toEqual(read(text, readJsonDocument))
      },
    ),
    { numRuns: 300 },
  )
})

test('a place is found again in the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '\n', 'ä', '\u{1f600}', '\r\n') }), fc.nat(200), (text, at) => {
      const offset = Math.min(at, text.length)
      const { line, column } = new LineIndex(text).placeOf(offset)
      const before = text.split('\n').slice(0, line - 1)
      expect(before.reduce((sum, one) => sum + one.length + 1, 0) + column - 1).toBe(offset)
    }),
  )
})

test('paths quote names that are no plain words', () => {
  expect(itemPath(memberPath(memberPath('', 'rules'), 'a b'), 3)).toBe('rules["a b"][3]')
  expect(memberPath('', 'docker.io/x')).toBe('["docker.io/x"]')
})

test('an error tells the first fault, counts the others and lists them all', () => {
  const faults = new Faults('policy', 'p.yaml')
  faults.add({ path: 'b', place: { line: 3, column: 1 } }, 'late', 'second hint')
  faults.add({ path: 'a', place: { line: 2, column: 7 } }, 'early', 'first hint')
  const error = faults.error()
  expect(error.message).toBe('policy p.yaml:2:7: a: early (and 1 more)')
  expect(error.hint).toBe('first hint')
  expect(error.evidence?.['faults']).toEqual(['2:7: a: early', '3:1: b: late'])
})

test('faults without end are kept no longer than an error can tell', () => {
  const faults = new Faults('policy', 'p.yaml')
  for (let i = 0; i < 10_000; i++) faults.add({ path: '', place: { line: i + 1, column: 1 } }, 'x', 'y')
  expect(faults.list).toHaveLength(100)
  expect(faults.error().message).toContain('(and 9999 more)')
})
