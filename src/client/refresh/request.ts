/** What one refresh works with, and what it gives. */
import type { MetadataStore } from '../../cache/metadata-store.js'
import type { TrustPinning } from '../../trust/pinning.js'
import type { TargetsStage } from '../../trust/targets-stage.js'
import type { TrustServer } from '../../trust-server/notary-url.js'
import type { Transport } from '../../trust-server/transport.js'
import type { CollectionEvent } from '../events.js'
import type { Freshness, Warning } from '../results.js'
import type { Lock } from '../settings/lockfile-setting.js'

/** The bundle that takes the place of the server. */
interface BundleTerms {
  /** Its name in messages. */
  readonly file: string
  /** A root that neither lock, pin nor cache knows is accepted from the bundle. */
  readonly acceptsRoot: boolean
  /** Version of the newest root in it, by its name. */
  readonly newestRoot: number
}

/** One collection, where it comes from, and what it is judged with. */
export interface RefreshRequest {
  readonly gun: string
  /** The name that people use, for messages. */
  readonly familiarName: string
  readonly server: TrustServer
  /** Undefined: offline. */
  readonly transport: Transport | undefined
  /** Set when the transport answers from a bundle. */
  readonly bundle?: BundleTerms | undefined
  readonly store: MetadataStore
  readonly pinning: TrustPinning
  /** Undefined when the collection is not locked. */
  readonly lock?: Lock | undefined
  /** More pins that bind the collection: each must be met too. */
  readonly alsoPinned: readonly TrustPinning[]
  readonly staleFallback: 'warn' | 'refuse'
  /** Milliseconds since 1970. */
  readonly now: number
  /** The same moment in milliseconds of a clock that cannot be set. */
  readonly ticks: number
  /** Milliseconds that an answer of the server may be old; 0 asks it in any case. */
  readonly maxAge: number
  /** Ends the network work. */
  readonly signal: AbortSignal
  readonly tell: (event: CollectionEvent) => void
}

/** A verified set, and how current it is. */
export interface Refreshed {
  readonly stage: TargetsStage
  readonly freshness: Freshness
  readonly warnings: readonly Warning[]
  /** When the server was last asked with success, in milliseconds since 1970; undefined when this client does not know. */
  readonly checked: number | undefined
}
