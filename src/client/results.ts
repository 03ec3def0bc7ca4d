/** The results of the client. Absent fields are left out, never null. */
import type { TrustError } from '../errors.js'
import type { Action } from '../policy/policy.js'
import type { RootTrust } from '../trust/anchor.js'
import type { KeyDetails } from '../trust/key-names.js'

/** `fresh`: the server confirmed it in this run. `stale`, `offline`: the cache did. */
export type Freshness = 'fresh' | 'stale' | 'offline'

/** Every warning; part of the API. */
export type WarningCode =
  | 'WARN_STALE_TIMESTAMP'
  | 'WARN_FIRST_USE'
  | 'WARN_NEAR_EXPIRY'
  | 'WARN_DELEGATION_SKIPPED'
  | 'WARN_CACHE_UNWRITABLE'
  | 'WARN_CACHE_REPAIRED'
  | 'WARN_LEGACY_ROOT'
  | 'WARN_SERVER_RETIRING'
  | 'WARN_PIN_PREFIX'
  | 'WARN_CONFIG'
  | 'WARN_NO_CONFIG_FOLDER'

/** A problem that does not make the answer untrusted, but that the user should know. */
export interface Warning {
  /** What it is about. */
  readonly code: WarningCode
  /** One line for people. */
  readonly message: string
}

/** What a policy asked of an answer. */
export interface AppliedPolicy {
  /** The pattern of the rule that decided, `default`, or `none` when no rule matches and the policy has no default. */
  readonly match: string
  readonly action: Action
}

/** What every answer from verified trust data says about that data. */
export interface Provenance {
  /** The trust collection, e.g. `docker.io/library/alpine`. */
  readonly gun: string
  /** How the root came to be trusted. */
  readonly rootTrust: RootTrust
  /** Whether the server or the cache confirmed it in this run. */
  readonly freshness: Freshness
  /** ISO date of the earliest expiry among root, timestamp, snapshot, targets and the answering role. */
  readonly expires: string
  /** The trust server as typed, less a trailing slash. */
  readonly server: string
  /** The registry in the reference, when it is a mirror: the collection (`gun`) is signed under another name. */
  readonly mirror?: string
  /** Problems that do not make the answer untrusted. */
  readonly warnings: readonly Warning[]
  /** Only where there is a policy. */
  readonly policy?: AppliedPolicy
}

interface SignedImage extends Provenance {
  /** As given. */
  readonly reference: string
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string
  /** Bytes of the manifest or index. */
  readonly size: number
  /** `registry/path@sha256:...`: what to pull. */
  readonly canonicalReference: string
  /** The role that answered: `targets/releases` or `targets`. */
  readonly role: string
  /** Delegations (without `targets/`) that signed the same digest for the same tag, ascending. */
  readonly signers: readonly string[]
  /** What the publisher added to the entry. */
  readonly custom?: unknown
}

/** The tag is signed, and this is its digest. */
export interface TrustedResult extends SignedImage {
  readonly status: 'trusted'
  readonly tag: string
}

/** Signed tags carry the digest that was asked for. */
export interface TrustedDigestResult extends SignedImage {
  readonly status: 'trusted-digest'
  /** The signed tags with this digest, in natural order. */
  readonly tags: readonly string[]
}

/** `digestReferences: 'accept'`: Docker's way with `name@sha256:...`. Nothing was checked. */
export interface ByDigestResult {
  readonly status: 'by-digest'
  readonly reference: string
  readonly gun: string
  readonly digest: string
  readonly canonicalReference: string
  /** Only where there is a policy. */
  readonly policy?: AppliedPolicy
}

/** Content trust is switched off. Nothing was asked, nothing was checked, and there is no digest. */
export interface DisabledResult {
  readonly status: 'disabled'
  readonly reference: string
  readonly reason: 'environment' | 'option'
}

/** A rule with action `warn`: the image could not be verified, and the policy lets it pass. There is no digest. */
export interface PermittedResult {
  readonly status: 'permitted'
  readonly reference: string
  readonly gun: string
  /** Why it would have been refused. */
  readonly error: TrustError
  readonly policy: AppliedPolicy
}

/** A rule with action `skip`: nothing was asked, nothing was checked, and there is no digest. */
export interface SkippedResult {
  readonly status: 'skipped'
  readonly reference: string
  readonly policy: AppliedPolicy
}

/** Only `trusted` and `trusted-digest` mean verified; more variants may come. */
export type VerifyResult = TrustedResult | TrustedDigestResult | ByDigestResult | DisabledResult | PermittedResult | SkippedResult

/** One signed name of any collection. */
export interface LookupResult extends Provenance {
  readonly target: string
  readonly role: string
  readonly digest: string
  readonly size: number
  readonly custom?: unknown
}

/** An entry of `targets` that `targets/releases` takes the place of. */
export interface ShadowedTag {
  readonly role: string
  readonly digest: string
  readonly size: number
  readonly signers: readonly string[]
}

/** A released tag. */
export interface ListedTag {
  readonly tag: string
  /** Absent where `problem` says why there is none: `verifyTag` refuses such a tag. */
  readonly digest?: string
  readonly size: number
  readonly role: string
  readonly signers: readonly string[]
  /** What `targets` lists under the same name where `targets/releases` answers and says otherwise. `verifyTag` does not look at it. */
  readonly shadowed?: ShadowedTag
  /** `no valid hash, expecting sha256`: the tag is signed without a SHA-256, or with one that is not 32 bytes. */
  readonly problem?: string
  /** Under a policy: the rule for this tag. With action `skip` the tag is listed and not judged. */
  readonly policy?: AppliedPolicy
  /**
   * Under a policy or with required signers: why `verifyTag` refuses this tag, or calls it `permitted` where the action is
   * `warn`. A tag with an error is signed and not trusted.
   */
  readonly error?: TrustError
}

/** What `listTags` answers. */
export interface TagList extends Provenance {
  /** In natural order. */
  readonly tags: readonly ListedTag[]
}

/** One role of the verified set. */
export interface InspectedRole {
  readonly role: string
  readonly version: number
  readonly expires: string
  readonly threshold: number
  /** IDs of the keys that may sign, as listed, ascending. */
  readonly keys: readonly string[]
  /** The same keys in the same order, with both of their IDs. */
  readonly keyDetails: readonly KeyDetails[]
  /** Their IDs in the order in which the role above lists them. */
  readonly keysAsListed: readonly string[]
  /** IDs of the keys that signed. */
  readonly signedBy: readonly string[]
}

/** A delegation, as the role above it lists it. */
export interface InspectedDelegation {
  readonly role: string
  /** The role that lists it. */
  readonly delegatedBy: string
  readonly threshold: number
  /** In the order in which they are listed. */
  readonly keyDetails: readonly KeyDetails[]
  /** Prefixes of the names that it may sign, those of the roles above applied: `''` means all, an empty list none. */
  readonly paths: readonly string[]
  /** `loaded`: it counts, and is among `roles`. `left-out`: not today, see `reason`. `unsigned`: it has published nothing yet. */
  readonly state: 'loaded' | 'left-out' | 'unsigned'
  readonly reason?: string
}

/** What `inspect` answers. */
export interface Inspection extends Provenance {
  /** Root, timestamp, snapshot, targets and its delegations, parents first. */
  readonly roles: readonly InspectedRole[]
  /** Every delegation that a role of the set lists, nearest to `targets` first, each level in the order of its file. */
  readonly delegations: readonly InspectedDelegation[]
}
