/**
 * The way into one refresh: whatever is certain to be asked of the server is asked first, and what judges the answers
 * (`updater.ts`, which costs a schema library and more) is loaded while they are on their way.
 */
import type { CachedCollection, MetadataStore } from '../../cache/metadata-store.js'
import { sha256Hex } from '../../crypto/hash.js'
import { UnavailableError } from '../../errors.js'
import { RELEASES_ROLE } from '../../metadata/role-name.js'
import { decodeFloors } from '../../trust/floor-record.js'
import type { TrustPinning } from '../../trust/pinning.js'
import type { TargetsStage } from '../../trust/targets-stage.js'
import type { TrustServer } from '../../trust-server/notary-url.js'
import type { Transport } from '../../trust-server/transport.js'
import type { Freshness, Warning } from '../answers/results.js'
import type { CollectionEvent } from '../events.js'
import { MAX_ROOT_BYTES, MAX_TIMESTAMP_BYTES } from './limits.js'
import { Overtaken } from './overtaken.js'
import { readCache } from './read-cache.js'
import { ServerFiles } from './server-files.js'
import type { VerifiedSetCache } from './verified-set-cache.js'

/** Runs of one refresh, when others accept something newer each time; the deadline mostly ends it before. */
const MAX_RUNS = 20

/** What is refreshed, with what. */
export interface RefreshRequest {
  readonly gun: string
  /** How people call it, for messages. */
  readonly familiarName: string
  readonly server: TrustServer
  /** Undefined: offline. */
  readonly transport: Transport | undefined
  readonly store: MetadataStore
  /** What earlier refreshes of a living client verified. */
  readonly kept: VerifiedSetCache
  readonly pinning: TrustPinning
  readonly staleFallback: 'warn' | 'refuse'
  /** Milliseconds since 1970. */
  readonly now: number
  /** Ends the network work. */
  readonly signal: AbortSignal
  readonly tell: (event: CollectionEvent) => void
}

/** A verified set, and how it was come by. */
export interface Refreshed {
  readonly stage: TargetsStage
  readonly freshness: Freshness
  readonly warnings: readonly Warning[]
}

/** @throws TrustError of any kind */
export async function refresh(request: RefreshRequest): Promise<Refreshed> {
  const { gun, kept, transport } = request
  const connecting = transport?.connectAhead?.()
  for (let runs = 1; ; runs++) {
    try {
      const server = new ServerFiles(request)
      const unchanged = transport === undefined ? undefined : await kept.confirm(request, server)
      if (unchanged !== undefined) return { stage: unchanged, freshness: 'fresh', warnings: [] }
      return await refreshByCache(request, server, connecting)
    } catch (cause) {
      if (!(cause instanceof Overtaken)) throw cause
      if (runs === MAX_RUNS) throw new UnavailableError('ERR_CACHE', cause.message, { gun, cause })
    }
  }
}

/** The long way. @throws Overtaken when another call accepted something newer meanwhile */
async function refreshByCache(
  request: RefreshRequest,
  server: ServerFiles,
  connecting: Promise<void> | undefined,
): Promise<Refreshed> {
  const { gun, transport, store } = request
  const files = await readCache(store, gun)
  request.tell({ type: 'cache', gun, action: 'read', roles: [...files.metadata.keys()] })
  if (transport !== undefined) askAhead(gun, files, server)
  // First whatever the network has to wait for, then what has to wait for the network.
  await Promise.race([connecting, aborted(request.signal)])
  const { Refresh } = await import('./updater.js')
  const refreshed = await new Refresh(request, files, server).run()
  server.tellUntaken()
  return refreshed
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/**
 * The first flight. On first use that is everything a small collection has, under the names of the newest files: what
 * the verified roles then name otherwise is asked for again. With a root, it is the timestamp and the next root.
 */
function askAhead(gun: string, cached: CachedCollection, server: ServerFiles): void {
  const { metadata, floors, floorsUnreadable, unreadable } = cached
  const file = metadata.get('root')
  const root = floors === undefined ? undefined : decodeFloors(floors, gun)?.floors.get('root')?.[0]
  // Nobody is asked about a collection whose cached root is not the one that was accepted.
  if (file !== undefined && root !== undefined && sha256Hex(file) === root.file) {
    server.ask('timestamp', MAX_TIMESTAMP_BYTES)
    server.ask(`${root.version + 1}.root`, MAX_ROOT_BYTES)
  }
  const isKnown = file !== undefined || unreadable.has('root') || floors !== undefined || floorsUnreadable !== undefined
  if (isKnown) return
  server.ask('root', MAX_ROOT_BYTES)
  server.ask('timestamp', MAX_TIMESTAMP_BYTES)
  // Most roots were never rotated.
  for (const name of ['snapshot', 'targets', RELEASES_ROLE, '2.root']) server.guess(name)
}
