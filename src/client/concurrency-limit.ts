/** Turns, so that only so much runs at a time; first come, first served. */
export class ConcurrencyLimit {
  #free: number
  /** In order of arrival; those before `#next` had their turn. Taking the first out would move all the others each time. */
  #waiting: (() => void)[] = []
  #next = 0

  constructor(count: number) {
    this.#free = count
  }

  /** Resolves when it is one's turn; `release` must follow. */
  take(): Promise<void> {
    if (this.#free === 0) return new Promise((resolve) => this.#waiting.push(resolve))
    this.#free--
    return Promise.resolve()
  }

  release(): void {
    const next = this.#waiting[this.#next++]
    if (next === undefined) {
      this.#free++
      this.#waiting = []
      this.#next = 0
    } else next()
  }
}
