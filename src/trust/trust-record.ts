/**
 * The content of the floors file, which a store keeps beside the metadata: version floors, the server that the timestamp came
 * from, and what the certificates of the root said. Encoded as JSON.
 */
import { utf8 } from '../bytes.js'
import { parseJson } from '../metadata/json.js'
import { isJsonObject, JsonError, type JsonObject, type JsonValue } from '../metadata/json-value.js'
import { type CertificateRecord, decodeRecord, encodeRecord } from './certificate-record.js'
import type { VersionFloor, VersionFloors } from './version-floors.js'

/** What a floors file holds. */
export interface TrustRecord {
  readonly gun: string
  /** Address of the server that the timestamp came from; undefined when it is not known. */
  readonly origin?: string
  readonly floors: VersionFloors
  /** What the certificates of the root said. */
  readonly certificates?: CertificateRecord
}

/** Format 1 had one floor for each role, without threshold and signers. */
const FORMAT = 2

/** The bytes of the floors file. */
export function encodeTrustRecord({ gun, origin, floors, certificates: known }: TrustRecord): Uint8Array {
  const roles = [...floors.keys()]
    .sort()
    .flatMap((role) => (floors.get(role) ?? []).map((floor) => ({ role, ...floor })).reverse())
  const certificates = known === undefined ? undefined : encodeRecord(known)
  return utf8(`${JSON.stringify({ format: FORMAT, gun, origin, roles, certificates }, null, 1)}\n`)
}

/** The record in a floors file, or undefined when the file is not a record of this collection. */
export function decodeTrustRecord(file: Uint8Array, gun: string): TrustRecord | undefined {
  try {
    const record = parseJson(file)
    if (!isJsonObject(record) || record['gun'] !== gun) return undefined
    const { format, origin, roles } = record
    if (format !== FORMAT && format !== 1) return undefined
    if (!Array.isArray(roles) || (origin !== undefined && typeof origin !== 'string')) return undefined
    const floors = new Map<string, VersionFloor[]>()
    for (const entry of roles.toReversed()) {
      if (!isJsonObject(entry) || typeof entry['role'] !== 'string') return undefined
      const floor = format === 1 ? decodeFormerFloor(entry) : decodeFloor(entry)
      const known = floors.get(entry['role'])
      if (floor === undefined || (format === 1 && known !== undefined)) return undefined
      if (known === undefined) floors.set(entry['role'], [floor])
      else known.push(floor)
    }
    for (const known of floors.values()) known.sort((one, other) => other.version - one.version)
    const certificates = decodeRecord(record['certificates'])
    return { gun, floors, ...(origin === undefined ? {} : { origin }), ...(certificates === undefined ? {} : { certificates }) }
  } catch (cause) {
    if (cause instanceof JsonError) return undefined
    throw cause
  }
}

function decodeFloor(entry: JsonObject): VersionFloor | undefined {
  const { threshold, signers, ended } = entry
  const known = decodeCommon(entry)
  if (known === undefined || !isPositive(threshold) || !isTexts(signers) || (ended !== undefined && ended !== true))
    return undefined
  return { ...known, threshold, signers, ...(ended === undefined ? {} : { ended }) }
}

/** A format 1 entry names neither threshold nor signers: assume one signature of any of its keys, so that the floor holds longest. */
function decodeFormerFloor(entry: JsonObject): VersionFloor | undefined {
  const known = decodeCommon(entry)
  return known === undefined ? undefined : { ...known, threshold: 1, signers: known.keys }
}

function decodeCommon({ version, content, keys, file }: JsonObject): Omit<VersionFloor, 'threshold' | 'signers'> | undefined {
  if (!isPositive(version) || typeof content !== 'string' || typeof file !== 'string' || !isTexts(keys)) return undefined
  return { version, content, keys, file }
}

function isPositive(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && value >= 1
}

function isTexts(value: JsonValue | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string')
}
