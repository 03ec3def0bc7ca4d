/**
 * The highest version accepted of each role: the memory that rollback protection rests on.
 *
 * Kept apart from the metadata, so that a deleted or spoiled file does not forget it. A floor holds under the keys that
 * it was recorded with: once a verified change has taken one of them away, it is void (recovery from fast-forward,
 * TUF 1.0.33 section 5.3.11).
 */
import { utf8 } from '../bytes.js'
import { sha256Hex } from '../crypto/hash.js'
import type { KeyId } from '../crypto/keys.js'
import { isJsonObject, JsonError, type JsonValue, parseJson } from '../metadata/json.js'
import type { RoleKeys } from '../metadata/model.js'
import { type CertificateRecord, decodeRecord, encodeRecord } from './certificate-record.js'
import { equivocation, rollback } from './refusals.js'

/** What was accepted of a role. */
export interface VersionFloor {
  readonly version: number
  /** Hexadecimal SHA-256 of what may not change without a new version. */
  readonly content: string
  /** The keys of the role at the time, ascending. */
  readonly keys: readonly KeyId[]
  /** Hexadecimal SHA-256 of the file itself. */
  readonly file: string
}

/** Floors by role. */
export type VersionFloors = ReadonlyMap<string, VersionFloor>

/** What the floors file holds. */
export interface FloorRecord {
  readonly gun: string
  /** The server that the timestamp came from; undefined when nobody knows. */
  readonly origin?: string
  readonly floors: VersionFloors
  /** What the certificates of the root said. */
  readonly certificates?: CertificateRecord
}

/** What is about to be accepted. */
export interface Candidate {
  readonly gun: string
  readonly role: string
  readonly version: number
  /** The bytes that may not change without a new version. */
  readonly content: Uint8Array
  readonly keys: RoleKeys
  readonly file: Uint8Array
}

/** The floor that accepting the candidate leaves. */
export function floorOf({ version, content, keys, file }: Candidate): VersionFloor {
  return { version, content: sha256Hex(content), keys: [...keys.keys.keys()].sort(), file: sha256Hex(file) }
}

/** True while every key that the floor was recorded with is still a key of the role. */
export function floorHolds(floor: VersionFloor, { keys }: RoleKeys): boolean {
  return floor.keys.every((id) => keys.has(id))
}

/** @throws UntrustedError ERR_VERSION_ROLLBACK, ERR_EQUIVOCATION */
export function checkFloor(candidate: Candidate, floor: VersionFloor | undefined): void {
  if (floor === undefined || !floorHolds(floor, candidate.keys)) return
  const { content, keys, version } = floorOf(candidate)
  if (version < floor.version) throw rollback(candidate, version, floor.version)
  const sameKeys = keys.length === floor.keys.length
  if (version === floor.version && content !== floor.content && sameKeys)
    throw equivocation(candidate, version, floor.content, content)
}

/** True when these floors were left by a newer state than those: then the cache that goes with them must stay. */
export function isNewer(these: VersionFloors, those: VersionFloors): boolean {
  const lead = (role: string) => (these.get(role)?.version ?? 0) - (those.get(role)?.version ?? 0)
  // Under the same root the timestamp has the same keys, and names all the rest.
  return (lead('root') || lead('timestamp')) > 0
}

/** The bytes of the floors file. */
export function encodeFloors({ gun, origin, floors, certificates: known }: FloorRecord): Uint8Array {
  const roles = [...floors.keys()].sort().map((role) => ({ role, ...floors.get(role) }))
  const certificates = known === undefined ? undefined : encodeRecord(known)
  return utf8(`${JSON.stringify({ format: 1, gun, origin, roles, certificates }, null, 1)}\n`)
}

/** What a floors file says, or undefined when it is not one of this collection. */
export function decodeFloors(file: Uint8Array, gun: string): FloorRecord | undefined {
  try {
    const record = parseJson(file)
    if (!isJsonObject(record) || record['format'] !== 1 || record['gun'] !== gun) return undefined
    const { origin, roles } = record
    if (!Array.isArray(roles) || (origin !== undefined && typeof origin !== 'string')) return undefined
    const floors = new Map<string, VersionFloor>()
    for (const entry of roles) {
      const decoded = decodeEntry(entry)
      if (decoded === undefined || floors.has(decoded[0])) return undefined
      floors.set(...decoded)
    }
    const certificates = decodeRecord(record['certificates'])
    return { gun, floors, ...(origin === undefined ? {} : { origin }), ...(certificates === undefined ? {} : { certificates }) }
  } catch (cause) {
    if (cause instanceof JsonError) return undefined
    throw cause
  }
}

function decodeEntry(entry: JsonValue): [string, VersionFloor] | undefined {
  if (!isJsonObject(entry)) return undefined
  const { role, version, content, keys, file } = entry
  if (
    typeof role !== 'string' ||
    typeof version !== 'number' ||
    !(version >= 1) ||
    typeof content !== 'string' ||
    typeof file !== 'string'
  )
    return undefined
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) return undefined
  return [role, { version, content, keys, file }]
}
