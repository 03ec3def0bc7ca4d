/** What a client tells while it works, for logs and metrics: never a secret, and no verdict depends on who listens. */
import diagnostics from 'node:diagnostics_channel'
import type { TransportEvent } from '../http/events.js'
import type { Trusted } from '../trust/trusted.js'
import type { WarningCode } from './results.js'

/** Where a file came from. `memory`: a living client still had the verified set. */
export type FileOrigin = 'server' | 'cache' | 'memory'

/** What happens to a collection. */
export type CollectionEvent = { readonly gun: string } & (
  | { readonly type: 'cache'; readonly action: 'read' | 'written'; readonly roles: readonly string[] }
  | {
      readonly type: 'role-loaded'
      readonly role: string
      readonly version: number
      /** ISO date. */
      readonly expires: string
      readonly from: FileOrigin
    }
  | { readonly type: 'root-rotated'; readonly from: number; readonly to: number }
  /** The cached timestamp stands in for the server's. */
  | { readonly type: 'stale'; readonly reason: string }
  /** A file that was asked for on a guess, and was not the one that the verified set names. */
  | { readonly type: 'wrong-guess'; readonly name: string; readonly bytes: number }
  | { readonly type: 'warning'; readonly code: WarningCode; readonly message: string }
)

/** Told apart by `type`; more may come. */
export type TrustEvent = TransportEvent | CollectionEvent

/** Says what came into the verified set. */
export function roleLoaded(
  gun: string,
  { role, metadata: { version, expires } }: Trusted<{ version: number; expires: number }>,
  from: FileOrigin,
): CollectionEvent {
  return { type: 'role-loaded', gun, role, version, expires: new Date(expires).toISOString(), from }
}

/** Every event of every client of the process is published here too (node:diagnostics_channel). */
const EVENT_CHANNEL = 'docker-content-trust'

/** Tells a listener and the diagnostics channel. No listener may change a verdict or end the process: its failure is ignored, now or later. */
export function createTeller(listener: ((event: TrustEvent) => void) | undefined): (event: TrustEvent) => void {
  const channel = diagnostics.channel(EVENT_CHANNEL)
  return (event) => {
    channel.publish(event)
    try {
      const answer: unknown = listener?.(event)
      // An async function, or anything else with a `then`, is followed only so that its failure is not one of the process.
      if (typeof answer === 'object' && answer !== null) new Promise((resolve) => resolve(answer)).catch(ignore)
    } catch {
      ignore()
    }
  }
}

/** Deliberately nothing: the listener is not ours. */
function ignore(): void {}
