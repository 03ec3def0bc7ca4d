/**
 * Version floors: the highest version accepted of each role, the memory that rollback protection rests on. They are kept apart
 * from the metadata, so that a deleted or spoiled file does not forget them.
 *
 * A role may have several floors, each recorded under the keys and by the signers of its time; every one that still holds
 * counts. Without that, a key that was taken away, or a version pushed up by a stolen key, would make the older floor forgotten.
 * Why these rules: docs/decisions/0014.
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
  /** Those that did, ascending. */
  readonly signers: readonly KeyId[]
  /** Hexadecimal SHA-256 of the file itself. */
  readonly file: string
  /** The role is delegated to no longer: the floor waits for a delegation of that name. */
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
 * Versions that a floor may lie above what is offered before it counts as pushed up by a stolen key (fast-forward attack): a
 * publisher who signs every minute needs two years for as many. Such a floor falls once its signers no longer suffice.
 */
export const MAX_HONEST_LEAD = 1_000_000

/** Floors of one role; keys that change again and again would make the list grow without end. See `leastNeeded`. */
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
 * another key, or raising the threshold, must not reopen the past.
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

/** The floors of a role once another was accepted. */
export function withAccepted(floors: readonly VersionFloor[], accepted: VersionFloor): VersionFloor[] {
  return highestFirst([accepted, ...floors.filter((floor) => !makesNeedless(accepted, floor))])
}

/** The floors of a role, raised by what a cache holds. What is known of a version is not replaced by that. */
export function withCached(floors: readonly VersionFloor[], cached: VersionFloor): readonly VersionFloor[] {
  const isKnown = floors.some((floor) => floor.version === cached.version || makesNeedless(floor, cached))
  return isKnown ? floors : withAccepted(floors, cached)
}

/** A stolen key signed a version so high that nothing honest is above it, and by now its signers are not enough any more. */
function wasFastForwarded({ signers, version }: VersionFloor, candidate: Candidate): boolean {
  const { keys, threshold } = candidate.keys
  return version - candidate.version > MAX_HONEST_LEAD && stillKeys(signers, keys) < threshold
}

/** Whenever `lower` would refuse something, so would `higher`. */
function makesNeedless(higher: VersionFloor, lower: VersionFloor): boolean {
  const lead = higher.version - lower.version
  return (
    lead >= 0 &&
    lead <= MAX_HONEST_LEAD &&
    higher.threshold <= lower.threshold &&
    lower.keys.every((id) => higher.keys.includes(id)) &&
    lower.signers.every((id) => higher.signers.includes(id))
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
 * Which one goes when there are too many: the lowest between two others that the same signers left, else the lowest of all. A
 * stolen key that pushes the version up again and again would drive out what was accepted before, if the lowest always went.
 */
function leastNeeded(sorted: readonly VersionFloor[]): number {
  const between = sorted.findLastIndex((floor, at) =>
    [sorted.slice(0, at), sorted.slice(at + 1)].every((side) => side.some((other) => isOfSameSigners(floor, other))),
  )
  return between === -1 ? sorted.length - 1 : between
}

function isOfSameSigners(one: VersionFloor, other: VersionFloor): boolean {
  return one.threshold === other.threshold && one.keys.join() === other.keys.join() && one.signers.join() === other.signers.join()
}
