/** The metrics of the service. */
import type { TrustEvent } from '../client/events.js'
import type { TransportEvent } from '../http/events.js'
import { Counter, Gauge, Histogram, metricsText } from './metrics.js'
import type { Verdict } from './verifier.js'

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
  readonly #gauges: readonly Gauge[]

  constructor(version: string, inflight: () => number) {
    this.#gauges = [
      new Gauge('dct_inflight_verifications', 'Requests that are worked on.', inflight),
      new Gauge('dct_build_info', 'The version of dct.', () => 1, { version }),
    ]
  }

  decided(verdict: Verdict, milliseconds: number): void {
    const code = verdict.kind === 'failed' || verdict.kind === 'permitted' ? verdict.error.code : ''
    this.#verifications.add({ result: resultOf(verdict), code })
    this.#duration.observe(milliseconds / 1000)
  }

  answered(route: string, status: number): void {
    this.#requests.add({ route, status: String(status) })
  }

  reloadFailed(what: string): void {
    this.#reloadFailures.add({ what })
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
      ...this.#gauges,
    ])
  }
}

function resultOf(verdict: Verdict): string {
  if (verdict.kind !== 'failed') return verdict.kind
  return verdict.error.kind === 'unavailable' ? 'unavailable' : 'untrusted'
}
