/**
 * Starts a refresh: sends the requests that are certain to be needed, and loads the verifier (`updater.ts`, with a schema library)
 * while the answers travel.
 */
import type { CachedCollection } from '../../cache/metadata-store.js'
import { sha256Hex } from '../../crypto/hash.js'
import { UnavailableError } from '../../errors.js'
import { RELEASES_ROLE } from '../../metadata/role-name.js'
import { decodeTrustRecord } from '../../trust/trust-record.js'
import { CacheChanged } from './cache-changed.js'
import { MAX_ROOT_BYTES, MAX_TIMESTAMP_BYTES } from './limits.js'
import { readCache } from './read-cache.js'
import type { Refreshed, RefreshRequest } from './request.js'
import { ServerFiles } from './server-files.js'
import type { VerifiedSetCache } from './verified-set-cache.js'

/** Runs of one refresh, when another call changes the cache each time; usually the deadline ends it earlier. */
const MAX_RUNS = 20

/** Refreshes one collection. `sets` holds what earlier refreshes of this client verified. @throws TrustError of any kind */
export async function refresh(request: RefreshRequest, sets: VerifiedSetCache): Promise<Refreshed> {
  const { gun, transport } = request
  const recent = transport === undefined ? undefined : await sets.recent(request)
  if (recent !== undefined) return { ...recent, freshness: 'fresh', warnings: [] }
  const connecting = transport?.connectAhead?.()
  for (let runs = 1; ; runs++) {
    try {
      const server = new ServerFiles(request)
      const unchanged = transport === undefined ? undefined : await sets.confirm(request, server)
      if (unchanged !== undefined) return { stage: unchanged, freshness: 'fresh', warnings: [], checked: request.now }
      return await update(request, sets, server, connecting)
    } catch (cause) {
      if (!(cause instanceof CacheChanged)) throw cause
      if (runs === MAX_RUNS) throw new UnavailableError('ERR_CACHE', cause.message, { gun, cause })
    }
  }
}

/** Verifies the whole collection, by the cache. @throws CacheChanged when another call accepted something newer meanwhile */
async function update(
  request: RefreshRequest,
  sets: VerifiedSetCache,
  server: ServerFiles,
  connecting: Promise<void> | undefined,
): Promise<Refreshed> {
  const { gun, transport, store } = request
  const files = await readCache(store, gun)
  request.tell({ type: 'cache', gun, action: 'read', roles: [...files.metadata.keys()] })
  if (transport !== undefined) askAhead(request, files, server)
  // Loading takes processor time that the connection needs until it waits for the network alone.
  await Promise.race([connecting, aborted(request.signal)])
  const { Updater } = await import('./updater.js')
  const { stage, floorsFile, freshness, warnings } = await new Updater(request, files, server).run()
  if (floorsFile !== undefined && freshness === 'fresh') sets.keep(request, stage, floorsFile)
  server.tellUntaken()
  return { stage, freshness, warnings, checked: freshness === 'fresh' ? request.now : sets.checked(request) }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/**
 * Sends the first requests. On first use they ask for everything that a small collection has, under the names of the newest files; a
 * file that the verified roles name differently is asked for again. With a cached root they ask for the timestamp and the next root.
 */
function askAhead({ gun, lock }: RefreshRequest, cached: CachedCollection, server: ServerFiles): void {
  const { metadata, floors, floorsUnreadable, unreadable } = cached
  const file = metadata.get('root')
  const root = floors === undefined ? undefined : decodeTrustRecord(floors, gun)?.floors.get('root')?.[0]
  // Nothing is asked when the cached root is not the one that was accepted.
  if (file !== undefined && root !== undefined && sha256Hex(file) === root.file) {
    server.ask('timestamp', MAX_TIMESTAMP_BYTES)
    server.ask(`${root.version + 1}.root`, MAX_ROOT_BYTES)
  }
  const isKnown = file !== undefined || unreadable.has('root') || floors !== undefined || floorsUnreadable !== undefined
  if (isKnown) return
  server.ask('timestamp', MAX_TIMESTAMP_BYTES)
  for (const name of ['snapshot', 'targets', RELEASES_ROLE]) server.guess(name)
  if (lock === undefined) {
    server.ask('root', MAX_ROOT_BYTES)
    server.guess('2.root') // most roots were never rotated
    return
  }
  const { version } = lock.entry.root
  server.ask(`${lock.chain === undefined ? version : version + 1}.root`, MAX_ROOT_BYTES)
}
