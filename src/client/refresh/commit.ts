/**
 * Writes what a refresh verified to the store, unless another call accepted something newer meanwhile: another process (ours or
 * Docker's), another client of this process, another call of this client.
 */
import { sameIfThere } from '../../bytes.js'
import type { CacheChanges, MetadataStore } from '../../cache/metadata-store.js'
import { describeDiskError, isRefusedByOwner, OWNER_HINT } from '../../cache/owner.js'
import { UnavailableError, UntrustedError } from '../../errors.js'
import { serverIdentity } from '../../reference/server-identity.js'
import { recordOf } from '../../trust/certificate-record.js'
import { floorsLeft } from '../../trust/floors-left.js'
import type { TargetsStage } from '../../trust/targets-stage.js'
import { encodeTrustRecord } from '../../trust/trust-record.js'
import { RootStage } from '../../trust/trusted-metadata-set.js'
import type { Freshness, Warning } from '../results.js'
import { CacheChanged } from './cache-changed.js'
import { type CachedTrust, readCachedTrust } from './cached-trust.js'
import { readCache } from './read-cache.js'
import type { RefreshRequest } from './request.js'

/** Commits of one refresh that meet a conflict each time; then the refresh starts over. */
const MAX_COMMITS = 5

/** A verified set after the commit. */
export interface Committed {
  readonly stage: TargetsStage
  /** The floors file as it was written; undefined when the store could not be written. */
  readonly floorsFile: Uint8Array | undefined
  readonly warnings: readonly Warning[]
}

/**
 * Writes what changed. A cache that cannot be written is a warning: the answer stands.
 *
 * @throws CacheChanged when the store holds something newer, or another root, by now
 */
export async function commitVerified(
  request: RefreshRequest,
  verified: TargetsStage,
  before: CachedTrust,
  freshness: Freshness,
): Promise<Committed> {
  let [stage, cached] = [verified, before]
  for (let commits = 0; commits < MAX_COMMITS; commits++) {
    const origin = freshness === 'fresh' ? serverIdentity(request.server.url) : cached.origin
    const { changes, isNeeded } = changesBy(request.gun, stage, cached, origin)
    const outcome = await writeOrCheck(request, isNeeded ? changes : undefined, cached.files.revision)
    if (outcome === 'done') return { stage, floorsFile: changes.floors, warnings: [] }
    if (outcome !== 'conflict')
      return { stage: await afterFailure(request, stage, before), floorsFile: undefined, warnings: [outcome] }
    cached = readCachedTrust(await readCache(request.store, request.gun), request.gun)
    stage = underFloorsOf(cached, stage, before)
  }
  throw new CacheChanged()
}

function changesBy(
  gun: string,
  stage: TargetsStage,
  { files }: CachedTrust,
  origin: string | undefined,
): { changes: CacheChanges; isNeeded: boolean } {
  const certificates = recordOf(stage.anchor)
  const record = { gun, floors: floorsLeft(stage), certificates, ...(origin === undefined ? {} : { origin }) }
  const floors = encodeTrustRecord(record)
  const metadata = new Map([...stage.files()].filter(([role, file]) => !sameIfThere(files.metadata.get(role), file)))
  return {
    changes: { metadata, floors },
    isNeeded: metadata.size > 0 || !sameIfThere(files.floors, floors) || files.isUnfinished === true,
  }
}

/** Writes the changes; without changes, checks that the store still has the revision that was read. A warning when the store failed. */
async function writeOrCheck(
  { gun, store, tell }: RefreshRequest,
  changes: CacheChanges | undefined,
  revision: string | undefined,
): Promise<'done' | 'conflict' | Warning> {
  try {
    if (changes === undefined) return (await revisionOf(store, gun)) === revision ? 'done' : 'conflict'
    const outcome = await store.commit(gun, changes, revision)
    if (outcome === 'conflict') return outcome
    if (outcome !== 'written') throw new TypeError('the store says neither written nor conflict')
    tell({ type: 'cache', gun, action: 'written', roles: [...changes.metadata.keys()] })
    return 'done'
  } catch (cause) {
    const reason = await describeDiskError(cause)
    const advice = isRefusedByOwner(reason) ? `. ${OWNER_HINT}` : ''
    const message = `the cache of ${gun} cannot be written, so nothing protects the next run from older trust data: ${reason}${advice}`
    return { code: 'WARN_CACHE_UNWRITABLE', message }
  }
}

/** Checks the set against what others accepted meanwhile, if the store can still be read. @throws CacheChanged */
async function afterFailure({ gun, store }: RefreshRequest, stage: TargetsStage, before: CachedTrust): Promise<TargetsStage> {
  try {
    return underFloorsOf(readCachedTrust(await readCache(store, gun), gun), stage, before)
  } catch (cause) {
    if (cause instanceof UnavailableError) return stage
    throw cause
  }
}

/** The revision that the store has now. */
async function revisionOf(store: MetadataStore, gun: string): Promise<string | undefined> {
  return store.revision === undefined ? (await store.read(gun)).revision : store.revision(gun)
}

/** The verified set under the floors that the store has now. @throws CacheChanged when these floors, or another root there, refuse it */
function underFloorsOf(now: CachedTrust, stage: TargetsStage, before: CachedTrust): TargetsStage {
  const { context, anchor } = stage
  const root = now.files.metadata.get('root')
  if (!sameIfThere(root, anchor.chain.root.file) && !sameIfThere(root, before.files.metadata.get('root')))
    throw new CacheChanged()
  try {
    return stage.readmitted(new RootStage({ ...context, floors: now.floors }, anchor))
  } catch (cause) {
    if (cause instanceof UntrustedError) throw new CacheChanged()
    throw cause
  }
}
