/** What a caller may set. Everything is optional. */
import type { MetadataStore } from '../../cache/metadata-store.js'
import type { CredentialsOption } from '../../credentials/credentials.js'
import type { Transport } from '../../trust-server/transport.js'
import type { TrustEvent } from '../events.js'
import type { ContentTrustSwitch, Environment } from './content-trust.js'

/** Notary's `trust_pinning` object. */
export interface TrustPinningOption {
  /** GUN, or a prefix ending in `*`, to root keys: their IDs, as listed or canonical, or PEM of the public key or certificate. */
  readonly certs?: Readonly<Record<string, readonly string[]>>
  /** GUN prefix to the path of a PEM file with CA certificates. */
  readonly ca?: Readonly<Record<string, string>>
  /** Without a pin, refuse a collection that was never seen. */
  readonly disable_tofu?: boolean
}

/** What a client is made with. */
export interface TrustClientOptions extends ContentTrustSwitch {
  /** Default: `process.env`. Read when something is asked, never at import. */
  readonly env?: Environment
  /** `true` switches content trust off, `false` insists on it; wins over the environment. */
  readonly disableContentTrust?: boolean
  /** The trust server for every registry, e.g. `https://container-trust.oci.oraclecloud.com:443`. */
  readonly server?: string
  /** Registry (`docker.io` or `host[:port]`) to trust server. */
  readonly servers?: Readonly<Record<string, string>>
  /** Default: `<dockerConfig>/trust`. */
  readonly trustDirectory?: string
  /** The folder of Docker's config.json. Default: `DOCKER_CONFIG`, else `~/.docker`; none for a user without a home. */
  readonly dockerConfig?: string
  /** Instead of the cache in `trustDirectory`. */
  readonly store?: MetadataStore
  /** Instead of https. */
  readonly transport?: Transport
  /** Which roots are believed; binding on every run, cached root or not. Default: none, and an unknown collection is trusted on first use. */
  readonly pinning?: TrustPinningOption
  /** `name@sha256:...`: `require-signed` (default) looks for signed tags with the digest; `accept` checks nothing, as Docker does. */
  readonly digestReferences?: 'require-signed' | 'accept'
  /** When the server gives no usable answer: `warn` (default) uses a cached timestamp that is still valid, `refuse` fails. */
  readonly staleFallback?: 'warn' | 'refuse'
  /** Ask no server at all; answer from the cache. */
  readonly offline?: boolean
  /** Instead of those in Docker's config.json: for whatever asks, by `docker.io` or `host[:port]`, or a function of that. */
  readonly credentials?: CredentialsOption
  /** PEM text or texts, added to the default CAs. */
  readonly ca?: string | readonly string[]
  /** Milliseconds for the network work of each reference. Default: 30,000. */
  readonly timeout?: number
  /** Aborting rejects with `signal.reason`. */
  readonly signal?: AbortSignal
  /** Default: the system clock. Asked once a refresh. */
  readonly now?: () => Date
  /** Told what happens, see `TrustEvent`; never a secret. What it throws, or rejects with, is ignored. */
  readonly onEvent?: (event: TrustEvent) => void
}

/** Options of a single call; the same as a client's. */
export type VerifyTagOptions = TrustClientOptions
