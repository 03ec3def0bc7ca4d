/** Tables of text: aligned, within the width of a terminal, whatever letters others chose. */
import stringWidth from 'string-width'
import { printable } from '../printable.js'

/** A column of a table. */
export interface Column {
  readonly head: string
  /** Columns of the terminal that its cells keep at least when room is short. */
  readonly min: number
  readonly alignRight?: boolean
}

const GAP = '  '
const MARK = '…'

/**
 * The lines of a table, the heads first. With a `width` no line is wider: cells are cut in their middle, the widest first; when
 * even that is not enough, each row becomes a paragraph, one cell a line.
 */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[], width?: number): string[] {
  const lines = [columns.map(({ head }) => head), ...rows].map((cells) => columns.map((_, index) => oneLine(cells[index] ?? '')))
  const widths = columns.map((_, index) => Math.max(...lines.map((cells) => stringWidth(cells[index] ?? ''))))
  if (width !== undefined && !shrink(widths, columns, width)) return paragraphs(lines, width)
  return lines.map((cells) =>
    cells
      .map((cell, index) =>
        fill(isolated(cutMiddle(cell, widths[index] ?? 0)), widths[index] ?? 0, columns[index]?.alignRight === true),
      )
      .join(GAP)
      .trimEnd(),
  )
}

/** Takes from the widest that still has something to give, until all fits. False when it cannot. */
function shrink(widths: number[], columns: readonly Column[], width: number): boolean {
  const all = () => widths.reduce((sum, one) => sum + one, GAP.length * (columns.length - 1))
  for (let left = all() - width; left > 0; left--) {
    let widest = -1
    for (const [index, one] of widths.entries()) {
      if (one > (columns[index]?.min ?? 0) && one > (widths[widest] ?? 0)) widest = index
    }
    if (widest < 0) return false
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return true
}

function paragraphs([heads = [], ...rows]: readonly (readonly string[])[], width: number): string[] {
  return rows.flatMap((cells, row) => [
    ...(row === 0 ? [] : ['']),
    ...cells.map((cell, index) => {
      const head = `${cutMiddle(heads[index] ?? '', width - 2)}: `
      return `${head}${isolated(cutMiddle(cell, Math.max(width - stringWidth(head), 1)))}`
    }),
  ])
}

/** The text, or its beginning and its end: of a name or a digest both say which it is. */
export function cutMiddle(text: string, width: number): string {
  if (stringWidth(text) <= width) return text
  const letters = [...GRAPHEMES.segment(text)].map(({ segment }) => segment)
  const room = Math.max(width - stringWidth(MARK), 0)
  const start = fitting(letters, Math.ceil(room / 2))
  const end = fitting(letters.toReversed(), room - stringWidth(start.join(''))).toReversed()
  return `${start.join('')}${MARK}${end.join('')}`
}

const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** As many letters from the start as the width holds. */
function fitting(letters: readonly string[], width: number): string[] {
  let left = width
  const kept: string[] = []
  for (const letter of letters) {
    left -= stringWidth(letter)
    if (left < 0) break
    kept.push(letter)
  }
  return kept
}

function fill(text: string, width: number, alignRight: boolean): string {
  const blanks = ' '.repeat(Math.max(width - stringWidth(text), 0))
  return alignRight ? blanks + text : text + blanks
}

/** Letters that are written from right to left. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]|[\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u

/** Between marks that keep right-to-left letters from turning round the cells beside them (Unicode UAX 9, FSI and PDI). */
export function isolated(text: string): string {
  return RIGHT_TO_LEFT.test(text) ? `\u2068${text}\u2069` : text
}

/** On one line, nothing invisible: the signer chooses the names. */
export function oneLine(text: string): string {
  return printable(text).replace(/^\p{M}+/u, '')
}
