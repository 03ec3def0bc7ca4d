/** Fetches metadata files from a trust server over https. */
import type { LookupFunction } from 'node:net'
import type { CredentialSource } from '../credentials/credentials.js'
import { UnavailableError, UntrustedError } from '../errors.js'
import { RegistryAuth } from '../http/auth/registry-auth.js'
import type { TransportEvent } from '../http/events.js'
import { BodyTooLong, BodyUnreadable } from '../http/http-body.js'
import { DEADLINES, type Deadlines, type HttpsAnswer, HttpsClient, type TlsChoices } from '../http/https-client.js'
import { badContentError, type NetworkContext, networkError, statusError } from '../http/network-errors.js'
import { withRetries } from '../http/retry.js'
import type { TlsSources } from '../http/tls/tls.js'
import { tlsFolder } from '../http/tls/tls-folder.js'
import { metadataUrl, type TrustServer } from './notary-url.js'
import type { MetadataRequest, Transport } from './transport.js'

/** What an HTTP transport needs. */
export interface HttpTransportOptions {
  readonly server: TrustServer
  /** The folder of Docker's config.json; `tls/<host>/` in it may hold a CA and a client certificate. */
  readonly dockerConfig: string | undefined
  /** Holds HTTPS_PROXY, NO_PROXY, NODE_EXTRA_CA_CERTS, SSL_CERT_FILE and SSL_CERT_DIR. The environment of the process is not read. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** PEM text or texts, added to the default CAs. */
  readonly ca?: string | readonly string[]
  /** Without it, only anonymous tokens are tried. */
  readonly credentials?: CredentialSource | undefined
  /** True when the user mapped docker.io to this server by name. Only then may the server get the credentials of docker.io. */
  readonly serverIsMappedForDockerIo?: boolean
  /** To one host at a time, from 1 to 256; 64 when absent. */
  readonly connections?: number
  /** Called for every request, answer and retry; never with a secret. */
  readonly onEvent?: (event: TransportEvent) => void
  /** For tests: shorter deadlines. */
  readonly deadlines?: Partial<Deadlines>
  /** For tests: another resolver. */
  readonly lookup?: LookupFunction
  /** For tests: replaces the folders of Docker's engine, such as `/etc/docker/certs.d`. */
  readonly engineFolders?: readonly string[] | undefined
}

/**
 * Requests for one file: without a token, with an anonymous one, with a renewed one, with one for credentials, with a renewed
 * one. Stops a server that refuses every token.
 */
const MAX_ROUNDS = 5

/** Requests that every refresh sends at once: the timestamp, and a root. */
const CERTAIN_REQUESTS = 2

/** Makes a transport for one trust server. It reads and opens nothing before the first request. */
export function createHttpTransport(options: HttpTransportOptions): Transport {
  return new HttpTransport(options)
}

class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions
  readonly #client: HttpsClient
  readonly #auth: RegistryAuth

  constructor(options: HttpTransportOptions) {
    const { server, env } = options
    this.#options = options
    this.#client = new HttpsClient({
      contexts: () => readContexts(options),
      server: server.url,
      env,
      deadlines: { ...DEADLINES, ...options.deadlines },
      connections: options.connections,
      lookup: options.lookup,
    })
    this.#auth = new RegistryAuth({
      client: this.#client,
      server,
      credentials: options.credentials,
      serverIsMappedForDockerIo: options.serverIsMappedForDockerIo ?? false,
      onEvent: (event) => options.onEvent?.(event),
    })
  }

  async fetchMetadata(request: MetadataRequest): Promise<Uint8Array | undefined> {
    const { gun, name, maxBytes, signal } = request
    const { server, dockerConfig } = this.#options
    const url = metadataUrl(server, gun, name)
    const context = {
      gun,
      role: roleOf(name),
      host: server.host,
      serverKind: server.kind,
      tlsFolder: tlsFolder(dockerConfig ?? '<docker config>', server.host),
    }
    try {
      const answer = await this.#getAuthorized(url, request, context)
      if (answer.status === 200) return answer.body
      // A 404 counts only from the server itself.
      if (answer.status === 404 && answer.redirectedTo === undefined) return undefined
      throw statusError(answer.status, context, {
        retryAfter: answer.header('retry-after')[0],
        redirectedTo: answer.redirectedTo,
      })
    } catch (cause) {
      throw await this.#explained(this.#error(cause, signal, context, maxBytes))
    }
  }

  async connectAhead(): Promise<void> {
    await this.#client.connectAhead(this.#options.server.url, CERTAIN_REQUESTS)
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  async #getAuthorized(url: URL, request: MetadataRequest, context: NetworkContext): Promise<HttpsAnswer> {
    const { gun, name, signal } = request
    let authorization = this.#auth.current(gun)
    let wasNotFound = false
    for (let round = 1; ; round += 1) {
      const answer = await this.#get(url, request, authorization)
      const { status } = answer
      const isHidden = status === 404 && name === 'root'
      if (status !== 401 && status !== 403 && !isHidden) return answer
      // After a redirect to another host, no credentials are sent: not to that host, and not to where it redirects.
      if (answer.redirectedTo !== undefined || round >= MAX_ROUNDS) return answer
      if (isHidden) {
        const login = await this.#auth.afterNotFound(authorization, context, signal)
        if (login === undefined) return answer
        wasNotFound = true
        authorization = login
        continue
      }
      const challenges = answer.header('www-authenticate')
      authorization = await this.#auth.next({ status, challenges, refused: authorization, context, wasNotFound }, signal)
    }
  }

  #get(url: URL, request: MetadataRequest, authorization: string | undefined): Promise<HttpsAnswer> {
    const { name, maxBytes, guess, signal } = request
    const headers = {
      'accept-encoding': 'identity',
      'user-agent': 'docker-content-trust',
      // The content under a name without a hash changes. HTTP caches on the way may keep a timestamp for minutes.
      ...(/\.[0-9a-f]{64}$/.test(name) ? {} : { 'cache-control': 'no-cache' }),
    }
    const { onEvent } = this.#options
    const send = async (): Promise<HttpsAnswer> => {
      const started = performance.now()
      onEvent?.({ type: 'request', url: url.href })
      const answer = await this.#client.send({ url, method: 'GET', headers, authorization, maxBytes, guess, signal })
      const milliseconds = Math.round(performance.now() - started)
      onEvent?.({ type: 'response', url: url.href, status: answer.status, bytes: answer.body.length, milliseconds })
      return answer
    }
    if (guess) return send()
    return withRetries([signal, this.#client.lifetime], send, (retry) => onEvent?.({ type: 'retry', url: url.href, ...retry }))
  }

  async #explained(error: unknown): Promise<unknown> {
    if (error instanceof UnavailableError && error.code === 'ERR_TLS') {
      const { explainTls } = await import('../http/tls/tls-explanation.js')
      await explainTls(error, tlsSources(this.#options))
    }
    return error
  }

  #error(cause: unknown, signal: AbortSignal, context: NetworkContext, maxBytes: number): unknown {
    if (signal.aborted) return signal.reason
    if (cause instanceof BodyUnreadable) return badContentError(cause, context)
    if (!(cause instanceof BodyTooLong)) return networkError(cause, context)
    return new UntrustedError('ERR_METADATA_TOO_LARGE', `trust server returned a bad response: ${cause.message}`, {
      gun: context.gun,
      role: context.role,
      evidence: { maxBytes },
      cause,
    })
  }
}

/** Loads `tls.ts` and reads the certificates while TCP connects. */
async function readContexts(options: HttpTransportOptions): Promise<TlsChoices> {
  const { createTlsContexts, readTlsMaterial } = await import('../http/tls/tls.js')
  const material = await readTlsMaterial(tlsSources(options))
  return { ...createTlsContexts(material), hasClientCertificate: material.clientPairs.length > 0 }
}

function tlsSources({ server, dockerConfig, env, ca, engineFolders }: HttpTransportOptions): TlsSources {
  return { dockerConfig, host: server.host, env, ca: ca === undefined ? [] : [ca].flat(), engineFolders }
}

/** `2.root` -> `root`, `targets/releases.<hex>` -> `targets/releases`. */
function roleOf(name: string): string {
  return name.replace(/\.[0-9a-f]{64}$/, '').replace(/^[0-9]+\.(?=root$)/, '')
}
