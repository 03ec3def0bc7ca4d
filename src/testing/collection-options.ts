/** What a collection begins with: said at once what methods say one by one. */
import type { WireForm } from './documents.js'
import type { BaseRole, RoleRecipe } from './roles.js'
import type { RootRotation } from './root-line.js'

/** How a collection begins. */
export interface TrustCollectionOptions {
  /** When the publisher works, until `publish` says otherwise; 2026-03-01 12:00 UTC when absent. */
  readonly now?: Date
  /** Keys and thresholds. Root: one `ecdsa-x509` key when absent; the others: one `ecdsa` key. */
  readonly roles?: Partial<Record<BaseRole, RoleRecipe>>
  /** By name: `targets/releases`, `targets/alice`, ...; parents before children. */
  readonly delegations?: Readonly<Record<string, DelegationOptions>>
  /** What `targets` signs. */
  readonly tags?: SignedTags
  /** When the first file of a role runs out. Notary's lifetimes when absent. */
  readonly expires?: Readonly<Record<string, Date>>
  /** Root versions that follow the first, all of them in the first publication. */
  readonly rotations?: readonly RootRotation[]
  /** Another seed gives a collection of the same name with other keys. */
  readonly seed?: string
  readonly wire?: WireForm
}

/** A delegation: its keys, its paths, what it signs. */
export interface DelegationOptions extends RoleRecipe {
  /** Every name when absent. */
  readonly paths?: readonly string[]
  readonly tags?: SignedTags
}

/** Names to digests (see `sign`), or to a digest with what else is signed. */
export type SignedTags = Readonly<Record<string, string | ({ readonly digest: string } & Omit<SignOptions, 'role'>)>>

/** What is signed for a name beside its digest. */
export interface SignOptions {
  /** Bytes; 528 when absent. */
  readonly size?: number
  readonly custom?: unknown
  /** `targets` when absent. */
  readonly role?: string
  /** Base64, beside the sha256. */
  readonly sha512?: string
}

/** What a collection does when it begins. */
interface NewCollection {
  sign(tag: string, digest: string, options?: SignOptions): unknown
  delegate(name: string, options?: RoleRecipe & { readonly paths?: readonly string[] }): unknown
  setExpiry(role: string, expires: Date): unknown
  rotateRoot(rotation?: RootRotation): unknown
}

/** Does all that the options say. */
export function begin(collection: NewCollection, options: TrustCollectionOptions): void {
  const { delegations = {}, tags = {}, expires = {}, rotations = [] } = options
  signAll(collection, 'targets', tags)
  for (const [name, { tags: own = {}, ...recipe }] of Object.entries(delegations)) {
    collection.delegate(name, recipe)
    signAll(collection, name, own)
  }
  // The expiry is that of the first root, so it is set before others follow.
  for (const [role, date] of Object.entries(expires)) collection.setExpiry(role, date)
  for (const rotation of rotations) collection.rotateRoot(rotation)
}

function signAll(collection: NewCollection, role: string, tags: SignedTags): void {
  for (const [name, entry] of Object.entries(tags)) {
    const { digest, ...more } = typeof entry === 'string' ? { digest: entry } : entry
    collection.sign(name, digest, { ...more, role })
  }
}
