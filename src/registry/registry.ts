/** Sends requests for manifests to one registry: authentication, retries, errors. */
import type { LookupFunction } from 'node:net'
import type { CredentialSource } from '../credentials/credentials.js'
import { systemCode, UnavailableError, UntrustedError } from '../errors.js'
import { RegistryAuth } from '../http/auth/registry-auth.js'
import type { TransportEvent } from '../http/events.js'
import { type BodySink, BodyTooLong, BodyUnreadable } from '../http/http-body.js'
import { DEADLINES, type Deadlines, type HttpsAnswer, HttpsClient, type TlsChoices } from '../http/https-client.js'
import { badContentError, type NetworkContext, networkError, statusError } from '../http/network-errors.js'
import { withRetries } from '../http/retry.js'
import type { ServerAddress } from '../http/server-address.js'
import type { TlsSources } from '../http/tls/tls.js'
import { tlsFolder } from '../http/tls/tls-folder.js'
import { ACCEPT } from './manifest.js'
import { contentUrl, isOnLoopback } from './registry-address.js'

/** What registries are asked with. */
export interface RegistryClientOptions {
  /** The folder of Docker's config.json; `tls/<host>/` in it may hold a CA and a client certificate. */
  readonly dockerConfig: string | undefined
  /** Holds HTTPS_PROXY, NO_PROXY, NODE_EXTRA_CA_CERTS, SSL_CERT_FILE and SSL_CERT_DIR. The environment of the process is not read. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** PEM texts, added to the default CAs. */
  readonly ca?: readonly string[]
  /** False: those of `tls/<host>/` are not shown. */
  readonly clientCertificates?: boolean
  /** Without it, only anonymous tokens are tried. */
  readonly credentials?: CredentialSource | undefined
  /** Called for every request, answer and retry; never with a secret. */
  readonly onEvent?: (event: TransportEvent) => void
  /** Connections to one registry at a time. Default: those of a client that fetches manifests. */
  readonly connections?: number
  /** For tests: shorter deadlines. */
  readonly deadlines?: Partial<Deadlines>
  /** For tests: another resolver. */
  readonly lookup?: LookupFunction
  /** For tests: replaces the folders of Docker's engine, such as `/etc/docker/certs.d`. */
  readonly engineFolders?: readonly string[] | undefined
}

/** A repository at a registry. */
export interface RegistryQuestion {
  /** `docker.io` or `host[:port]`, as in a reference. */
  readonly domain: string
  /** The name without the registry: `library/alpine`. */
  readonly path: string
  readonly signal: AbortSignal
  /** The Authorization header of somebody else, passed on to this registry alone; no other credentials are then used. */
  readonly authorization?: string | undefined
}

/** What is asked of a registry. */
export interface Asked extends RegistryQuestion {
  readonly method: 'GET' | 'HEAD'
  /** Default: manifests. */
  readonly kind?: 'manifests' | 'blobs'
  /** Tag or digest. */
  readonly reference: string
  readonly maxBytes: number
  /** Takes the body as it arrives. The request is then sent once. */
  readonly sink?: BodySink
  /** Milliseconds, with a sink. */
  readonly withinMs?: number
}

/** Bytes of a manifest: stops endless data. The limit that registries themselves have (distribution, OCI recommend 4 MiB). */
export const MAX_MANIFEST_BYTES: number = 4 * 1024 * 1024

/** Requests for one manifest: without a token, with an anonymous one, with credentials, each renewed once. Stops a registry that refuses every token. */
const MAX_ROUNDS = 5

/** One registry. */
export class Registry {
  readonly #server: ServerAddress
  readonly #options: RegistryClientOptions
  readonly #client: HttpsClient
  readonly #auth: RegistryAuth
  /** True once the registry on this machine turned out to speak http without TLS. */
  #isPlain = false

  constructor(server: ServerAddress, options: RegistryClientOptions) {
    this.#server = server
    this.#options = options
    this.#client = new HttpsClient({
      contexts: () => readContexts(tlsSources(server, options), options.clientCertificates !== false),
      server: server.url,
      env: options.env,
      deadlines: { ...DEADLINES, ...options.deadlines },
      connections: options.connections,
      lookup: options.lookup,
    })
    this.#auth = new RegistryAuth({
      client: this.#client,
      server,
      credentials: options.credentials,
      serverIsMappedForDockerIo: false,
      onEvent: (event) => options.onEvent?.(event),
    })
  }

  /** The answer with status 200; undefined for a 404 of the registry itself. */
  async ask(asked: Asked): Promise<HttpsAnswer | undefined> {
    const { domain, path, kind = 'manifests', reference, signal } = asked
    const url = contentUrl(this.#server, path, kind, reference)
    const context: NetworkContext = {
      gun: `${domain}/${path}`,
      repository: path,
      host: this.#server.host,
      serverKind: 'registry',
      tlsFolder: tlsFolder(this.#options.dockerConfig ?? '<docker config>', this.#server.host),
    }
    try {
      const answer = await this.#authorized(url, asked, context)
      if (answer.status === 200 || (answer.status === 405 && asked.method === 'HEAD')) return answer
      // A 404 counts only from the registry itself.
      if (answer.status === 404 && answer.redirectedTo === undefined) return undefined
      const retryAfter = answer.header('retry-after')[0]
      throw statusError(answer.status, context, { retryAfter, redirectedTo: answer.redirectedTo })
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      throw await this.#explained(errorOf(cause, context, reference, asked.maxBytes))
    }
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  async #authorized(url: URL, asked: Asked, context: NetworkContext): Promise<HttpsAnswer> {
    if (asked.authorization !== undefined) return this.#send(url, asked, asked.authorization)
    let authorization = this.#isPlain ? undefined : this.#auth.current(context.gun)
    for (let round = 1; ; round += 1) {
      const answer = await this.#send(url, asked, authorization)
      const { status } = answer
      if ((status !== 401 && status !== 403) || this.#isPlain) return answer
      // After a redirect to another host, no credentials are sent: not to that host, and not to where it redirects.
      if (answer.redirectedTo !== undefined || round >= MAX_ROUNDS) return answer
      const challenges = answer.header('www-authenticate')
      authorization = await this.#auth.next({ status, challenges, refused: authorization, context }, asked.signal)
    }
  }

  #send(url: URL, asked: Asked, authorization: string | undefined): Promise<HttpsAnswer> {
    const { method, maxBytes, signal, sink, withinMs } = asked
    const streamed = sink === undefined ? {} : { sink, ...(withinMs === undefined ? {} : { withinMs }) }
    const headers = { accept: ACCEPT, 'accept-encoding': 'identity', 'user-agent': 'docker-content-trust' }
    const { onEvent } = this.#options
    const send = async (): Promise<HttpsAnswer> => {
      const started = performance.now()
      onEvent?.({ type: 'request', url: url.href })
      const answer = await this.#exchange({ url, method, headers, authorization, maxBytes, signal, ...streamed })
      const milliseconds = Math.round(performance.now() - started)
      onEvent?.({ type: 'response', url: url.href, status: answer.status, bytes: answer.body.length, milliseconds })
      return answer
    }
    if (sink !== undefined) return send() // what was passed on cannot be sent again
    return withRetries([signal, this.#client.lifetime], send, (retry) => onEvent?.({ type: 'retry', url: url.href, ...retry }))
  }

  async #exchange(request: Parameters<HttpsClient['send']>[0]): Promise<HttpsAnswer> {
    if (!this.#isPlain) {
      try {
        return await this.#client.send(request)
      } catch (cause) {
        if (!isOnLoopback(this.#server) || !isPlainAnswer(cause)) throw cause
        this.#isPlain = true
      }
    }
    const { sendToLoopback } = await import('./loopback-http.js')
    return sendToLoopback(request)
  }

  async #explained(error: unknown): Promise<unknown> {
    if (error instanceof UnavailableError && error.code === 'ERR_TLS') {
      const { explainTls } = await import('../http/tls/tls-explanation.js')
      await explainTls(error, tlsSources(this.#server, this.#options))
    }
    return error
  }
}

/** True for the error of OpenSSL when a server answers the handshake without TLS. */
function isPlainAnswer(cause: unknown): boolean {
  return /^(?:ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)|EPROTO)$/.test(systemCode(cause) ?? '')
}

function errorOf(cause: unknown, context: NetworkContext, reference: string, maxBytes: number): unknown {
  if (cause instanceof BodyTooLong) return tooLarge(context.gun, reference, maxBytes, cause)
  return cause instanceof BodyUnreadable ? badContentError(cause, context) : networkError(cause, context)
}

/** The error for a manifest that is longer than allowed. */
export function tooLarge(gun: string, reference: string, bytes: number, cause?: BodyTooLong): UntrustedError {
  const why = cause?.message ?? `its signed length is ${bytes} bytes, and at most ${MAX_MANIFEST_BYTES} are read`
  return new UntrustedError('ERR_METADATA_TOO_LARGE', `the manifest ${reference} of ${gun} is too long: ${why}`, {
    gun,
    evidence: { bytes },
    cause,
  })
}

/** Loads `tls.ts` and reads the certificates while TCP connects. */
async function readContexts(sources: TlsSources, showsCertificates: boolean): Promise<TlsChoices> {
  const { createTlsContexts, readTlsMaterial } = await import('../http/tls/tls.js')
  const found = await readTlsMaterial(sources)
  const material = showsCertificates ? found : { ...found, clientPairs: [] }
  return { ...createTlsContexts(material), hasClientCertificate: material.clientPairs.length > 0 }
}

function tlsSources(server: ServerAddress, { dockerConfig, env, ca = [], engineFolders }: RegistryClientOptions): TlsSources {
  return { dockerConfig, host: server.host, env, ca, engineFolders }
}
