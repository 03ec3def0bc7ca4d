/** What reports are made of. */
import type { TrustErrorJson } from '../errors.js'

/** Where an image is written. */
export interface FindingPlace {
  /** With `/` on every system. */
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 units. */
  readonly column: number
}

/** One image, or a file that cannot be read, and what became of it. */
export interface Finding extends Partial<FindingPlace> {
  /** As written; empty when the finding is about the file. */
  readonly image: string
  /** `unverified`: passed without a verification, and `reason` says why. `skipped`: no image to verify, or a comment takes it out. */
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

/** Its place; undefined for an image of the command line or of a list. */
export function placeOf({ file, line = 1, column = 1 }: Finding): FindingPlace | undefined {
  return file === undefined ? undefined : { file, line, column }
}
