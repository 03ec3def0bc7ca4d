/**
 * Who connects for undici, some of it before undici asks, or is loaded. undici alone would go on connecting after it was
 * destroyed, and could not tell the trust server's client certificate from other hosts.
 */
import type { LookupFunction, Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { buildConnector } from 'undici'
import { withoutBrackets } from '../server-address.js'
import { TlsSessions } from '../tls/tls-sessions.js'
import { ConnectTimeout, TransportClosed } from './connection-failures.js'
import { openConnection } from './open-connection.js'
import { PrivateAddresses } from './private-addresses.js'
import { connectionClosed } from './socket-events.js'
import type { ConnectionOptions } from './tcp.js'

/** What connecting needs. */
export interface ConnectorOptions extends ConnectionOptions {
  /** Proxy, TCP and TLS together, in milliseconds: stops a peer that accepts and stays silent. */
  readonly timeoutMs: number
  /** For tests: another resolver. */
  readonly lookup?: LookupFunction | undefined
}

/** Connects for an undici Agent. */
export interface Connector {
  readonly connect: buildConnector.connector
  /** Sees to it that so many connections to a host are begun that nobody took yet: whoever connects to that host gets one. */
  connectAhead(url: URL, wanted: number): void
  /** Resolves when the first connection has only the other side to wait for, or failed: then there is time for something else. */
  readonly firstDialStarted: Promise<void>
  /** Resolves when what is connecting stands, or failed; one that is late is not waited for. */
  dialsSettled(): Promise<void>
  /** Ends what is still connecting, and what nobody took. */
  close(): void
}

/** Milliseconds by which connections that were begun together come in one after the other. */
const LATE_MS = 20

/** Makes a connector. */
export function createConnector(options: ConnectorOptions): Connector {
  const connecting = new Map<AbortController, Promise<Socket>>()
  const ahead = new Map<string, Promise<Socket>[]>()
  const memory = {
    addresses: new PrivateAddresses(options.trustServerHostname, options.lookup),
    sessions: new TlsSessions(),
    contexts: new Map<string, number>(),
  }
  let free: () => void = () => undefined
  const firstDialStarted = new Promise<void>((resolve) => {
    free = resolve
  })
  const begin = (hostname: string, port: string): Promise<Socket> => {
    const controller = new AbortController()
    const timer = globalThis.setTimeout(() => {
      controller.abort(new ConnectTimeout(`no connection to ${hostname} within ${options.timeoutMs} ms`))
    }, options.timeoutMs)
    const to = { hostname, port: port === '' ? 443 : Number(port), signal: controller.signal, onHandshake: free }
    const opened = openConnection(options, memory, to).finally(() => {
      free()
      clearTimeout(timer)
      connecting.delete(controller)
    })
    connecting.set(controller, opened)
    return opened
  }
  const dialsSettled = async (): Promise<void> => {
    const all = [...connecting.values()]
    await Promise.any(all).catch(() => undefined)
    await Promise.race([Promise.allSettled(all), setTimeout(LATE_MS, undefined, { ref: false })])
  }
  const connect: buildConnector.connector = ({ hostname, port }, callback) => {
    const begun = ahead.get(`${hostname}:${port}`)?.shift() ?? begin(hostname, port)
    begun.then(
      // undici would take a socket that ended meanwhile as a reason to connect once more, and again.
      (socket) => (socket.destroyed ? callback(socket.errored ?? connectionClosed(), null) : callback(null, socket.ref())),
      (cause: unknown) => callback(cause instanceof Error ? cause : new Error(String(cause)), null),
    )
  }
  const connectAhead = (url: URL, wanted: number): void => {
    const [hostname, port] = [withoutBrackets(url.hostname), url.port] // as undici calls them
    const waiting = ahead.get(`${hostname}:${port}`) ?? []
    ahead.set(`${hostname}:${port}`, waiting)
    while (waiting.length < wanted) {
      const begun = begin(hostname, port)
      begun.then(
        (socket) => socket.unref(), // what nobody takes keeps no process alive
        () => undefined, // told to whoever takes it
      )
      waiting.push(begun)
    }
  }
  const close = (): void => {
    for (const controller of connecting.keys()) controller.abort(new TransportClosed())
    for (const begun of [...ahead.values()].flat()) {
      begun.then(
        (socket) => socket.destroy(),
        () => undefined,
      )
    }
  }
  return { connect, connectAhead, firstDialStarted, dialsSettled, close }
}
