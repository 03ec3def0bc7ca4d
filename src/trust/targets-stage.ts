/**
 * The last stage: targets and delegations, which say which tag has which digest.
 * Source: notary 0.7.0 tuf/builder.go, client/tufclient.go.
 *
 * A signer's delegation that expired, or that too few keys signed, is left out with a warning, as in Notary. So is a
 * delegation whose content cannot be read or is too large: the key of one delegation must not deny the whole collection.
 * Stricter: `targets/releases`, which decides over tags, fails instead, or a tag would silently fall back to `targets`. Other
 * bytes than the snapshot names, and lower versions, are not caused by a signer and always fail.
 */
import { StaleError, UntrustedError } from '../errors.js'
import { MAX_DELEGATIONS } from '../metadata/limits.js'
import type { FileMeta, RoleKeys, RootMetadata, SnapshotMetadata, TargetsMetadata, TimestampMetadata } from '../metadata/model.js'
import { RELEASES_ROLE } from '../metadata/role-name.js'
import type { Anchor } from './anchor.js'
import { ALL_PATHS, delegationsOf, type GrantedDelegation } from './delegations.js'
import { admit, admitAgain, checkFile, type LoadContext, snapshotLoader, targetsLoader, timestampLoader } from './load.js'
import { acceptedForAnother } from './own-file.js'
import { forgotten, isOtherRolesFile, otherRolesFile, tooLarge } from './refusals.js'
import { canMeetThreshold } from './signatures.js'
import type { Trusted } from './trusted.js'
import { type RootStage, SnapshotStage, TimestampStage } from './trusted-metadata-set.js'

/** Names below `targets` in the longest chain of delegations (denial of service: each level waits for the one above). */
const MAX_DEPTH = 16

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
  readonly context: LoadContext
  readonly anchor: Anchor
  readonly timestamp: Trusted<TimestampMetadata>
  readonly snapshot: Trusted<SnapshotMetadata>
  /** `targets` first, then delegations by name in the order of loading. */
  readonly loaded: ReadonlyMap<string, LoadedTargets>
  readonly skipped: readonly SkippedDelegation[]

  private constructor(
    { context, anchor, timestamp, snapshot }: Pick<TargetsStage, 'context' | 'anchor' | 'timestamp' | 'snapshot'>,
    loaded: ReadonlyMap<string, LoadedTargets>,
    skipped: readonly SkippedDelegation[],
  ) {
    this.context = context
    this.anchor = anchor
    this.timestamp = timestamp
    this.snapshot = snapshot
    this.loaded = loaded
    this.skipped = skipped
  }

  /** Loads `targets` below a verified snapshot. @throws UntrustedError, StaleError */
  static load(snapshot: SnapshotStage, file: Uint8Array): TargetsStage {
    const { gun } = snapshot.context
    checkFile(file, snapshot.fileOf('targets'), { gun, role: 'targets' })
    const targets = loadRole(snapshot.context, 'targets', snapshot.anchor.chain.root.metadata.roles.targets, file)
    return new TargetsStage(snapshot, new Map(), []).#with(targets, ALL_PATHS)
  }

  /** Delegations of the roles loaded so far that are still to be loaded. Load them all, in any order, then ask again. */
  pending(): PendingDelegation[] {
    return this.#open().flatMap((delegation) => {
      const file = this.#fileOf(delegation.name)
      return file === undefined ? [] : [{ ...delegation, file }]
    })
  }

  /** @throws UntrustedError, StaleError: all errors but those that leave a signer out */
  loadDelegation(delegation: PendingDelegation, file: Uint8Array): TargetsStage {
    const { name, granted } = delegation
    checkFile(file, this.#fileOf(name), { gun: this.context.gun, role: name })
    try {
      return this.#with(loadRole(this.context, name, delegation, file), granted)
    } catch (cause) {
      return this.leaveOut(delegation, cause, file)
    }
  }

  /** The set without a signer whose delegation failed with `cause`. @throws `cause` where it does not leave a signer out */
  leaveOut({ name }: PendingDelegation, cause: unknown, file?: Uint8Array): TargetsStage {
    if (name === RELEASES_ROLE || !leavesSignerOut(cause)) throw cause
    return this.#skip({ role: name, reason: cause.message, ...(file === undefined ? {} : { file }) })
  }

  /**
   * The set of an earlier run under the same root, when the server still has the same timestamp: what was verified then
   * is still verified, so only time is judged. Undefined when a file has expired since, or the clock went back.
   */
  resumed(root: RootStage): TargetsStage | undefined {
    const { now } = root.context
    if (this.anchor.chain !== root.anchor.chain || !(now >= this.context.now)) return undefined
    if (!this.trusted().every(({ metadata }) => now < metadata.expires)) return undefined
    return this.#below(root)
  }

  /**
   * The same set under the floors of another root stage: another call accepted something while this set was verified.
   *
   * @throws UntrustedError ERR_VERSION_ROLLBACK, ERR_EQUIVOCATION when those floors refuse the set
   */
  readmitted(root: RootStage): TargetsStage {
    const { context } = root
    const { metadata } = root.anchor.chain.root
    admitAgain(context, timestampLoader(context.gun, metadata), this.timestamp)
    admitAgain(context, snapshotLoader(context.gun, metadata), this.snapshot)
    for (const [role, { trusted }] of this.loaded) {
      admitAgain(context, targetsLoader(context.gun, role, trusted.keys), trusted)
      checkOwnFile(context, trusted)
    }
    const stage = this.#below(root)
    for (const delegation of stage.#open()) if (stage.#fileOf(delegation.name) === undefined) stage.#checkForgotten(delegation)
    return stage
  }

  /** Everything in the set: root, timestamp, snapshot, targets, delegations. */
  trusted(): Trusted<RootMetadata | TimestampMetadata | SnapshotMetadata | TargetsMetadata>[] {
    const { anchor, timestamp, snapshot, loaded } = this
    return [anchor.chain.root, timestamp, snapshot, ...[...loaded.values()].map(({ trusted }) => trusted)]
  }

  /** Every file that this set was judged by, those of left-out delegations included: without them it cannot be judged again. */
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
  delegated(): GrantedDelegation[] {
    return [...this.loaded.values()].flatMap(({ delegations }) => delegations)
  }

  #below(root: RootStage): TargetsStage {
    const above = new SnapshotStage(new TimestampStage(root, this.timestamp), this.snapshot)
    return new TargetsStage(above, this.loaded, this.skipped)
  }

  /** What the snapshot declares of a role's file. */
  #fileOf(role: string): FileMeta | undefined {
    return this.snapshot.metadata.meta.get(role)
  }

  /** Delegations neither loaded nor left out. */
  #open(): GrantedDelegation[] {
    const skipped = new Set(this.skipped.map(({ role }) => role))
    return this.delegated().filter(({ name }) => !this.loaded.has(name) && !skipped.has(name))
  }

  /** With one more role. @throws UntrustedError ERR_METADATA_TOO_LARGE, ERR_VERSION_ROLLBACK */
  #with(trusted: Trusted<TargetsMetadata>, granted: readonly string[]): TargetsStage {
    const delegations = delegationsOf(trusted.metadata, granted)
    const { role } = trusted
    const count = this.delegated().length + delegations.length
    if (!(count <= MAX_DELEGATIONS)) {
      const { gun } = this.context
      throw tooLarge({ gun, role }, `with it ${count} delegations, at most ${MAX_DELEGATIONS}`, { delegations: count })
    }
    const loaded = new Map(this.loaded).set(role, { trusted, granted, delegations })
    return new TargetsStage(this, loaded, [...this.skipped, ...this.#unusable(delegations)])
  }

  /**
   * Delegations that no file can satisfy: a role with fewer keys than its threshold (Notary writes one without keys when its last
   * key is removed), or one nested too deeply.
   */
  #unusable(delegations: readonly GrantedDelegation[]): SkippedDelegation[] {
    const unusable: SkippedDelegation[] = []
    for (const delegation of delegations) {
      const { name, keys, threshold } = delegation
      if (this.#fileOf(name) === undefined) {
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
    const { gun, floors } = this.context
    const wasListed = floors.get(delegation.name)?.some(({ ended }) => ended === undefined)
    if (wasListed && canMeetThreshold(delegation)) throw forgotten({ gun, role: delegation.name })
  }

  #skip(skipped: SkippedDelegation): TargetsStage {
    return new TargetsStage(this, this.loaded, [...this.skipped, skipped])
  }
}

/** Errors that the holder of a delegation's key can cause in the file of that delegation. No other error counts as a missing signer. */
const LEAVES_SIGNER_OUT: ReadonlySet<string> = new Set([
  'ERR_SIGNATURE_THRESHOLD',
  'ERR_METADATA_MALFORMED',
  'ERR_METADATA_TOO_LARGE',
])

function leavesSignerOut(cause: unknown): cause is UntrustedError | StaleError {
  if (cause instanceof StaleError) return true
  return cause instanceof UntrustedError && (LEAVES_SIGNER_OUT.has(cause.code) || isOtherRolesFile(cause))
}

/** Loads a file that the snapshot names. */
function loadRole(context: LoadContext, role: string, keys: RoleKeys, file: Uint8Array): Trusted<TargetsMetadata> {
  const loaded = admit(context, targetsLoader(context.gun, role, keys), file)
  checkOwnFile(context, loaded)
  return loaded
}

/** Any signer can copy and sign the content of another role; that leaves her out, like a file that cannot be read. @throws UntrustedError ERR_EQUIVOCATION */
function checkOwnFile({ gun, floors }: LoadContext, trusted: Trusted<TargetsMetadata>): void {
  const other = acceptedForAnother(floors, trusted)
  if (other !== undefined) throw otherRolesFile({ gun, role: trusted.role }, other, trusted.metadata.version)
}
