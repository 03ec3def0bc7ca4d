/** Waits for events of a socket. */
import type { Socket } from 'node:net'

/** Resolves at the event. Rejects at an error, when the socket closes, or when the signal aborts. Removes its listeners, except that for errors. */
export function settled(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      socket.destroy()
      finish(() => reject(signal.reason))
    }
    // In TLS 1.3 a server can refuse the client certificate after the handshake has ended on this side. Node emits the alert
    // as an error without closing the socket. Destroying it with that error makes undici report the alert, not the close.
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

/** The error that the system would give. */
export function connectionClosed(): Error {
  return Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' })
}
