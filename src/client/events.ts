/** Events for logs and metrics. They never hold a secret, and no verdict depends on a listener. */
import diagnostics from 'node:diagnostics_channel'
import type { TransportEvent } from '../http/events.js'
import type { Trusted } from '../trust/trusted.js'
import type { WarningCode } from './results.js'

/** Where a file came from. `memory`: the client still had the verified set. */
export type FileOrigin = 'server' | 'cache' | 'memory' | 'bundle'

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
  /** The cached timestamp replaces the server's. */
  | { readonly type: 'stale'; readonly reason: string }
  /** A file was requested on a guess, and is not the one that the verified set names. */
  | { readonly type: 'wrong-guess'; readonly name: string; readonly bytes: number }
  | { readonly type: 'warning'; readonly code: WarningCode; readonly message: string }
)

/** Told apart by `type`; more may come. */
export type TrustEvent = TransportEvent | CollectionEvent

/** The event for metadata that was loaded into the verified set. */
export function roleLoaded(
  gun: string,
  { role, metadata: { version, expires } }: Trusted<{ version: number; expires: number }>,
  from: FileOrigin,
): CollectionEvent {
  return { type: 'role-loaded', gun, role, version, expires: new Date(expires).toISOString(), from }
}

/** Every event of every client of the process is published here too (node:diagnostics_channel). */
const EVENT_CHANNEL = 'docker-content-trust'

/** Sends events to a listener and the diagnostics channel. Failures of the listener, also later ones, are ignored: they must not change a verdict or end the process. */
export function createTeller(listener: ((event: TrustEvent) => void) | undefined): (event: TrustEvent) => void {
  const channel = diagnostics.channel(EVENT_CHANNEL)
  return (event) => {
    channel.publish(event)
    try {
      const answer: unknown = listener?.(event)
      // An async listener: without this its rejection would end the process.
      if (typeof answer === 'object' && answer !== null) new Promise((resolve) => resolve(answer)).catch(ignore)
    } catch {
      ignore()
    }
  }
}

/** Deliberately does nothing: the listener belongs to the user. */
function ignore(): void {}
