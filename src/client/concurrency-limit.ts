/** Lets only a given number of tasks run at a time, in order of arrival. */
export class ConcurrencyLimit {
  #free: number
  /** In order of arrival; those before `#next` had their turn. An index, because removing the first would move all the others. */
  #waiting: ((hasWaited: true) => void)[] = []
  #next = 0

  constructor(count: number) {
    this.#free = count
  }

  /** Resolves when the task may run, with whether it waited for others; call `release` when it has ended. */
  take(): Promise<boolean> {
    if (this.#free === 0) return new Promise((resolve) => this.#waiting.push(resolve))
    this.#free--
    return Promise.resolve(false)
  }

  release(): void {
    const next = this.#waiting[this.#next++]
    if (next === undefined) {
      this.#free++
      this.#waiting = []
      this.#next = 0
    } else next(true)
  }
}
