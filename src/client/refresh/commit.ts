/**
 * Keeps what a refresh verified, and makes sure that it is not older than what another call accepted meanwhile: another process
 * (ours or Docker's), another client of this process, another call of this client.
 */
import { sameIfThere } from '../../bytes.js'
import type { CacheChanges, MetadataStore } from '../../cache/metadata-store.js'
import { describeDiskError, isRefusedByOwner, OWNER_HINT } from '../../cache/owner.js'
import { UnavailableError, UntrustedError } from '../../errors.js'
import { recordOf } from '../../trust/certificate-record.js'
import { encodeFloors } from '../../trust/floor-record.js'
import type { TargetsStage } from '../../trust/targets-stage.js'
import { RootStage } from '../../trust/trusted-metadata-set.js'
import type { Freshness, Warning } from '../answers/results.js'
import { Overtaken } from './overtaken.js'
import { type PriorTrust, readPriorTrust } from './prior-trust.js'
import { readCache } from './read-cache.js'
import type { RefreshRequest } from './refresh.js'

/** Commits of one refresh that find another state each time; then the refresh starts over. */
const MAX_COMMITS = 5

/** What was verified, as it is kept. */
export interface Committed {
  readonly stage: TargetsStage
  /** The floors file that goes with it; undefined when it could not be written. */
  readonly floors: Uint8Array | undefined
  readonly warnings: readonly Warning[]
}

/**
 * Writes what changed. A cache that cannot be written is a warning: the answer stands.
 *
 * @throws Overtaken when the cache holds something newer, or another root, by now
 */
export async function commitVerified(
  request: RefreshRequest,
  verified: TargetsStage,
  before: PriorTrust,
  freshness: Freshness,
): Promise<Committed> {
  let [stage, cached] = [verified, before]
  for (let commits = 0; commits < MAX_COMMITS; commits++) {
    const origin = freshness === 'fresh' ? request.server.url.href : cached.origin
    const { changes, isNeeded } = changesBy(request.gun, stage, cached, origin)
    const outcome = await keep(request, isNeeded ? changes : undefined, cached.files.revision)
    if (outcome === 'kept') return { stage, floors: changes.floors, warnings: [] }
    if (outcome !== 'conflict')
      return { stage: await afterFailure(request, stage, before), floors: undefined, warnings: [outcome] }
    cached = readPriorTrust(await readCache(request.store, request.gun), request.gun)
    stage = standsBeside(cached, stage, before)
  }
  throw new Overtaken()
}

function changesBy(
  gun: string,
  stage: TargetsStage,
  { files }: PriorTrust,
  origin: string | undefined,
): { changes: CacheChanges; isNeeded: boolean } {
  const certificates = recordOf(stage.above.above.above.anchor)
  const floors = encodeFloors({ gun, floors: stage.floors(), certificates, ...(origin === undefined ? {} : { origin }) })
  const metadata = new Map([...stage.files()].filter(([role, file]) => !sameIfThere(files.metadata.get(role), file)))
  return {
    changes: { metadata, floors },
    isNeeded: metadata.size > 0 || !sameIfThere(files.floors, floors) || files.isUnfinished === true,
  }
}

/** A warning when the store failed. `conflict` also when nothing was to be written and the cache is not the one that was read. */
async function keep(
  { gun, store, tell }: RefreshRequest,
  changes: CacheChanges | undefined,
  revision: string | undefined,
): Promise<'kept' | 'conflict' | Warning> {
  try {
    if (changes === undefined) return (await revisionOf(store, gun)) === revision ? 'kept' : 'conflict'
    const outcome = await store.commit(gun, changes, revision)
    if (outcome === 'conflict') return outcome
    if (outcome !== 'written') throw new TypeError('the store says neither written nor conflict')
    tell({ type: 'cache', gun, action: 'written', roles: [...changes.metadata.keys()] })
    return 'kept'
  } catch (cause) {
    const reason = await describeDiskError(cause)
    const advice = isRefusedByOwner(reason) ? `. ${OWNER_HINT}` : ''
    const message = `the cache of ${gun} cannot be written, so nothing protects the next run from older trust data: ${reason}${advice}`
    return { code: 'WARN_CACHE_UNWRITABLE', message }
  }
}

/** What others accepted counts here too, as far as the store can still be read. @throws Overtaken */
async function afterFailure({ gun, store }: RefreshRequest, stage: TargetsStage, before: PriorTrust): Promise<TargetsStage> {
  try {
    return standsBeside(readPriorTrust(await readCache(store, gun), gun), stage, before)
  } catch (cause) {
    if (cause instanceof UnavailableError) return stage
    throw cause
  }
}

/** The revision that the store has now. */
async function revisionOf(store: MetadataStore, gun: string): Promise<string | undefined> {
  return store.revision === undefined ? (await store.read(gun)).revision : store.revision(gun)
}

/** The verified set under the floors that are there now. @throws Overtaken when it does not go with them, or with their root */
function standsBeside(now: PriorTrust, stage: TargetsStage, before: PriorTrust): TargetsStage {
  const { anchor } = stage.above.above.above
  const root = now.files.metadata.get('root')
  if (!sameIfThere(root, anchor.chain.root.file) && !sameIfThere(root, before.files.metadata.get('root'))) throw new Overtaken()
  try {
    return new RootStage({ ...stage.above.context, floors: now.floors }, anchor).readmit(stage)
  } catch (cause) {
    if (cause instanceof UntrustedError) throw new Overtaken()
    throw cause
  }
}
