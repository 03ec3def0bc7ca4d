/** Reads a store: what it fails with becomes an error of ours. */
import type { CachedCollection, MetadataStore } from '../cache/metadata-store.js'
import { describeCause, UnavailableError } from '../errors.js'

/** @throws UnavailableError ERR_CACHE when the store cannot be read at all */
export async function readCache(store: MetadataStore, gun: string): Promise<CachedCollection> {
  try {
    return await store.read(gun)
  } catch (cause) {
    throw new UnavailableError('ERR_CACHE', `the cache of ${gun} cannot be read: ${describeCause(cause)}`, { gun, cause })
  }
}
