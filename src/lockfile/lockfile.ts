/**
 * A lockfile records what is known of collections: the root that trust starts from, the server, and perhaps version floors. It
 * outlives a machine that is made anew for each job. The shape is in the contract and in schemas/lockfile.schema.json.
 *
 * Invariants: a lock only ever tightens. The server is compared and never used to choose one. Keys are compared by their public
 * key, so a certificate renewed for the same key is no new decision.
 */
import { base64 } from '../bytes.js'
import type { KeyId } from '../crypto/keys.js'

/** The version of the format that is read and written. */
export const LOCKFILE_VERSION = 1

/** Where the JSON Schema of the format is published: with the package. */
export const LOCKFILE_SCHEMA = 'https://unpkg.com/docker-content-trust/schemas/lockfile.schema.json'

/** A lockfile, read. */
export interface Lockfile {
  /** By GUN. */
  readonly collections: ReadonlyMap<string, LockEntry>
}

/** What is recorded of one collection. */
export interface LockEntry {
  /** The trust server's address, as typed when it was recorded. */
  readonly server: string
  readonly root: LockedRoot
  /** Lowest versions to be accepted, by role. */
  readonly floors?: ReadonlyMap<string, number>
}

/** A root that was accepted. */
export interface LockedRoot {
  readonly version: number
  /** Hexadecimal SHA-256 of the bytes of root.json. */
  readonly sha256: string
  /** How many of the keys must sign. */
  readonly threshold: number
  /** By canonical ID, ascending. */
  readonly keys: readonly LockedKey[]
  /** The bytes of root.json. Without them the server must still have this root for a chain to start from it. */
  readonly file?: Uint8Array
}

/** A root key. */
export interface LockedKey {
  /** As root.json lists it: of an x509 key, the ID of its certificate. */
  readonly id: KeyId
  /** Of the bare public key; the same as `id` for a key that cannot be read, which never counts. */
  readonly canonicalId: KeyId
  /** `ecdsa-x509`, `rsa-x509`, ... */
  readonly algorithm: string
}

/** A key ID in the two spellings that people compare. */
export interface Fingerprint {
  /** 64 hexadecimal digits, as `notary key list` and `docker trust inspect` print them. */
  readonly hex: string
  /** `SHA256:` and base64 without padding, as ssh prints fingerprints. */
  readonly ssh: string
}

/** Both spellings of a canonical key ID. */
export function fingerprint(canonicalId: KeyId): Fingerprint {
  const bytes = new Uint8Array(Buffer.from(canonicalId, 'hex'))
  return { hex: canonicalId, ssh: `SHA256:${base64(bytes).replace(/=+$/, '')}` }
}

/** The canonical key ID that a text spells in one of the two ways, or undefined. */
export function readFingerprint(text: string): KeyId | undefined {
  if (/^(?:SHA256:)?[0-9a-fA-F]{64}$/.test(text)) return text.replace(/^SHA256:/, '').toLowerCase()
  const encoded = /^SHA256:([A-Za-z0-9+/]{43})=?$/.exec(text)?.[1]
  if (encoded === undefined) return undefined
  const bytes = Buffer.from(encoded, 'base64')
  // Two bits of the last character stand for nothing: another spelling of the same bytes is refused.
  return base64(bytes).startsWith(encoded) ? bytes.toString('hex') : undefined
}
