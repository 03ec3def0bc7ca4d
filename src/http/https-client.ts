/** Sends https requests over undici: connections, deadlines, redirects, limits. */
import type { LookupFunction } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import type { Agent, Dispatcher } from 'undici'
import { TransportClosed } from './connection/connection-failures.js'
import { type Connector, createConnector } from './connection/connector.js'
import { CONNECTIONS } from './connections.js'
import { withDeadline } from './deadline.js'
import { type BodySink, takeBody } from './http-body.js'
import { nextLocation, RedirectRefused } from './redirect.js'
import type { TlsContexts } from './tls/tls.js'
import { loadUndici, type Undici } from './undici.js'

/** A request. */
export interface HttpsRequest {
  readonly url: URL
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  /** The Authorization header. It is sent only to the origin of `url`, and not at all after a redirect to another origin. */
  readonly authorization?: string | undefined
  readonly body?: string
  /** The client refuses a longer body of a 200, and discards the bodies of all other answers. */
  readonly maxBytes: number
  /** The result may not be needed: the deadline for headers is `guessMs` instead of `headersMs`. */
  readonly guess?: boolean | undefined
  /** Returns a redirect as the answer instead of following it. */
  readonly returnsRedirects?: boolean
  /** Takes the body of a 200 as it arrives; `body` of the answer is then empty, and `maxBytes` does not count. It ends with the deadline. */
  readonly sink?: BodySink
  /** Milliseconds for the whole request in place of `totalMs`. */
  readonly withinMs?: number
  readonly signal: AbortSignal
}

/** An answer. */
export interface HttpsAnswer {
  readonly status: number
  /** Every value of a header, in order. */
  readonly header: (name: string) => readonly string[]
  /** Empty unless the status is 200, and after a HEAD. */
  readonly body: Uint8Array
  /** The first other host that a redirect led to. When it is set, the answer is not that of the server that was asked. */
  readonly redirectedTo: string | undefined
}

/** How long each step may take, in milliseconds. Each stops slow retrieval by a server that stalls in the way named. */
export interface Deadlines {
  /** Proxy, TCP and TLS: the server accepts the connection and then sends nothing. */
  readonly connectMs: number
  /** From the request to the end of the headers: the server reads the request and does not answer. */
  readonly headersMs: number
  /** The same for a guess: the server does not answer requests for files that it does not have. */
  readonly guessMs: number
  /** Between two pieces of the body: the server stops in the middle. */
  readonly bodyIdleMs: number
  /** The whole of one request, redirects included: the server sends a byte now and then. */
  readonly totalMs: number
}

export const DEADLINES: Deadlines = { connectMs: 10_000, headersMs: 15_000, guessMs: 3_000, bodyIdleMs: 10_000, totalMs: 60_000 }

/** Interim answers (1xx) that are skipped before the final one: stops a flood of them, each of which restarts the deadline for headers. */
const MAX_INTERIM_ANSWERS = 16

/** Bytes of an error's body that are read so that the connection can be used again. After a longer body the connection is closed. */
const MAX_IGNORED_BODY_BYTES = 16 * 1024

/** The server sent more than MAX_INTERIM_ANSWERS. */
export class TooManyInterimAnswers extends Error {}

/** The TLS contexts of a client. */
export interface TlsChoices extends TlsContexts {
  /** The contexts for the server hold a client certificate. */
  readonly hasClientCertificate: boolean
}

/** What a client needs. */
export interface HttpsClientOptions {
  /** Called once; again after a failure. */
  readonly contexts: () => Promise<TlsChoices>
  /**
   * The server that the user named. Only its host and port get the client certificate, and only its host may always have a
   * private address. Requests may go to other hosts too: token servers, and where it redirects.
   */
  readonly server: URL
  readonly env: Readonly<Record<string, string | undefined>>
  readonly deadlines: Deadlines
  /** To one host at a time; `CONNECTIONS` when absent. */
  readonly connections?: number | undefined
  /** For tests: another resolver. */
  readonly lookup?: LookupFunction | undefined
}

interface Connections {
  readonly contexts: () => Promise<TlsChoices>
  readonly connector: Connector
  readonly undici: Promise<Undici>
  /** Requests that wait until undici is loaded: as many connections are opened meanwhile. Undefined once it is loaded. */
  waiting: number | undefined
}

/** Sends requests. The first one opens connections. */
export class HttpsClient {
  readonly #options: HttpsClientOptions
  readonly #lifetime = new AbortController()
  #connections: Connections | undefined

  constructor(options: HttpsClientOptions) {
    this.#options = options
  }

  /** Aborted when the client is closed. */
  get lifetime(): AbortSignal {
    return this.#lifetime.signal
  }

  /**
   * Begins to connect for `count` requests if none was sent yet. Resolves when the connections are ready for them. Never
   * rejects: `send` reports a failure.
   */
  async connectAhead(url: URL, count: number): Promise<void> {
    if (this.#connections !== undefined || this.lifetime.aborted) return
    const { connector, undici } = this.#connect()
    connector.connectAhead(url, count)
    await undici.catch(() => undefined)
    await connector.dialsSettled()
    await setImmediate() // undici sends as soon as it can
  }

  /**
   * Sends a request and follows redirects of a GET or HEAD.
   *
   * @throws RedirectRefused, TooManyInterimAnswers, BodyTooLong, BodyUnreadable, TransportClosed, the signal's reason, UsageError for the
   * settings of TLS and proxy, else the error of the connection
   */
  async send(request: HttpsRequest): Promise<HttpsAnswer> {
    const milliseconds = request.withinMs ?? this.#options.deadlines.totalMs
    return withDeadline([request.signal, this.lifetime], milliseconds, async (signal) => {
      const ask = await this.#ready(request.url)
      const { headersMs, guessMs } = this.#options.deadlines
      const headersTimeout = request.guess ? Math.min(guessMs, headersMs) : headersMs
      let url = request.url
      let redirectedTo: string | undefined
      for (let redirects = 0; ; redirects += 1) {
        signal.throwIfAborted()
        // After a redirect to another origin, that origin chose the URL. The credentials are not sent to it, even at the first origin.
        const authorization = redirectedTo === undefined ? request.authorization : undefined
        const answer = await exchange(ask, { ...request, url, authorization }, headersTimeout, signal)
        // undici frees the connection a moment after the end of the body. A request before that would open another connection.
        await setImmediate()
        const next = request.returnsRedirects === true ? undefined : nextLocation({ ...request, url }, answer, redirects)
        if (next === undefined) return { ...answer, redirectedTo }
        await this.#protectClientCertificate(url, next, answer.status)
        if (next.origin !== request.url.origin) redirectedTo ??= next.host
        url = next
      }
    })
  }

  /** Closes all connections; running requests fail. */
  async close(): Promise<void> {
    this.#lifetime.abort(new TransportClosed())
    const connections = this.#connections
    if (connections === undefined) return
    connections.connector.close()
    const [undici] = await Promise.allSettled([connections.undici])
    if (undici.status === 'fulfilled') await undici.value.agent.destroy()
  }

  /**
   * Every connection to the server shows the client certificate. So another host must not choose, by a redirect, what is
   * requested from the server.
   */
  async #protectClientCertificate(from: URL, to: URL, status: number): Promise<void> {
    const isServer = ({ origin }: URL): boolean => origin === this.#options.server.origin
    if (isServer(from) || !isServer(to) || !(await this.#connections?.contexts())?.hasClientCertificate) return
    throw new RedirectRefused(status, `the redirect leads back to ${to.host}, which would get the client certificate`)
  }

  get #limit(): number {
    return this.#options.connections ?? CONNECTIONS
  }

  async #ready(url: URL): Promise<Agent['request']> {
    const connections = this.#connections ?? this.#connect()
    if (connections.waiting !== undefined) {
      connections.waiting += 1
      connections.connector.connectAhead(url, Math.min(connections.waiting, this.#limit))
    }
    return (await connections.undici).request
  }

  #connect(): Connections {
    const { deadlines, env, server, lookup } = this.#options
    let read: Promise<TlsChoices> | undefined
    const contexts = (): Promise<TlsChoices> => {
      read ??= this.#options.contexts()
      return read
    }
    const connector = createConnector({ contexts, server, env, timeoutMs: deadlines.connectMs, lookup })
    const undici = connector.firstDialStarted.then(contexts).then(() => loadUndici(connector, this.#limit, deadlines.bodyIdleMs))
    const connections: Connections = { contexts, connector, undici, waiting: 0 }
    this.#connections = connections
    undici.then(
      () => {
        connections.waiting = undefined
      },
      () => {
        // The next request reads the settings again.
        connector.close()
        if (this.#connections === connections) this.#connections = undefined
      },
    )
    return connections
  }
}

type Exchanged = Omit<HttpsAnswer, 'redirectedTo'>

async function exchange(
  ask: Agent['request'],
  request: HttpsRequest,
  headersTimeout: number,
  signal: AbortSignal,
): Promise<Exchanged> {
  const { url, method, headers, authorization, body } = request
  let interim = 0
  const onInfo = (): void => {
    interim += 1
    if (interim > MAX_INTERIM_ANSWERS) throw new TooManyInterimAnswers(`more than ${MAX_INTERIM_ANSWERS} interim answers`)
  }
  const response = await ask({
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method,
    headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
    ...(body === undefined ? {} : { body }),
    headersTimeout,
    signal,
    onInfo,
  })
  // An abandoned body emits one more error, which would be unhandled.
  response.body.on('error', () => undefined)
  const header = (name: string): readonly string[] => headerValues(response.headers, name)
  const answer = { status: response.statusCode, header }
  if (response.statusCode !== 200 || method === 'HEAD') {
    await response.body.dump({ limit: MAX_IGNORED_BODY_BYTES, signal })
    return { ...answer, body: new Uint8Array() }
  }
  return { ...answer, body: await takeBody(response.body, header, request, signal) }
}

function headerValues(headers: Dispatcher.ResponseData['headers'], name: string): readonly string[] {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : value
}
