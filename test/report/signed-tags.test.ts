import fc from 'fast-check'
import { expect, test } from 'vitest'
import { csvCell } from '../../src/report/signed-tags.js'

/** The cells of one line, read as RFC 4180 says. */
function cellsOf(line: string): string[] {
  return [...`${line},`.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*)),/gy)].map(
    ([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain,
  )
}

const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('=', '+', '-', '@', '\t', '\r', '\n', '"', ',', "'", 'a') }))

test('cells are read back as they were, apart from the apostrophe before a formula', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (cells) => {
      const read = cellsOf(cells.map(csvCell).join(','))
      expect(read.map((cell, at) => (cell === `'${cells[at]}` ? cells[at] : cell))).toEqual(cells)
      for (const cell of read) expect(cell).not.toMatch(/^[=+\-@\t\r\n]/)
    }),
    { numRuns: 500 },
  )
})

test.each([
  ['=cmd|"/c calc"!A1', `"'=cmd|""/c calc""!A1"`],
  ['＝1+1', "'＝1+1"],
  ['1.0', '1.0'],
  ['a b', 'a b'],
  ['', ''],
])('%j becomes %j', (given, cell) => {
  expect(csvCell(given)).toBe(cell)
})
