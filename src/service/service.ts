/** The service: routes, the queue before them, and what is told of each decision. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { printable } from '../errors.js'
import { BadRequest, readJson, send } from './answer.js'
import { type Listener, type ListenerOptions, listen, type RequestHandler } from './listener.js'
import { refusal } from './oci-errors.js'
import { QueueFull, RequestQueue } from './queue.js'
import type { Resolver } from './resolver.js'
import { parseResolverRequest } from './resolver-request.js'
import type { ServiceMetrics } from './service-metrics.js'
import type { Verdict, Verifier } from './verifier.js'
import { MAX_VERIFY_BYTES, referencesOf, verifyAll } from './verify-route.js'

/** One line of the log: no value in it is a secret. */
export type LogLine = Readonly<Record<string, unknown>>

/** What the service is made of. */
export interface ServiceOptions {
  readonly listen: Omit<ListenerOptions, 'onReloadFailure'>
  readonly metricsListen?: Omit<ListenerOptions, 'onReloadFailure'> | undefined
  readonly verifier: Verifier
  readonly resolver: Resolver
  readonly metrics: ServiceMetrics
  readonly queue: RequestQueue
  readonly log: (line: LogLine) => void
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

/** The queue of a service: a full one answers 503 at once. */
export function createQueue(): RequestQueue {
  return new RequestQueue({ running: 64, waiting: 512, waitMs: 10_000 })
}

const JSON_TYPE = { 'content-type': 'application/json' }
const TEXT_TYPE = { 'content-type': 'text/plain; charset=utf-8' }
const METRICS_TYPE = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }
const REGISTRY_HEADERS = { ...JSON_TYPE, 'docker-distribution-api-version': 'registry/2.0' }
const RETRY = { 'retry-after': '1' }

/** Starts listening. @throws UsageError ERR_SETTINGS_INVALID */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { metrics, log } = options
  const onReloadFailure = (cause: unknown): void => {
    metrics.reloadFailed('certificates')
    const message = cause instanceof Error ? printable(cause.message) : 'unknown'
    log({ event: 'reload-failed', what: 'certificates', message })
  }
  const main = await listen(mainHandler(options), { ...options.listen, onReloadFailure })
  let second: Listener | undefined
  try {
    second = options.metricsListen && (await listen(metricsHandler(metrics), { ...options.metricsListen, onReloadFailure }))
  } catch (cause) {
    await main.close()
    throw cause
  }
  return {
    port: main.port,
    metricsPort: second?.port,
    reload: async () => void (await Promise.all([main.reload(), second?.reload()])),
    close: async () => {
      await main.close()
      await second?.close()
    },
  }
}

function mainHandler(options: ServiceOptions): RequestHandler {
  const { metrics, log, queue } = options
  return async (request, response, isIdentified) => {
    const route = routeOf(request.url ?? '')
    response.on('close', () => metrics.answered(route, response.statusCode))
    try {
      if (route === 'verify' || route === 'manifest') {
        const work = route === 'verify' ? verifyRoute : manifestRoute
        await queue.run(() => work(options, request, response, isIdentified))
      } else plainRoute(route, request, response)
    } catch (cause) {
      if (response.headersSent || response.destroyed) return
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

function routeOf(target: string): 'verify' | 'manifest' | 'v2' | 'livez' | 'readyz' | 'other' {
  const [path] = target.split('?', 1)
  if (path === '/v2/' || path === '/v2') return 'v2'
  if (path === '/verify') return 'verify'
  if (path === '/livez') return 'livez'
  if (path === '/readyz') return 'readyz'
  return target.startsWith('/v2/') && target.includes('/manifests/') ? 'manifest' : 'other'
}

/** Answers that need no work. Readiness does not depend on a trust server: without one, refusals are the right answer. */
function plainRoute(route: string, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') notAllowed(request, response, 'GET, HEAD')
  else if (route === 'v2') send(request, response, 200, '{}', REGISTRY_HEADERS)
  else if (route === 'livez' || route === 'readyz') send(request, response, 200, 'ok\n', TEXT_TYPE)
  else send(request, response, 404, refusal(404, 'UNSUPPORTED', 'this service does not have that address').body, REGISTRY_HEADERS)
}

function notAllowed(request: IncomingMessage, response: ServerResponse, allow: string): void {
  const { body } = refusal(405, 'UNSUPPORTED', `this address takes ${allow}`)
  send(request, response, 405, body, { ...JSON_TYPE, allow, connection: 'close' })
}

async function verifyRoute(options: ServiceOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST') return notAllowed(request, response, 'POST')
  const references = referencesOf(await readJson(request, MAX_VERIFY_BYTES))
  const tell = teller(options, request, 'verify')
  const results = await verifyAll(options.verifier, references, tell)
  send(request, response, 200, JSON.stringify({ results }), JSON_TYPE)
}

async function manifestRoute(
  options: ServiceOptions,
  request: IncomingMessage,
  response: ServerResponse,
  isIdentified: boolean,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed(request, response, 'GET, HEAD')
  const asked = parseResolverRequest(request.url ?? '')
  if (asked === undefined || 'problem' in asked) {
    const { body } = refusal(400, 'NAME_INVALID', asked?.problem ?? 'this is no address of a manifest')
    return send(request, response, 400, body, REGISTRY_HEADERS)
  }
  const tell = teller(options, request, 'manifest')
  const resolved = await options.resolver.resolve(asked, isIdentified)
  const { verdict } = resolved
  // The verdict on the signature and the answer of the registry are one decision.
  if (verdict !== undefined) {
    const error = 'error' in resolved ? resolved.error : undefined
    tell(
      `${asked.registry}/${asked.path}:${asked.reference}`,
      error === undefined ? verdict : { ...verdict, kind: 'failed', error },
    )
  }
  if ('refusal' in resolved) {
    const { status, body } = resolved.refusal
    return send(request, response, status, body, { ...REGISTRY_HEADERS, ...(status === 503 ? RETRY : {}) })
  }
  const { digest, mediaType, bytes } = resolved.manifest
  const headers = { ...REGISTRY_HEADERS, 'content-type': mediaType, 'docker-content-digest': digest, etag: `"${digest}"` }
  send(request, response, 200, bytes, headers)
}

/** Writes one line for each decision, and counts it. */
function teller({ metrics, log }: ServiceOptions, { socket }: IncomingMessage, route: string) {
  const started = performance.now()
  return (reference: string, verdict: Verdict): void => {
    const milliseconds = Math.round(performance.now() - started)
    metrics.decided(verdict, milliseconds)
    const { kind } = verdict
    const error = kind === 'failed' || kind === 'permitted' ? verdict.error : undefined
    const result = kind === 'trusted' ? verdict.result : undefined
    const policy = verdict.ruling && { match: verdict.ruling.match, action: verdict.ruling.action }
    log({
      event: 'decision',
      route,
      reference: printable(reference, MAX_LOGGED),
      decision: kind,
      ...(result && { digest: result.digest, freshness: result.freshness, rootTrust: result.rootTrust }),
      ...(error && { code: error.code, message: error.message }),
      ...(policy && { policy }),
      ...(result && result.warnings.length > 0 && { warnings: result.warnings.map(({ code }) => code) }),
      client: socket.remoteAddress,
      milliseconds,
    })
  }
}

/** Characters of a reference in the log. */
const MAX_LOGGED = 800

function metricsHandler(metrics: ServiceMetrics): RequestHandler {
  return async (request, response) => {
    const isMetrics = request.url === '/metrics' && (request.method === 'GET' || request.method === 'HEAD')
    if (isMetrics) send(request, response, 200, metrics.text(), METRICS_TYPE)
    else send(request, response, 404, 'metrics are at /metrics\n', TEXT_TYPE)
  }
}
