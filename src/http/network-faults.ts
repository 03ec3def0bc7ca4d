/**
 * Recognizes errors that come from the network. Every other error is a bug (in this program, a library or a bundler) and
 * must not be reported as an unreachable server: the client would try again, and would use its cache.
 */
import { systemCode } from '../errors.js'
import { isCutOff } from './http-faults.js'

/** Codes of the system, of its resolver, of Node's streams and sockets, and the codes of undici that a server can cause. */
const NETWORK_CODE =
  /^(?:E[A-Z0-9]+|EAI_[A-Z]+|ABORT_ERR|ERR_(?:STREAM_PREMATURE_CLOSE|STREAM_DESTROYED|STREAM_WRITE_AFTER_END|SOCKET_CLOSED|SOCKET_CONNECTION_TIMEOUT)|UND_ERR_(?:ABORTED|BODY_TIMEOUT|CLOSED|CONNECT_TIMEOUT|DESTROYED|HEADERS_OVERFLOW|HEADERS_TIMEOUT|INFO|RES_CONTENT_LENGTH_MISMATCH|RES_EXCEEDED_MAX_SIZE|RESPONSE|SOCKET))$/

/** How many nested causes are examined: ends a cycle of causes. */
const MAX_DEPTH = 8

/** True for an error of the network, or one that has such an error as its cause. */
export function isNetworkFault(cause: unknown, depth: number = MAX_DEPTH): boolean {
  if (!(cause instanceof Error) || depth === 0) return false
  if (cause.name === 'AbortError' || isCutOff(cause) || NETWORK_CODE.test(systemCode(cause) ?? '')) return true
  const inner: readonly unknown[] = cause instanceof AggregateError ? cause.errors : [cause.cause]
  return inner.some((one) => isNetworkFault(one, depth - 1))
}
