/**
 * The first stages of the trusted metadata set: root, timestamp, snapshot. Targets and delegations follow in targets-stage.ts.
 *
 * Every load makes these checks, in this order (TUF 1.0.33 sections 5.4 to 5.6; notary 0.7.0 tuf/builder.go):
 *  1. length and hashes are those that the role above signed (no role signs those of the timestamp);
 *  2. enough different keys of the role, as the verified role above lists them, signed;
 *  3. the version is not below any floor, and an equal version has the equal content;
 *  4. the file has not expired at the one `now` of the run.
 * Stages are immutable, and each is made from the one before: the wrong order does not compile, and going back to the root
 * forgets all later stages. Nothing here reads a clock, a disk or a network.
 */
import type { FileMeta, SnapshotMetadata, TimestampMetadata } from '../metadata/model.js'
import { RELEASES_ROLE } from '../metadata/role-name.js'
import type { Anchor } from './anchor.js'
import { admit, checkFile, type LoadContext, rootFloor, snapshotLoader, timestampLoader } from './load.js'
import { brokenRotation, equivocation, rollback } from './refusals.js'
import type { Trusted } from './trusted.js'

/** Files asked for before it is certain that they are needed: a snapshot may list roles that are no longer delegated. */
const MAX_PREFETCHED = 16

/** Bytes of such files: files of roles that are not delegated must not use up the budget of the refresh. */
const MAX_PREFETCHED_BYTES = 8 * 1024 * 1024

/** A root that is valid today. */
export class RootStage {
  readonly context: LoadContext
  readonly anchor: Anchor

  /** @throws UntrustedError ERR_VERSION_ROLLBACK, ERR_EQUIVOCATION, ERR_ROOT_ROTATION when a newer or another root was accepted before */
  constructor(context: LoadContext, anchor: Anchor) {
    this.context = context
    this.anchor = anchor
    this.#checkFloor()
  }

  /** @throws UntrustedError, StaleError */
  loadTimestamp(file: Uint8Array): TimestampStage {
    const { context, anchor } = this
    return new TimestampStage(this, admit(context, timestampLoader(context.gun, anchor.chain.root.metadata), file))
  }

  /** Floors of a root never become void: its keys change only along the chain, and versions of the chain only increase. */
  #checkFloor(): void {
    const { gun, floors } = this.context
    const { version, content, keys } = rootFloor(gun, this.anchor.chain.root)
    // One after a refresh; several when lists of different sources were merged.
    for (const before of floors.get('root') ?? []) {
      if (version > before.version) continue
      if (version < before.version) throw rollback({ gun, role: 'root' }, version, before.version)
      if (content === before.content) continue
      if (keys.join() === before.keys.join()) throw equivocation({ gun, role: 'root' }, version, before.content, content)
      throw brokenRotation(gun, `root version ${version} is not the one that was accepted before`, {
        version,
        accepted: before.content,
        offered: content,
      })
    }
  }
}

/** A current timestamp: it names the snapshot. */
export class TimestampStage {
  readonly context: LoadContext
  readonly anchor: Anchor
  readonly timestamp: Trusted<TimestampMetadata>

  constructor({ context, anchor }: RootStage, timestamp: Trusted<TimestampMetadata>) {
    this.context = context
    this.anchor = anchor
    this.timestamp = timestamp
  }

  /** What the snapshot file must be. */
  get snapshotFile(): FileMeta {
    return this.timestamp.metadata.snapshot
  }

  /** @throws UntrustedError, StaleError */
  loadSnapshot(file: Uint8Array): SnapshotStage {
    const { gun } = this.context
    const { root } = this.anchor.chain
    checkFile(file, this.snapshotFile, { gun, role: 'snapshot' })
    const snapshot = admit(this.context, snapshotLoader(gun, root.metadata), file)
    checkFile(root.file, snapshot.metadata.meta.get('root'), { gun, role: 'root' })
    return new SnapshotStage(this, snapshot)
  }
}

/** A current snapshot: it names the files of targets and delegations, and the exact root that is in use. */
export class SnapshotStage {
  readonly context: LoadContext
  readonly anchor: Anchor
  readonly timestamp: Trusted<TimestampMetadata>
  readonly snapshot: Trusted<SnapshotMetadata>

  constructor({ context, anchor, timestamp }: TimestampStage, snapshot: Trusted<SnapshotMetadata>) {
    this.context = context
    this.anchor = anchor
    this.timestamp = timestamp
    this.snapshot = snapshot
  }

  /** What the file of a targets role must be; undefined when it was never published. */
  fileOf(role: string): FileMeta | undefined {
    return this.snapshot.metadata.meta.get(role)
  }

  /** Files that will most likely be needed next: targets and, unless they are many or long, the delegations. */
  prefetchable(): [string, FileMeta][] {
    const isCertain = (role: string) => role === 'targets' || role === RELEASES_ROLE
    const listed = [...this.snapshot.metadata.meta]
    const certain = listed.filter(([role]) => isCertain(role))
    const others = listed.filter(([role]) => role.startsWith('targets/') && !isCertain(role))
    const bytes = others.reduce((sum, [, { length }]) => sum + length, 0)
    const isLittle = certain.length + others.length <= MAX_PREFETCHED && bytes <= MAX_PREFETCHED_BYTES
    return isLittle ? [...certain, ...others] : certain
  }
}
