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
}

/** First come, first served. */
export class RequestQueue {
  readonly #limits: QueueLimits
  readonly #waiting = new Set<() => void>()
  #running = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  /** Requests that are worked on now. */
  get running(): number {
    return this.#running
  }

  /** Works when it is this request's turn. @throws QueueFull, or what `work` throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    // A turn is handed over: the number of running requests stays the same.
    if (this.#running < this.#limits.running) this.#running += 1
    else await this.#turn()
    try {
      return await work()
    } finally {
      const [next] = this.#waiting
      if (next === undefined) this.#running -= 1
      else next()
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.size >= this.#limits.waiting) throw new QueueFull('the queue is full')
    return new Promise((resolve, reject) => {
      const take = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(take)
        resolve()
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(take)
        reject(new QueueFull(`no turn within ${this.#limits.waitMs} ms`))
      }, this.#limits.waitMs)
      this.#waiting.add(take)
    })
  }
}
