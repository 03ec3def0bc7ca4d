/** Metadata as the rest of the library knows it: dates as numbers, bytes as bytes, names that somebody chose in Maps. */
import type { Hashes } from '../crypto/hash.js'
import type { KeyId, PublicKey, UnusableKey, VerifyingKey } from '../crypto/keys.js'
import type { BaseRole } from './role-name.js'
import type { TargetWire } from './wire.js'

/** Common to every role. */
interface Signed {
  readonly version: number
  /** Milliseconds since 1970; from then on the file is out of date. */
  readonly expires: number
}

/** A key of a role, made ready to verify, or the reason why it never counts. */
export interface RoleKey extends PublicKey {
  readonly verifying: VerifyingKey | UnusableKey
}

/** Who may sign for a role, and how many of them must. */
export interface RoleKeys {
  readonly keys: ReadonlyMap<KeyId, RoleKey>
  readonly threshold: number
}

export interface RootMetadata extends Signed {
  readonly roles: Readonly<Record<BaseRole, RoleKeys>>
}

/** A file as a role above describes it. */
export interface FileMeta {
  /** Bytes. */
  readonly length: number
  readonly hashes: Hashes
}

export interface TimestampMetadata extends Signed {
  readonly snapshot: FileMeta
}

export interface SnapshotMetadata extends Signed {
  /** By role; `root` and `targets` are there. */
  readonly meta: ReadonlyMap<string, FileMeta>
}

/** A role to which targets, or a delegation, passes a part of its say. */
export interface Delegation extends RoleKeys {
  readonly name: string
  /** Prefixes of target names; `''` means all, none means nothing. */
  readonly paths: readonly string[]
}

export interface TargetsMetadata extends Signed {
  /** By target name; hashes still as on the wire, see `trust/lookup.ts`. */
  readonly targets: ReadonlyMap<string, TargetWire>
  readonly delegations: readonly Delegation[]
}

/** Which metadata a role holds. */
export interface MetadataTypes {
  readonly root: RootMetadata
  readonly timestamp: TimestampMetadata
  readonly snapshot: SnapshotMetadata
  readonly targets: TargetsMetadata
}

export interface Signature {
  readonly keyId: KeyId
  readonly method: string
  readonly bytes: Uint8Array
}

/** A file whose shape is right. Whether anybody signed it is for `trust/` to say. */
export interface Unverified<Metadata> {
  /** `root`, `timestamp`, `snapshot`, `targets` or a delegation. */
  readonly role: string
  /** What it says. Not to be believed yet. */
  readonly metadata: Metadata
  /** The canonical bytes that the signatures are over. */
  readonly signedBytes: Uint8Array
  readonly signatures: readonly Signature[]
  /** The file as served. */
  readonly file: Uint8Array
  /** What it takes to keep it: members and items of its JSON (entries of targets counted twice), and keys that it gives to roles. */
  readonly size: { readonly values: number; readonly keys: number }
}
