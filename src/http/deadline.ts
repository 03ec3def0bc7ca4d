/** Runs work until a deadline passes or a signal aborts. */
import { setMaxListeners } from 'node:events'

class DeadlinePassed extends Error {
  readonly code = 'ETIMEDOUT'
}

/**
 * Calls `run` with a signal that aborts with the first of `signals` or after `milliseconds`. Rejects at that moment, even
 * when `run` ignores its signal. (`AbortSignal.any` leaks on long-lived signals in Node 20.)
 */
export async function withDeadline<T>(
  signals: readonly AbortSignal[],
  milliseconds: number,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  for (const signal of signals) signal.throwIfAborted()
  // One signal may end many requests at once. Node warns of a leak at eleven listeners; each is removed with its request.
  setMaxListeners(0, ...signals)
  const controller = new AbortController()
  const stops = signals.map((signal) => ({ signal, stop: () => controller.abort(signal.reason) }))
  for (const { signal, stop } of stops) signal.addEventListener('abort', stop)
  const timer = setTimeout(() => controller.abort(new DeadlinePassed(`no answer within ${milliseconds} ms`)), milliseconds)
  try {
    return await new Promise<T>((resolve, reject) => {
      controller.signal.addEventListener('abort', () => reject(controller.signal.reason))
      run(controller.signal).then(resolve, reject)
    })
  } finally {
    clearTimeout(timer)
    for (const { signal, stop } of stops) signal.removeEventListener('abort', stop)
  }
}

/** Waits. Rejects with the reason of the first signal that aborts. */
export async function pause(signals: readonly AbortSignal[], milliseconds: number): Promise<void> {
  for (const signal of signals) signal.throwIfAborted()
  setMaxListeners(0, ...signals)
  await new Promise<void>((resolve, reject) => {
    const stops = signals.map((signal) => ({ signal, stop: () => finish(() => reject(signal.reason)) }))
    const finish = (end: () => void): void => {
      clearTimeout(timer)
      for (const { signal, stop } of stops) signal.removeEventListener('abort', stop)
      end()
    }
    const timer = setTimeout(() => finish(resolve), milliseconds)
    for (const { signal, stop } of stops) signal.addEventListener('abort', stop)
  })
}
