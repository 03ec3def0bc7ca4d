/** Gives other work of the process its turn between two long steps, and ends a refresh that was aborted meanwhile. */
import { UnavailableError } from '../../errors.js'

/** The event loop, seen from one refresh. */
export class EventLoop {
  readonly #signal: AbortSignal
  #endsAtDeadline = true

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** From now on only the caller's signal ends the refresh: the cache may still be judged when the time for the server is up. */
  ignoreDeadline(): void {
    this.#endsAtDeadline = false
  }

  /** Lets timers and signals run. @throws the reason of the abort */
  async turn(): Promise<void> {
    // Twice: the first may come before the timers that are due.
    for (let turns = 0; turns < 2; turns++) await new Promise((resolve) => setImmediate(resolve))
    const isDeadline = this.#signal.reason instanceof UnavailableError
    if (this.#endsAtDeadline || !isDeadline) this.#signal.throwIfAborted()
  }
}
