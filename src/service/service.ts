/** The service: its addresses, and the queues before them. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { printable } from '../errors.js'
import { BadRequest, JSON_TYPE, notAllowed, REGISTRY_HEADERS, RETRY, send } from './answer.js'
import { type Listener, type ListenerOptions, listen, type RequestHandler } from './listener.js'
import { refusal } from './oci-errors.js'
import { QueueFull, type QueueLimits, RequestQueue } from './queue.js'
import { parseResolverRequest } from './resolver-request.js'
import { type Routes, routeOf } from './routes.js'
import type { ServiceMetrics } from './service-metrics.js'
import { registriesOf } from './verify-route.js'

/** What the service is made of. */
export interface ServiceOptions {
  readonly listen: Omit<ListenerOptions, 'onReloadFailure'>
  readonly metricsListen?: Omit<ListenerOptions, 'onReloadFailure'> | undefined
  readonly routes: Routes
  /** For manifests. */
  readonly manifests: RequestQueue
  /** For lists of references. A list that waits for a registry that hangs takes no place from engines. */
  readonly lists: RequestQueue
  readonly metrics: ServiceMetrics
  readonly log: (line: Readonly<Record<string, unknown>>) => void
}

/** A service that runs. */
export interface Service {
  readonly port: number
  readonly metricsPort: number | undefined
  /** Reads certificates again; broken ones leave the old. */
  reload(): Promise<void>
  /** Lets running requests end. */
  close(): Promise<void>
}

/** The queues of verifications: a full one answers 503 at once. */
export const QUEUE: QueueLimits = { running: 96, waiting: 768, waitMs: 10_000, shareOfOne: 2 / 3 }

/** Blobs of one registry at a time: its share of BLOBS. */
export const BLOBS_AT_ONCE = 32

/** The queue of blobs, which take longer: they keep no verification waiting. */
const BLOBS: QueueLimits = { running: 48, waiting: 384, waitMs: 30_000, shareOfOne: 2 / 3 }

/** Counted for a client that went away before it had an answer. */
const CLIENT_GONE = 499

const TEXT_TYPE = { 'content-type': 'text/plain; charset=utf-8' }
const METRICS_TYPE = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }

/** Readiness means that the policy is read and requests are taken. Without a trust server, refusals are the right answer. */
interface State {
  isStopping: boolean
}

/** Starts listening. @throws UsageError ERR_SETTINGS_INVALID */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { metrics, log } = options
  const onReloadFailure = (cause: unknown): void => {
    metrics.reloadFailed('certificates')
    const message = cause instanceof Error ? printable(cause.message) : 'unknown'
    log({ event: 'reload-failed', what: 'certificates', message })
  }
  const state = { isStopping: false }
  const main = await listen(mainHandler(options, state), { ...options.listen, onReloadFailure })
  let second: Listener | undefined
  try {
    second =
      options.metricsListen && (await listen(metricsHandler(metrics, state), { ...options.metricsListen, onReloadFailure }))
  } catch (cause) {
    await main.close()
    throw cause
  }
  return {
    port: main.port,
    metricsPort: second?.port,
    reload: async () => void (await Promise.all([main.reload(), second?.reload()])),
    close: async () => {
      state.isStopping = true
      await main.close()
      await second?.close()
    },
  }
}

function mainHandler({ metrics, log, manifests, lists, routes }: ServiceOptions, state: State): RequestHandler {
  const blobs = new RequestQueue(BLOBS)
  return async (request, response, client) => {
    const { gone } = client
    const route = routeOf(request.url ?? '')
    gone.addEventListener('abort', () => metrics.answered(route, response.headersSent ? response.statusCode : CLIENT_GONE))
    const inTurn = (turns: RequestQueue, registries: ReadonlySet<string>, work: () => Promise<void>): Promise<void> =>
      turns.run(registries, async () => {
        if (!gone.aborted) await work()
      })
    try {
      if (route === 'verify') {
        // A body takes no turn: a client may send it slowly.
        const references = await routes.references(request, response)
        if (references !== undefined)
          await inTurn(lists, registriesOf(references), () => routes.verify(request, response, references))
      } else if (route === 'manifest')
        await inTurn(manifests, registryOf(request), () => routes.manifest(request, response, client))
      else if (route === 'blob') await inTurn(blobs, registryOf(request), () => routes.blob(request, response, client))
      else plainRoute(route, state, request, response)
    } catch (cause) {
      // The client must not take what it has for the whole.
      if (response.headersSent || gone.aborted) return void response.destroy()
      if (cause instanceof BadRequest) {
        response.setHeader('connection', 'close') // the rest of the body is not read
        send(request, response, cause.status, JSON.stringify({ error: cause.message }), JSON_TYPE)
      } else if (cause instanceof QueueFull) {
        const { body } = refusal(503, 'TOOMANYREQUESTS', 'the service is busy: try again in a moment')
        send(request, response, 503, body, { ...JSON_TYPE, ...RETRY })
      } else {
        log({ event: 'fault', route, message: cause instanceof Error ? printable(cause.message) : 'unknown' })
        send(request, response, 500, refusal(500, 'UNKNOWN', 'internal error').body, JSON_TYPE)
      }
    }
  }
}

/** The registry that the address names; none for an address that is refused. */
function registryOf({ url = '' }: IncomingMessage): ReadonlySet<string> {
  const asked = parseResolverRequest(url)
  return new Set(asked !== undefined && 'registry' in asked ? [asked.registry] : [])
}

/** Answers that need no work. */
function plainRoute(route: string, state: State, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') notAllowed(request, response, 'GET, HEAD')
  else if (route === 'v2') send(request, response, 200, '{}', REGISTRY_HEADERS)
  else if (route === 'livez') send(request, response, 200, 'ok\n', TEXT_TYPE)
  else if (route === 'readyz')
    send(request, response, state.isStopping ? 503 : 200, state.isStopping ? 'stopping\n' : 'ok\n', TEXT_TYPE)
  else send(request, response, 404, refusal(404, 'UNSUPPORTED', 'this service does not have that address').body, REGISTRY_HEADERS)
}

/** The metrics, and the probes: this listener lives a little longer than the other, and tells that the service stops. */
function metricsHandler(metrics: ServiceMetrics, state: State): RequestHandler {
  return async (request, response) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const route = routeOf(request.url ?? '')
    if (isRead && request.url === '/metrics') send(request, response, 200, metrics.text(), METRICS_TYPE)
    else if (route === 'livez' || route === 'readyz') plainRoute(route, state, request, response)
    else send(request, response, 404, 'metrics are at /metrics\n', TEXT_TYPE)
  }
}
