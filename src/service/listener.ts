/** An HTTP server with limits: TLS unless on loopback, certificates that are read again, and a stop that lets requests end. */
import { setMaxListeners } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { createSecureContext, TLSSocket } from 'node:tls'
import { describeCause, UsageError } from '../errors.js'
import { isLoopback } from '../http/connection/no-proxy.js'
import { usableCertificates } from '../http/tls/pem-files.js'
import { shellWord } from '../shell-word.js'

/** Files in PEM. */
interface TlsFiles {
  /** A chain, the server's certificate first. */
  readonly cert: string
  readonly key: string
  /** Client certificates of these CAs are accepted; none is demanded. */
  readonly clientCa?: string | undefined
}

/** Where to listen. */
export interface ListenerOptions {
  readonly host: string
  readonly port: number
  readonly tls?: TlsFiles | undefined
  /** For tests: shorter times. */
  readonly times?: Partial<typeof TIMES>
  /** Called when new certificates cannot be used; the old ones stay. */
  readonly onReloadFailure: (cause: unknown) => void
}

/** Who sent a request. */
export interface Client {
  /** It showed a certificate of the client CA. */
  readonly isIdentified: boolean
  /** Aborts when the answer is sent, or the client is gone. */
  readonly gone: AbortSignal
}

/** Answers one request. Must not reject. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse, client: Client) => Promise<void>

/** A server that listens. */
export interface Listener {
  readonly port: number
  /** Reads the certificates again. */
  reload(): Promise<void>
  /** Accepts nothing more, lets running requests end, and closes what is left after GRACE_MS. */
  close(): Promise<void>
}

/** Connections at a time: stops a flood of them. */
const MAX_CONNECTIONS = 1_000

/** Bytes of the headers of a request: stops endless data. */
const MAX_HEADER_BYTES: number = 16 * 1024

/** Milliseconds. Each stops a client that stalls in the way named. */
const TIMES = {
  /** TLS handshake. */
  handshakeTimeout: 10_000,
  /** All headers of a request. */
  headersTimeout: 10_000,
  /** A whole request with its body. */
  requestTimeout: 20_000,
  /** No request on an open connection. */
  keepAliveTimeout: 5_000,
  /** How often the limits above are looked at. */
  connectionsCheckingInterval: 2_000,
}

/** Milliseconds without a byte: a client that does not read its answer. Longer than the longest work of a request. */
const IDLE_MS = 120_000

/** Milliseconds between two looks at the files of the certificates. */
const RELOAD_MS = 30_000

/** Milliseconds that running requests have when the service stops; Kubernetes kills after 30 s. */
const GRACE_MS = 25_000

/** Listens. @throws UsageError ERR_SETTINGS_INVALID for certificates or an address that cannot be used */
export async function listen(handler: RequestHandler, options: ListenerOptions): Promise<Listener> {
  const { host, port, tls, times, onReloadFailure } = options
  if (tls === undefined && !isLoopback(host)) {
    throw new UsageError('ERR_SETTINGS_INVALID', `${host} is not a loopback address: requests need TLS there`, {
      hint: 'Give --tls-cert FILE and --tls-key FILE, or listen on 127.0.0.1.',
    })
  }
  let files = tls === undefined ? undefined : await readTlsFiles(tls)
  const limits = { ...TIMES, ...times, maxHeaderSize: MAX_HEADER_BYTES }
  const server =
    files === undefined ? createServer(limits) : createTlsServer({ ...limits, ...secure(files), rejectUnauthorized: false })
  server.maxConnections = MAX_CONNECTIONS
  server.setTimeout(IDLE_MS)
  let isClosing = false
  const running = new Set<ServerResponse>()
  // Set anew when the client CA changes: what a connection showed before counts no more.
  let current = new WeakSet<Duplex>()
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Duplex) => void current.add(socket))
  let onIdle: () => void = () => undefined
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!current.has(request.socket)) return void request.socket.destroy() // clients then connect anew
    if (isClosing) response.setHeader('connection', 'close')
    running.add(response)
    const gone = new AbortController()
    const { socket } = request
    const end = (): void => {
      socket.off('close', end)
      running.delete(response)
      gone.abort(new Error('the client is gone'))
      if (running.size === 0) onIdle()
    }
    response.once('close', end)
    // Node does not close an answer that waits behind another of its connection.
    setMaxListeners(0, socket)
    socket.once('close', end)
    void handler(request, response, { isIdentified: isAuthorized(request), gone: gone.signal })
  })
  // A client that breaks off its handshake is no news.
  server.on('tlsClientError', () => undefined)
  await bind(server, host, port)
  const reload = async (): Promise<void> => {
    if (tls === undefined) return
    try {
      const found = await readTlsFiles(tls)
      if (JSON.stringify(found) === JSON.stringify(files)) return
      const context = secure(found)
      createSecureContext(context) // the server would take a context that it cannot use
      if ('setSecureContext' in server) server.setSecureContext(context)
      if (found.ca !== files?.ca) current = new WeakSet()
      files = found
    } catch (cause) {
      onReloadFailure(cause)
    }
  }
  const timer = setInterval(() => void reload(), RELOAD_MS).unref()
  const close = async (): Promise<void> => {
    clearInterval(timer)
    isClosing = true
    const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
    const late = setTimeout(() => onIdle(), GRACE_MS)
    await new Promise<void>((resolve) => {
      onIdle = resolve
      if (running.size === 0) resolve()
    })
    clearTimeout(late)
    server.closeAllConnections() // also those that never sent a whole request
    await closed
  }
  return { port: portOf(server), reload, close }
}

interface Material {
  readonly cert: string
  readonly key: string
  readonly ca: string | undefined
}

async function readTlsFiles({ cert, key, clientCa }: TlsFiles): Promise<Material> {
  const texts = await Promise.all([readText(cert), readText(key), clientCa === undefined ? undefined : readText(clientCa)])
  const found = { cert: texts[0], key: texts[1], ca: texts[2] }
  usableCertificates(found.cert, cert)
  if (clientCa !== undefined && found.ca !== undefined) usableCertificates(found.ca, clientCa)
  try {
    createSecureContext(secure(found))
  } catch (cause) {
    // Without the text of the file: it may be a key.
    throw new UsageError('ERR_SETTINGS_INVALID', `cannot use ${cert} with the key ${key}`, {
      hint: `The key must be the certificate's, in PEM and without a passphrase: openssl pkey -in ${shellWord(key)} -noout`,
      cause,
    })
  }
  return found
}

function secure({ cert, key, ca }: Material) {
  const clients = ca === undefined ? {} : { ca, requestCert: true }
  return { cert, key, ...clients, minVersion: 'TLSv1.2' as const }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new UsageError('ERR_SETTINGS_INVALID', `cannot read ${file}: ${describeCause(cause)}`, {
      hint: `Look whether it is there and may be read: ls -l ${shellWord(file)}`,
      cause,
    })
  }
}

/**
 * True when the client's certificate is one of the client CA. `authorized` alone is not enough: Node says true for a resumed TLS 1.3 session
 * whose client never showed a certificate.
 */
function isAuthorized({ socket }: IncomingMessage): boolean {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return false
  return socket.getPeerX509Certificate() !== undefined
}

async function bind(server: Server | TlsServer, host: string, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port }, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (cause) {
    throw new UsageError('ERR_SETTINGS_INVALID', `cannot listen on ${host}:${port}: ${describeCause(cause)}`, {
      hint: `See who listens there: ss -ltnp sport = :${port}`,
      cause,
    })
  }
}

function portOf(server: Server | TlsServer): number {
  const address = server.address()
  return address === null || typeof address === 'string' ? 0 : address.port
}
