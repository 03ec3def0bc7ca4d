/** What to do when the cache is not any more what it was when the refresh began: another process, ours or Docker's, was faster. */
import { sameIfThere } from '../bytes.js'
import type { CacheChanges, CachedCollection, MetadataStore } from '../cache/metadata-store.js'
import { UntrustedError } from '../errors.js'
import { raiseFloors } from '../trust/cached-floors.js'
import { RootChain } from '../trust/root-chain.js'
import { decodeFloors, isNewer, type VersionFloor, type VersionFloors } from '../trust/version-floors.js'
import type { CachedState } from './cached-state.js'
import { Overtaken } from './overtaken.js'

/** What a refresh is about to write. */
export interface Outcome {
  readonly root: Uint8Array | undefined
  readonly floors: VersionFloors
}

/**
 * True when what lies there now is newer than the outcome, so that nothing is to be written.
 *
 * @throws Overtaken when they do not go together: another root was pinned, the root was forgotten, or a role is newer there
 * though the whole is older
 * @throws Error when nobody can tell
 */
export function isSupersededBy(now: CachedCollection, gun: string, before: CachedState, outcome: Outcome): boolean {
  const reason = now.unreadable.get('root')
  if (reason !== undefined) throw new Error(reason)
  const root = now.metadata.get('root')
  if (!sameIfThere(root, outcome.root) && !sameIfThere(root, before.files.metadata.get('root'))) throw new Overtaken()
  const floors = floorsOf(now, gun)
  if (isNewer(floors, outcome.floors)) return true
  if ([...floors].some(([role, floor]) => isLower(outcome.floors.get(role), floor))) throw new Overtaken()
  return false
}

/**
 * Commits. A store that others wrote may wrap or swallow what `isSuperseded` throws: an answer that does not go with what
 * is pinned there must not stand for that.
 *
 * @throws Overtaken, else what the store says
 */
export async function commitUnlessOvertaken(store: MetadataStore, gun: string, changes: CacheChanges): Promise<void> {
  let overtaken: Overtaken | undefined
  const isSuperseded = (now: CachedCollection): boolean => {
    overtaken = undefined // a store may ask again
    try {
      return changes.isSuperseded(now)
    } catch (cause) {
      if (cause instanceof Overtaken) overtaken = cause
      throw cause
    }
  }
  try {
    await store.commit(gun, { ...changes, isSuperseded })
  } catch (cause) {
    throw overtaken ?? cause
  }
  if (overtaken !== undefined) throw overtaken
}

/** The floors that lie there, raised by what Docker may have written meanwhile. */
function floorsOf({ metadata, floors }: CachedCollection, gun: string): VersionFloors {
  const known = (floors === undefined ? undefined : decodeFloors(floors, gun)?.floors) ?? new Map()
  const root = metadata.get('root')
  const timestamp = metadata.get('timestamp')
  if (root === undefined || timestamp === undefined) return known
  try {
    const files = new Map(Object.entries({ root, timestamp }))
    return raiseFloors(gun, RootChain.start(gun, root).root, files, known)
  } catch (cause) {
    if (cause instanceof UntrustedError) return known
    throw cause
  }
}

/** As for loading: a floor is void once one of its keys is not a key of the role any more. */
function isLower(ours: VersionFloor | undefined, floor: VersionFloor): boolean {
  return ours !== undefined && ours.version < floor.version && floor.keys.every((key) => ours.keys.includes(key))
}
