/** Cuts texts to the width of a terminal, so that each stays on one line. */
import type { Io } from './io.js'

/** The width of a terminal that reports none, or 0. */
const USUAL_COLUMNS = 80

/** Columns that a line may fill. The last one stays free: some terminals wrap after it. */
export function columnsOf({ columns }: Pick<Io, 'columns'>): number {
  const width = columns?.() ?? 0
  return (width > 0 ? width : USUAL_COLUMNS) - 1
}

/** Columns that a line of standard output may fill; undefined when standard output is no terminal: lines are not cut then. */
export function screenWidth({ screen }: Io): number | undefined {
  return screen === undefined ? undefined : columnsOf(screen)
}

/** The text, cut at its end. */
export function cutEnd(text: string, columns: number): string {
  return widthOf(text) <= columns ? text : `${fitting([...text], columns - MARK_WIDTH).join('')}${MARK}`
}

/** The text, cut in its middle: beginning and end of a reference tell which one it is. */
export function cutMiddle(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  const half = (columns - MARK_WIDTH) / 2
  const letters = [...text]
  const tail = fitting(letters.toReversed(), Math.ceil(half)).toReversed()
  return `${fitting(letters, Math.floor(half)).join('')}${MARK}${tail.join('')}`
}

const MARK = '…'
const MARK_WIDTH = 2

/** The letters from the start that fit the columns. */
function fitting(letters: readonly string[], columns: number): string[] {
  const kept: string[] = []
  let left = columns
  for (const letter of letters) {
    left -= widthOf(letter)
    if (left < 0) break
    kept.push(letter)
  }
  return kept
}

/** Counts two columns for each letter outside ASCII, as the widest letters take. */
function widthOf(text: string): number {
  let width = 0
  for (const letter of text) width += letter < '\u0080' ? 1 : 2
  return width
}
