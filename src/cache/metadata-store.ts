/**
 * The interface of stores, which keep verified metadata between runs. A store keeps bytes only: the client verifies them again
 * when it reads them.
 *
 * Writers do not wait for each other: a commit names the revision that it is based on, and writes nothing when the store has
 * another one.
 */

/** What a store holds of one collection. */
export interface CachedCollection {
  /** Files as served, by role: `root`, `timestamp`, `snapshot`, `targets`, `targets/releases`, ... */
  readonly metadata: ReadonlyMap<string, Uint8Array>
  /** Roles whose file exists and cannot be read, with the reason. */
  readonly unreadable: ReadonlyMap<string, string>
  /** The version floors, if they were ever written; see `trust/version-floors.ts`. */
  readonly floors?: Uint8Array
  /** Why the floors exist and cannot be read. */
  readonly floorsUnreadable?: string
  /** A writer died while it wrote. The next commit repairs that, so commit even when nothing else changed. */
  readonly isUnfinished?: boolean
  /** Changes whenever root, timestamp or floors change, and never has the same value again. Undefined when nothing is kept. */
  readonly revision?: string
}

/** The files of a verified refresh. */
export interface CacheChanges {
  /** Only files that changed. */
  readonly metadata: ReadonlyMap<string, Uint8Array>
  readonly floors: Uint8Array
}

/** `conflict`: the collection changed since it was read, and nothing was written. */
export type CommitOutcome = 'written' | 'conflict'

/** A cache. Its methods reject with the error of the medium. */
export interface MetadataStore {
  /** Reads everything that is kept of a collection; empty maps when nothing is kept. */
  read(gun: string): Promise<CachedCollection>
  /**
   * Writes all changes if the collection still has this revision, else nothing. An interrupted write must not leave half a file.
   */
  commit(gun: string, changes: CacheChanges, revision: string | undefined): Promise<CommitOutcome>
  /** Removes metadata and floors; false when there were none. */
  forget(gun: string): Promise<boolean>
  /** Reads the revision alone. Optional, for stores where that is cheaper than `read`. */
  revision?(gun: string): Promise<string | undefined>
  /** The GUNs of all collections in the store, ascending. */
  list(): Promise<string[]>
}
