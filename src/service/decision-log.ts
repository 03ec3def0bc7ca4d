/** One line for each decision, and its count. No value in a line is a secret. */
import type { IncomingMessage } from 'node:http'
import { printable } from '../errors.js'
import { errorOf, type ServiceMetrics } from './service-metrics.js'
import type { Verdict } from './verifier.js'

/** One line of the log. */
export type LogLine = Readonly<Record<string, unknown>>

/** Characters of a reference in the log. */
const MAX_LOGGED = 800

/** What writes and counts. */
export interface DecisionLog {
  readonly metrics: ServiceMetrics
  readonly log: (line: LogLine) => void
}

/** Tells the decisions on one request. */
export function teller({ metrics, log }: DecisionLog, { socket }: IncomingMessage, route: string) {
  const started = performance.now()
  return (reference: string, verdict: Verdict): void => {
    const milliseconds = Math.round(performance.now() - started)
    metrics.decided(verdict, milliseconds)
    const error = errorOf(verdict)
    const result = 'result' in verdict ? verdict.result : undefined
    const verified = result?.status === 'trusted' || result?.status === 'trusted-digest' ? result : undefined
    const policy = result !== undefined && 'policy' in result ? result.policy : undefined
    log({
      event: 'decision',
      route,
      reference: printable(reference, MAX_LOGGED),
      decision: result?.status ?? 'failed',
      ...(verified && { digest: verified.digest, freshness: verified.freshness, rootTrust: verified.rootTrust }),
      ...(error && { code: error.code, message: error.message }),
      ...(policy && { policy }),
      ...(verified && verified.warnings.length > 0 && { warnings: verified.warnings.map(({ code }) => code) }),
      client: socket.remoteAddress,
      milliseconds,
    })
  }
}
