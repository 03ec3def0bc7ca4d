/** A cache that ends with the process. */
import type { CacheChanges, CachedCollection, MetadataStore } from './metadata-store.js'

/** For tests, and for processes that must not write to disk. Version floors end with it too. */
export function createMemoryStore(): MetadataStore {
  const collections = new Map<string, { metadata: Map<string, Uint8Array>; floors: Uint8Array; stamp: string }>()
  let commits = 0
  return {
    read(gun: string): Promise<CachedCollection> {
      const kept = collections.get(gun)
      if (kept === undefined) return Promise.resolve({ metadata: new Map(), unreadable: new Map() })
      return Promise.resolve({ metadata: new Map(kept.metadata), floors: kept.floors, unreadable: new Map() })
    },
    commit(gun: string, { metadata, floors, isSuperseded }: CacheChanges): Promise<void> {
      const kept = collections.get(gun)
      if (!isSuperseded({ metadata: new Map(), ...kept, unreadable: new Map() })) {
        collections.set(gun, { metadata: new Map([...(kept?.metadata ?? []), ...metadata]), floors, stamp: String(++commits) })
      }
      return Promise.resolve()
    },
    forget(gun: string): Promise<boolean> {
      return Promise.resolve(collections.delete(gun))
    },
    stamp(gun: string): Promise<string | undefined> {
      return Promise.resolve(collections.get(gun)?.stamp)
    },
    list(): Promise<string[]> {
      return Promise.resolve([...collections.keys()].sort())
    },
  }
}
