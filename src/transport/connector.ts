/**
 * Opens verified TLS connections, directly or through a proxy. undici alone would go on connecting after it was
 * destroyed, and could not tell the trust server's client certificate from other hosts.
 */
import { type LookupFunction, type Socket, connect as tcpConnect } from 'node:net'
import { type SecureContext, connect as tlsConnect } from 'node:tls'
import type { buildConnector } from 'undici'
import { systemCode } from '../errors.js'
import { dependsOnAuthorities } from './certificate-faults.js'
import { ConnectTimeout } from './connection-failures.js'
import { withoutBrackets } from './notary-url.js'
import { PrivateAddresses } from './private-addresses.js'
import { proxyFor } from './proxy.js'
import type { LazyContext, TlsContexts } from './tls.js'
import { TlsSessions } from './tls-sessions.js'
import { openTunnel, serverName } from './tunnel.js'

/** What connecting needs. */
export interface ConnectorOptions {
  readonly contexts: TlsContexts
  /** The host that gets the client certificate, on any port. */
  readonly trustServerHostname: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Proxy, TCP and TLS together, in milliseconds: stops a peer that accepts and stays silent. */
  readonly timeoutMs: number
  /** For tests: another resolver. */
  readonly lookup?: LookupFunction | undefined
}

/** What one connection leaves for the next. */
interface Memory {
  readonly addresses: PrivateAddresses
  readonly sessions: TlsSessions
  /** By host: the place in the list of contexts that did. */
  readonly contexts: Map<string, number>
}

/** Connects for an undici Agent. */
export interface Connector {
  readonly connect: buildConnector.connector
  /** Connects before anybody asks: whoever connects to that host first gets it. */
  connectAhead(url: URL): void
  /** Ends what is still connecting, and what nobody took. */
  close(): void
}

/** How long one address may take before the next is tried beside it (RFC 8305), in milliseconds; Node's 250 is too short far away. */
const NEXT_ADDRESS_MS = 1_000
const BOTH_ADDRESS_FAMILIES = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS }

/** Makes a connector. */
export function createConnector(options: ConnectorOptions): Connector {
  const connecting = new Set<AbortController>()
  const ahead = new Map<string, Promise<Socket>>()
  const memory = {
    addresses: new PrivateAddresses(options.trustServerHostname, options.lookup),
    sessions: new TlsSessions(),
    contexts: new Map<string, number>(),
  }
  const begin = (hostname: string, port: string): Promise<Socket> => {
    const controller = new AbortController()
    const timer = setTimeout(() => {
      controller.abort(new ConnectTimeout(`no connection to ${hostname} within ${options.timeoutMs} ms`))
    }, options.timeoutMs)
    connecting.add(controller)
    return open(options, memory, hostname, port === '' ? 443 : Number(port), controller.signal).finally(() => {
      clearTimeout(timer)
      connecting.delete(controller)
    })
  }
  const connect: buildConnector.connector = ({ hostname, port }, callback) => {
    const begun = ahead.get(`${hostname}:${port}`)
    ahead.delete(`${hostname}:${port}`)
    ;(begun ?? begin(hostname, port)).then(
      // undici would take a socket that ended meanwhile as a reason to connect once more, and again.
      (socket) => (socket.destroyed ? callback(socket.errored ?? closed(), null) : callback(null, socket.ref())),
      (cause: unknown) => callback(cause instanceof Error ? cause : new Error(String(cause)), null),
    )
  }
  const connectAhead = (url: URL): void => {
    const [hostname, port] = [withoutBrackets(url.hostname), url.port] // as undici calls them
    const begun = begin(hostname, port)
    begun.then(
      (socket) => socket.unref(), // what nobody takes keeps no process alive
      () => undefined, // told to whoever takes it
    )
    ahead.set(`${hostname}:${port}`, begun)
  }
  const close = (): void => {
    for (const controller of connecting) controller.abort(new Error('the transport was closed'))
    for (const begun of ahead.values()) {
      begun.then(
        (socket) => socket.destroy(),
        () => undefined,
      )
    }
  }
  return { connect, connectAhead, close }
}

async function open(
  options: ConnectorOptions,
  memory: Memory,
  hostname: string,
  port: number,
  signal: AbortSignal,
): Promise<Socket> {
  memory.addresses.check(hostname)
  const host = `${hostname}:${port}`
  const contexts = hostname === options.trustServerHostname ? options.contexts.trustServer : options.contexts.otherHosts
  const known = memory.contexts.get(host) ?? 0
  for (const [at, context] of contexts.entries()) {
    if (at < known) continue
    try {
      const socket = await shakeHands(options, memory, hostname, port, context, signal)
      memory.contexts.set(host, at)
      return socket
    } catch (cause) {
      if (at === contexts.length - 1 || !dependsOnAuthorities(systemCode(cause) ?? '')) throw cause
    }
  }
  throw new Error('no context to connect with')
}

async function shakeHands(
  options: ConnectorOptions,
  { addresses, sessions }: Memory,
  hostname: string,
  port: number,
  context: LazyContext,
  signal: AbortSignal,
): Promise<Socket> {
  const proxy = proxyFor(hostname, port, options.env)
  const tunnel = proxy === undefined ? undefined : await openTunnel(proxy, hostname, port, options.contexts, signal)
  const wire = tunnel ?? tcpConnect({ host: hostname, port, lookup: addresses.lookup(hostname), ...BOTH_ADDRESS_FAMILIES })
  const connected = tunnel === undefined ? settled(wire, 'connect', signal) : undefined
  connected?.catch(() => undefined) // told below
  const secureContext = madeMeanwhile(context, wire)
  await connected
  const host = `${hostname}:${port}`
  const session = sessions.find(host)
  const socket = tlsConnect({
    socket: wire,
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
  if (tunnel === undefined) addresses.noteConnection(hostname, socket.remoteAddress)
  return socket
}

/** The first context of a process takes as long as a round trip: Node parses its own CAs for it, whoever's are asked for. */
function madeMeanwhile(context: LazyContext, wire: Socket): SecureContext {
  try {
    return context()
  } catch (cause) {
    wire.destroy()
    throw cause
  }
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
    const onClose = (): void => finish(() => reject(closed()))
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

function closed(): Error {
  return Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' })
}
