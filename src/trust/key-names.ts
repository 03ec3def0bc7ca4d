/**
 * Names of keys in messages. Tools show two IDs: `docker trust inspect` shows the ID that root.json lists, which for a root key is that
 * of its certificate; `notary key list`, and Docker for signers, show the canonical ID of the bare public key. So messages name both.
 */
import { certificateEnd } from '../crypto/certificate.js'
import { canonicalKeyId, type KeyId } from '../crypto/keys.js'
import type { RoleKey } from '../metadata/model.js'

/** Keys that one sentence names: a role can have thousands. */
const MAX_NAMED = 4

/** Keys whose canonical IDs one piece of evidence lists. */
const MAX_TOLD = 16

/** A key with both of its IDs. */
export interface KeyDetails {
  /** As listed in the metadata; of an x509 key it is the ID of its certificate. */
  readonly id: string
  /** Of the bare public key; the same as `id` when the key is in no certificate, absent when it cannot be used. */
  readonly canonicalId?: string
  /** As listed: `ecdsa`, `ecdsa-x509`, `rsa`, `rsa-x509`, `ed25519`. */
  readonly algorithm: string
  /** ISO date on which the certificate of an x509 key ends, where it can be read. */
  readonly certificateExpires?: string
}

type Keys = ReadonlyMap<KeyId, RoleKey>

export function keyDetails(key: RoleKey): KeyDetails {
  const canonicalId = canonicalKeyId(key)
  const end = key.type.endsWith('-x509') ? certificateEnd(key.bytes) : undefined
  return {
    id: key.id,
    ...(canonicalId === undefined ? {} : { canonicalId }),
    algorithm: key.type,
    ...(end === undefined ? {} : { certificateExpires: new Date(end).toISOString() }),
  }
}

/** The ID as listed, and the canonical ID where it differs. */
export function nameOf(id: KeyId, keys: Keys): string {
  const canonical = otherCanonicalId(id, keys)
  return canonical === undefined ? id : `${id} (canonical ID ${canonical})`
}

/** `key ...`, or `keys ..., ... and 3 more`. */
export function namesOf(ids: readonly KeyId[], keys: Keys): string {
  const named = ids.slice(0, MAX_NAMED).map((id) => nameOf(id, keys))
  const more = ids.length > MAX_NAMED ? ` and ${ids.length - MAX_NAMED} more` : ''
  return `${ids.length === 1 ? 'key' : 'keys'} ${named.join(', ')}${more}`
}

/** Names of the first keys, for evidence. */
export function nameList(keys: Keys): string[] {
  return [...keys.keys()].slice(0, MAX_TOLD).map((id) => nameOf(id, keys))
}

/** For evidence beside lists of IDs: `canonicalIds` of those keys that have another canonical ID, none when there are none. */
export function canonicalIds(ids: Iterable<KeyId>, keys: Keys): { readonly canonicalIds?: readonly string[] } {
  const told = [...ids].slice(0, MAX_TOLD).flatMap((id) => {
    const canonical = otherCanonicalId(id, keys)
    return canonical === undefined ? [] : [`${id}: ${canonical}`]
  })
  return told.length === 0 ? {} : { canonicalIds: told }
}

function otherCanonicalId(id: KeyId, keys: Keys): KeyId | undefined {
  const key = keys.get(id)
  const canonical = key === undefined ? undefined : canonicalKeyId(key)
  return canonical === id ? undefined : canonical
}
