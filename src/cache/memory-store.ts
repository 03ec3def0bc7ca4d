/** A cache in memory. */
import type { CacheChanges, CachedCollection, CommitOutcome, MetadataStore } from './metadata-store.js'

/** A store for tests, and for processes that must not write to disk. Its version floors end with the process too. */
export function createMemoryStore(): MetadataStore {
  const collections = new Map<string, Omit<CachedCollection, 'unreadable'>>()
  let commits = 0
  return {
    read(gun: string): Promise<CachedCollection> {
      const kept = collections.get(gun)
      return Promise.resolve({ ...kept, metadata: new Map(kept?.metadata), unreadable: new Map() })
    },
    commit(gun: string, { metadata, floors }: CacheChanges, revision: string | undefined): Promise<CommitOutcome> {
      const kept = collections.get(gun)
      if (kept?.revision !== revision) return Promise.resolve('conflict')
      collections.set(gun, { metadata: new Map([...(kept?.metadata ?? []), ...metadata]), floors, revision: String(++commits) })
      return Promise.resolve('written')
    },
    forget(gun: string): Promise<boolean> {
      return Promise.resolve(collections.delete(gun))
    },
    revision(gun: string): Promise<string | undefined> {
      return Promise.resolve(collections.get(gun)?.revision)
    },
    list(): Promise<string[]> {
      return Promise.resolve([...collections.keys()].sort())
    },
  }
}
