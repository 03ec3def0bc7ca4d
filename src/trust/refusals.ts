/** The errors that refuse metadata: Docker's words first (docker/cli 28 cli/trust/trust.go NotaryError), then the evidence. */
import type { Evidence } from '../errors.js'
import { StaleError, UntrustedError } from '../errors.js'
import { canonicalIds, namesOf } from './key-names.js'
import type { Trusted } from './trusted.js'

/** Pins that one message names as probably meant. */
const MAX_NEAR_PINS = 5

/** Whose metadata it is. */
interface Subject {
  readonly gun: string
  readonly role: string
}

/** Out of date; `expires` in ms since 1970. */
export function expired({ gun, role }: Subject, expires: number): StaleError {
  const date = new Date(expires).toISOString()
  return new StaleError('ERR_METADATA_EXPIRED', `remote repository ${gun} out-of-date: ${role} expired at ${date}`, {
    gun,
    role,
    evidence: { expires: date },
  })
}

/** Under its threshold, for every role but root. */
export function insufficientSignatures({ gun, role }: Subject, evidence: Evidence): UntrustedError {
  return new UntrustedError(
    'ERR_SIGNATURE_THRESHOLD',
    `potential malicious behavior - trust data has insufficient signatures for remote repository ${gun}: valid signatures did not meet threshold for ${role} (${evidence['validSignatures']} of ${evidence['threshold']})`,
    { gun, role, evidence },
  )
}

/** Older than what was accepted before. */
export function rollback({ gun, role }: Subject, version: number, floor: number): UntrustedError {
  return lowerThanExpected({ gun, role }, `${role} version ${version} is lower than current version ${floor}`, { version, floor })
}

/** A snapshot that does not list a role which it listed before and which is still delegated. */
export function forgotten({ gun, role }: Subject): UntrustedError {
  return lowerThanExpected({ gun, role }, `the snapshot no longer lists ${role}, which is still delegated`, { role })
}

function lowerThanExpected({ gun, role }: Subject, why: string, evidence: Evidence): UntrustedError {
  return new UntrustedError(
    'ERR_VERSION_ROLLBACK',
    `potential malicious behavior - trust data version is lower than expected for remote repository ${gun}: ${why}`,
    { gun, role, evidence },
  )
}

/** One version, two contents (hexadecimal SHA-256 of both). */
export function equivocation({ gun, role }: Subject, version: number, accepted: string, offered: string): UntrustedError {
  return new UntrustedError(
    'ERR_EQUIVOCATION',
    `potential malicious behavior - trust data for remote repository ${gun} has two contents: ${role} version ${version} is not the one that was accepted before`,
    { gun, role, evidence: { version, accepted, offered } },
  )
}

/** The file was accepted for another role before. */
export function otherRolesFile({ gun, role }: Subject, other: string, version: number): UntrustedError {
  return new UntrustedError(
    'ERR_EQUIVOCATION',
    `potential malicious behavior - trust data for remote repository ${gun} serves the file of one role as that of another: ${role} version ${version} is what was accepted as ${other} before`,
    {
      gun,
      role,
      evidence: { version, acceptedAs: other },
      hint: `The same key signs for ${role} and ${other}, and the server offers the file of ${other} as that of ${role}. Do not use the image; tell its publisher and the operator of the trust server.`,
    },
  )
}

/** True for the refusal above. The holder of a delegation's key can cause it for that delegation. */
export function isOtherRolesFile({ evidence }: UntrustedError): boolean {
  return evidence?.['acceptedAs'] !== undefined
}

/** A root that its own keys or certificates do not verify. */
export function untrustedRoot(gun: string, why: string, evidence?: Evidence): UntrustedError {
  return new UntrustedError('ERR_ROOT_UNTRUSTED', `${mismatch(gun)}: could not validate the path to a trusted root: ${why}`, {
    gun,
    role: 'root',
    evidence,
  })
}

/** A first root where first use is switched off and no pin applies. `near`: rules that may have been meant for the collection. */
export function firstUseRefused(
  gun: string,
  { signedBy, keys: { keys } }: Pick<Trusted<unknown>, 'signedBy' | 'keys'>,
  near: readonly string[],
): UntrustedError {
  const why = `invalid trust pinning specified: trust on first use is disabled and no pin applies to this collection; the root that is offered was signed by ${namesOf(signedBy, keys)}${nearPinsText(gun, near)}`
  return new UntrustedError('ERR_ROOT_UNTRUSTED', `${mismatch(gun)}: could not validate the path to a trusted root: ${why}`, {
    gun,
    role: 'root',
    evidence: { signedBy, ...canonicalIds(signedBy, keys), ...(near.length === 0 ? {} : { pinsThatComeClose: near }) },
    hint: 'Compare the root key with the publisher of the collection, over another way than the trust server; then pin it under "certs" for <GUN>, or lock it: dct lock <GUN>',
  })
}

/** For the end of a sentence; empty when there are none. */
export function nearPinsText(gun: string, near: readonly string[]): string {
  if (near.length === 0) return ''
  const named = near.slice(0, MAX_NEAR_PINS).map((rule) => JSON.stringify(rule))
  const more = near.length > MAX_NEAR_PINS ? ` and ${near.length - MAX_NEAR_PINS} more` : ''
  return `; pins that come close: ${named.join(', ')}${more}; the name of this collection is ${gun}`
}

/** A root that does not follow from the trusted one. */
export function brokenRotation(gun: string, why: string, evidence: Evidence): UntrustedError {
  return new UntrustedError('ERR_ROOT_ROTATION', `${mismatch(gun)}: could not rotate trust to a new trusted root: ${why}`, {
    gun,
    role: 'root',
    evidence,
  })
}

/** A root that a pin does not allow. */
export function pinMismatch(gun: string, why: string, evidence: Evidence): UntrustedError {
  return new UntrustedError(
    'ERR_PIN_MISMATCH',
    `${mismatch(gun)}: could not validate the path to a trusted root: unable to match any certificates to trust_pinning config: ${why}`,
    { gun, role: 'root', evidence },
  )
}

function mismatch(gun: string): string {
  return `potential malicious behavior - trust data mismatch for remote repository ${gun}`
}

/** Longer than declared, or than the limit. */
export function tooLarge({ gun, role }: Subject, what: string, evidence: Evidence): UntrustedError {
  return new UntrustedError('ERR_METADATA_TOO_LARGE', `trust data for ${gun} is too large: ${role}: ${what}`, {
    gun,
    role,
    evidence,
  })
}

/** Other bytes than the role above signed for. */
export function hashMismatch({ gun, role }: Subject, what: string, evidence: Evidence): UntrustedError {
  return new UntrustedError('ERR_HASH_MISMATCH', `trust data for ${gun} does not match its signed checksum: ${role}: ${what}`, {
    gun,
    role,
    evidence,
  })
}
