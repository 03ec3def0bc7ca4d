/** The options of a new collection, which do at once what its methods do one by one. */
import type { WireForm } from './documents.js'
import type { BaseRole, RoleRecipe } from './roles.js'
import type { RootRotation } from './root-line.js'

/** The options of a new collection. */
export interface TrustCollectionOptions {
  /** The publisher's clock, until `publish` changes it; 2026-03-01 12:00 UTC when absent. */
  readonly now?: Date
  /** Keys and thresholds. Root: one `ecdsa-x509` key when absent; the others: one `ecdsa` key. */
  readonly roles?: Partial<Record<BaseRole, RoleRecipe>>
  /** By name: `targets/releases`, `targets/alice`, ...; parents before children. */
  readonly delegations?: Readonly<Record<string, DelegationOptions>>
  /** The tags that `targets` signs. */
  readonly tags?: SignedTags
  /** When the first file of a role expires. Notary's lifetimes when absent. */
  readonly expires?: Readonly<Record<string, Date>>
  /** Root versions after the first one; all of them are in the first publication. */
  readonly rotations?: readonly RootRotation[]
  /** Another seed gives a collection of the same name with other keys. */
  readonly seed?: string
  readonly wire?: WireForm
}

/** A delegation: its keys, paths and tags. */
export interface DelegationOptions extends RoleRecipe {
  /** Every name when absent. */
  readonly paths?: readonly string[]
  readonly tags?: SignedTags
}

/** Names to digests (see `sign`), or to a digest with other signed data. */
export type SignedTags = Readonly<Record<string, string | ({ readonly digest: string } & Omit<SignOptions, 'role'>)>>

/** Data that is signed for a name, in addition to its digest. */
export interface SignOptions {
  /** Bytes; 528 when absent. */
  readonly size?: number
  readonly custom?: unknown
  /** `targets` when absent. */
  readonly role?: string
  /** Base64, in addition to the sha256. */
  readonly sha512?: string
}

/** What applying the options asks of a collection. */
interface NewCollection {
  sign(tag: string, digest: string, options?: SignOptions): unknown
  delegate(name: string, options?: RoleRecipe & { readonly paths?: readonly string[] }): unknown
  setExpiry(role: string, expires: Date): unknown
  rotateRoot(rotation?: RootRotation): unknown
}

/** Applies the options to a new collection. */
export function begin(collection: NewCollection, options: TrustCollectionOptions): void {
  const { delegations = {}, tags = {}, expires = {}, rotations = [] } = options
  signAll(collection, 'targets', tags)
  for (const [name, { tags: own = {}, ...recipe }] of Object.entries(delegations)) {
    collection.delegate(name, recipe)
    signAll(collection, name, own)
  }
  // `expires` is for the first root, so it is set before the rotations.
  for (const [role, date] of Object.entries(expires)) collection.setExpiry(role, date)
  for (const rotation of rotations) collection.rotateRoot(rotation)
}

function signAll(collection: NewCollection, role: string, tags: SignedTags): void {
  for (const [name, entry] of Object.entries(tags)) {
    const { digest, ...more } = typeof entry === 'string' ? { digest: entry } : entry
    collection.sign(name, digest, { ...more, role })
  }
}
