/** Opens the TCP connection that TLS runs on: directly to the host, or through the tunnel of a proxy. */
import { type Socket, connect as tcpConnect } from 'node:net'
import type { TlsContexts } from '../tls/tls.js'
import type { TlsSessions } from '../tls/tls-sessions.js'
import type { PrivateAddresses } from './private-addresses.js'
import { type ProxyEnvironment, proxyFor } from './proxy.js'
import { settled } from './socket-events.js'

/** The options of all connections of one client. */
export interface ConnectionOptions {
  /** Loads and reads what the contexts need. Called while TCP connects. */
  readonly contexts: () => Promise<TlsContexts>
  /** The server whose host and port get the client certificate. */
  readonly server: URL
  readonly env: ProxyEnvironment
}

/** What a connection records for the next ones. */
export interface ConnectionMemory {
  readonly addresses: PrivateAddresses
  readonly sessions: TlsSessions
  /** By `host:port`: the index of the TLS context that verified its certificate. */
  readonly contexts: Map<string, number>
}

/** The host to connect to. */
export interface Destination {
  readonly hostname: string
  readonly port: number
  readonly signal: AbortSignal
  /** Called when the handshake begins. */
  readonly onHandshake: () => void
}

/** A TCP connection that is being opened. */
export interface Dial {
  /** Settles when nothing is left to do but to wait for the peer. */
  readonly started: Promise<unknown>
  readonly connected: Promise<Socket>
  /** The connection goes through a proxy. */
  readonly isTunnel: boolean
}

/** Milliseconds until the next address of a host is tried too (RFC 8305). Node's 250 is too short for a distant server. */
const NEXT_ADDRESS_MS = 1_000
const BOTH_ADDRESS_FAMILIES = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS }

/** Begins to connect. */
export function dial({ contexts, env }: ConnectionOptions, { addresses }: ConnectionMemory, to: Destination): Dial {
  const { hostname, port, signal } = to
  const proxy = proxyFor(hostname, port, env)
  if (proxy !== undefined) {
    const connected = import('./tunnel.js').then(async ({ openTunnel }) =>
      openTunnel(proxy, hostname, port, await contexts(), signal),
    )
    return { started: Promise.resolve(), connected: markHandled(connected), isTunnel: true }
  }
  const socket = tcpConnect({ host: hostname, port, lookup: addresses.lookup(hostname), ...BOTH_ADDRESS_FAMILIES })
  const attempted = new Promise((resolve) => socket.once('connectionAttempt', resolve))
  const connected = markHandled(settled(socket, 'connect', signal).then(() => socket))
  return { started: markHandled(Promise.race([attempted, connected])), connected, isTunnel: false }
}

/** Destroys the socket of a connection that is no longer needed. */
export function destroyWhenConnected({ connected }: Dial): void {
  connected.then(
    (socket) => socket.destroy(),
    () => undefined,
  )
}

/** Marks a rejection as handled, because the caller may await the promise only after it was rejected. */
function markHandled<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => undefined)
  return promise
}
