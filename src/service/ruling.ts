/** What the service needs to know of a policy. */
import type { TrustClientOptions } from '../client/settings/options.js'
import type { ImageReference } from '../reference/reference.js'

/** What is asked of one reference. */
export interface Ruling {
  /** The pattern that decides, or `default`. */
  readonly match: string
  readonly action: 'enforce' | 'warn' | 'skip' | 'deny'
  /** The rule names the trust server. */
  readonly namesServer: boolean
  /** Options of the client that verifies under this ruling. First use is refused unless the rule accepts it. */
  readonly options: Pick<TrustClientOptions, 'server' | 'pinning' | 'staleFallback' | 'digestReferences'>
  /** Throws UnsignedError ERR_SIGNER_MISSING when a required signer did not sign. */
  readonly checkSigners: (answer: {
    readonly gun: string
    readonly tag: string
    readonly digest: string
    readonly signers: readonly string[]
  }) => void
}

/** Decides which ruling a reference has. @throws TrustError when a rule asks for something that cannot be applied */
export type Rules = (reference: ImageReference) => Ruling
