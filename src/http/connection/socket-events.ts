/** Waiting for a socket. */
import type { Socket } from 'node:net'

/** Resolves at the event, rejects at an error or when the signal ends it; then nobody but the caller listens. */
export function settled(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      socket.destroy()
      finish(() => reject(signal.reason))
    }
    // A server that refuses a client certificate says so when a TLS 1.3 handshake is already over here. Node only tells of
    // the alert; what comes next is the end of the connection, and that is all that undici would repeat.
    const onError = (cause: Error): void => {
      socket.destroy(cause)
      finish(() => reject(cause))
    }
    const onClose = (): void => finish(() => reject(connectionClosed()))
    const onReady = (): void => finish(resolve)
    const finish = (end: () => void): void => {
      signal.removeEventListener('abort', onAbort)
      socket.off('close', onClose).off(event, onReady)
      end()
    }
    // The error listener stays: an error may still come between here and undici's own.
    socket.on('error', onError).once('close', onClose).once(event, onReady)
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
  })
}

/** As the system says it. */
export function connectionClosed(): Error {
  return Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' })
}
