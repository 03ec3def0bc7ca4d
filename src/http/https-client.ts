/** One https request and its answer over undici: connections, deadlines, redirects, limits. It knows nothing of trust. */
import type { LookupFunction } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import type { Agent, Dispatcher } from 'undici'
import { TransportClosed } from './connection/connection-failures.js'
import { type Connector, createConnector } from './connection/connector.js'
import { withDeadline } from './deadline.js'
import { readBody } from './http-body.js'
import { nextLocation, RedirectRefused } from './redirect.js'
import { withoutBrackets } from './server-address.js'
import type { TlsContexts } from './tls/tls.js'
import { loadUndici, MAX_CONNECTIONS_PER_HOST, type Undici } from './undici.js'

/** What is asked. */
export interface HttpsRequest {
  readonly url: URL
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  /** The Authorization header; it goes to the origin of `url` only, and no more once a redirect led away from there. */
  readonly authorization?: string | undefined
  readonly body?: string
  /** A longer body of a 200 is refused. Other bodies are not kept. */
  readonly maxBytes: number
  /** Nobody waits long for it: `guessMs` instead of `headersMs`. */
  readonly guess?: boolean | undefined
  /** A redirect is the answer, and is not followed. */
  readonly staysHere?: boolean
  readonly signal: AbortSignal
}

/** What came back. */
export interface HttpsAnswer {
  readonly status: number
  /** Every value of a header, in order. */
  readonly header: (name: string) => readonly string[]
  /** Empty unless the status is 200. */
  readonly body: Uint8Array
  /** The first other host that a redirect led to: then what was asked did not answer by itself. */
  readonly redirectedTo: string | undefined
}

/** How long each step may take, in milliseconds. All stop slow retrieval, each at another place. */
export interface Deadlines {
  /** Proxy, TCP and TLS: a server that accepts and stays silent. */
  readonly connectMs: number
  /** From the request to the end of the headers: one that reads and stays silent. */
  readonly headersMs: number
  /** The same for a guess: a server that is silent about names that it need not know. */
  readonly guessMs: number
  /** Between two pieces of the body: one that stops in the middle. */
  readonly bodyIdleMs: number
  /** The whole of one request, redirects included: one that sends a byte now and then. */
  readonly totalMs: number
}

export const DEADLINES: Deadlines = { connectMs: 10_000, headersMs: 15_000, guessMs: 3_000, bodyIdleMs: 10_000, totalMs: 60_000 }

/** Answers before the answer (1xx) that are passed over: stops a flood of them, which would hold off the deadline for headers. */
const MAX_INTERIM_ANSWERS = 16

/** Bytes of an error's body that are read so that the connection can be used again; more and it is closed. */
const MAX_IGNORED_BODY_BYTES = 16 * 1024

/** More answers before the answer than anybody needs. */
export class TooManyInterimAnswers extends Error {}

/** What connections are made with. */
export interface TlsChoices extends TlsContexts {
  /** The trust server gets one. */
  readonly hasClientCertificate: boolean
}

/** What a client needs. */
export interface HttpsClientOptions {
  /** Called once, unless it fails. */
  readonly contexts: () => Promise<TlsChoices>
  readonly trustServerHostname: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly deadlines: Deadlines
  /** For tests: another resolver. */
  readonly lookup?: LookupFunction | undefined
}

interface Connections {
  readonly contexts: () => Promise<TlsChoices>
  readonly connector: Connector
  readonly undici: Promise<Undici>
  /** Requests that wait for undici to be loaded: as many connections are begun meanwhile. Undefined: it is. */
  waiting: number | undefined
}

/** Sends requests; connections are opened with the first. */
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

  /** Begins to connect for so many requests, where none was sent yet. Resolves when they are sent; failures are told to who sends. */
  async connectAhead(url: URL, wanted: number): Promise<void> {
    if (this.#connections !== undefined || this.lifetime.aborted) return
    const { connector, undici } = this.#connect()
    connector.connectAhead(url, wanted)
    await undici.catch(() => undefined)
    await connector.dialsSettled()
    await setImmediate() // undici sends as soon as it can
  }

  /**
   * Sends, and follows redirects of a GET.
   *
   * @throws RedirectRefused, TooManyInterimAnswers, BodyTooLong, BodyUnreadable, TransportClosed, the signal's reason, UsageError for the
   * settings of TLS and proxy, else whatever the connection failed with
   */
  async send(request: HttpsRequest): Promise<HttpsAnswer> {
    return withDeadline([request.signal, this.lifetime], this.#options.deadlines.totalMs, async (signal) => {
      const ask = await this.#ready(request.url)
      const { headersMs, guessMs } = this.#options.deadlines
      const headersTimeout = request.guess ? Math.min(guessMs, headersMs) : headersMs
      let url = request.url
      let redirectedTo: string | undefined
      for (let redirects = 0; ; redirects += 1) {
        signal.throwIfAborted()
        // Behind another origin, an address of the first one is that other's choice: it gets nothing that was meant for ours.
        const authorization = redirectedTo === undefined ? request.authorization : undefined
        const answer = await exchange(ask, { ...request, url, authorization }, headersTimeout, signal)
        // undici frees the connection a moment after the body ended; asked before that, it would open another.
        await setImmediate()
        const next = request.staysHere === true ? undefined : nextLocation({ ...request, url }, answer, redirects)
        if (next === undefined) return { ...answer, redirectedTo }
        await this.#keepClientCertificate(url, next, answer.status)
        if (next.origin !== request.url.origin) redirectedTo ??= next.host
        url = next
      }
    })
  }

  /** Ends everything, running requests too. */
  async close(): Promise<void> {
    this.#lifetime.abort(new TransportClosed())
    const connections = this.#connections
    if (connections === undefined) return
    connections.connector.close()
    const [undici] = await Promise.allSettled([connections.undici])
    if (undici.status === 'fulfilled') await undici.value.agent.destroy()
  }

  /** The trust server's host gets the client certificate with every connection: no other host may choose what is asked there. */
  async #keepClientCertificate(from: URL, to: URL, status: number): Promise<void> {
    const isTrustServer = ({ hostname }: URL): boolean => withoutBrackets(hostname) === this.#options.trustServerHostname
    if (isTrustServer(from) || !isTrustServer(to) || !(await this.#connections?.contexts())?.hasClientCertificate) return
    throw new RedirectRefused(status, `the redirect leads back to ${to.hostname}, which would get the client certificate`)
  }

  async #ready(url: URL): Promise<Agent['request']> {
    const connections = this.#connections ?? this.#connect()
    if (connections.waiting !== undefined) {
      connections.waiting += 1
      connections.connector.connectAhead(url, Math.min(connections.waiting, MAX_CONNECTIONS_PER_HOST))
    }
    return (await connections.undici).request
  }

  #connect(): Connections {
    const { deadlines, env, trustServerHostname, lookup } = this.#options
    let read: Promise<TlsChoices> | undefined
    const contexts = (): Promise<TlsChoices> => {
      read ??= this.#options.contexts()
      return read
    }
    const connector = createConnector({ contexts, trustServerHostname, env, timeoutMs: deadlines.connectMs, lookup })
    const undici = connector.firstDialStarted.then(contexts).then(() => loadUndici(connector, deadlines.bodyIdleMs))
    const connections: Connections = { contexts, connector, undici, waiting: 0 }
    this.#connections = connections
    undici.then(
      () => {
        connections.waiting = undefined
      },
      () => {
        // Settings that could not be used are read anew the next time.
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
  // A body that is given up fails once more, with nobody there to hear it.
  response.body.on('error', () => undefined)
  const header = (name: string): readonly string[] => headerValues(response.headers, name)
  const answer = { status: response.statusCode, header }
  if (response.statusCode !== 200) {
    await response.body.dump({ limit: MAX_IGNORED_BODY_BYTES, signal })
    return { ...answer, body: new Uint8Array() }
  }
  const [contentLength] = header('content-length')
  const contentEncoding = header('content-encoding')
  return { ...answer, body: await readBody(response.body, { contentLength, contentEncoding }, request.maxBytes, signal) }
}

function headerValues(headers: Dispatcher.ResponseData['headers'], name: string): readonly string[] {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : value
}
