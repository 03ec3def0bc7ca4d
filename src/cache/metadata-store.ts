/** Where verified metadata rests between runs. A store keeps bytes and never judges them: all are verified again when read. */

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
  /** Somebody died while writing here: worth a commit even when nothing else is. */
  readonly isUnfinished?: boolean
}

/** What a verified refresh leaves. */
export interface CacheChanges {
  /** Only files that changed. */
  readonly metadata: ReadonlyMap<string, Uint8Array>
  readonly floors: Uint8Array
  /**
   * Asked right before writing, with what lies there now (of the metadata at least root and timestamp): when another
   * process got further meanwhile, nothing is to be written.
   */
  readonly isSuperseded: (now: CachedCollection) => boolean
}

/** A cache. Methods reject with whatever the medium says; the caller decides what that means. */
export interface MetadataStore {
  /** All that is kept of a collection; empty maps when it is nothing. */
  read(gun: string): Promise<CachedCollection>
  /** Keeps all of it, unless superseded; an interrupted write must not leave half a file. */
  commit(gun: string, changes: CacheChanges): Promise<void>
  /** Forgets metadata and floors; false when there were none. */
  forget(gun: string): Promise<boolean>
  /**
   * Something that changes whenever root, timestamp or floors change, cheaper than reading them; undefined when nothing is
   * kept. A store without it is read instead.
   */
  stamp?(gun: string): Promise<string | undefined>
  /** GUNs that something is kept of, ascending. */
  list(): Promise<string[]>
}
