/**
 * Resolves tags for container engines: the digest of a tag is the one that is signed, and the manifest is the registry's, checked
 * against it. A redirect to the registry would not be safe: the engine would believe the registry's own digest header.
 */
import { TrustError, UnavailableError } from '../errors.js'
import type { Manifest, RegistryClient } from '../registry/registry-client.js'
import type { ManifestCache } from './manifest-cache.js'
import { type Refusal, refusal, refusalOf } from './oci-errors.js'
import type { ResolverRequest } from './resolver-request.js'
import type { Verdict, Verifier } from './verifier.js'

/** What a resolver needs. */
export interface ResolverOptions {
  readonly verifier: Verifier
  /** Registries that are resolved for; others are refused without a network. */
  readonly registries: ReadonlySet<string>
  /** Registries that the service's own credentials may be used at for every client. */
  readonly sharedCredentials: ReadonlySet<string>
  /** Asks registries without credentials, and with those of the service. */
  readonly anonymous: RegistryClient
  readonly withCredentials: RegistryClient
  readonly cache: ManifestCache
}

/** What the resolver answers, and why. */
export type Resolved =
  | { readonly manifest: Manifest; readonly verdict: Verdict }
  | { readonly refusal: Refusal; readonly error?: TrustError; readonly verdict?: Verdict }

/** Milliseconds for the registry: stops slow retrieval. */
const REGISTRY_MS = 30_000

/** Answers requests for manifests. */
export class Resolver {
  readonly #options: ResolverOptions

  constructor(options: ResolverOptions) {
    this.#options = options
  }

  /** `isIdentified`: the client showed a certificate of the service's client CA. Never rejects but for faults of the program. */
  async resolve(request: ResolverRequest, isIdentified: boolean): Promise<Resolved> {
    const { registry, path, reference, isDigest } = request
    if (!this.#options.registries.has(registry)) {
      const hint = `Start it with --registry ${registry}`
      return { refusal: refusal(403, 'DENIED', `this resolver does not answer for ${registry}. ${hint}`) }
    }
    // The engine takes manifests by digest from the registry itself.
    if (isDigest) return { refusal: refusal(404, 'MANIFEST_UNKNOWN', 'this resolver answers for tags only') }
    const verdict = await this.#options.verifier.judge(`${registry}/${path}:${reference}`)
    if (verdict.kind === 'failed') return { refusal: refusalOf(verdict.error), error: verdict.error, verdict }
    try {
      const manifest = await this.#manifest(request, verdict, isIdentified)
      if (manifest !== undefined) return { manifest, verdict }
      const absent = `${registry} does not have ${path}:${reference}`
      const signed = verdict.kind === 'trusted' ? `${absent} with the signed digest ${verdict.result.digest}` : absent
      return { refusal: refusal(404, 'MANIFEST_UNKNOWN', signed), verdict }
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      return { refusal: refusalOf(error), error, verdict }
    }
  }

  async #manifest(request: ResolverRequest, verdict: Verdict, isIdentified: boolean): Promise<Manifest | undefined> {
    const { registry: domain, path, reference: tag } = request
    const { sharedCredentials, anonymous, withCredentials, cache } = this.#options
    const isShared = isIdentified || sharedCredentials.has(domain)
    const client = isShared ? withCredentials : anonymous
    return withinTime(`${domain}/${path}`, async (signal) => {
      const asked = { domain, path, signal }
      const signed = verdict.kind === 'trusted' ? verdict.result : undefined
      const digest = signed?.digest ?? (await client.resolveTag({ ...asked, tag }))
      if (digest === undefined) return undefined
      const size = signed === undefined ? {} : { size: signed.size }
      // What the service's credentials opened is not for clients that may not use them.
      const key = `${isShared ? 'shared' : 'anonymous'} ${domain}/${path}@${digest} ${signed?.size ?? ''}`
      return cache.get(key, () => client.fetchManifest({ ...asked, digest, ...size }))
    })
  }
}

async function withinTime<T>(gun: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController()
  const reason = new UnavailableError(
    'ERR_SERVER_UNREACHABLE',
    `error contacting registry: no answer within ${REGISTRY_MS / 1000} s`,
    {
      gun,
    },
  )
  const timer = setTimeout(() => late.abort(reason), REGISTRY_MS)
  try {
    return await work(late.signal)
  } finally {
    clearTimeout(timer)
  }
}
