/** Limits how many requests are worked on and how many wait. A request that finds the queue full is answered at once. */

/** There is no room for another request, or it waited too long. */
export class QueueFull extends Error {}

/** What a queue allows. */
export interface QueueLimits {
  /** Requests that are worked on at a time. */
  readonly running: number
  /** Requests that wait for their turn. */
  readonly waiting: number
  /** Milliseconds that a request may wait. */
  readonly waitMs: number
  /** The part of both that requests for one registry may take: a registry or trust server that hangs leaves room for others. Default: all. */
  readonly shareOfOne?: number
}

interface Waiting {
  readonly registries: ReadonlySet<string>
  readonly take: () => void
}

/** First come, first served, among those whose registries have room. */
export class RequestQueue {
  readonly #limits: QueueLimits
  readonly #share: number
  readonly #waiting = new Set<Waiting>()
  readonly #runningFor = new Map<string, number>()
  #running = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
    this.#share = limits.shareOfOne ?? 1
  }

  /** Requests that are worked on now. */
  get running(): number {
    return this.#running
  }

  /** Works when it is the turn of this request, which is about these registries. @throws QueueFull, or what `work` throws */
  async run<T>(registries: ReadonlySet<string>, work: () => Promise<T>): Promise<T> {
    if (this.#hasRoom(registries)) this.#count(registries, 1)
    else await this.#turn(registries)
    try {
      return await work()
    } finally {
      this.#count(registries, -1)
      for (const next of this.#waiting) if (this.#hasRoom(next.registries)) next.take()
    }
  }

  #hasRoom(registries: ReadonlySet<string>): boolean {
    const { running } = this.#limits
    const most = shareOf(running, this.#share)
    return this.#running < running && [...registries].every((one) => (this.#runningFor.get(one) ?? 0) < most)
  }

  #count(registries: ReadonlySet<string>, step: 1 | -1): void {
    this.#running += step
    for (const one of registries) {
      const count = (this.#runningFor.get(one) ?? 0) + step
      if (count === 0) this.#runningFor.delete(one)
      else this.#runningFor.set(one, count)
    }
  }

  #turn(registries: ReadonlySet<string>): Promise<void> {
    const { waiting, waitMs } = this.#limits
    if (this.#waiting.size >= waiting) throw new QueueFull('the queue is full')
    const most = shareOf(waiting, this.#share)
    for (const one of registries) {
      const others = [...this.#waiting].filter((other) => other.registries.has(one)).length
      if (others >= most) throw new QueueFull(`the queue is full of requests for ${one}`)
    }
    return new Promise((resolve, reject) => {
      const entry: Waiting = {
        registries,
        take: () => {
          clearTimeout(timer)
          this.#waiting.delete(entry)
          // The place is taken before another request can ask for it.
          this.#count(registries, 1)
          resolve()
        },
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(entry)
        reject(new QueueFull(`no turn within ${waitMs} ms`))
      }, waitMs)
      this.#waiting.add(entry)
    })
  }
}

function shareOf(limit: number, share: number): number {
  return Math.ceil(limit * share)
}
