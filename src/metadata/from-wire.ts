/** Wire shapes -> domain types: decodes base64, dates and keys, and checks what the schemas cannot. */
import { fromBase64 } from '../bytes.js'
import { HASH_BYTES, type Hashes } from '../crypto/hash.js'
import { importKey, type KeyId, keyId, type PublicKey } from '../crypto/keys.js'
import { parseDate } from './date.js'
import type {
  Delegation,
  FileMeta,
  RoleKey,
  RoleKeys,
  RootMetadata,
  Signature,
  SnapshotMetadata,
  TargetsMetadata,
  TimestampMetadata,
} from './model.js'
import { isDelegationName, parentRole } from './role-name.js'
import type { FileWire, KeyWire, RoleWire, RootWire, SignatureWire, SnapshotWire, TargetsWire, TimestampWire } from './wire.js'

/** Why a file is malformed; becomes ERR_METADATA_MALFORMED with GUN and role. */
export class Malformed extends Error {}

export function signatureFromWire(wire: SignatureWire): Signature {
  return { keyId: wire.keyid, method: wire.method, bytes: decode(wire.sig, 'a signature') }
}

export function rootFromWire(wire: RootWire): RootMetadata {
  const pick = keyPicker(keysFromWire(wire.keys))
  const role = (name: string, { keyids, threshold }: RoleWire): RoleKeys => {
    const found = pick(name, keyids)
    if (found.size < threshold) throw new Malformed(`role ${name} has ${found.size} keys and a threshold of ${threshold}`)
    return { keys: found, threshold }
  }
  const { root, targets, snapshot, timestamp } = wire.roles
  return {
    ...versionAndExpiry(wire),
    roles: {
      root: role('root', root),
      targets: role('targets', targets),
      snapshot: role('snapshot', snapshot),
      timestamp: role('timestamp', timestamp),
    },
  }
}

export function timestampFromWire(wire: TimestampWire): TimestampMetadata {
  const snapshot = wire.meta.get('snapshot')
  if (snapshot === undefined) throw new Malformed('no entry for snapshot')
  return { ...versionAndExpiry(wire), snapshot: fileFromWire('snapshot', snapshot) }
}

export function snapshotFromWire(wire: SnapshotWire): SnapshotMetadata {
  for (const role of ['root', 'targets']) if (!wire.meta.has(role)) throw new Malformed(`no entry for ${role}`)
  return { ...versionAndExpiry(wire), meta: new Map([...wire.meta].map(([role, file]) => [role, fileFromWire(role, file)])) }
}

export function targetsFromWire(wire: TargetsWire, parent: string): TargetsMetadata {
  const pick = keyPicker(keysFromWire(wire.delegations.keys))
  const names = new Set<string>()
  const delegations = wire.delegations.roles.map(({ name, keyids, threshold, paths }): Delegation => {
    if (!isDelegationName(name) || parentRole(name) !== parent)
      throw new Malformed(`${JSON.stringify(name)} cannot be delegated to by ${parent}`)
    if (names.has(name)) throw new Malformed(`${name} is delegated to twice`)
    names.add(name)
    return { name, keys: pick(name, keyids), threshold, paths }
  })
  return { ...versionAndExpiry(wire), targets: wire.targets, delegations }
}

function versionAndExpiry(wire: { version: number; expires: string }): { version: number; expires: number } {
  const expires = parseDate(wire.expires)
  if (expires === undefined) throw new Malformed(`signed.expires: ${JSON.stringify(wire.expires)} is not an RFC 3339 date`)
  return { version: wire.version, expires }
}

function keysFromWire(wire: ReadonlyMap<string, KeyWire>): Map<KeyId, PublicKey> {
  return new Map(
    [...wire].map(([id, { keytype, keyval }]) => {
      const bytes = decode(keyval.public, `key ${id}`)
      if (keyId(keytype, bytes) !== id) throw new Malformed(`the key listed as ${id} has another ID`)
      return [id, { id, type: keytype, bytes }]
    }),
  )
}

/** Returns a function that finds the keys of a role. A key is imported once for all roles. */
function keyPicker(keys: ReadonlyMap<KeyId, PublicKey>): (role: string, ids: readonly string[]) => Map<KeyId, RoleKey> {
  const ready = new Map<KeyId, RoleKey>()
  const pick = (role: string, id: string): RoleKey => {
    const key = keys.get(id)
    if (key === undefined) throw new Malformed(`role ${role} names key ${id}, which is not listed`)
    const known = ready.get(id)
    if (known !== undefined) return known
    const made = key.type === 'ed25519' ? importedOnDemand(key) : imported(key, role)
    ready.set(id, made)
    return made
  }
  return (role, ids) => new Map(ids.map((id) => [id, pick(role, id)]))
}

function imported(key: PublicKey, role: string): RoleKey {
  const verifying = importKey(key)
  if (verifying.kind === 'unusable' && verifying.ambiguous)
    throw new Malformed(`key ${key.id} of role ${role}: ${verifying.reason}`)
  return { ...key, verifying }
}

/** Imports an Ed25519 key at its first use: that takes a tenth of a millisecond, most keys never sign, and none of them is ambiguous. */
function importedOnDemand(key: PublicKey): RoleKey {
  let verifying: RoleKey['verifying'] | undefined
  return {
    ...key,
    get verifying() {
      verifying ??= importKey(key)
      return verifying
    },
  }
}

function fileFromWire(role: string, { length, hashes }: FileWire): FileMeta {
  return { length, hashes: hashesFromWire(hashes, role) }
}

function hashesFromWire(wire: ReadonlyMap<string, string>, role: string): Hashes {
  const known: { sha256?: Uint8Array; sha512?: Uint8Array } = {}
  for (const algorithm of ['sha256', 'sha512'] as const) {
    const text = wire.get(algorithm)
    if (text === undefined) continue
    const bytes = decode(text, `the ${algorithm} of ${role}`)
    if (bytes.length !== HASH_BYTES[algorithm]) throw new Malformed(`the ${algorithm} of ${role} has ${bytes.length} bytes`)
    known[algorithm] = bytes
  }
  if (known.sha256 === undefined && known.sha512 === undefined) throw new Malformed(`no known hash for ${role}`)
  return known
}

function decode(text: string, what: string): Uint8Array {
  const bytes = fromBase64(text)
  if (bytes === undefined) throw new Malformed(`${what} is not standard base64`)
  return bytes
}
