/** One verified TLS connection: the wire, directly or through a proxy, and the handshake on it. */
import { type Socket, connect as tcpConnect } from 'node:net'
import { type SecureContext, connect as tlsConnect } from 'node:tls'
import { systemCode } from '../errors.js'
import { dependsOnAuthorities } from './certificate-faults.js'
import type { PrivateAddresses } from './private-addresses.js'
import { type ProxyEnvironment, proxyFor } from './proxy.js'
import { type LazyContext, serverName, type TlsContexts } from './tls.js'
import type { TlsSessions } from './tls-sessions.js'

/** What every connection of one transport is opened with. */
export interface ConnectionOptions {
  /** What it takes to make them is read while the wire is laid. */
  readonly contexts: Promise<TlsContexts>
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
}

/** TCP to the host, or to the end of a tunnel. */
interface Wire {
  /** Settles when nothing is left to do but to wait for the other side. */
  readonly begun: Promise<unknown>
  readonly laid: Promise<Socket>
  /** Through a proxy. */
  readonly isTunnel: boolean
}

/** How long one address may take before the next is tried beside it (RFC 8305), in milliseconds; Node's 250 is too short far away. */
const NEXT_ADDRESS_MS = 1_000
const BOTH_ADDRESS_FAMILIES = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS }

/** Connects; a certificate that one list of CAs does not explain is shown to the next, on another connection. */
export async function openConnection(options: ConnectionOptions, memory: ConnectionMemory, to: Destination): Promise<Socket> {
  memory.addresses.check(to.hostname)
  const host = `${to.hostname}:${to.port}`
  const first = layWire(options, memory, to)
  const contexts = await contextsFor(options, to.hostname).catch((cause: unknown) => {
    destroyWhenLaid(first)
    throw cause
  })
  const known = memory.contexts.get(host) ?? 0
  for (const [at, context] of contexts.entries()) {
    if (at < known) continue
    try {
      const socket = await shakeHands(memory, to, context, at === known ? first : layWire(options, memory, to))
      memory.contexts.set(host, at)
      return socket
    } catch (cause) {
      if (at === contexts.length - 1 || !dependsOnAuthorities(systemCode(cause) ?? '')) throw cause
    }
  }
  throw new Error('no context to connect with')
}

async function contextsFor(
  { contexts, trustServerHostname }: ConnectionOptions,
  hostname: string,
): Promise<readonly LazyContext[]> {
  const { trustServer, otherHosts } = await contexts
  return hostname === trustServerHostname ? trustServer : otherHosts
}

function layWire({ contexts, env }: ConnectionOptions, { addresses }: ConnectionMemory, to: Destination): Wire {
  const { hostname, port, signal } = to
  const proxy = proxyFor(hostname, port, env)
  if (proxy !== undefined) {
    const laid = Promise.all([import('./tunnel.js'), contexts]).then(([{ openTunnel }, known]) =>
      openTunnel(proxy, hostname, port, known, signal),
    )
    return { begun: Promise.resolve(), laid: heard(laid), isTunnel: true }
  }
  const socket = tcpConnect({ host: hostname, port, lookup: addresses.lookup(hostname), ...BOTH_ADDRESS_FAMILIES })
  const attempted = new Promise((resolve) => socket.once('connectionAttempt', resolve))
  const laid = heard(settled(socket, 'connect', signal).then(() => socket))
  return { begun: heard(Promise.race([attempted, laid])), laid, isTunnel: false }
}

async function shakeHands(
  { addresses, sessions }: ConnectionMemory,
  { hostname, port, signal }: Destination,
  context: LazyContext,
  wire: Wire,
): Promise<Socket> {
  await wire.begun
  const secureContext = madeMeanwhile(context, wire)
  const host = `${hostname}:${port}`
  const session = sessions.find(host)
  const socket = tlsConnect({
    socket: await wire.laid,
    ...(session === undefined ? {} : { session }),
    secureContext,
    host: hostname,
    servername: serverName(hostname),
    // Said outright, so that NODE_TLS_REJECT_UNAUTHORIZED=0 does not count.
    rejectUnauthorized: true,
    // Not h2: undici 7 takes a body that RST_STREAM cuts off for a whole one, and knows no limit for its headers.
    ALPNProtocols: ['http/1.1'],
  })
  socket.setNoDelay(true)
  // Whoever takes a session up is not asked for a name any more; Node gives out only those of servers that it verified.
  socket.on('session', (fresh: Buffer) => sessions.keep(host, fresh))
  await settled(socket, 'secureConnect', signal)
  if (!wire.isTunnel) addresses.noteConnection(hostname, socket.remoteAddress)
  return socket
}

/** The first context of a process takes as long as a round trip: Node parses its own CAs for it, whoever's are asked for. */
function madeMeanwhile(context: LazyContext, wire: Wire): SecureContext {
  try {
    return context()
  } catch (cause) {
    destroyWhenLaid(wire)
    throw cause
  }
}

function destroyWhenLaid({ laid }: Wire): void {
  laid.then(
    (socket) => socket.destroy(),
    () => undefined,
  )
}

/** What fails before anybody waits for it is told to whoever does. */
function heard<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => undefined)
  return promise
}

/** Resolves at the event, rejects at an error or when the signal ends it; then nobody but the caller listens. */
function settled(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
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
