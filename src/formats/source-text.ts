/** A text and the places in it. */
import { utf8Text } from '../bytes.js'
import { UsageError } from '../errors.js'
import type { Place, Span } from './image-use.js'
import { MAX_FILE_CHARACTERS } from './limits.js'

/**
 * Decodes the bytes of a file, for `findImageUses`; a byte-order mark stays in the text.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when they are not UTF-8
 */
export function decodeSource(path: string, bytes: Uint8Array): string {
  const text = utf8Text(bytes)
  if (text !== undefined) return text
  throw new UsageError('ERR_SETTINGS_INVALID', `${path}:1:1: not UTF-8`, {
    hint: `Save the file as UTF-8, or leave it out of the files that are named: ${path}`,
  })
}

/** The text of a file, with its lines. */
export class SourceText {
  readonly path: string
  readonly text: string
  readonly #lineStarts: number[] = [0]

  /** @throws UsageError ERR_SETTINGS_INVALID when the text is too long */
  constructor(path: string, text: string) {
    this.path = path
    this.text = text
    if (text.length > MAX_FILE_CHARACTERS) {
      throw this.tooLarge(0, `longer than ${MAX_FILE_CHARACTERS} characters`)
    }
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) this.#lineStarts.push(at + 1)
  }

  /** The offset behind a byte-order mark, or 0. */
  get start(): number {
    return this.text.startsWith('\ufeff') ? 1 : 0
  }

  /** The line of an offset, from 1. */
  lineAt(offset: number): number {
    let low = 0
    let high = this.#lineStarts.length
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low + 1
  }

  /** Line and column of a span. */
  place({ start, end }: Span): Place {
    const line = this.lineAt(start)
    const first = line === 1 ? this.start : (this.#lineStarts[line - 1] ?? 0)
    return { line, column: Math.max(0, start - first) + 1, start, end }
  }

  /** The error for a file that exceeds a limit. */
  tooLarge(offset: number, reason: string): UsageError {
    return this.broken(offset, reason, 'Split the file into smaller ones, and name those.')
  }

  /** The error for a file that cannot be read on from `offset`. */
  broken(offset: number, reason: string, hint?: string): UsageError {
    const { line, column } = this.place({ start: offset, end: offset })
    return new UsageError('ERR_SETTINGS_INVALID', `${this.path}:${line}:${column}: ${reason}`, {
      hint: hint ?? `Mend the file at line ${line}, column ${column}, then run the same command again.`,
      evidence: { path: this.path, line, column },
    })
  }
}
