/** Locks of collections that are signed for real. */

import { lockEntry } from '../../src/lockfile/lock-entry.js'
import type { LockEntry, Lockfile } from '../../src/lockfile/lockfile.js'
import { writeLockfile } from '../../src/lockfile/write-lockfile.js'
import { createTrustCollection, type TrustCollection, type TrustCollectionOptions } from '../../src/testing/index.js'
import { Budget } from '../../src/trust/budget.js'
import { RootChain } from '../../src/trust/root-chain.js'

export const GUN = 'docker.io/library/alpine'
export const SERVER = 'https://notary.example'

export function collectionOf(gun: string = GUN, options: TrustCollectionOptions = {}): TrustCollection {
  return createTrustCollection(gun, { tags: { '3.19': 'image' }, ...options }).publish()
}

export function rootFile(collection: TrustCollection, version: number): Uint8Array {
  return collection.served(`${version}.root`) ?? new Uint8Array()
}

export function chainOf(collection: TrustCollection, version = 1): RootChain {
  return RootChain.start(collection.gun, rootFile(collection, version), new Budget())
}

/** The chain to the last of the files, each the next version. */
export function walk(chain: RootChain, files: Iterable<Uint8Array>): RootChain {
  const budget = new Budget()
  let newest = chain
  for (const file of files) newest = newest.next(file, budget)
  return newest
}

export function entryOf(
  collection: TrustCollection,
  version = 1,
  more: { floors?: Map<string, number>; server?: string; embedRoot?: boolean } = {},
): LockEntry {
  return lockEntry({ chain: chainOf(collection, version), server: SERVER, ...more })
}

export function lockOf(...entries: [string, LockEntry][]): Lockfile {
  return { collections: new Map(entries) }
}

export function bytesOf(lock: Lockfile | string): Uint8Array {
  return new TextEncoder().encode(typeof lock === 'string' ? lock : writeLockfile(lock))
}
