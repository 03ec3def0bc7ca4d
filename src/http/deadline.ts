/** Work that ends in time, or when somebody says so. */
import { setMaxListeners } from 'node:events'

/** Something took longer than it may. */
class DeadlinePassed extends Error {
  readonly code = 'ETIMEDOUT'
}

/**
 * Runs with a signal that aborts with the first of `signals` or when the time is up, and rejects at that moment even
 * when the work does not listen. (`AbortSignal.any` leaks on long-lived signals in Node 20.)
 */
export async function withDeadline<T>(
  signals: readonly AbortSignal[],
  milliseconds: number,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  for (const signal of signals) signal.throwIfAborted()
  // One signal may end many requests at once: eleven listeners are no leak here, each goes with its request.
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

/** Waits; rejects with the reason of the first signal that aborts. */
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
