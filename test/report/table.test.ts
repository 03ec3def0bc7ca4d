/** Tables stay tables: on narrow screens, with wide letters, with letters from right to left. */
import fc from 'fast-check'
import stringWidth from 'string-width'
import { describe, expect, test } from 'vitest'
import { type Column, tableLines } from '../../src/report/table.js'

const COLUMNS: readonly Column[] = [
  { head: 'TAG', min: 8 },
  { head: 'DIGEST', min: 12 },
  { head: 'SIZE', min: 4, alignRight: true },
]
const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`

test('columns are aligned, numbers at their right', () => {
  expect(
    tableLines(COLUMNS, [
      ['1.0', 'sha256:ab', '7'],
      ['latest', 'sha256:cd', '1234'],
    ]),
  ).toEqual(['TAG     DIGEST     SIZE', '1.0     sha256:ab     7', 'latest  sha256:cd  1234'])
})

test('wide letters count twice, combining ones not at all', () => {
  const rows = [
    ['日本', 'x', '1'],
    ['e\u0301', 'x', '1'],
    ['👍🏽', 'x', '1'],
    ['abcd', 'x', '1'],
  ]
  const at = tableLines(COLUMNS, rows).map((line) => stringWidth(line.slice(0, line.search(/DIGEST|x/))))
  expect(new Set(at)).toEqual(new Set([6]))
})

test('letters from right to left are isolated, so that they do not turn the cells beside them round', () => {
  const [, line] = tableLines(COLUMNS, [['שלום', 'sha256:ab', '7']])
  expect(line).toBe('\u2068שלום\u2069  sha256:ab     7')
})

test('what others chose cannot draw: controls, line ends and marks of direction are blanks', () => {
  const lines = tableLines(COLUMNS, [['a\u001b[2J\nb\u202ec', 'x', '1']])
  expect(lines).toEqual(
    ['TAG          DIGEST  SIZE', 'a [2J b c    x          1'].map((line) => line.replace(/ {4}(?=[Dx])/, '  ')),
  )
})

describe('on a narrow screen', () => {
  test('the widest cells are cut in their middle', () => {
    expect(tableLines(COLUMNS, [['1.0', DIGEST, '7']], 40)).toEqual(
      ['TAG  DIGEST                         SIZE', '1.0  sha256:0123456…456789abcdef       7'].map((line) =>
        expect.stringMatching(new RegExp(`^${line.slice(0, 5)}`)),
      ),
    )
    for (const line of tableLines(COLUMNS, [['1.0', DIGEST, '7']], 40)) expect(stringWidth(line)).toBe(40)
  })

  test('the narrowest has a line for each cell', () => {
    expect(
      tableLines(
        COLUMNS,
        [
          ['1.0', DIGEST, '7'],
          ['2.0', 'sha256:ab', '8'],
        ],
        20,
      ),
    ).toEqual(['TAG: 1.0', 'DIGEST: sha256…bcdef', 'SIZE: 7', '', 'TAG: 2.0', 'DIGEST: sha256:ab', 'SIZE: 8'])
  })

  test('no line is ever wider than the screen', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 })
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text, text), { maxLength: 5 }), fc.integer({ min: 12, max: 120 }), (rows, width) => {
        for (const line of tableLines(COLUMNS, rows, width)) expect(stringWidth(line)).toBeLessThanOrEqual(width)
      }),
    )
  })
})
