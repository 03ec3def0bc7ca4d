/** Lets calls for the same collection share one refresh: those that run at a time, and those of one batch. */
import type { VerifiedCollection } from './answers/answers.js'
import type { TimeLimit } from './deadline.js'
import { ownError } from './own-error.js'

/** A refresh that several calls share. */
interface SharedRefresh {
  readonly verified: Promise<VerifiedCollection>
  /** True when its time ran out. The time of a caller that joined it later may not be over then. */
  readonly hasTimedOut: () => boolean
}

/** Calls of one `verifyTags` for one collection: they are answered from one refresh. */
export interface Batch {
  /** When the references were given, by `performance.now()`: their time in the queue counts. */
  readonly since: number
  /** Milliseconds that they waited for other collections. */
  queuedMs: number
  /** By name, as in `SharedRefreshes`. */
  readonly refreshes: Map<string, SharedRefresh>
}

/** The refreshes of one client, each under a name for what it asks. */
export class SharedRefreshes {
  /** Milliseconds for each call. */
  readonly #timeout: number
  readonly #running = new Map<string, SharedRefresh>()

  constructor(timeout: number) {
    this.#timeout = timeout
  }

  /** What the refresh of this name finds: the one of the batch, or one that runs, else a new one. @throws what `refresh` throws */
  async verified(
    name: string,
    batch: Batch | undefined,
    refresh: (time: TimeLimit) => Promise<VerifiedCollection>,
  ): Promise<VerifiedCollection> {
    const until = (batch?.since ?? performance.now()) + this.#timeout
    for (;;) {
      const known = batch?.refreshes.get(name) ?? this.#running.get(name)
      const shared = known ?? this.#start(name, { until, queuedMs: batch?.queuedMs ?? 0 }, refresh)
      batch?.refreshes.set(name, shared)
      const isTooEarly = (): boolean => known?.hasTimedOut() === true && performance.now() < until
      try {
        const verified = await shared.verified
        if (verified.freshness === 'fresh' || !isTooEarly()) return verified
      } catch (error) {
        if (known === undefined) throw error
        if (!isTooEarly()) throw ownError(error)
      }
      if (batch?.refreshes.get(name) === known) batch?.refreshes.delete(name)
    }
  }

  #start(name: string, time: TimeLimit, refresh: (time: TimeLimit) => Promise<VerifiedCollection>): SharedRefresh {
    let hasTimedOut = false
    const onTimeout = () => {
      hasTimedOut = true
    }
    const verified = refresh({ ...time, onTimeout })
    const shared = { verified, hasTimedOut: () => hasTimedOut }
    this.#running.set(name, shared)
    const forget = () => this.#running.delete(name)
    verified.then(forget, forget)
    return shared
  }
}
