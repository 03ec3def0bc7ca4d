/**
 * The cache on disk, in the layout of docker and notary, which can share it:
 * `<trust dir>/tuf/<GUN>/metadata/{root,timestamp,snapshot,targets}.json`, `.../targets/<delegation>.json`.
 * The version floors are in `<trust dir>/dct/<encoded GUN>.json`.
 */
import { join } from 'node:path'
import { CollectionFiles } from './collection-files.js'
import { collectionsIn } from './listing.js'
import { lockState, withLock } from './lock.js'
import type { CacheChanges, CachedCollection, CommitOutcome, MetadataStore } from './metadata-store.js'
import { UnreadableFile } from './safe-file.js'

/** How often a read starts over because another process wrote meanwhile. After that it may return a mixture, with an old revision. */
const MAX_READS = 20

/** A store in a folder such as `~/.docker/trust`, which the first commit makes. */
export function createFileStore(trustDirectory: string): MetadataStore {
  return new FileStore(trustDirectory)
}

class FileStore implements MetadataStore {
  readonly #base: string

  constructor(trustDirectory: string) {
    this.#base = trustDirectory
  }

  async read(gun: string): Promise<CachedCollection> {
    const files = new CollectionFiles(this.#base, gun)
    for (let reads = 1; ; reads++) {
      const revision = await orNothing(files.revision())
      const { metadata, unreadable } = await files.metadata()
      const [floors, journal, lock] = await Promise.all([
        files.floors(),
        orNothing(files.journal()),
        orNothing(lockState(files.lock)),
      ])
      if (revision !== (await orNothing(files.revision())) && reads < MAX_READS) continue
      for (const [role, bytes] of journal?.metadata ?? []) {
        metadata.set(role, bytes)
        unreadable.delete(role)
      }
      const isUnfinished = lock === 'abandoned' || (lock === 'free' && journal !== undefined)
      return {
        metadata,
        unreadable,
        ...floorsIn(journal?.floors ?? floors),
        ...(isUnfinished ? { isUnfinished } : {}),
        ...(revision === undefined ? {} : { revision }),
      }
    }
  }

  async commit(gun: string, { metadata, floors }: CacheChanges, revision: string | undefined): Promise<CommitOutcome> {
    const files = new CollectionFiles(this.#base, gun)
    const changed = await files.makeOwnFolder()
    return withLock(files.lock, async (lock) => {
      if ((await files.revision()) !== revision) return 'conflict'
      const left = await files.journal()
      await files.sweep(lock.inherited || left !== undefined)
      if (left !== undefined) await files.carryOut(left, lock)
      // A single file is replaced as a whole, and a collection without a root does not count. Other commits need the journal.
      const isFirst = revision === undefined && metadata.has('root')
      if (metadata.size > 1 && !isFirst) await files.writeJournal({ metadata, floors }, lock)
      await files.carryOut({ metadata, floors }, lock, changed)
      return 'written'
    })
  }

  async forget(gun: string): Promise<boolean> {
    const files = new CollectionFiles(this.#base, gun)
    if ((await files.ownFolder()) === undefined) return files.remove()
    return withLock(files.lock, async (lock) => {
      await files.sweep(lock.inherited)
      return files.remove()
    })
  }

  revision(gun: string): Promise<string | undefined> {
    return new CollectionFiles(this.#base, gun).revision()
  }

  async list(): Promise<string[]> {
    return (await collectionsIn(join(this.#base, 'tuf'))).sort()
  }
}

/** Undefined for a file beside the metadata that cannot be read: a reader goes on without it, a writer stops. */
async function orNothing<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found
  } catch (cause) {
    if (cause instanceof UnreadableFile) return undefined
    throw cause
  }
}

function floorsIn(record: Uint8Array | UnreadableFile | undefined): Pick<CachedCollection, 'floors' | 'floorsUnreadable'> {
  if (record === undefined) return {}
  return record instanceof UnreadableFile ? { floorsUnreadable: record.message } : { floors: record }
}
