/** Texts cut to the width of a terminal, so that a line stays one. */
import type { Io } from './io.js'

/** When a terminal does not say how wide it is, or says 0. */
const USUAL_COLUMNS = 80

/** Columns that a line may fill: in the last one some terminals begin the next line. */
export function columnsOf({ columns }: Pick<Io, 'columns'>): number {
  const width = columns?.() ?? 0
  return (width > 0 ? width : USUAL_COLUMNS) - 1
}

/** Columns that a line of standard output may fill; undefined when it is no terminal, where lines are as long as they are. */
export function screenWidth({ screen }: Io): number | undefined {
  return screen === undefined ? undefined : columnsOf(screen)
}

/** The text, or its beginning. */
export function cutEnd(text: string, columns: number): string {
  return widthOf(text) <= columns ? text : `${fitting([...text], columns - MARK_WIDTH).join('')}${MARK}`
}

/** The text, or its beginning and its end: of a reference both say which it is. */
export function cutMiddle(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  const half = (columns - MARK_WIDTH) / 2
  const letters = [...text]
  const tail = fitting(letters.toReversed(), Math.ceil(half)).toReversed()
  return `${fitting(letters, Math.floor(half)).join('')}${MARK}${tail.join('')}`
}

const MARK = '…'
const MARK_WIDTH = 2

/** As many letters from the start as the columns hold. */
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

/** What is not ASCII counts for two columns, as the widest letters take. */
function widthOf(text: string): number {
  let width = 0
  for (const letter of text) width += letter < '\u0080' ? 1 : 2
  return width
}
