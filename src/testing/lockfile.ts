/** Lockfiles of collections of the kit. */
import { lockEntry } from '../lockfile/lock-entry.js'
import { writeLockfile } from '../lockfile/write-lockfile.js'
import { Budget } from '../trust/budget.js'
import { RootChain } from '../trust/root-chain.js'
import type { TrustCollection } from './trust-collection.js'

/** What `createLockfile` records. */
export interface LockfileOptions {
  /** The https address of the trust server: the `url` of `startTrustServer`, or what the option `server` of the client is. */
  readonly server: string
  /** Records the versions of the other roles too, as `dct lock --floors`. Default: false. */
  readonly floors?: boolean
  /** False leaves the bytes of root.json out, as `dct lock --embed-root=false`. Default: true. */
  readonly embedRoot?: boolean
}

/** A lockfile as JSON; a test may change it before it is used. */
export interface LockfileDocument {
  version: number
  collections: Record<string, LockedCollectionDocument>
}

/** One entry of a lockfile. */
export interface LockedCollectionDocument {
  server: string
  root: {
    version: number
    /** Hexadecimal, of root.json. */
    sha256: string
    threshold: number
    keys: { id: string; canonicalId: string; algorithm: string }[]
    /** root.json in base64. */
    file?: string
  }
  /** Versions by role. */
  floors?: Record<string, number>
}

/**
 * The lockfile that `dct lock` would write of what the collections serve now: a value for the option `lockfile`; as a file,
 * `JSON.stringify` of it.
 *
 * @throws TypeError for a collection that was not published; UntrustedError for one whose root does not verify
 */
export function createLockfile(
  collections: readonly TrustCollection[],
  { server, floors = false, embedRoot = true }: LockfileOptions,
): LockfileDocument {
  const entries = collections.map((collection) => {
    const file = collection.served('root')
    if (file === undefined) throw new TypeError(`${collection.gun} is not published: call publish() first`)
    const chain = RootChain.start(collection.gun, file, new Budget())
    const versions = floors ? { floors: servedVersions(collection) } : {}
    return [collection.gun, lockEntry({ chain, server, embedRoot, ...versions })] as const
  })
  return JSON.parse(writeLockfile({ collections: new Map(entries) }))
}

function servedVersions(collection: TrustCollection): Map<string, number> {
  const roles = [...collection.files().keys()].filter((name) => name !== 'root' && !name.includes('.'))
  return new Map(roles.map((role) => [role, collection.version(role)]))
}
