/** Comments that take a place out. */
import type { Span } from './image-use.js'
import type { SourceText } from './source-text.js'

const IGNORE = /^#(?:.*\s)?dct:ignore(?![\w-])/

/** Tells whether a span begins on the line of a comment `# dct:ignore`, or on the line below one that has a line to itself. */
export function ignoredLines(source: SourceText, comments: readonly Span[]): (span: Span) => boolean {
  const lines = new Set<number>()
  for (const { start, end } of comments) {
    if (!IGNORE.test(source.text.slice(start, end))) continue
    const line = source.lineAt(start)
    lines.add(line)
    const lineStart = source.text.lastIndexOf('\n', start - 1) + 1
    if (source.text.slice(lineStart, start).trim() === '') lines.add(line + 1)
  }
  return ({ start }) => lines.has(source.lineAt(start))
}
