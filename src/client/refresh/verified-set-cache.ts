/**
 * Verified sets that a client keeps in memory: while root and timestamp stay the same, nothing is read, parsed or verified again.
 * Within `maxAge` the server is not asked either. Certificates, pins, lock, floors and expiry are judged at each call.
 */
import { sameBytes, sameIfThere } from '../../bytes.js'
import type { MetadataStore } from '../../cache/metadata-store.js'
import { TrustError } from '../../errors.js'
import { type ServerIdentity, serverIdentity } from '../../reference/server-identity.js'
import type { TargetsStage } from '../../trust/targets-stage.js'
import { roleLoaded } from '../events.js'
import { CacheChanged } from './cache-changed.js'
import { MAX_KEPT_BYTES, MAX_ROOT_BYTES, MAX_TIMESTAMP_BYTES } from './limits.js'
import type { Refreshed, RefreshRequest } from './request.js'
import type { ServerFiles } from './server-files.js'

interface KeptSet {
  readonly stage: TargetsStage
  /** The floors file as it was written. */
  readonly floorsFile: Uint8Array
  readonly server: ServerIdentity
  /** When the server was last asked with success: the start of that refresh, so that the age is never too low. */
  readonly checked: Pick<RefreshRequest, 'now' | 'ticks'>
  /** The revision at which the store was last seen to hold exactly this set. */
  revision: string | undefined
}

/** Sets by collection; the least recently used is dropped first. */
export class VerifiedSetCache {
  readonly #sets = new Map<string, KeptSet>()
  #bytes = 0

  /** Keeps a set that the store holds too. */
  keep({ gun, server, now, ticks }: RefreshRequest, stage: TargetsStage, floorsFile: Uint8Array): void {
    this.#add(gun, { stage, floorsFile, server: serverIdentity(server.url), checked: { now, ticks }, revision: undefined })
    for (const oldest of this.#sets.keys()) {
      if (this.#bytes <= MAX_KEPT_BYTES) break
      this.drop(oldest)
    }
  }

  drop(gun: string): void {
    const known = this.#sets.get(gun)
    if (known === undefined) return
    this.#sets.delete(gun)
    this.#bytes -= bytesOf(known.stage)
  }

  /** When this server was last asked with success, in milliseconds since 1970. */
  checked(request: RefreshRequest): number | undefined {
    return this.#known(request)?.checked.now
  }

  /** The kept set, judged for today, when the server was asked within `maxAge`. Undefined: ask it. */
  async recent(request: RefreshRequest): Promise<Pick<Refreshed, 'stage' | 'checked'> | undefined> {
    const { gun, store } = request
    const known = this.#known(request)
    if (known === undefined || !isWithinAge(known, request)) return undefined
    if (!(await isStillInStore(store, gun, known))) {
      this.drop(gun)
      return undefined
    }
    const stage = await this.#resume(known, request, known.checked)
    return stage === undefined ? undefined : { stage, checked: known.checked.now }
  }

  /**
   * The kept set, judged for today, when the server has no newer one. Undefined: refresh by the cache instead; the answers that were
   * asked for here are used there.
   *
   * @throws CacheChanged when another call changed the store, so that these answers may be older than what it accepted
   */
  async confirm(request: RefreshRequest, server: ServerFiles): Promise<TargetsStage | undefined> {
    const { gun, store, now, ticks } = request
    const known = this.#known(request)
    if (known === undefined) return undefined
    const { timestamp, anchor } = known.stage
    const newest = server.ask('timestamp', MAX_TIMESTAMP_BYTES)
    const nextRoot = server.ask(`${anchor.chain.version + 1}.root`, MAX_ROOT_BYTES)
    const [file, root] = await Promise.allSettled([newest, nextRoot])
    // Checked when the answers have arrived: what others accepted meanwhile counts.
    if (!(await isStillInStore(store, gun, known))) {
      this.drop(gun)
      throw new CacheChanged()
    }
    if (file.status !== 'fulfilled' || root.status !== 'fulfilled' || root.value !== undefined) return undefined
    if (file.value === undefined || !sameBytes(file.value, timestamp.file)) return undefined
    return this.#resume(known, request, { now, ticks })
  }

  #known({ gun, server }: RefreshRequest): KeptSet | undefined {
    const known = this.#sets.get(gun)
    return known?.server === serverIdentity(server.url) ? known : undefined
  }

  /** Undefined when something in the set is not valid any more. */
  async #resume(known: KeptSet, request: RefreshRequest, checked: KeptSet['checked']): Promise<TargetsStage | undefined> {
    const { gun, tell } = request
    const stage = await judgedAgain(known.stage, request)
    if (stage === undefined) return undefined
    for (const trusted of stage.trusted()) tell(roleLoaded(gun, trusted, 'memory'))
    // Another call may have asked the server later meanwhile.
    if (this.#sets.get(gun) === known) this.#add(gun, { ...known, stage, checked })
    return stage
  }

  #add(gun: string, set: KeptSet): void {
    this.drop(gun)
    if (bytesOf(set.stage) > MAX_KEPT_BYTES) return // it would only drop all the others
    this.#sets.set(gun, set)
    this.#bytes += bytesOf(set.stage)
  }
}

/** Two clocks must agree: one of them may have been set back, the other may stop while a machine sleeps. */
function isWithinAge({ checked }: KeptSet, { now, ticks, maxAge }: RefreshRequest): boolean {
  const isNear = (age: number): boolean => age >= 0 && age < maxAge
  return isNear(now - checked.now) && isNear(ticks - checked.ticks)
}

/** Whether the store still holds the set: others write to the same cache, and what they accepted counts. */
async function isStillInStore(store: MetadataStore, gun: string, known: KeptSet): Promise<boolean> {
  try {
    if (known.revision !== undefined && (await store.revision?.(gun)) === known.revision) return true
    const { metadata, floors, revision } = await store.read(gun)
    const files = known.stage.files()
    const isSame = (role: string) => sameIfThere(metadata.get(role), files.get(role))
    if (!sameIfThere(floors, known.floorsFile) || !isSame('root') || !isSame('timestamp')) return false
    known.revision = revision
    return true
  } catch {
    return false // the refresh by the cache reports what is wrong with the store
  }
}

/** Undefined when something in the set is not valid any more. */
async function judgedAgain(stage: TargetsStage, request: RefreshRequest): Promise<TargetsStage | undefined> {
  const { lock } = request
  const [{ anchorWithAll }, { RootStage }] = await Promise.all([
    import('../../trust/anchor.js'),
    import('../../trust/trusted-metadata-set.js'),
  ])
  const { context } = stage
  const { chain, certificates } = stage.anchor
  try {
    const anchor = anchorWithAll(chain, certificates, { ...request, start: lock === undefined ? 'cached-root' : 'lockfile' })
    if (lock !== undefined) (await import('./locked-trust.js')).judgeUnderLock(stage, request)
    return stage.resumed(new RootStage({ ...context, now: request.now }, anchor))
  } catch (cause) {
    if (cause instanceof TrustError) return undefined
    throw cause
  }
}

function bytesOf(stage: TargetsStage): number {
  return [...stage.files().values()].reduce((sum, { length }) => sum + length, 0)
}
