/**
 * Whether the signers that are required signed the digest that is answered.
 *
 * Invariants: a signature counts for the very tag and digest of the answer. A signer by key counts only when one of the listed keys
 * made a valid signature: a key that a delegation merely lists proves nothing. Each signer counts once.
 */
import type { KeyId } from '../crypto/keys.js'
import { type Evidence, UnsignedError } from '../errors.js'
import type { RequiredSigner, SignerRequirement } from './policy.js'

/** What one delegation says of the tag: one whose paths allow the tag and whose signatures were verified. */
export interface SignerStatement {
  /** Without `targets/`. A nested delegation has its whole name: `alice/ci` is not `alice`. */
  readonly name: string
  /** The digest that it signed for the tag. */
  readonly digest: string
  /** Canonical IDs of the keys whose signatures were valid; not all keys of the delegation. */
  readonly signedBy: readonly KeyId[]
}

/** What is answered. */
export interface Answered {
  readonly gun: string
  readonly tag: string
  readonly digest: string
}

/** Keys that one piece of evidence names. */
const MAX_NAMED_KEYS = 4

/** The role that publishes tags is delegated to like a signer and is none. */
const RELEASES = 'releases'

/**
 * Checks every requirement. Returns the evidence of who signed what was required.
 *
 * @throws UnsignedError ERR_SIGNER_MISSING; evidence: who signed, who is missing and why
 */
export function checkSigners(
  requirements: readonly SignerRequirement[],
  answered: Answered,
  statements: readonly SignerStatement[],
): readonly string[] {
  const byName = new Map(statements.filter(({ name }) => name !== RELEASES).map((statement) => [statement.name, statement]))
  const met = new Set<string>()
  for (const requirement of requirements) {
    const faults = new Map<RequiredSigner, string>()
    for (const signer of requirement.of) {
      const fault = signerFault(signer, answered, byName.get(signer.name))
      if (fault === undefined) met.add(signer.name)
      else faults.set(signer, fault)
    }
    const count = requirement.of.length - faults.size
    if (!(count >= requirement.count)) throw missing(requirement, answered, [...faults.values()], [...byName.values()])
  }
  return [...met].sort()
}

/** Why a required signer does not count; undefined when it does. */
function signerFault(
  { name, keys }: RequiredSigner,
  { digest }: Answered,
  statement: SignerStatement | undefined,
): string | undefined {
  if (statement === undefined) return `${name}: did not sign this tag`
  if (statement.digest !== digest) return `${name}: signed another digest, ${statement.digest}`
  if (keys === undefined || statement.signedBy.some((id) => keys.includes(id))) return undefined
  return `${name}: signed with ${keysText(statement.signedBy)}, required is ${keysText(keys)}`
}

function missing(
  requirement: SignerRequirement,
  { gun, tag, digest }: Answered,
  faults: readonly string[],
  statements: readonly SignerStatement[],
): UnsignedError {
  const signed = statements.filter((statement) => statement.digest === digest).map(({ name }) => name)
  const evidence: Evidence = {
    tag,
    digest,
    required: requirementText(requirement),
    signed: signed.sort(),
    missing: faults,
  }
  const message = `${gun}:${tag} is not signed as required: ${requirementText(requirement)} must sign ${digest}; ${faults.join('; ')}`
  const hint = 'Ask these signers to sign the tag, or use a tag that they signed: dct tags <GUN>'
  return new UnsignedError('ERR_SIGNER_MISSING', message, { gun, hint, evidence })
}

/** `all of alice, bob`. */
export function requirementText({ count, of }: SignerRequirement): string {
  const names = of.map(({ name, keys }) => (keys === undefined ? name : `${name} (by ${keysText(keys)})`)).join(', ')
  if (of.length === 1) return names
  if (count === of.length) return `all of ${names}`
  return `${count === 1 ? 'any' : `at least ${count}`} of ${names}`
}

function keysText(keys: readonly KeyId[]): string {
  if (keys.length === 0) return 'no key'
  const more = keys.length > MAX_NAMED_KEYS ? ` and ${keys.length - MAX_NAMED_KEYS} more` : ''
  return `key ${keys.slice(0, MAX_NAMED_KEYS).join(', ')}${more}`
}
