/**
 * The rule of version floors: the highest version accepted of each role. Rollback protection depends on them. They are kept apart
 * from the metadata (trust-record.ts), so that a deleted or spoiled metadata file does not remove them.
 *
 * A role may have several floors. Each records the keys and signers of its time, and every floor that still holds counts.
 * Otherwise removing a key, or a version raised by a stolen key, would drop the older floor. Why: docs/decisions/0014.
 */
import { sha256Hex } from '../crypto/hash.js'
import type { KeyId } from '../crypto/keys.js'
import type { RoleKeys } from '../metadata/model.js'
import { equivocation, rollback } from './refusals.js'

/** What was accepted of a role. */
export interface VersionFloor {
  readonly version: number
  /** Hexadecimal SHA-256 of what may not change without a new version. */
  readonly content: string
  /** The keys of the role at the time, ascending. */
  readonly keys: readonly KeyId[]
  /** How many of them had to sign. */
  readonly threshold: number
  /** The keys that signed, ascending. */
  readonly signers: readonly KeyId[]
  /** Hexadecimal SHA-256 of the file itself. */
  readonly file: string
  /** The delegation ended; the floor is kept for a later delegation of that name. */
  readonly ended?: true
}

/** Floors by role, the highest version of a role first. */
export type VersionFloors = ReadonlyMap<string, readonly VersionFloor[]>

/** What is about to be accepted. */
export interface Candidate {
  readonly gun: string
  readonly role: string
  readonly version: number
  /** The bytes that may not change without a new version. */
  readonly content: Uint8Array
  readonly keys: RoleKeys
  /** Keys of the role that signed, ascending. */
  readonly signedBy: readonly KeyId[]
  readonly file: Uint8Array
}

/**
 * How far a floor may be above an offered version before it counts as raised by a stolen key (fast-forward attack): a publisher who
 * signs every minute needs two years for that many versions. Such a floor falls once its signers no longer meet the threshold.
 */
export const MAX_HONEST_LEAD = 1_000_000

/** Floors of one role: keys that change again and again would make the list grow without end. See `leastNeeded`. */
export const MAX_FLOORS_OF_A_ROLE = 16

/** The floor that accepting the candidate leaves. */
export function floorOf({ version, content, keys, signedBy, file }: Candidate): VersionFloor {
  return {
    version,
    content: sha256Hex(content),
    keys: [...keys.keys.keys()].sort(),
    threshold: keys.threshold,
    signers: signedBy,
    file: sha256Hex(file),
  }
}

/**
 * True while enough of the keys that the role had then are still its keys. Enough is the lower threshold: adding or removing
 * another key, or raising the threshold, must not allow older versions again.
 */
export function floorHolds(floor: VersionFloor, { keys, threshold }: RoleKeys): boolean {
  return stillKeys(floor.keys, keys) >= Math.min(floor.threshold, threshold)
}

/** @throws UntrustedError ERR_VERSION_ROLLBACK, ERR_EQUIVOCATION */
export function checkFloors(candidate: Candidate, floors: readonly VersionFloor[] = []): void {
  const { version, keys } = candidate
  for (const floor of floors) {
    if (!floorHolds(floor, keys) || wasFastForwarded(floor, candidate)) continue
    if (!(version >= floor.version)) throw rollback(candidate, version, floor.version)
    const { content, keys: now } = floorOf(candidate)
    const sameKeys = now.length === floor.keys.length && stillKeys(floor.keys, keys.keys) === now.length
    if (version === floor.version && content !== floor.content && sameKeys)
      throw equivocation(candidate, version, floor.content, content)
  }
}

/** The floors of a role after another version was accepted. */
export function withAccepted(floors: readonly VersionFloor[], accepted: VersionFloor): VersionFloor[] {
  return highestFirst([accepted, ...floors.filter((floor) => !makesNeedless(accepted, floor))])
}

/** The floors of a role, raised by the floor of a cached file. A known floor of the same version stays. */
export function withCached(floors: readonly VersionFloor[], cached: VersionFloor): readonly VersionFloor[] {
  const isKnown = floors.some((floor) => floor.version === cached.version || makesNeedless(floor, cached))
  return isKnown ? floors : withAccepted(floors, cached)
}

/**
 * The floors of two sources, for example cache and lockfile. A floor is dropped only when a higher one of the role makes it needless;
 * two contents of one version are both kept, so that neither source is overruled.
 */
export function mergeFloors(one: VersionFloors, other: VersionFloors): VersionFloors {
  const roles = new Set([...one.keys(), ...other.keys()])
  return new Map([...roles].sort().map((role) => [role, mergeLists(one.get(role) ?? [], other.get(role) ?? [])]))
}

function mergeLists(one: readonly VersionFloor[], other: readonly VersionFloor[]): VersionFloor[] {
  const merged: VersionFloor[] = []
  // In one order whatever the order of the sources; of two equal floors the one that has not ended comes first.
  const text = (floor: VersionFloor) => JSON.stringify({ ended: false, ...floor })
  const sorted = [...one, ...other].sort((a, b) => b.version - a.version || (text(a) < text(b) ? -1 : 1))
  for (const floor of sorted) {
    const isNeedless = (by: VersionFloor) =>
      makesNeedless(by, floor) && (by.version > floor.version || by.content === floor.content)
    if (!merged.some(isNeedless)) merged.push(floor)
  }
  return highestFirst(merged)
}

/** A stolen key signed a version far above all honest ones, and today its signers do not meet the threshold. */
function wasFastForwarded({ signers, version }: VersionFloor, candidate: Candidate): boolean {
  const { keys, threshold } = candidate.keys
  return version - candidate.version > MAX_HONEST_LEAD && stillKeys(signers, keys) < threshold
}

/** Whenever `lower` would refuse a candidate, so would `higher`, unless `higher` counts as fast-forwarded. */
function makesNeedless(higher: VersionFloor, lower: VersionFloor): boolean {
  const lead = higher.version - lower.version
  return lead >= 0 && lead <= MAX_HONEST_LEAD && holdsAsLong(higher, lower)
}

/** `one` holds under all keys and thresholds under which `other` holds. */
function holdsAsLong(one: VersionFloor, other: VersionFloor): boolean {
  return (
    one.threshold <= other.threshold &&
    other.keys.every((id) => one.keys.includes(id)) &&
    other.signers.every((id) => one.signers.includes(id))
  )
}

function stillKeys(ids: readonly KeyId[], keys: ReadonlyMap<KeyId, unknown>): number {
  return ids.filter((id) => keys.has(id)).length
}

function highestFirst(floors: VersionFloor[]): VersionFloor[] {
  const sorted = floors.sort((one, other) => other.version - one.version)
  while (sorted.length > MAX_FLOORS_OF_A_ROLE) sorted.splice(leastNeeded(sorted), 1)
  return sorted
}

/**
 * Index of the floor to drop when there are too many: the lowest between two others that the same signers left, else the lowest
 * of all. If the lowest always went, a stolen key could drop the honest floors by raising the version again and again.
 */
function leastNeeded(sorted: readonly VersionFloor[]): number {
  const between = sorted.findLastIndex((floor, at) =>
    [sorted.slice(0, at), sorted.slice(at + 1)].every((side) =>
      side.some((other) => holdsAsLong(floor, other) && holdsAsLong(other, floor)),
    ),
  )
  return between === -1 ? sorted.length - 1 : between
}
