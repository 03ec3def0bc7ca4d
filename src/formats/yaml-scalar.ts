/** Texts in YAML: what they say, where that is written, and where it can be replaced. */
import { isScalar, type Node, Scalar } from 'yaml'
import type { Slot, Span } from './image-use.js'
import type { SourceText } from './source-text.js'

/** The text of a scalar, without quotes, anchor and tag. */
export interface ScalarText {
  readonly value: string
  readonly span: Span
  /** True when the file has the value character by character, so that a part of it can be found there. */
  readonly isVerbatim: boolean
  /** False for a text over several lines. */
  readonly isReplaceable: boolean
}

/** Tags that leave a value what it is. */
export const PLAIN_TAGS: ReadonlySet<string> = new Set([
  '!',
  'tag:yaml.org,2002:str',
  'tag:yaml.org,2002:map',
  'tag:yaml.org,2002:seq',
])

/** Reads a scalar; the reason when it is no plain string. */
export function scalarText(source: SourceText, node: Node): ScalarText | { readonly reason: string } {
  if (node.tag !== undefined && !PLAIN_TAGS.has(node.tag)) return { reason: `the tag ${node.tag} hides its meaning` }
  if (!isScalar(node)) return { reason: 'not a text' }
  const { value } = node
  if (typeof value !== 'string') return { reason: `${node.source ?? String(value)} is no text here: put it in quotes` }
  const span = spanOfScalar(source, node)
  const written = source.text.slice(span.start, span.end)
  return { value, span, isVerbatim: written === value, isReplaceable: !written.includes('\n') || isQuoted(node) }
}

/** The place for a new text in place of the old one, from `start` characters on. */
export function scalarSlot(
  { value, span, isVerbatim, isReplaceable }: ScalarText,
  start = 0,
  end: number = value.length,
): Slot | undefined {
  if (!isReplaceable || (!isVerbatim && (start !== 0 || end !== value.length))) return undefined
  const part = isVerbatim ? { start: span.start + start, end: span.start + end } : span
  return { ...part, holds: 'reference', before: '', after: '' }
}

/** The part of a scalar from `start` to `end`, or all of it where the file does not have it character by character. */
export function partSpan({ span, isVerbatim }: ScalarText, start: number, end: number): Span {
  return isVerbatim ? { start: span.start + start, end: span.start + end } : span
}

function isQuoted(node: Scalar): boolean {
  return node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE
}

function spanOfScalar({ text }: SourceText, node: Scalar): Span {
  const [start, end] = node.range ?? [0, 0]
  if (isQuoted(node)) return { start: start + 1, end: end - 1 }
  if (node.type !== Scalar.BLOCK_LITERAL && node.type !== Scalar.BLOCK_FOLDED) return { start, end }
  const content = text.indexOf('\n', start) + 1
  const body = text.slice(content, end)
  const first = content + body.length - body.trimStart().length
  return { start: first, end: first + body.trim().length }
}
