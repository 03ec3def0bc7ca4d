/**
 * Targets and delegations: who says which tag is which digest. Source: notary 0.7.0 tuf/builder.go, client/tufclient.go.
 *
 * A signer's delegation that expired or that too few keys signed is left out, as Notary does, and said. So is one whose
 * content cannot be read or is too much: the key of one delegation must not deny the whole collection. Stricter:
 * `targets/releases`, which decides over tags, fails instead, or a tag would silently fall back to `targets`. Other bytes
 * than the snapshot names, and versions that count back, are no signer's doing and always fail.
 */
import { StaleError, UntrustedError } from '../errors.js'
import { MAX_DELEGATIONS } from '../metadata/limits.js'
import type { FileMeta, RoleKeys, RootMetadata, SnapshotMetadata, TargetsMetadata, TimestampMetadata } from '../metadata/model.js'
import { parentRole, RELEASES_ROLE } from '../metadata/role-name.js'
import { ALL_PATHS, delegationsOf, type GrantedDelegation } from './delegations.js'
import { admit, admitAgain, checkFile, floorLeft, type LoadContext } from './load.js'
import { targetsLoader } from './loaders.js'
import { acceptedForAnother } from './own-file.js'
import { forgotten, isOtherRolesFile, otherRolesFile, tooLarge } from './refusals.js'
import { canMeetThreshold } from './signatures.js'
import type { Trusted } from './trusted.js'
import type { SnapshotStage } from './trusted-metadata-set.js'
import { type VersionFloor, type VersionFloors, withAccepted } from './version-floors.js'

/** Names below `targets` in the longest chain of delegations (denial of service: each level waits for the one above). */
const MAX_DEPTH = 16

/** Roles that floors are kept of; delegations that ended go first. Stops a publisher from growing the floors without end. */
export const MAX_ROLES_WITH_FLOORS = 4096

/** Metadata of a targets role, and the names that it may speak for. */
export interface LoadedTargets {
  readonly trusted: Trusted<TargetsMetadata>
  readonly granted: readonly string[]
  /** Whom it delegates to, with the paths that are left of its own: worked out once. */
  readonly delegations: readonly GrantedDelegation[]
}

/** A delegation that has to be loaded. */
export interface PendingDelegation extends GrantedDelegation {
  /** What its file must be. */
  readonly file: FileMeta
}

/** A delegation that does not count today. */
export interface SkippedDelegation {
  readonly role: string
  readonly reason: string
  /** Its file, when there was one to judge: the very one that the snapshot names. */
  readonly file?: Uint8Array
}

/** Current targets, and the delegations loaded so far. */
export class TargetsStage {
  readonly above: SnapshotStage
  /** `targets` first, then delegations by name in the order of loading. */
  readonly loaded: ReadonlyMap<string, LoadedTargets>
  readonly skipped: readonly SkippedDelegation[]

  private constructor(above: SnapshotStage, loaded: ReadonlyMap<string, LoadedTargets>, skipped: readonly SkippedDelegation[]) {
    this.above = above
    this.loaded = loaded
    this.skipped = skipped
  }

  /** @throws UntrustedError, StaleError */
  static load(above: SnapshotStage, keys: RoleKeys, file: Uint8Array): TargetsStage {
    checkFile(file, above.fileOf('targets'), { gun: above.context.gun, role: 'targets' })
    const targets = loadRole(above, 'targets', keys, file)
    return new TargetsStage(above, new Map(), []).#with(targets, ALL_PATHS)
  }

  /** The same targets and delegations below the same snapshot, judged in a later run: see `RootStage.resume`. */
  under(above: SnapshotStage): TargetsStage {
    return new TargetsStage(above, this.loaded, this.skipped)
  }

  /** Delegations of the roles loaded so far that are still to be loaded. Load them all, in any order, then ask again. */
  pending(): PendingDelegation[] {
    return this.#open().flatMap((delegation) => {
      const file = this.above.fileOf(delegation.name)
      return file === undefined ? [] : [{ ...delegation, file }]
    })
  }

  /** @throws UntrustedError, StaleError: any but those that leave a signer out */
  loadDelegation(delegation: PendingDelegation, file: Uint8Array): TargetsStage {
    const { name, granted } = delegation
    checkFile(file, this.above.fileOf(name), { gun: this.above.context.gun, role: name })
    try {
      return this.#with(loadRole(this.above, name, delegation, file), granted)
    } catch (cause) {
      return this.leaveOut(delegation, cause, file)
    }
  }

  /** The set without a signer whom `cause` keeps from being heard. @throws `cause` where it does not leave a signer out */
  leaveOut({ name }: PendingDelegation, cause: unknown, file?: Uint8Array): TargetsStage {
    if (name === RELEASES_ROLE || !leavesSignerOut(cause)) throw cause
    return this.#skip({ role: name, reason: cause.message, ...(file === undefined ? {} : { file }) })
  }

  /** The same set below a snapshot whose context has other floors. @throws UntrustedError: see `RootStage.readmit` */
  readmitted(above: SnapshotStage): TargetsStage {
    const { context } = above
    for (const [role, { trusted }] of this.loaded) {
      admitAgain(context, targetsLoader(context.gun, role, trusted.keys), trusted)
      checkOwnFile(context, trusted)
    }
    const stage = new TargetsStage(above, this.loaded, this.skipped)
    for (const delegation of stage.#open()) if (above.fileOf(delegation.name) === undefined) stage.#checkForgotten(delegation)
    return stage
  }

  /**
   * Floors of all that was accepted, now and before. Those of a delegation that ended wait for one of that name, and go on
   * waiting until a file of it is accepted: a signer who was added again may sign much later.
   */
  floors(): VersionFloors {
    const { above } = this
    const { gun, floors: before } = above.context
    const leftOut = new Set(this.#delegated().flatMap(({ name }) => (this.loaded.has(name) ? [] : [name])))
    const floors = new Map<string, readonly VersionFloor[]>()
    for (const [role, known] of before) {
      const hasEnded = role.startsWith('targets/') && !withRolesAbove(role).some((name) => leftOut.has(name))
      floors.set(role, hasEnded ? marked(known, true) : known)
    }
    const accept = (role: string, floor: VersionFloor) =>
      floors.set(role, withAccepted(marked(before.get(role) ?? [], false), floor))
    floors.set('root', [above.above.above.floor])
    accept('timestamp', above.above.floor)
    accept('snapshot', above.floor)
    for (const [role, { trusted }] of this.loaded) accept(role, floorLeft(gun, targetsLoader(gun, role, trusted.keys), trusted))
    for (const [role, [floor]] of floors) {
      if (floors.size <= MAX_ROLES_WITH_FLOORS) break
      if (floor?.ended) floors.delete(role)
    }
    return floors
  }

  /** Everything in the set: root, timestamp, snapshot, targets, delegations. */
  trusted(): Trusted<RootMetadata | TimestampMetadata | SnapshotMetadata | TargetsMetadata>[] {
    const { snapshot, above } = this.above
    return [above.above.anchor.chain.root, above.timestamp, snapshot, ...[...this.loaded.values()].map(({ trusted }) => trusted)]
  }

  /** Every file that this set was judged by, those of delegations left out too: without them it could not be judged again. */
  files(): Map<string, Uint8Array> {
    const judged = [...this.trusted(), ...this.skipped]
    return new Map(judged.flatMap(({ role, file }) => (file === undefined ? [] : [[role, file]])))
  }

  /** The earliest expiry of root, timestamp, snapshot, targets and the given role; ms since 1970. */
  expires(role: string): number {
    const counted = this.trusted().filter((trusted) => !trusted.role.startsWith('targets/') || trusted.role === role)
    return Math.min(...counted.map(({ metadata }) => metadata.expires))
  }

  /** Delegations of every loaded role, nearest first. */
  #delegated(): GrantedDelegation[] {
    return [...this.loaded.values()].flatMap(({ delegations }) => delegations)
  }

  /** Those neither loaded nor left out. */
  #open(): GrantedDelegation[] {
    const skipped = new Set(this.skipped.map(({ role }) => role))
    return this.#delegated().filter(({ name }) => !this.loaded.has(name) && !skipped.has(name))
  }

  /** With one more role. @throws UntrustedError ERR_METADATA_TOO_LARGE, ERR_VERSION_ROLLBACK */
  #with(trusted: Trusted<TargetsMetadata>, granted: readonly string[]): TargetsStage {
    const delegations = delegationsOf(trusted.metadata, granted)
    const { role } = trusted
    const count = this.#delegated().length + delegations.length
    if (!(count <= MAX_DELEGATIONS)) {
      const { gun } = this.above.context
      throw tooLarge({ gun, role }, `with it ${count} delegations, at most ${MAX_DELEGATIONS}`, { delegations: count })
    }
    const loaded = new Map(this.loaded).set(role, { trusted, granted, delegations })
    return new TargetsStage(this.above, loaded, [...this.skipped, ...this.#unusable(delegations)])
  }

  /**
   * What cannot be loaded whatever its file is: a role with fewer keys than its threshold (Notary writes one without keys when
   * its last key is removed), or one too far down.
   */
  #unusable(delegations: readonly GrantedDelegation[]): SkippedDelegation[] {
    const unusable: SkippedDelegation[] = []
    for (const delegation of delegations) {
      const { name, keys, threshold } = delegation
      if (this.above.fileOf(name) === undefined) {
        this.#checkForgotten(delegation)
        continue
      }
      // A releases role with some keys, but too few, is broken, not absent: loading it says so.
      const counts = canMeetThreshold(delegation) || (name === RELEASES_ROLE && keys.size > 0)
      if (!counts) unusable.push({ role: name, reason: `it has ${keys.size} keys and a threshold of ${threshold}` })
      else if (name.split('/').length > MAX_DEPTH + 1)
        unusable.push({ role: name, reason: `it is too deep, more than ${MAX_DEPTH} delegations below targets` })
    }
    return unusable
  }

  /** Only the parent may end a delegation, whatever keys it has now. */
  #checkForgotten(delegation: GrantedDelegation): void {
    const { gun, floors } = this.above.context
    const wasListed = floors.get(delegation.name)?.some(({ ended }) => ended === undefined)
    if (wasListed && canMeetThreshold(delegation)) throw forgotten({ gun, role: delegation.name })
  }

  #skip(skipped: SkippedDelegation): TargetsStage {
    return new TargetsStage(this.above, this.loaded, [...this.skipped, skipped])
  }
}

/** What the holder of a delegation's key can do to the file of that delegation. Everything else must not pass for a missing signer. */
const LEAVES_SIGNER_OUT: ReadonlySet<string> = new Set([
  'ERR_SIGNATURE_THRESHOLD',
  'ERR_METADATA_MALFORMED',
  'ERR_METADATA_TOO_LARGE',
])

function leavesSignerOut(cause: unknown): cause is UntrustedError | StaleError {
  if (cause instanceof StaleError) return true
  return cause instanceof UntrustedError && (LEAVES_SIGNER_OUT.has(cause.code) || isOtherRolesFile(cause))
}

/** A file that is the one that the snapshot names. */
function loadRole(above: SnapshotStage, role: string, keys: RoleKeys, file: Uint8Array): Trusted<TargetsMetadata> {
  const { gun } = above.context
  const loaded = admit(above.context, above.budget.counting(gun, targetsLoader(gun, role, keys)), file)
  checkOwnFile(above.context, loaded)
  return loaded
}

/** Any signer can copy what another role says and sign it, so that leaves her out like a file of hers that cannot be read. @throws UntrustedError ERR_EQUIVOCATION */
function checkOwnFile({ gun, floors }: LoadContext, trusted: Trusted<TargetsMetadata>): void {
  const other = acceptedForAnother(floors, trusted)
  if (other !== undefined) throw otherRolesFile({ gun, role: trusted.role }, other, trusted.metadata.version)
}

/** `targets/a/b` -> `targets/a/b`, `targets/a`. */
function withRolesAbove(role: string): string[] {
  const names: string[] = []
  for (let name = role; name !== 'targets'; name = parentRole(name)) names.push(name)
  return names
}

function marked(floors: readonly VersionFloor[], isEnded: boolean): VersionFloor[] {
  return floors.map(({ ended: _, ...floor }) => (isEnded ? { ...floor, ended: true } : floor))
}
