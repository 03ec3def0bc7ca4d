/**
 * Everything that can go wrong, by what the caller should do about it (`kind`) and what exactly it was (`code`).
 *
 * Message rules: Docker's own words first where Docker has words (without its `Error: ` or `Warning: `), no newline,
 * nothing invisible, no secrets. `hint` says what to do next. What was seen rides in `evidence`, cut as in printable.ts; a
 * foreign error rides in `cause`, never flattened into a string.
 */

import { type Evidence, MAX_HINT_CHARACTERS, printable, printableEvidence } from './printable.js'

export { type Evidence, printable } from './printable.js'

/** What the caller should do: refuse for good, fix the call, treat as unsigned, renew, or try again. */
export type ErrorKind = 'untrusted' | 'usage' | 'unsigned' | 'stale' | 'unavailable'

/** Somebody served bytes that the keys do not vouch for. */
export type UntrustedCode =
  | 'ERR_SIGNATURE_THRESHOLD'
  | 'ERR_ROOT_UNTRUSTED'
  | 'ERR_ROOT_ROTATION'
  | 'ERR_PIN_MISMATCH'
  | 'ERR_VERSION_ROLLBACK'
  | 'ERR_HASH_MISMATCH'
  | 'ERR_METADATA_MALFORMED'
  | 'ERR_METADATA_TOO_LARGE'
  | 'ERR_EQUIVOCATION'
  | 'ERR_LOCK_MISMATCH'

/** The call itself is wrong. */
export type UsageCode = 'ERR_REFERENCE_INVALID' | 'ERR_SETTINGS_INVALID'

/** The trust data is good and does not vouch for what was asked. */
export type UnsignedCode =
  | 'ERR_NO_TRUST_DATA'
  | 'ERR_TAG_NOT_SIGNED'
  | 'ERR_DIGEST_NOT_SIGNED'
  | 'ERR_DIGEST_MISMATCH'
  | 'ERR_SIGNER_MISSING'
  | 'ERR_POLICY_DENIED'
  | 'ERR_NOT_LOCKED'

/** Good once, out of date now. */
export type StaleCode = 'ERR_METADATA_EXPIRED' | 'ERR_CERTIFICATE_EXPIRED'

/** No verdict could be reached. */
export type UnavailableCode =
  | 'ERR_SERVER_UNREACHABLE'
  | 'ERR_TLS'
  | 'ERR_SERVER_RESPONSE'
  | 'ERR_UNAUTHORIZED'
  | 'ERR_METADATA_MISSING'
  | 'ERR_SERVER_RETIRED'
  | 'ERR_OFFLINE'
  | 'ERR_CACHE'

/** Every code; part of the API. */
export type ErrorCode = UntrustedCode | UsageCode | UnsignedCode | StaleCode | UnavailableCode

/** What an error can carry beside its code and message. */
export interface ErrorDetails {
  /** What to do about it, one or two sentences. */
  readonly hint?: string | undefined
  /** The trust collection concerned. */
  readonly gun?: string | undefined
  /** The role whose metadata failed, e.g. `targets/releases`. */
  readonly role?: string | undefined
  /** What was seen: thresholds, key IDs, versions, dates, hashes. JSON values only. */
  readonly evidence?: Evidence | undefined
  /** The error underneath. */
  readonly cause?: unknown
}

/** What `toJSON` gives, and what `dct verify --json` prints under `error`. */
export interface TrustErrorJson {
  /** The class: `UntrustedError`, ... */
  readonly name: string
  /** What exactly failed. */
  readonly code: ErrorCode
  /** What the caller should do. */
  readonly kind: ErrorKind
  /** One line, Docker's own words first where Docker has words. */
  readonly message: string
  /** What to do about it, in words. */
  readonly hint: string
  /** Whether the same call may succeed later without anything being changed. */
  readonly retryable: boolean
  /** The trust collection concerned. */
  readonly gun?: string
  /** The role whose metadata failed. */
  readonly role?: string
  /** What was seen. */
  readonly evidence?: Evidence
  /** The error underneath: its class, its system code and its message. */
  readonly cause?: { readonly name?: string; readonly code?: string; readonly message: string }
}

/** The base of every error that this library throws on purpose. */
export abstract class TrustError<Code extends ErrorCode = ErrorCode> extends Error {
  /** What the caller should do. */
  abstract readonly kind: ErrorKind
  /** What exactly failed; part of the API. */
  readonly code: Code
  /** What to do about it. Whoever knows more than where it was thrown may add to it. */
  hint: string
  // Only declared: a field would be there, undefined, where there is nothing to say.
  /** The trust collection concerned. */
  declare readonly gun?: string
  /** The role whose metadata failed, e.g. `targets/releases`. */
  declare readonly role?: string
  /** What was seen: thresholds, key IDs, versions, dates, hashes. */
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

  /** True when the same call may succeed later without anything being changed. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code)
  }

  /** What of it can be logged or sent: no stack, and of a foreign cause only name, code and message. */
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

/** Refuse: what was served is not what the trusted keys signed. */
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
  /** What to do about a setting depends on the setting: it has no hint of its own. */
  constructor(code: UsageCode, message: string, details: ErrorDetails & { readonly hint: string })
  constructor(code: UsageCode, message: string, details?: ErrorDetails) {
    super(code, message, details)
  }
}

/** Nothing trusted vouches for what was asked. */
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

/** What an UnavailableError can carry besides. */
export interface UnavailableDetails extends ErrorDetails {
  /** See `UnavailableError.isBadAnswer`. */
  readonly isBadAnswer?: boolean
  /** False when the same call will fail again, although errors of this code may pass. */
  readonly retryable?: boolean
}

/** No verdict: network, server, credentials or cache. */
export class UnavailableError extends TrustError<UnavailableCode> {
  readonly kind = 'unavailable'
  /** The server answered with status 200, and the content cannot be decoded: no cached timestamp stands in for such an answer. */
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

/** The message of anything thrown, with the system code where there is one. */
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

const RETRYABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_SERVER_UNREACHABLE',
  'ERR_SERVER_RESPONSE',
  'ERR_METADATA_MISSING',
])

/** What is wrong with a setting is told where it is read: only an error that a caller makes without a hint has this one. */
function defaultHint(code: ErrorCode): string {
  return code === 'ERR_SETTINGS_INVALID' ? 'What is used, and why: dct env' : DEFAULT_HINTS[code]
}

const DEFAULT_HINTS: Readonly<Record<Exclude<ErrorCode, 'ERR_SETTINGS_INVALID'>, string>> = {
  ERR_SIGNATURE_THRESHOLD:
    'The trusted keys did not sign this. Do not use the image; tell its publisher and whoever runs the trust server. What was accepted before: dct cache verify <GUN>',
  ERR_ROOT_UNTRUSTED:
    'The root of this collection cannot be trusted as it is served. Ask its publisher, or pin the root key you were given.',
  ERR_ROOT_ROTATION:
    'The trusted root does not vouch for what the server offers now: the collection was made anew, or somebody is in between. Compare the root key with its publisher; only then start again with: dct cache forget <GUN>',
  ERR_PIN_MISMATCH:
    'Your trust pinning names other keys or another CA for this collection. Check the pin with the publisher before you change it. Which pin applies, with the same --pinning: dct env <GUN>',
  ERR_VERSION_ROLLBACK:
    'The server offers something older than what was accepted before. Do not use it; tell whoever runs the trust server. What was accepted before: dct cache verify <GUN>',
  ERR_HASH_MISMATCH:
    'The file is not the one that the signed metadata names. Try again; if it stays, the server or something in between is broken. Which server is asked, and why: dct env <GUN>',
  ERR_METADATA_MALFORMED:
    'This is not trust metadata as Notary writes it. Check that the server is a Notary server and that no proxy or login page answers for it. Which server is asked, and why: dct env',
  ERR_METADATA_TOO_LARGE: 'The server sent more than the signed metadata or the limits allow. Nothing of it was used.',
  ERR_EQUIVOCATION:
    'Two different contents carry the same version number. Do not use the image; tell its publisher and whoever runs the trust server. What was accepted before: dct cache verify <GUN>',
  ERR_LOCK_MISMATCH:
    'The lock records another root or server for this collection. Compare the root key with the publisher, over another way than the trust server; only then lock again: dct lock --update <GUN>',
  ERR_REFERENCE_INVALID: 'A reference looks like alpine:3.19, registry.example:5000/team/app:1.0 or name@sha256:<64 hex digits>.',
  ERR_NO_TRUST_DATA:
    'The image is not signed on this trust server, or the server is not the one its publisher signs with: see DOCKER_CONTENT_TRUST_SERVER. Which server is asked, and why: dct env',
  ERR_TAG_NOT_SIGNED: 'The collection is signed but this tag is not. Ask its publisher to sign it, or use a tag that is.',
  ERR_DIGEST_NOT_SIGNED: 'No signed tag of the collection carries this digest. Look at a tag instead: dct verify <GUN>:TAG',
  ERR_DIGEST_MISMATCH: 'The tag is signed for another digest: it was signed again since, or never had this one.',
  ERR_SIGNER_MISSING: 'A signer that you require has not signed this tag.',
  ERR_POLICY_DENIED: 'Your policy denies this image. Which rule decides, and why: dct policy explain <GUN>',
  ERR_NOT_LOCKED:
    'The lock has no entry for this collection. Record it, once you have compared its root key with the publisher: dct lock <GUN>',
  ERR_METADATA_EXPIRED:
    'The publisher, or whoever runs the trust server, must sign this metadata again. What is kept, and until when: dct cache verify <GUN>',
  ERR_CERTIFICATE_EXPIRED:
    'The publisher must rotate the root key to one with a current certificate. What is kept, and until when: dct cache verify <GUN>',
  ERR_SERVER_UNREACHABLE: 'Check the address of the trust server, the network and the proxy settings.',
  ERR_TLS: 'If the server has a private CA, give it with --tlscacert or put it as ca.crt into <docker config>/tls/<host:port>/.',
  ERR_SERVER_RESPONSE: 'The trust server answered with a fault of its own. Try again later.',
  ERR_UNAUTHORIZED: 'Log in to the registry (docker login), or give credentials that may pull this image.',
  ERR_METADATA_MISSING:
    'The server lacks a file that its own signed metadata names. Try again; if it stays, tell whoever runs it.',
  ERR_SERVER_RETIRED:
    'notary.docker.io was switched off on 2026-12-08. Docker Official Images have no trust data any more; name the trust server that your images are signed on.',
  ERR_OFFLINE: 'Run once without --offline to fill the cache.',
  ERR_CACHE: 'See what is kept with: dct cache verify <GUN>; start again with: dct cache forget <GUN>',
}
