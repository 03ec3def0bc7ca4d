/** Judges references by the policy: which clients verify, and what their answers mean. */
import type { TrustedDigestResult, TrustedResult } from '../client/results.js'
import { knownRegistry } from '../client/settings/known-registries.js'
import type { TrustClientOptions } from '../client/settings/options.js'
import { createCommandClient, type TrustClient } from '../client/trust-client.js'
import { TrustError, UnsignedError, UsageError } from '../errors.js'
import { type ImageReference, parseReference } from '../reference/reference.js'
import type { Rules, Ruling } from './ruling.js'

/** What was decided on a reference. */
export type Verdict =
  | { readonly kind: 'trusted'; readonly result: TrustedResult | TrustedDigestResult; readonly ruling: Ruling }
  /** Action `warn`, and the verification failed. */
  | { readonly kind: 'permitted'; readonly gun: string; readonly error: TrustError; readonly ruling: Ruling }
  /** Action `skip`: nothing was verified. */
  | { readonly kind: 'skipped'; readonly ruling: Ruling }
  | { readonly kind: 'failed'; readonly error: TrustError; readonly ruling?: Ruling }

/** What a verifier needs. */
export interface VerifierOptions {
  /** Options of every client; those of a rule are put over them. */
  readonly client: TrustClientOptions
  readonly rules: Rules
  /** Registries that the configuration names, in the spelling of references. */
  readonly registries: ReadonlySet<string>
}

/** Asks trust servers only of its configuration. */
export class Verifier implements AsyncDisposable {
  readonly #options: VerifierOptions
  /** By the options that rules put over those of all: as many as there are rules. */
  readonly #clients = new Map<string, TrustClient>()

  constructor(options: VerifierOptions) {
    this.#options = options
  }

  /** Never rejects but for faults of the program. */
  async judge(reference: string): Promise<Verdict> {
    let ruling: Ruling | undefined
    try {
      const parsed = parseReference(reference)
      ruling = this.#options.rules(parsed)
      return await this.#judge(parsed, ruling)
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      return { kind: 'failed', error, ...(ruling === undefined ? {} : { ruling }) }
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #judge(parsed: ImageReference, ruling: Ruling): Promise<Verdict> {
    const { gun } = parsed
    const { match, action } = ruling
    if (action === 'deny') throw denied(gun, match)
    if (action === 'skip') return { kind: 'skipped', ruling }
    try {
      this.#checkConfigured(parsed, ruling)
      const result = await this.#client(ruling).verifyTag(parsed.reference)
      if (result.status !== 'trusted' && result.status !== 'trusted-digest') throw unverified(parsed, result.status)
      const { digest, signers } = result
      const tags = result.status === 'trusted' ? [result.tag] : result.tags
      ruling.checkSigners({ gun: result.gun, tag: tags.join(', '), digest, signers })
      return { kind: 'trusted', result, ruling }
    } catch (error) {
      if (action !== 'warn' || !(error instanceof TrustError)) throw error
      return { kind: 'permitted', gun, error, ruling }
    }
  }

  /** Nothing that a client of this service sends may choose a host that the service contacts. */
  #checkConfigured({ domain, gun }: ImageReference, { namesServer }: Ruling): void {
    const { client, registries } = this.#options
    const hasServer = client.server !== undefined || (client.env?.['DOCKER_CONTENT_TRUST_SERVER'] ?? '') !== ''
    if (namesServer || hasServer || registries.has(domain) || knownRegistry(domain) !== undefined) return
    throw new UsageError('ERR_SETTINGS_INVALID', `the configuration of this service names no trust server for ${domain}`, {
      gun,
      hint: `Start the service with --server, with a rule that has a server, or with --registry ${domain}`,
    })
  }

  #client({ options }: Ruling): TrustClient {
    const key = JSON.stringify(options)
    const known = this.#clients.get(key)
    if (known !== undefined) return known
    const made = createCommandClient({ ...this.#options.client, ...options, disableContentTrust: false })
    this.#clients.set(key, made)
    return made
  }
}

function denied(gun: string, match: string): UnsignedError {
  return new UnsignedError('ERR_POLICY_DENIED', `the policy denies ${gun} (${match})`, { gun })
}

function unverified({ gun, reference }: ImageReference, status: string): UnsignedError {
  return new UnsignedError('ERR_DIGEST_NOT_SIGNED', `${reference} was not verified (${status})`, { gun })
}
