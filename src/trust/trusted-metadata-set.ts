/**
 * The trusted metadata set, one stage after the other: root, timestamp, snapshot, targets and delegations.
 *
 * Invariants of every load, in this order (TUF 1.0.33 sections 5.4 to 5.6; notary 0.7.0 tuf/builder.go):
 *  1. length and hashes are those that the role above signed (nothing stands above the timestamp);
 *  2. enough different keys of the role, as the verified role above lists them, signed;
 *  3. the version is not below any floor, and an equal version has the equal content;
 *  4. the file has not expired at the one `now` of the run.
 * Stages are immutable, and each can be had only from the one before: the wrong order does not compile, and going back
 * to the root forgets what stood below. Nothing here reads a clock, a disk or a network.
 */
import type { FileMeta, SnapshotMetadata, TimestampMetadata } from '../metadata/model.js'
import { RELEASES_ROLE } from '../metadata/role-name.js'
import type { Anchor } from './anchor.js'
import type { Budget } from './budget.js'
import { admit, admitAgain, checkFile, floorLeft, type LoadContext } from './load.js'
import { rootFloor, snapshotLoader, timestampLoader } from './loaders.js'
import { brokenRotation, equivocation, rollback } from './refusals.js'
import { TargetsStage } from './targets-stage.js'
import type { Trusted } from './trusted.js'
import type { VersionFloor } from './version-floors.js'

/** Files asked for before it is certain that they are wanted: a snapshot may list roles that nobody delegates to any more. */
const MAX_PREFETCHED = 16

/** Bytes of such files: what nobody delegates to must not use up what the refresh may cost. */
const MAX_PREFETCHED_BYTES = 8 * 1024 * 1024

/** A root that stands up today. */
export class RootStage {
  readonly context: LoadContext
  readonly anchor: Anchor

  /** @throws UntrustedError ERR_VERSION_ROLLBACK, ERR_EQUIVOCATION, ERR_ROOT_ROTATION when an older or another root stands where a newer was */
  constructor(context: LoadContext, anchor: Anchor) {
    this.context = context
    this.anchor = anchor
    this.#checkFloor()
  }

  /** The floor that this root leaves. */
  get floor(): VersionFloor {
    return rootFloor(this.context.gun, this.anchor.chain.root)
  }

  /** @throws UntrustedError, StaleError */
  loadTimestamp(file: Uint8Array): TimestampStage {
    const { gun } = this.context
    const { budget, root } = this.anchor.chain
    return new TimestampStage(this, admit(this.context, budget.counting(gun, timestampLoader(gun, root.metadata)), file))
  }

  /**
   * The set of an earlier run under the same root, when the server still has the same timestamp: what was verified then
   * still is, so only time is judged. Undefined when something in it has expired since, or the clock went back.
   */
  resume(stage: TargetsStage): TargetsStage | undefined {
    const { timestamp, above } = stage.above.above
    const { now } = this.context
    if (above.anchor.chain !== this.anchor.chain || !(now >= above.context.now)) return undefined
    if (!stage.trusted().every(({ metadata }) => now < metadata.expires)) return undefined
    return stage.under(new SnapshotStage(new TimestampStage(this, timestamp), stage.above.snapshot))
  }

  /**
   * The same set under other floors: others accepted something while it was verified.
   *
   * @throws UntrustedError ERR_VERSION_ROLLBACK, ERR_EQUIVOCATION when the set is not what it was any more
   */
  readmit(stage: TargetsStage): TargetsStage {
    const { context, anchor } = this
    const { metadata } = anchor.chain.root
    const { snapshot, above } = stage.above
    const timestamp = admitAgain(context, timestampLoader(context.gun, metadata), above.timestamp)
    admitAgain(context, snapshotLoader(context.gun, metadata), snapshot)
    return stage.readmitted(new SnapshotStage(new TimestampStage(this, timestamp), snapshot))
  }

  /** Floors of a root never become void: its keys change only along the chain, and the chain only goes up. */
  #checkFloor(): void {
    const subject = { gun: this.context.gun, role: 'root' }
    const { version, content, keys } = this.floor
    const [before] = this.context.floors.get('root') ?? []
    if (before === undefined || version > before.version) return
    if (version < before.version) throw rollback(subject, version, before.version)
    if (content === before.content) return
    if (keys.join() === before.keys.join()) throw equivocation(subject, version, before.content, content)
    throw brokenRotation(subject.gun, `root version ${version} is not the one that was accepted before`, {
      version,
      accepted: before.content,
      offered: content,
    })
  }
}

/** A current timestamp: it names the snapshot. */
export class TimestampStage {
  readonly above: RootStage
  readonly timestamp: Trusted<TimestampMetadata>

  constructor(above: RootStage, timestamp: Trusted<TimestampMetadata>) {
    this.above = above
    this.timestamp = timestamp
  }

  get floor(): VersionFloor {
    return floorLeft(
      this.above.context.gun,
      timestampLoader(this.above.context.gun, this.above.anchor.chain.root.metadata),
      this.timestamp,
    )
  }

  /** What the snapshot file must be. */
  get snapshotFile(): FileMeta {
    return this.timestamp.metadata.snapshot
  }

  /** @throws UntrustedError, StaleError */
  loadSnapshot(file: Uint8Array): SnapshotStage {
    const { context, anchor } = this.above
    const { gun } = context
    checkFile(file, this.snapshotFile, { gun, role: 'snapshot' })
    const { budget, root } = anchor.chain
    const snapshot = admit(context, budget.counting(gun, snapshotLoader(gun, root.metadata)), file)
    checkFile(root.file, snapshot.metadata.meta.get('root'), { gun, role: 'root' })
    return new SnapshotStage(this, snapshot)
  }
}

/** A current snapshot: it names targets and delegations, and the very root that is in use. */
export class SnapshotStage {
  readonly above: TimestampStage
  readonly snapshot: Trusted<SnapshotMetadata>

  constructor(above: TimestampStage, snapshot: Trusted<SnapshotMetadata>) {
    this.above = above
    this.snapshot = snapshot
  }

  get context(): LoadContext {
    return this.above.above.context
  }

  get floor(): VersionFloor {
    return floorLeft(
      this.context.gun,
      snapshotLoader(this.context.gun, this.above.above.anchor.chain.root.metadata),
      this.snapshot,
    )
  }

  /** What the file of a targets role must be; undefined when it was never published. */
  fileOf(role: string): FileMeta | undefined {
    return this.snapshot.metadata.meta.get(role)
  }

  /** What the refresh may still cost. */
  get budget(): Budget {
    return this.above.above.anchor.chain.budget
  }

  /** Files that will most likely be wanted next: targets and, unless they are very many or long, the delegations. */
  prefetchable(): [string, FileMeta][] {
    const isCertain = (role: string) => role === 'targets' || role === RELEASES_ROLE
    const listed = [...this.snapshot.metadata.meta]
    const certain = listed.filter(([role]) => isCertain(role))
    const others = listed.filter(([role]) => role.startsWith('targets/') && !isCertain(role))
    const bytes = others.reduce((sum, [, { length }]) => sum + length, 0)
    const isLittle = certain.length + others.length <= MAX_PREFETCHED && bytes <= MAX_PREFETCHED_BYTES
    return isLittle ? [...certain, ...others] : certain
  }

  /** @throws UntrustedError, StaleError */
  loadTargets(file: Uint8Array): TargetsStage {
    return TargetsStage.load(this, this.above.above.anchor.chain.root.metadata.roles.targets, file)
  }
}
