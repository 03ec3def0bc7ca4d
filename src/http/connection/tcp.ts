/** The wire that a TLS connection runs on: TCP to the host, or to the end of a tunnel. */
import { type Socket, connect as tcpConnect } from 'node:net'
import type { TlsContexts } from '../tls/tls.js'
import type { TlsSessions } from '../tls/tls-sessions.js'
import type { PrivateAddresses } from './private-addresses.js'
import { type ProxyEnvironment, proxyFor } from './proxy.js'
import { settled } from './socket-events.js'

/** What every connection of one transport is opened with. */
export interface ConnectionOptions {
  /** What it takes to make them is loaded and read while the wire is laid. */
  readonly contexts: () => Promise<TlsContexts>
  /** The host that gets the client certificate, on any port. */
  readonly trustServerHostname: string
  readonly env: ProxyEnvironment
}

/** What one connection leaves for the next. */
export interface ConnectionMemory {
  readonly addresses: PrivateAddresses
  readonly sessions: TlsSessions
  /** By host: the place in the list of contexts that did. */
  readonly contexts: Map<string, number>
}

/** Where to. */
export interface Destination {
  readonly hostname: string
  readonly port: number
  readonly signal: AbortSignal
  /** Called when the handshake has begun. */
  readonly onHandshake: () => void
}

/** A wire that is being laid. */
export interface Dial {
  /** Settles when nothing is left to do but to wait for the other side. */
  readonly begun: Promise<unknown>
  readonly connected: Promise<Socket>
  /** Through a proxy. */
  readonly isTunnel: boolean
}

/** How long one address may take before the next is tried beside it (RFC 8305), in milliseconds; Node's 250 is too short far away. */
const NEXT_ADDRESS_MS = 1_000
const BOTH_ADDRESS_FAMILIES = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS }

/** Begins to lay a wire. */
export function dial({ contexts, env }: ConnectionOptions, { addresses }: ConnectionMemory, to: Destination): Dial {
  const { hostname, port, signal } = to
  const proxy = proxyFor(hostname, port, env)
  if (proxy !== undefined) {
    const connected = import('./tunnel.js').then(async ({ openTunnel }) =>
      openTunnel(proxy, hostname, port, await contexts(), signal),
    )
    return { begun: Promise.resolve(), connected: heard(connected), isTunnel: true }
  }
  const socket = tcpConnect({ host: hostname, port, lookup: addresses.lookup(hostname), ...BOTH_ADDRESS_FAMILIES })
  const attempted = new Promise((resolve) => socket.once('connectionAttempt', resolve))
  const connected = heard(settled(socket, 'connect', signal).then(() => socket))
  return { begun: heard(Promise.race([attempted, connected])), connected, isTunnel: false }
}

/** Nobody will use it. */
export function destroyWhenConnected({ connected }: Dial): void {
  connected.then(
    (socket) => socket.destroy(),
    () => undefined,
  )
}

/** What fails before anybody waits for it is told to whoever does. */
function heard<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => undefined)
  return promise
}
