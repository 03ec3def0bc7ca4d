/** What reports on files are made of. */
import type { TrustErrorJson } from '../errors.js'

/** One image of a file, or a file that cannot be read, and what became of it. */
export interface Finding {
  /** With `/` on every system. */
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
  /** As written in the file; empty when the finding is about the file. */
  readonly image: string
  /** `unverified`: passed without a verification, since content trust is off or a comment takes the image out. */
  readonly status: 'verified' | 'unverified' | 'skipped' | 'failed'
  /** What was verified. */
  readonly canonicalReference?: string
  /** Why it was passed over. */
  readonly reason?: string
  /** Why it failed. */
  readonly error?: TrustErrorJson
}

/** What a report says of the run. */
export interface RunFacts {
  /** Version of this program. */
  readonly version: string
  /** When the run began. */
  readonly started: Date
  readonly seconds: number
}

/** `file:line:column` */
export function placeOf({ file, line, column }: Finding): string {
  return `${file}:${line}:${column}`
}
