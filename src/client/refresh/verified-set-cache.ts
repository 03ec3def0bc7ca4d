/**
 * Verified sets that a living client keeps: when root and timestamp are still the same, nothing is read, parsed or
 * verified again. Certificates, pins and expiry are judged at each call.
 */
import { sameBytes, sameIfThere } from '../../bytes.js'
import type { MetadataStore } from '../../cache/metadata-store.js'
import { TrustError } from '../../errors.js'
import type { TargetsStage } from '../../trust/targets-stage.js'
import { roleLoaded } from '../events.js'
import { MAX_KEPT_BYTES, MAX_ROOT_BYTES, MAX_TIMESTAMP_BYTES } from './limits.js'
import { Overtaken } from './overtaken.js'
import type { RefreshRequest } from './refresh.js'
import type { ServerFiles } from './server-files.js'

interface KeptSet {
  readonly stage: TargetsStage
  /** The floors file as it was written. */
  readonly floors: Uint8Array
  readonly server: string
  /** Of the store, when it was last seen to hold just this. */
  revision: string | undefined
}

/** Sets by collection; the least used go first. */
export class VerifiedSetCache {
  readonly #sets = new Map<string, KeptSet>()
  #bytes = 0

  /** Keeps a set that the store holds too. */
  keep({ gun, server }: RefreshRequest, stage: TargetsStage, floors: Uint8Array): void {
    this.#add(gun, { stage, floors, server: server.typed, revision: undefined })
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

  /**
   * The kept set, judged for today, when the server has no newer one. Undefined says nothing: then the long way decides,
   * and what was asked here is not asked again.
   *
   * @throws Overtaken when others changed the store, so that what was asked here may be older than what they accepted
   */
  async confirm(request: RefreshRequest, server: ServerFiles): Promise<TargetsStage | undefined> {
    const { gun, store, tell } = request
    const known = this.#sets.get(gun)
    if (known === undefined || known.server !== request.server.typed) return undefined
    const { timestamp, above } = known.stage.above.above
    const { chain } = above.anchor
    const newest = server.ask('timestamp', MAX_TIMESTAMP_BYTES)
    const nextRoot = server.ask(`${chain.version + 1}.root`, MAX_ROOT_BYTES)
    const [file, root] = await Promise.allSettled([newest, nextRoot])
    // Looked at when the answers are there: what others accepted meanwhile counts.
    if (!(await isStillInStore(store, gun, known))) {
      this.drop(gun)
      throw new Overtaken()
    }
    if (file.status !== 'fulfilled' || root.status !== 'fulfilled' || root.value !== undefined) return undefined
    if (file.value === undefined || !sameBytes(file.value, timestamp.file)) return undefined
    const stage = await judgedAgain(known.stage, request)
    if (stage === undefined) return undefined
    for (const trusted of stage.trusted()) tell(roleLoaded(gun, trusted, 'memory'))
    this.#add(gun, { ...known, stage })
    return stage
  }

  #add(gun: string, set: KeptSet): void {
    this.drop(gun)
    if (bytesOf(set.stage) > MAX_KEPT_BYTES) return // it would only drive out all the others
    this.#sets.set(gun, set)
    this.#bytes += bytesOf(set.stage)
  }
}

/** Others write to the same cache: what they accepted counts here too. */
async function isStillInStore(store: MetadataStore, gun: string, known: KeptSet): Promise<boolean> {
  try {
    if (known.revision !== undefined && (await store.revision?.(gun)) === known.revision) return true
    const { metadata, floors, revision } = await store.read(gun)
    const files = known.stage.files()
    const isSame = (role: string) => sameIfThere(metadata.get(role), files.get(role))
    if (!sameIfThere(floors, known.floors) || !isSame('root') || !isSame('timestamp')) return false
    known.revision = revision
    return true
  } catch {
    return false // the long way says what is wrong with the store
  }
}

/** Undefined when something in the set does not stand up any more. */
async function judgedAgain(stage: TargetsStage, { now, pinning }: RefreshRequest): Promise<TargetsStage | undefined> {
  const [{ anchorRoot }, { RootStage }] = await Promise.all([
    import('../../trust/anchor.js'),
    import('../../trust/trusted-metadata-set.js'),
  ])
  const { above, context } = stage.above
  const { chain, certificates } = above.above.anchor
  try {
    const anchor = anchorRoot(chain, certificates, { start: 'cached-root', pinning, now })
    return new RootStage({ ...context, now }, anchor).resume(stage)
  } catch (cause) {
    if (cause instanceof TrustError) return undefined
    throw cause
  }
}

function bytesOf(stage: TargetsStage): number {
  return [...stage.files().values()].reduce((sum, { length }) => sum + length, 0)
}
