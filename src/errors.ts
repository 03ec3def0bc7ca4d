/**
 * The errors of this library. `kind` says what the caller should do, `code` what failed (see error-codes.ts).
 *
 * Rules: a message begins with Docker's own words where Docker has words (without its `Error: ` or `Warning: `), and has no
 * newline, no invisible characters and no secrets. `hint` says what to do next. `evidence` holds observed values, cut as in
 * printable.ts. An error of another library is the `cause`, never a part of the message only.
 */

import {
  defaultHint,
  type ErrorCode,
  type ErrorKind,
  RETRYABLE,
  type StaleCode,
  type UnavailableCode,
  type UnsignedCode,
  type UntrustedCode,
  type UsageCode,
} from './error-codes.js'
import { type Evidence, MAX_HINT_CHARACTERS, printable, printableEvidence } from './printable.js'

export type { ErrorCode, ErrorKind, StaleCode, UnavailableCode, UnsignedCode, UntrustedCode, UsageCode } from './error-codes.js'
export { type Evidence, printable } from './printable.js'

/** Optional details of an error. */
export interface ErrorDetails {
  /** What to do next, in one or two sentences. */
  readonly hint?: string | undefined
  /** The trust collection concerned. */
  readonly gun?: string | undefined
  /** The role whose metadata failed, e.g. `targets/releases`. */
  readonly role?: string | undefined
  /** Observed values: thresholds, key IDs, versions, dates, hashes. JSON values only. */
  readonly evidence?: Evidence | undefined
  /** The error that caused this one. */
  readonly cause?: unknown
}

/** The result of `toJSON`, which `dct verify --json` prints under `error`. */
export interface TrustErrorJson {
  /** The class: `UntrustedError`, ... */
  readonly name: string
  /** What exactly failed. */
  readonly code: ErrorCode
  /** What the caller should do. */
  readonly kind: ErrorKind
  /** One line. It begins with Docker's own words where Docker has words. */
  readonly message: string
  /** What to do next. */
  readonly hint: string
  /** Whether the same call may succeed later without any change. */
  readonly retryable: boolean
  /** The trust collection concerned. */
  readonly gun?: string
  /** The role whose metadata failed. */
  readonly role?: string
  /** Observed values. */
  readonly evidence?: Evidence
  /** The class, system code and message of the error that caused this one. */
  readonly cause?: { readonly name?: string; readonly code?: string; readonly message: string }
}

/** The base class of all errors that this library throws on purpose. */
export abstract class TrustError<Code extends ErrorCode = ErrorCode> extends Error {
  /** What the caller should do. */
  abstract readonly kind: ErrorKind
  /** What exactly failed; part of the API. */
  readonly code: Code
  /** What to do next. A caller inside the library may replace it with a better one. */
  hint: string
  // Declared without fields, so that an absent value is no property at all.
  /** The trust collection concerned. */
  declare readonly gun?: string
  /** The role whose metadata failed, e.g. `targets/releases`. */
  declare readonly role?: string
  /** Observed values: thresholds, key IDs, versions, dates, hashes. */
  declare readonly evidence?: Evidence

  constructor(code: Code, message: string, details: ErrorDetails = {}) {
    super(printable(message), details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = code
    this.hint = printable((details.hint ?? defaultHint(code)).replaceAll('<GUN>', details.gun ?? '<GUN>'), MAX_HINT_CHARACTERS)
    if (details.gun !== undefined) this.gun = details.gun
    if (details.role !== undefined) this.role = details.role
    if (details.evidence !== undefined) this.evidence = printableEvidence(details.evidence)
  }

  /** True when the same call may succeed later without any change. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code)
  }

  /** The error for logs and answers: without the stack, and with only name, code and message of the cause. */
  toJSON(): TrustErrorJson {
    return {
      name: this.name,
      code: this.code,
      kind: this.kind,
      message: this.message,
      hint: this.hint,
      retryable: this.retryable,
      ...(this.gun === undefined ? {} : { gun: this.gun }),
      ...(this.role === undefined ? {} : { role: this.role }),
      ...(this.evidence === undefined ? {} : { evidence: this.evidence }),
      ...(this.cause === undefined ? {} : { cause: causeJson(this.cause) }),
    }
  }
}

/** Refuse: the trusted keys did not sign what the server served. */
export class UntrustedError extends TrustError<UntrustedCode> {
  readonly kind = 'untrusted'
  constructor(code: UntrustedCode, message: string, details?: ErrorDetails) {
    super(code, message, details)
  }
}

/** Fix the call: a reference or a setting is not valid. */
export class UsageError extends TrustError<UsageCode> {
  readonly kind = 'usage'
  constructor(code: 'ERR_REFERENCE_INVALID', message: string, details?: ErrorDetails)
  /** An error about a setting needs a hint, which depends on the setting. */
  constructor(code: UsageCode, message: string, details: ErrorDetails & { readonly hint: string })
  constructor(code: UsageCode, message: string, details?: ErrorDetails) {
    super(code, message, details)
  }
}

/** The trust data does not name what was asked for. */
export class UnsignedError extends TrustError<UnsignedCode> {
  readonly kind = 'unsigned'
  constructor(code: UnsignedCode, message: string, details?: ErrorDetails) {
    super(code, message, details)
  }
}

/** The publisher must renew something. */
export class StaleError extends TrustError<StaleCode> {
  readonly kind = 'stale'
  constructor(code: StaleCode, message: string, details?: ErrorDetails) {
    super(code, message, details)
  }
}

/** Optional details of an UnavailableError. */
export interface UnavailableDetails extends ErrorDetails {
  /** See `UnavailableError.isBadAnswer`. */
  readonly isBadAnswer?: boolean
  /** False when the same call will fail again, although errors of this code may pass. */
  readonly retryable?: boolean
}

/** No verdict: network, server, credentials or cache. */
export class UnavailableError extends TrustError<UnavailableCode> {
  readonly kind = 'unavailable'
  /** The server answered with status 200, and the content cannot be decoded. Then the client uses no cached timestamp. */
  readonly isBadAnswer: boolean
  readonly #isFinal: boolean

  constructor(code: UnavailableCode, message: string, details: UnavailableDetails = {}) {
    super(code, message, details)
    this.isBadAnswer = details.isBadAnswer === true
    this.#isFinal = details.retryable === false
  }

  override get retryable(): boolean {
    return super.retryable && !this.#isFinal
  }
}

/** The message of a thrown value; for an error without a message, its system code or name. */
export function describeCause(cause: unknown): string {
  if (typeof cause === 'object' && !(cause instanceof Error)) return Object.prototype.toString.call(cause)
  if (!(cause instanceof Error)) return printable(String(cause))
  if (cause instanceof AggregateError && cause.errors.length > 0) return describeCause(cause.errors[0])
  return printable(cause.message || systemCode(cause) || cause.name)
}

/** The `code` of a Node system error (`ECONNREFUSED`, ...), if it has one. */
export function systemCode(cause: unknown): string | undefined {
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return undefined
  return typeof cause.code === 'string' ? cause.code : undefined
}

function causeJson(cause: unknown): NonNullable<TrustErrorJson['cause']> {
  const code = systemCode(cause)
  return {
    ...(cause instanceof Error ? { name: cause.name } : {}),
    ...(code === undefined ? {} : { code }),
    message: printable(describeCause(cause), MAX_HINT_CHARACTERS),
  }
}
