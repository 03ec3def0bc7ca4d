/**
 * Opens verified TLS connections, directly or through a proxy. undici alone would go on connecting after it was
 * destroyed, and could not tell the trust server's client certificate from other hosts.
 */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import { type SecureContext, connect as tlsConnect } from 'node:tls'
import type { buildConnector } from 'undici'
import { systemCode } from '../errors.js'
import { dependsOnAuthorities } from './certificate-faults.js'
import { PrivateAddresses } from './private-addresses.js'
import { type ProxyServer, proxyFor } from './proxy.js'
import type { TlsContexts } from './tls.js'
import { TlsSessions } from './tls-sessions.js'

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
  /** Ends what is still connecting. */
  close(): void
}

/** How long one address may take before the next is tried beside it (RFC 8305), in milliseconds; Node's 250 is too short far away. */
const NEXT_ADDRESS_MS = 1_000
// For the TCP socket beneath; the types of tls.connect do not know them.
const BOTH_ADDRESS_FAMILIES = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS }

/** A connection that did not come about in time. */
class ConnectTimeout extends Error {
  readonly code = 'ETIMEDOUT'
}

/** A proxy that did not let us through. */
export class ProxyFailure extends Error {
  readonly code: string
  /** What it answered, if it did. */
  readonly status: number | undefined
  constructor(proxy: ProxyServer, reason: string, code: string, details: ErrorOptions & { status?: number | undefined } = {}) {
    super(`proxy ${proxy.hostname}:${proxy.port}: ${reason}`, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.status = details.status
  }
}

/** Makes a connector. */
export function createConnector(options: ConnectorOptions): Connector {
  const connecting = new Set<AbortController>()
  const memory = {
    addresses: new PrivateAddresses(options.trustServerHostname, options.lookup),
    sessions: new TlsSessions(),
    contexts: new Map<string, number>(),
  }
  const connect: buildConnector.connector = ({ hostname, port }, callback) => {
    const controller = new AbortController()
    const timer = setTimeout(() => {
      controller.abort(new ConnectTimeout(`no connection to ${hostname} within ${options.timeoutMs} ms`))
    }, options.timeoutMs)
    connecting.add(controller)
    open(options, memory, hostname, port === '' ? 443 : Number(port), controller.signal)
      .finally(() => {
        clearTimeout(timer)
        connecting.delete(controller)
      })
      .then(
        // undici would take a socket that ended meanwhile as a reason to connect once more, and again.
        (socket) => (socket.destroyed ? callback(socket.errored ?? closed(), null) : callback(null, socket)),
        (cause: unknown) => callback(cause instanceof Error ? cause : new Error(String(cause)), null),
      )
  }
  const close = (): void => {
    for (const controller of connecting) controller.abort(new Error('the transport was closed'))
  }
  return { connect, close }
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
      const socket = await shakeHands(options, memory, hostname, port, context(), signal)
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
  secureContext: SecureContext,
  signal: AbortSignal,
): Promise<Socket> {
  const proxy = proxyFor(hostname, port, options.env)
  const tunnel = proxy === undefined ? undefined : await openTunnel(proxy, hostname, port, options.contexts, signal)
  const host = `${hostname}:${port}`
  const session = sessions.find(host)
  const socket = tlsConnect({
    ...(tunnel === undefined ? {} : { socket: tunnel }),
    ...(session === undefined ? {} : { session }),
    secureContext,
    host: hostname,
    port,
    lookup: addresses.lookup(hostname),
    servername: serverName(hostname),
    // Said outright, so that NODE_TLS_REJECT_UNAUTHORIZED=0 does not count.
    rejectUnauthorized: true,
    // Not h2: undici 7 takes a body that RST_STREAM cuts off for a whole one, and knows no limit for its headers.
    ALPNProtocols: ['http/1.1'],
    ...BOTH_ADDRESS_FAMILIES,
  })
  socket.setNoDelay(true)
  // Whoever takes a session up is not asked for a name any more; Node gives out only those of servers that it verified.
  socket.on('session', (fresh: Buffer) => sessions.keep(host, fresh))
  await settled(socket, 'secureConnect', signal)
  if (tunnel === undefined) addresses.noteConnection(hostname, socket.remoteAddress)
  return socket
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

function openTunnel(
  proxy: ProxyServer,
  hostname: string,
  port: number,
  contexts: TlsContexts,
  signal: AbortSignal,
): Promise<Socket> {
  const authority = `${isIP(hostname) === 6 ? `[${hostname}]` : hostname}:${port}`
  const common = {
    host: proxy.hostname,
    port: proxy.port,
    method: 'CONNECT',
    path: authority,
    headers: {
      host: authority,
      connection: 'keep-alive',
      ...(proxy.authorization === undefined ? {} : { 'proxy-authorization': proxy.authorization }),
    },
    agent: false,
    signal,
  } as const
  return new Promise((resolve, reject) => {
    const request = proxy.tls
      ? httpsRequest({
          ...common,
          ...{ secureContext: contexts.otherHosts.at(-1)?.() },
          servername: serverName(proxy.hostname),
          rejectUnauthorized: true,
        })
      : httpRequest(common)
    request.once('connect', (response, socket, head) => {
      socket.on('error', () => undefined)
      if (response.statusCode === 200 && head.length === 0) return resolve(socket)
      socket.destroy()
      const status = response.statusCode
      reject(new ProxyFailure(proxy, `answered ${status ?? 0} to CONNECT`, 'ERR_PROXY_REFUSED', { status }))
    })
    request.once('error', (cause: Error & { code?: string }) => {
      // A proxy that stays silent is to be named too.
      const late = signal.aborted && signal.reason instanceof ConnectTimeout ? signal.reason : undefined
      if (signal.aborted && late === undefined) return reject(signal.reason)
      const { message, code = 'ERR_PROXY' } = late ?? cause
      reject(new ProxyFailure(proxy, message, code, { cause: late ?? cause }))
    })
    request.end()
  })
}

/** The name for SNI, which knows neither addresses nor a dot at the end. */
function serverName(hostname: string): string {
  return isIP(hostname) === 0 ? hostname.replace(/\.$/, '') : ''
}
