/** The options of the library. All are optional. */
import type { MetadataStore } from '../../cache/metadata-store.js'
import type { CredentialsOption } from '../../credentials/credentials.js'
import type { Transport } from '../../trust-server/transport.js'
import type { TrustEvent } from '../events.js'
import type { Environment } from './environment.js'

/** What decides whether content trust is on. */
export interface ContentTrustSwitch {
  readonly env?: Environment | undefined
  /** Wins over the environment. */
  readonly disableContentTrust?: boolean | undefined
}

/** Notary's `trust_pinning` object. */
export interface TrustPinningOption {
  /** GUN, or a prefix ending in `*`, to root keys: their IDs, as listed or canonical, or PEM of the public key or certificate. */
  readonly certs?: Readonly<Record<string, readonly string[]>>
  /** GUN prefix to the path of a PEM file with CA certificates. */
  readonly ca?: Readonly<Record<string, string>>
  /** Refuse an unknown collection that has no pin. */
  readonly disable_tofu?: boolean
}

/** A signer by name, without `targets/`; with `keys` only when one of these keys signed: canonical IDs, or PEM. */
export type RequiredSignerOption = string | { readonly name: string; readonly keys: readonly string[] }

/** How many of the signers must have signed. */
export type RequiredSignersOption =
  | { readonly all: readonly RequiredSignerOption[] }
  | { readonly any: readonly RequiredSignerOption[] }
  | { readonly atLeast: number; readonly of: readonly RequiredSignerOption[] }

/** Options of `createTrustClient` and `verifyTag`. */
export interface TrustClientOptions extends ContentTrustSwitch {
  /** Default: `process.env`. Read at the first call, never at import. */
  readonly env?: Environment
  /** `true` switches content trust off, `false` insists on it; wins over the environment. */
  readonly disableContentTrust?: boolean
  /** The trust server for every registry, e.g. `https://container-trust.oci.oraclecloud.com:443`. */
  readonly server?: string
  /** Registry (`docker.io` or `host[:port]`) to trust server. */
  readonly servers?: Readonly<Record<string, string>>
  /**
   * Where images are pulled from, to the name in which they are signed: `{'mirror.example': 'docker.io', 'registry.example/hub/': 'docker.io'}`.
   * A path ends at `/`. The longest counts, and its answer is not looked up again. Mirrors of the policy count too.
   */
  readonly mirrors?: Readonly<Record<string, string>>
  /** Default: `<dockerConfig>/trust`. */
  readonly trustDirectory?: string
  /** The folder of Docker's config.json. Default: `DOCKER_CONFIG`, else `~/.docker`; none for a user without a home. */
  readonly dockerConfig?: string
  /** Takes the place of the cache in `trustDirectory`. */
  readonly store?: MetadataStore
  /** Takes the place of https. */
  readonly transport?: Transport
  /** Which roots are trusted. Checked at every run, with a cached root too. Default: none, and an unknown collection is trusted on first use. */
  readonly pinning?: TrustPinningOption
  /** A lockfile: its path, or its content as an object. A lock only tightens: a collection with an entry must follow from its locked root. */
  readonly lockfile?: string | object
  /** Refuse a collection without an entry in the lockfile. */
  readonly frozen?: boolean
  /** A collection that neither cache, pin nor lock knows: `accept` (default) trusts the root of the server, `refuse` fails. */
  readonly firstUse?: 'accept' | 'refuse'
  /**
   * What is asked of which images: the path of a JSON or YAML file, or the same as an object. Default: the path in `DCT_POLICY`, else
   * none. Read once, at the first call.
   */
  readonly policy?: string | object
  /** Who must have signed the digest that is answered, whatever the policy says: all of a list, or `{all}`, `{any}`, `{atLeast, of}`. */
  readonly requireSigners?: readonly RequiredSignerOption[] | RequiredSignersOption
  /** `name@sha256:...`: `require-signed` (default) looks for signed tags with the digest; `accept` checks nothing, as Docker does. */
  readonly digestReferences?: 'require-signed' | 'accept'
  /** When the server gives no usable answer: `warn` (default) uses a cached timestamp that is still valid, `refuse` fails. */
  readonly staleFallback?: 'warn' | 'refuse'
  /** Ask no server at all; answer from the cache. */
  readonly offline?: boolean
  /** Take the place of those in Docker's config.json: one for all servers, an object by `docker.io` or `host[:port]`, or a function of that name. */
  readonly credentials?: CredentialsOption
  /** PEM text or texts, added to the default CAs. */
  readonly ca?: string | readonly string[]
  /** Milliseconds for the network work of each reference. Default: 30,000. */
  readonly timeout?: number
  /** Aborting rejects with `signal.reason`. */
  readonly signal?: AbortSignal
  /** Default: the system clock. Asked once a refresh. */
  readonly now?: () => Date
  /** Called with each `TrustEvent`; events hold no secrets. Its errors and rejections are ignored. */
  readonly onEvent?: (event: TrustEvent) => void
}

/** Options of a single call; the same as a client's. */
export type VerifyTagOptions = TrustClientOptions
