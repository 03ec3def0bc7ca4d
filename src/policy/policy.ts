/**
 * A policy says what is asked of which images. The shape is in the contract and in schemas/policy.schema.json.
 *
 * Invariants: the most specific rule decides, whatever the order of the file. Where two names are known of an image, the rules of
 * both count and the stricter answer wins. What a policy does not understand it refuses.
 */

import type { KeyId } from '../crypto/keys.js'
import type { Place } from '../document/document.js'
import type { Mirror } from './mirrors.js'
import type { Pattern } from './pattern.js'

/** From the strictest to the mildest. */
export const ACTIONS = ['deny', 'enforce', 'warn', 'skip'] as const
export type Action = (typeof ACTIONS)[number]

/** A policy, read. */
export interface Policy {
  readonly rules: readonly Rule[]
  /** For images that no rule matches. Absent: as without a policy. */
  readonly default?: Terms & { readonly place: Place }
  readonly mirrors: readonly Mirror[]
  /** False switches the built-in table of registries off. */
  readonly knownRegistries: boolean
}

/** A rule: which images, and what is asked of them. */
export interface Rule extends Terms {
  readonly pattern: Pattern
  /** Where the rule stands in the file. */
  readonly place: Place
}

/** What is asked. Absent members: as without a policy. */
export interface Terms {
  readonly action: Action
  /** Address of the trust server. */
  readonly server?: string
  readonly firstUse?: 'accept' | 'refuse'
  readonly pinning?: PolicyPinning
  readonly requireSigners?: SignerRequirement
  readonly digestReferences?: 'require-signed' | 'accept'
  readonly staleFallback?: 'warn' | 'refuse'
  /** Milliseconds that an answer of the server may be old. */
  readonly maxAge?: number
}

/** Notary's `trust_pinning`; `ca` still as paths, since nothing here reads a file. */
export interface PolicyPinning {
  readonly certs: ReadonlyMap<string, readonly KeyId[]>
  /** Paths as written; relative ones are seen from the policy file. */
  readonly ca: ReadonlyMap<string, string>
  readonly disableTofu: boolean
}

/** At least `count` of these signers must have signed the digest that is answered. */
export interface SignerRequirement {
  readonly count: number
  readonly of: readonly RequiredSigner[]
}

/** A signer by name, and perhaps by key. */
export interface RequiredSigner {
  /** Without `targets/`. */
  readonly name: string
  /** Canonical IDs: one of these keys must have signed. Absent: whatever keys the collection gives the signer. */
  readonly keys?: readonly KeyId[]
}
