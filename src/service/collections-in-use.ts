/**
 * Refreshes the collections that clients ask for, before their trust data expires. A trust server signs its timestamp anew when it is asked: a
 * collection that is asked for now and then would else be served with one that expires soon after the server went away.
 */
import type { Inspection } from '../client/results.js'
import type { Sample } from './metrics.js'
import type { Verdict } from './verifier.js'

/** Collections that are kept: bounds memory, requests and metrics. The one that was used the longest time ago goes first. */
const MAX_COLLECTIONS = 1_000

/** Milliseconds after its last use in which a collection is refreshed. */
const IN_USE_MS: number = 7 * 24 * 60 * 60 * 1000

/** Milliseconds: a collection is refreshed after half of the time that is left, within these bounds. */
const SOONEST_MS = 60_000
const LATEST_MS = 3_600_000

/** Milliseconds between two looks. */
const LOOK_MS = 30_000

interface Collection {
  /** A reference that was verified. */
  readonly reference: string
  readonly usedAt: number
  readonly dueAt: number
  /** Undefined before the first refresh of this class. */
  readonly roles: Inspection['roles'] | undefined
}

/** What the class works with. */
export interface CollectionsInUseOptions {
  /** Refreshes a collection. @throws TrustError */
  readonly inspect: (reference: string) => Promise<Inspection>
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** A TrustError, or a fault of the program. */
  readonly onFailure: (gun: string, error: unknown) => void
}

export class CollectionsInUse {
  readonly #options: CollectionsInUseOptions
  /** By GUN, the one that was used last at the end. */
  readonly #collections = new Map<string, Collection>()
  readonly #timer: NodeJS.Timeout
  #isLooking = false

  constructor(options: CollectionsInUseOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.#look(), LOOK_MS).unref()
  }

  /** Notes what was verified for a client. */
  note(verdict: Verdict): void {
    if ('error' in verdict) return
    const { result } = verdict
    if (result.status !== 'trusted' && result.status !== 'trusted-digest') return
    const { gun } = result
    const now = this.#options.now()
    const known = this.#collections.get(gun)
    this.#collections.delete(gun)
    // A verification refreshes too, and tells nothing of the roles: the first look is for their expiries, and soon.
    const { dueAt = now, roles } = known ?? {}
    this.#collections.set(gun, { reference: verdict.reference, usedAt: now, dueAt, roles })
    for (const oldest of this.#collections.keys()) {
      if (this.#collections.size <= MAX_COLLECTIONS) break
      this.#collections.delete(oldest)
    }
  }

  /** Refreshes those that are due, one after the other. */
  async refreshDue(): Promise<void> {
    const now = this.#options.now()
    for (const [gun, collection] of [...this.#collections]) {
      if (now - collection.usedAt > IN_USE_MS) this.#collections.delete(gun)
      else if (now >= collection.dueAt) await this.#refresh(gun, collection.reference)
    }
  }

  /** For the metric: when each role of each collection expires, in seconds since 1970. */
  expiries(): Sample[] {
    return [...this.#collections].flatMap(([collection, { roles = [] }]) =>
      roles.map(({ role, expires }): Sample => [Date.parse(expires) / 1000, { collection, role }]),
    )
  }

  /** Ends the looks. */
  stop(): void {
    clearInterval(this.#timer)
    this.#collections.clear()
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      await this.refreshDue()
    } finally {
      this.#isLooking = false
    }
  }

  async #refresh(gun: string, reference: string): Promise<void> {
    const { inspect, now, onFailure } = this.#options
    const change = (changed: Pick<Collection, 'dueAt'> & Partial<Collection>): void => {
      const known = this.#collections.get(gun)
      if (known !== undefined) this.#collections.set(gun, { ...known, ...changed })
    }
    try {
      const { roles, expires, freshness } = await inspect(reference)
      change({ roles, dueAt: freshness === 'fresh' ? dueAfter(now(), expires) : now() + SOONEST_MS })
    } catch (error) {
      if (!this.#collections.has(gun)) return // stopped meanwhile
      change({ dueAt: now() + SOONEST_MS })
      onFailure(gun, error)
    }
  }
}

function dueAfter(now: number, expires: string): number {
  return now + Math.min(LATEST_MS, Math.max(SOONEST_MS, (Date.parse(expires) - now) / 2))
}
