/** The metrics of the service. */
import type { TrustEvent } from '../client/events.js'
import type { TrustError } from '../errors.js'
import type { TransportEvent } from '../http/events.js'
import { Counter, Histogram, metricsText, Reading, type Sample } from './metrics.js'
import type { Verdict } from './verifier.js'

/** What is read when the metrics are. */
export interface MetricsSources {
  readonly version: string
  /** Requests that are worked on. */
  readonly inflight: () => number
  readonly cache: { readonly hits: number; readonly misses: number }
  /** Expiries of the collections in use, in seconds since 1970. */
  readonly expiries: () => readonly Sample[]
}

/** Counts what the service does. */
export class ServiceMetrics {
  readonly #verifications = new Counter('dct_verifications_total', 'Decisions on image references.')
  readonly #duration = new Histogram('dct_verification_duration_seconds', 'Time of a decision, the registry included.')
  readonly #requests = new Counter('dct_http_requests_total', 'Requests to this service.')
  readonly #serverRequests = new Counter('dct_server_requests_total', 'Answers of trust servers and registries.')
  readonly #serverDuration = new Histogram(
    'dct_server_request_duration_seconds',
    'Time until trust servers and registries answered.',
  )
  readonly #reloadFailures = new Counter('dct_reload_failures_total', 'Configuration that was changed and could not be used.')
  readonly #refreshFailures = new Counter(
    'dct_refresh_failures_total',
    'Collections in use that could not be refreshed ahead of time.',
  )
  readonly #readings: readonly Reading[]
  #reloaded = 0

  constructor({ version, inflight, cache, expiries }: MetricsSources) {
    this.#readings = [
      new Reading('gauge', 'dct_inflight_verifications', 'Requests that are worked on.', () => [[inflight()]]),
      new Reading('counter', 'dct_cache_hits_total', 'Manifests that were kept.', () => [[cache.hits]]),
      new Reading('counter', 'dct_cache_misses_total', 'Manifests that the registry was asked for.', () => [[cache.misses]]),
      new Reading('gauge', 'dct_metadata_expiry_timestamp_seconds', 'When trust data of collections in use expires.', expiries),
      new Reading(
        'gauge',
        'dct_policy_last_reload_success_timestamp_seconds',
        'When the policy in use was read. It does not change while the file is broken.',
        () => [[this.#reloaded]],
      ),
      new Reading('gauge', 'dct_build_info', 'The version of dct.', () => [[1, { version }]]),
    ]
  }

  decided(verdict: Verdict, milliseconds: number): void {
    this.#verifications.add({ result: resultOf(verdict), code: errorOf(verdict)?.code ?? '' })
    this.#duration.observe(milliseconds / 1000)
  }

  answered(route: string, status: number): void {
    this.#requests.add({ route, status: String(status) })
  }

  /** `at`: milliseconds since 1970. */
  policyRead(at: number): void {
    this.#reloaded = at / 1000
  }

  reloadFailed(what: string): void {
    this.#reloadFailures.add({ what })
  }

  refreshFailed(code: string): void {
    this.#refreshFailures.add({ code })
  }

  /** For events of clients: hosts are those of the configuration, so that their number is bounded. */
  readonly onEvent = (event: TrustEvent | TransportEvent): void => {
    if (event.type !== 'response') return
    this.#serverRequests.add({ server: new URL(event.url).host, outcome: String(event.status) })
    this.#serverDuration.observe(event.milliseconds / 1000)
  }

  text(): string {
    return metricsText([
      this.#verifications,
      this.#duration,
      this.#requests,
      this.#serverRequests,
      this.#serverDuration,
      this.#reloadFailures,
      this.#refreshFailures,
      ...this.#readings,
    ])
  }
}

/** Why an image was refused, or would have been. */
export function errorOf(verdict: Verdict): TrustError | undefined {
  if ('error' in verdict) return verdict.error
  return verdict.result.status === 'permitted' ? verdict.result.error : undefined
}

function resultOf(verdict: Verdict): string {
  if ('error' in verdict) return verdict.error.kind === 'unavailable' ? 'unavailable' : 'untrusted'
  const { status } = verdict.result
  if (status === 'trusted' || status === 'trusted-digest') return 'trusted'
  return status === 'permitted' ? 'permitted' : 'skipped'
}
