/** Metadata as domain types: dates as numbers, bytes as bytes, names that a publisher chose in Maps. */
import type { Hashes } from '../crypto/hash.js'
import type { KeyId, PublicKey, UnusableKey, VerifyingKey } from '../crypto/keys.js'
import type { BaseRole } from './role-name.js'
import type { TargetWire } from './wire.js'

/** Members of every role. */
interface Signed {
  readonly version: number
  /** Milliseconds since 1970. From that instant on the file is expired. */
  readonly expires: number
}

/** A key of a role, imported, or the reason why its signatures never count. */
export interface RoleKey extends PublicKey {
  readonly verifying: VerifyingKey | UnusableKey
}

/** The keys that may sign for a role, and how many of them must sign. */
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
  /** By role; always with `root` and `targets`. */
  readonly meta: ReadonlyMap<string, FileMeta>
}

/** A role to which targets or another delegation delegates. */
export interface Delegation extends RoleKeys {
  readonly name: string
  /** Prefixes of target names; `''` matches every name, an empty list none. */
  readonly paths: readonly string[]
}

export interface TargetsMetadata extends Signed {
  /** By target name; hashes still as on the wire, see `trust/lookup.ts`. */
  readonly targets: ReadonlyMap<string, TargetWire>
  readonly delegations: readonly Delegation[]
}

/** The type of each role's metadata. */
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

/** A file with a valid shape. Its signatures are not verified yet; `trust/` does that. */
export interface Unverified<Metadata> {
  /** `root`, `timestamp`, `snapshot`, `targets` or a delegation. */
  readonly role: string
  /** Its content, which must not be trusted yet. */
  readonly metadata: Metadata
  /** The canonical bytes that the signatures sign. */
  readonly signedBytes: Uint8Array
  readonly signatures: readonly Signature[]
  /** The file as served. */
  readonly file: Uint8Array
  /** How much memory it needs: members and items of its JSON (entries of targets count twice), and the keys of its roles. */
  readonly size: { readonly values: number; readonly keys: number }
}
