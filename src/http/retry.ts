/** Repeats a request after errors that may pass: a few times, after short and random delays. */
import { pause } from './deadline.js'
import type { HttpsAnswer } from './https-client.js'
import { isPassing } from './network-errors.js'
import { retryAfterMs } from './retry-after.js'

/** Requests for one file, the first included: more would make an outage worse. */
const MAX_ATTEMPTS = 3

/** Milliseconds before the second attempt, doubled for the third. Half of it is random, so that many clients do not ask at once. */
const FIRST_DELAY_MS = 200

/** The longest Retry-After that this client waits for, in milliseconds. After a longer one it sends no second request. */
const MAX_RETRY_AFTER_MS = 2_000

const PASSING_STATUS: ReadonlySet<number> = new Set([429, 500, 502, 503, 504])

/** Called before each further attempt. */
export type OnRetry = (next: { readonly attempt: number; readonly delayMs: number; readonly reason: string }) => void

/** Sends until an answer or error is final, or no attempt is left. The last answer or error is the result. */
export async function withRetries(
  signals: readonly AbortSignal[],
  send: () => Promise<HttpsAnswer>,
  onRetry: OnRetry,
): Promise<HttpsAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await send().then(
      (answer) => ({ answer }),
      (cause: unknown) => ({ cause }),
    )
    const delayMs = attempt < MAX_ATTEMPTS ? delayBefore(attempt, outcome) : undefined
    if (delayMs === undefined) {
      if ('answer' in outcome) return outcome.answer
      throw outcome.cause
    }
    const reason = 'answer' in outcome ? `status ${outcome.answer.status}` : 'connection failed'
    onRetry({ attempt: attempt + 1, delayMs: Math.round(delayMs), reason })
    await pause(signals, delayMs)
  }
}

/** Milliseconds to wait; undefined when another attempt would not help. */
function delayBefore(attempt: number, outcome: { answer: HttpsAnswer } | { cause: unknown }): number | undefined {
  const own = FIRST_DELAY_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2)
  if (!('answer' in outcome)) return isPassing(outcome.cause) ? own : undefined
  if (!PASSING_STATUS.has(outcome.answer.status)) return undefined
  const asked = retryAfterMs(outcome.answer.header('retry-after')[0])
  if (asked === undefined) return own
  return asked <= MAX_RETRY_AFTER_MS ? Math.max(asked, own) : undefined
}
