/** Reads a store, and turns its failures into errors of this library. */
import type { CachedCollection, MetadataStore } from '../../cache/metadata-store.js'
import { describeDiskError, isRefusedByOwner, OWNER_HINT } from '../../cache/owner.js'
import { UnavailableError } from '../../errors.js'

/** @throws UnavailableError ERR_CACHE when the store cannot be read at all */
export async function readCache(store: MetadataStore, gun: string): Promise<CachedCollection> {
  try {
    return await store.read(gun)
  } catch (cause) {
    const reason = await describeDiskError(cause)
    const hint = isRefusedByOwner(reason) ? OWNER_HINT : undefined
    throw new UnavailableError('ERR_CACHE', `the cache of ${gun} cannot be read: ${reason}`, { gun, cause, hint })
  }
}
