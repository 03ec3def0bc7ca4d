/**
 * Answers container engines: the digest of a tag is the one that is signed, and what has a digest is the registry's, checked against it. A
 * redirect to the registry would not be safe: the engine would believe the registry's own digest header.
 */
import type { VerifyResult } from '../client/results.js'
import { TrustError, UnavailableError } from '../errors.js'
import type { Manifest, RegistryClient } from '../registry/registry-client.js'
import type { Access } from './access.js'
import type { AllowedContent, AllowedPart, Decision } from './allowed-content.js'
import type { ManifestCache } from './manifest-cache.js'
import { type Refusal, refusal, refusalOf } from './oci-errors.js'
import type { ResolverRequest } from './resolver-request.js'
import type { Verdict, Verifier } from './verifier.js'

/** What a resolver needs. */
export interface ResolverOptions {
  readonly verifier: Pick<Verifier, 'judge'>
  /** Registries that are resolved for; others are refused without a network. */
  readonly registries: ReadonlySet<string>
  /** Asks registries without credentials, and with those of the service. */
  readonly anonymous: RegistryClient
  readonly withCredentials: RegistryClient
  readonly cache: ManifestCache
  /** What may be fetched by digest. Undefined: clients take all that has a digest from the registry itself. */
  readonly content: AllowedContent | undefined
}

/** A manifest, or why there is none. Without a verdict: nothing was judged. */
export type Resolved =
  | { readonly manifest: Manifest; readonly verdict?: Verdict }
  | { readonly refusal: Refusal; readonly error?: TrustError; readonly verdict?: Verdict }

/** Milliseconds for the registry: stops slow retrieval. */
const REGISTRY_MS = 30_000

/** Milliseconds for which a registry's answer to credentials of a client counts: after that, revoked ones open nothing more. */
const PASSED_ON_MS = 60_000

/** Which manifest is let through: by its digest, or whatever the registry has for the tag. */
interface Wanted {
  /** Undefined without content that may be fetched by digest. */
  readonly decision: Decision | undefined
  readonly digest: string | undefined
  /** Undefined when it is not known. */
  readonly size: number | undefined
}

/** Without content that may be fetched by digest. */
export const TAGS_ONLY: Refusal = refusal(404, 'MANIFEST_UNKNOWN', 'this resolver answers for tags only')

/** Answers requests for manifests. */
export class Resolver {
  readonly #options: ResolverOptions

  constructor(options: ResolverOptions) {
    this.#options = options
  }

  /** The refusal for a registry that is not in the configuration. */
  refusalFor({ registry }: ResolverRequest): Refusal | undefined {
    if (this.#options.registries.has(registry)) return undefined
    const hint = `Start it with --registry ${registry}`
    return refusal(403, 'DENIED', `this resolver does not answer for ${registry}. ${hint}`)
  }

  /** Never rejects but for faults of the program. */
  async resolve(request: ResolverRequest, access: Access): Promise<Resolved> {
    const { registry, path, reference, isDigest } = request
    const refused = this.refusalFor(request)
    if (refused !== undefined) return { refusal: refused }
    const { content, verifier } = this.#options
    if (isDigest && content === undefined) return { refusal: TAGS_ONLY }
    const part = isDigest ? content?.find(`${registry}/${path}`, reference) : undefined
    if (part?.kind === 'manifest') return this.#answer(request, access, { ...part, digest: reference })
    const decision = content?.decide()
    const verdict = await verifier.judge(`${registry}/${path}${isDigest ? '@' : ':'}${reference}`)
    if ('error' in verdict) return { refusal: refusalOf(verdict.error), error: verdict.error, verdict }
    const { result } = verdict
    return {
      ...(await this.#answer(request, access, { decision, ...wantedOf(result, isDigest ? reference : undefined) })),
      verdict,
    }
  }

  /** False: clients take what has a digest from the registry itself. */
  get passesThrough(): boolean {
    return this.#options.content !== undefined
  }

  /** What a manifest that was let through says of a blob. */
  blob({ registry, path, reference }: ResolverRequest): AllowedPart | undefined {
    const part = this.#options.content?.find(`${registry}/${path}`, reference)
    return part?.kind === 'blob' ? part : undefined
  }

  /** How a registry is asked for one client. */
  clientFor({ isShared }: Access): RegistryClient {
    return isShared ? this.#options.withCredentials : this.#options.anonymous
  }

  async #answer(request: ResolverRequest, access: Access, wanted: Wanted): Promise<Resolved> {
    const { registry, path, reference } = request
    try {
      const manifest = await this.#manifest(request, access, wanted)
      if (manifest !== undefined) {
        if (wanted.decision !== undefined) this.#options.content?.allow(`${registry}/${path}`, manifest, wanted.decision)
        return { manifest }
      }
      const digest = wanted.digest === undefined || wanted.digest === reference ? '' : ` with the signed digest ${wanted.digest}`
      return { refusal: refusal(404, 'MANIFEST_UNKNOWN', `${registry} does not have ${path}:${reference}${digest}`) }
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      return { refusal: refusalOf(error), error }
    }
  }

  async #manifest(request: ResolverRequest, access: Access, wanted: Wanted): Promise<Manifest | undefined> {
    const { registry: domain, path, reference: tag } = request
    const { cache } = this.#options
    const client = this.clientFor(access)
    return withinTime(`${domain}/${path}`, async (signal) => {
      const asked = { domain, path, signal, authorization: access.authorization }
      const digest = wanted.digest ?? (await client.resolveTag({ ...asked, tag }))
      if (digest === undefined) return undefined
      const size = wanted.size === undefined ? {} : { size: wanted.size }
      const key = `${access.key} ${domain}/${path}@${digest} ${wanted.size ?? ''}`
      const maxAge = access.authorization === undefined ? Number.POSITIVE_INFINITY : PASSED_ON_MS
      return cache.get(key, maxAge, () => client.fetchManifest({ ...asked, digest, ...size }))
    })
  }
}

/** What a result lets through. `given`: the digest of the request. */
function wantedOf(result: VerifyResult, given: string | undefined): Omit<Wanted, 'decision'> {
  switch (result.status) {
    case 'trusted':
    case 'trusted-digest':
      return { digest: result.digest, size: result.size }
    case 'permitted':
    case 'skipped':
    case 'by-digest':
      return { digest: given, size: undefined }
    case 'trusted-as-of':
    case 'disabled':
      throw new Error(`no setting of the service leads to the status ${result.status}`)
  }
}

async function withinTime<T>(gun: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController()
  const message = `error contacting registry: no answer within ${REGISTRY_MS / 1000} s`
  const expire = (): void => late.abort(new UnavailableError('ERR_SERVER_UNREACHABLE', message, { gun }))
  const timer = setTimeout(expire, REGISTRY_MS)
  try {
    return await work(late.signal)
  } finally {
    clearTimeout(timer)
  }
}
