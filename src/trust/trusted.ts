/** The only place that makes trusted metadata. */
import type { KeyId } from '../crypto/keys.js'
import type { RoleKeys, Unverified } from '../metadata/model.js'
import { checkSignatures, type SignatureVerdict } from './signatures.js'

const trusted: unique symbol = Symbol('trusted')

/** Metadata that its role's keys signed at their threshold. Nothing outside this file can make one. */
export interface Trusted<Metadata> {
  readonly [trusted]: true
  /** `root`, `timestamp`, `snapshot`, `targets` or a delegation. */
  readonly role: string
  readonly metadata: Metadata
  /** The keys that may sign for the role. */
  readonly keys: RoleKeys
  /** Keys of the role that signed, ascending. */
  readonly signedBy: readonly KeyId[]
  /** The canonical bytes that they signed. */
  readonly signedBytes: Uint8Array
  /** The file as served. */
  readonly file: Uint8Array
}

/** The metadata as trusted. @throws what `refuse` returns when too few keys signed */
export function trust<Metadata>(
  unverified: Unverified<Metadata>,
  keys: RoleKeys,
  refuse: (verdict: SignatureVerdict) => Error,
): Trusted<Metadata> {
  const verdict = checkSignatures(unverified, keys)
  if (!verdict.met) throw refuse(verdict)
  const { role, metadata, signedBytes, file } = unverified
  return { [trusted]: true, role, metadata, keys, signedBy: verdict.signedBy, signedBytes, file }
}
