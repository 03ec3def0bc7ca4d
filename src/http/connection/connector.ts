/**
 * Opens connections for undici, some of them before undici is loaded. With a connector of its own, undici would go on
 * connecting after it was destroyed, and would show the client certificate to every host.
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
  /** Proxy, TCP and TLS together, in milliseconds: stops a peer that accepts the connection and sends nothing. */
  readonly timeoutMs: number
  /** For tests: another resolver. */
  readonly lookup?: LookupFunction | undefined
}

/** Connects for an undici Agent. */
export interface Connector {
  readonly connect: buildConnector.connector
  /** Opens connections to a host until `count` of them are spare: `connect` takes a spare one first. */
  connectAhead(url: URL, count: number): void
  /**
   * Resolves when the first connection only waits for its peer, or has failed. From then on, other work does not delay it.
   */
  readonly firstDialStarted: Promise<void>
  /** Resolves when all pending connections are open or have failed; does not wait for a late one. */
  dialsSettled(): Promise<void>
  /** Closes pending and spare connections. */
  close(): void
}

/** Milliseconds between the first and the last of the connections that were begun together; a later one is late. */
const LATE_MS = 20

/** Makes a connector. */
export function createConnector(options: ConnectorOptions): Connector {
  const connecting = new Map<AbortController, Promise<Socket>>()
  const spare = new Map<string, Promise<Socket>[]>()
  const memory = {
    addresses: new PrivateAddresses(withoutBrackets(options.server.hostname), options.lookup),
    sessions: new TlsSessions(),
    contexts: new Map<string, number>(),
  }
  let onDialStarted: () => void = () => undefined
  const firstDialStarted = new Promise<void>((resolve) => {
    onDialStarted = resolve
  })
  const begin = (hostname: string, port: string): Promise<Socket> => {
    const controller = new AbortController()
    const timer = globalThis.setTimeout(() => {
      controller.abort(new ConnectTimeout(`no connection to ${hostname} within ${options.timeoutMs} ms`))
    }, options.timeoutMs)
    const to = { hostname, port: port === '' ? 443 : Number(port), signal: controller.signal, onHandshake: onDialStarted }
    const opened = openConnection(options, memory, to).finally(() => {
      onDialStarted()
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
    const pending = spare.get(`${hostname}:${port}`)?.shift() ?? begin(hostname, port)
    pending.then(
      // Given a socket that is closed already, undici would connect again without end.
      (socket) => (socket.destroyed ? callback(socket.errored ?? connectionClosed(), null) : callback(null, socket.ref())),
      (cause: unknown) => callback(cause instanceof Error ? cause : new Error(String(cause)), null),
    )
  }
  const connectAhead = (url: URL, count: number): void => {
    const [hostname, port] = [withoutBrackets(url.hostname), url.port] // as undici calls them
    const waiting = spare.get(`${hostname}:${port}`) ?? []
    spare.set(`${hostname}:${port}`, waiting)
    while (waiting.length < count) {
      const pending = begin(hostname, port)
      pending.then(
        (socket) => socket.unref(), // a spare connection does not keep the process alive
        () => undefined, // `connect` reports the error
      )
      waiting.push(pending)
    }
  }
  const close = (): void => {
    for (const controller of connecting.keys()) controller.abort(new TransportClosed())
    for (const pending of [...spare.values()].flat()) {
      pending.then(
        (socket) => socket.destroy(),
        () => undefined,
      )
    }
  }
  return { connect, connectAhead, firstDialStarted, dialsSettled, close }
}
