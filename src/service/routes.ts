/** What the service does for each of its addresses. */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { TrustError } from '../errors.js'
import { type Access, accessOf } from './access.js'
import { BadRequest, JSON_TYPE, notAllowed, REGISTRY_HEADERS, RETRY, readJson, send } from './answer.js'
import { type DecisionLog, teller } from './decision-log.js'
import type { Client } from './listener.js'
import { type Refusal, refusal, refusalOf } from './oci-errors.js'
import { type Resolver, TAGS_ONLY } from './resolver.js'
import { parseResolverRequest, type ResolverRequest } from './resolver-request.js'
import type { Verdict, Verifier } from './verifier.js'
import { MAX_VERIFY_BYTES, referencesOf, verifyAll } from './verify-route.js'

/** What the routes work with. */
export interface RoutesOptions extends DecisionLog {
  readonly verifier: Pick<Verifier, 'judge'>
  readonly resolver: Resolver
  /** Registries that the service's own credentials may be used at for every client. */
  readonly sharedCredentials: ReadonlySet<string>
  /** Called for each verdict. */
  readonly onVerdict: (verdict: Verdict) => void
}

/** The names of the addresses, for the metrics too. */
export type Route = 'verify' | 'manifest' | 'blob' | 'v2' | 'livez' | 'readyz' | 'other'

/** The route of the target of a request. */
export function routeOf(target: string): Route {
  const [path = ''] = target.split('?', 1)
  if (path === '/v2/' || path === '/v2') return 'v2'
  if (path === '/verify') return 'verify'
  if (path === '/livez') return 'livez'
  if (path === '/readyz') return 'readyz'
  const [, kind] = /^\/v2\/.+\/(manifest|blob)s\/[^/]*$/.exec(path) ?? []
  return kind === 'manifest' || kind === 'blob' ? kind : 'other'
}

/** Answers requests. Each may reject with BadRequest, or a fault. */
export class Routes {
  readonly #options: RoutesOptions

  constructor(options: RoutesOptions) {
    this.#options = options
  }

  /** The references of a request to verify; undefined when it was refused. */
  async references(request: IncomingMessage, response: ServerResponse): Promise<readonly string[] | undefined> {
    if (request.method !== 'POST') return void notAllowed(request, response, 'POST')
    return referencesOf(await readJson(request, MAX_VERIFY_BYTES))
  }

  async verify(request: IncomingMessage, response: ServerResponse, references: readonly string[]): Promise<void> {
    const results = await verifyAll(this.#options.verifier, references, this.#tell(request, 'verify'))
    send(request, response, 200, JSON.stringify({ results }), JSON_TYPE)
  }

  async manifest(request: IncomingMessage, response: ServerResponse, { isIdentified }: Client): Promise<void> {
    const asked = this.#parsed(request, response, isIdentified)
    if (asked === undefined) return
    const tell = this.#tell(request, 'manifest')
    const resolved = await this.#options.resolver.resolve(asked.image, asked.access)
    const { verdict } = resolved
    // The verdict on the signature and the answer of the registry are one decision.
    const error = 'error' in resolved ? resolved.error : undefined
    const { registry, path, reference, isDigest } = asked.image
    const name = `${registry}/${path}${isDigest ? '@' : ':'}${reference}`
    if (verdict !== undefined) tell(name, error === undefined ? verdict : { reference: name, error })
    else if (error !== undefined) tell(name, { reference: name, error })
    if ('refusal' in resolved) return refuse(request, response, resolved.refusal)
    const { digest, mediaType, bytes } = resolved.manifest
    const headers = { ...REGISTRY_HEADERS, 'content-type': mediaType, 'docker-content-digest': digest, etag: `"${digest}"` }
    send(request, response, 200, bytes, headers)
  }

  async blob(request: IncomingMessage, response: ServerResponse, { isIdentified, gone }: Client): Promise<void> {
    if (!this.#options.resolver.passesThrough) return refuse(request, response, TAGS_ONLY)
    const asked = this.#parsed(request, response, isIdentified)
    if (asked === undefined) return
    const { image, access } = asked
    const { resolver } = this.#options
    const part = resolver.blob(image)
    // The parts of no registry that is not in the configuration are ever named.
    if (part === undefined) return refuse(request, response, resolver.refusalFor(image) ?? NOT_NAMED)
    const { registry: domain, path, reference: digest } = image
    const blob = { domain, path, digest, size: part.size, signal: gone, authorization: access.authorization }
    const client = resolver.clientFor(access)
    const begin = (): void => {
      if (response.headersSent) return
      const headers = { 'content-type': 'application/octet-stream', 'docker-content-digest': digest, 'cache-control': 'no-store' }
      response.writeHead(200, { ...headers, 'content-length': part.size })
    }
    const write = async (piece: Uint8Array): Promise<void> => {
      begin()
      if (!response.write(piece)) await once(response, 'drain', { signal: gone })
    }
    try {
      const isThere = request.method === 'HEAD' ? await client.hasBlob(blob) : await client.passBlob(blob, write)
      if (!isThere) return refuse(request, response, refusal(404, 'BLOB_UNKNOWN', `${domain} does not have ${digest} of ${path}`))
      begin()
      response.end()
    } catch (error) {
      if (gone.aborted) return
      if (!(error instanceof TrustError)) throw error
      const name = `${domain}/${path}@${digest}`
      this.#tell(request, 'blob')(name, { reference: name, error })
      // The client must not take what it has for the whole.
      if (response.headersSent) response.destroy()
      else refuse(request, response, refusalOf(error))
    }
  }

  /** The image and the credentials of a request; undefined when it was refused. */
  #parsed(
    request: IncomingMessage,
    response: ServerResponse,
    isIdentified: boolean,
  ): { readonly image: ResolverRequest; readonly access: Access } | undefined {
    if (request.method !== 'GET' && request.method !== 'HEAD') return void notAllowed(request, response, 'GET, HEAD')
    const image = parseResolverRequest(request.url ?? '')
    if (image === undefined || 'problem' in image) {
      return void refuse(request, response, refusal(400, 'NAME_INVALID', image?.problem ?? 'this is no address of a manifest'))
    }
    const mayShare = isIdentified || this.#options.sharedCredentials.has(image.registry)
    const access = accessOf(request.headers.authorization, mayShare)
    if (access === undefined) throw new BadRequest(400, 'the Authorization header holds characters that cannot be passed on')
    return { image, access }
  }

  /** Counts and writes down each verdict. */
  #tell(request: IncomingMessage, route: string): (reference: string, verdict: Verdict) => void {
    const { onVerdict } = this.#options
    const tell = teller(this.#options, request, route)
    return (reference, verdict) => {
      onVerdict(verdict)
      tell(reference, verdict)
    }
  }
}

const NOT_NAMED = refusal(
  404,
  'BLOB_UNKNOWN',
  'no manifest that this service let through names this part: pull the image by its tag',
)

function refuse(request: IncomingMessage, response: ServerResponse, { status, body }: Refusal): void {
  send(request, response, status, body, { ...REGISTRY_HEADERS, ...(status === 503 ? RETRY : {}) })
}
