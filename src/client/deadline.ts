/** The time that the network work of one collection may take. */
import { setMaxListeners } from 'node:events'
import { UnavailableError } from '../errors.js'
import type { Settings } from './settings/settings.js'

/** Milliseconds in the queue from which a message names them. */
const QUEUED_MS = 100

/** Made once: an error with its stack takes as long as some requests. */
const ENDED = new Error('the refresh has ended')

/** When the time of one refresh is over. */
export interface TimeLimit {
  /** By `performance.now()`. */
  readonly until: number
  /** Milliseconds of the time that passed while it waited for other collections; 0 when absent. */
  readonly queuedMs?: number
  readonly onTimeout?: () => void
}

/** A signal that ends network work: when the time is up, when the caller aborts, or when it is disposed. */
export class Deadline implements Disposable {
  readonly #work = new AbortController()
  readonly #release: () => void

  constructor(
    { signal, timeout }: Pick<Settings, 'signal' | 'timeout'>,
    gun: string,
    { until, queuedMs = 0, onTimeout }: TimeLimit,
  ) {
    const work = this.#work
    // One for each request or refresh, and many run at once.
    setMaxListeners(0, work.signal, ...(signal === undefined ? [] : [signal]))
    const interrupt = () => work.abort(signal?.reason)
    signal?.addEventListener('abort', interrupt)
    const start = performance.now()
    const expire = (): void => {
      onTimeout?.()
      work.abort(timedOut(timeout, queuedMs, gun))
    }
    if (!(start < until)) expire()
    const timer = setTimeout(expire, until - start)
    this.#release = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', interrupt)
    }
  }

  get signal(): AbortSignal {
    return this.#work.signal
  }

  [Symbol.dispose](): void {
    this.#release()
    this.#work.abort(ENDED) // ends guesses that were not used
  }
}

function timedOut(timeout: number, queuedMs: number, gun: string): UnavailableError {
  const within = `error contacting notary server: no answer within ${timeout / 1000} s`
  if (queuedMs < QUEUED_MS) return new UnavailableError('ERR_SERVER_UNREACHABLE', within, { gun })
  const message = `${within}, ${(Math.min(queuedMs, timeout) / 1000).toFixed(1)} s of which it waited for other collections`
  const hint = 'Raise timeout (--timeout SECONDS), or ask for fewer references at a time: what was verified stays in the cache.'
  return new UnavailableError('ERR_SERVER_UNREACHABLE', message, { gun, hint })
}
