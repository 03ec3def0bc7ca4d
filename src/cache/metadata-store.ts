/**
 * Where verified metadata rests between runs. A store keeps bytes and never judges them: all are verified again when read.
 *
 * Writers do not wait for each other: a commit names the revision that it was made from, and writes nothing when the store
 * holds another one by then.
 */

/** What lies there of one collection. */
export interface CachedCollection {
  /** Files as served, by role: `root`, `timestamp`, `snapshot`, `targets`, `targets/releases`, ... */
  readonly metadata: ReadonlyMap<string, Uint8Array>
  /** Roles whose file is there and cannot be read, with the reason. */
  readonly unreadable: ReadonlyMap<string, string>
  /** The version floors, if they were ever written; see `trust/version-floors.ts`. */
  readonly floors?: Uint8Array
  /** Why the floors cannot be read, when they are there. */
  readonly floorsUnreadable?: string
  /** A writer died while it wrote here: worth a commit even when nothing else is. */
  readonly isUnfinished?: boolean
  /** Changes whenever root, timestamp or floors change; never the same again. Undefined when nothing is kept. */
  readonly revision?: string
}

/** What a verified refresh leaves. */
export interface CacheChanges {
  /** Only files that changed. */
  readonly metadata: ReadonlyMap<string, Uint8Array>
  readonly floors: Uint8Array
}

/** `conflict`: the collection changed since it was read, and nothing was written. */
export type CommitOutcome = 'written' | 'conflict'

/** A cache. Methods reject with whatever the medium says; the caller decides what that means. */
export interface MetadataStore {
  /** All that is kept of a collection; empty maps when it is nothing. */
  read(gun: string): Promise<CachedCollection>
  /**
   * Keeps all of it if the collection still has this revision, or nothing of it. An interrupted write must not leave half a file.
   */
  commit(gun: string, changes: CacheChanges, revision: string | undefined): Promise<CommitOutcome>
  /** Forgets metadata and floors; false when there were none. */
  forget(gun: string): Promise<boolean>
  /** The revision alone, where that is cheaper than reading. A store without it is read instead. */
  revision?(gun: string): Promise<string | undefined>
  /** GUNs that something is kept of, ascending. */
  list(): Promise<string[]>
}
