/** Judges tags of a verified set, each by its own rule: for digests, and for lists of tags. */
import { TrustError, UnsignedError, UsageError } from '../errors.js'
import { lookupTag } from '../trust/lookup.js'
import type { VerifiedCollection } from './answers/answers.js'
import type { ClientDecision, ClientDecisions } from './client-decisions.js'
import type { Named, RefreshTerms } from './refresh-terms.js'

/** Refreshes the collection that is asked about. */
export type Refresh = (terms: RefreshTerms) => Promise<VerifiedCollection>

/** What the rule of a tag asks, and the error when it is not met. */
export interface Judgement {
  readonly decision: ClientDecision
  readonly error?: TrustError
}

/** Judges the tags of one collection. Tags whose rules ask the same of the refresh are judged by the same set. */
export class TagJudge {
  readonly #decisions: ClientDecisions
  readonly #named: Named
  readonly #refresh: Refresh
  readonly #signal: AbortSignal | undefined
  /** By the key of their terms. */
  readonly #refreshes = new Map<string, Promise<VerifiedCollection>>()

  constructor(decisions: ClientDecisions, named: Named, refresh: Refresh, signal: AbortSignal | undefined) {
    this.#decisions = decisions
    this.#named = named
    this.#refresh = refresh
    this.#signal = signal
  }

  /** The set for these terms. @throws TrustError of any kind */
  refresh(terms: RefreshTerms): Promise<VerifiedCollection> {
    const known = this.#refreshes.get(terms.key) ?? this.#refresh(terms)
    this.#refreshes.set(terms.key, known)
    return known
  }

  /** By the tag's own rule, and the set of the server that the rule names. `digest`: what the set that was asked first has. */
  async judge(tag: string, digest: string | undefined): Promise<Judgement> {
    const decision = this.#decisions.ofTag(this.#named, tag)
    return this.#attempt(decision, async () => {
      const { gun } = this.#named
      if (decision.action === 'deny') throw this.#decisions.denied(`${gun}:${tag}`, gun, decision)
      if (decision.action === 'skip' || digest === undefined) return
      const own = await this.refresh(decision.terms)
      const signed = lookupTag(own.stage, tag).digest
      if (signed !== digest) throw otherServer(this.#named, tag, digest, signed)
      this.#decisions.checkSigners(own, decision, tag, digest)
    })
  }

  /** By a rule that asks the same of every tag. */
  async judgeBy(decision: ClientDecision, verified: VerifiedCollection, tag: string, digest: string): Promise<Judgement> {
    return this.#attempt(decision, async () => this.#decisions.checkSigners(verified, decision, tag, digest))
  }

  async #attempt(decision: ClientDecision, check: () => Promise<void>): Promise<Judgement> {
    try {
      await check()
      return { decision }
    } catch (error) {
      if (!(error instanceof TrustError) || error instanceof UsageError || this.#signal?.aborted === true) throw error
      return { decision, error }
    }
  }
}

/** The server of a tag's rule has another digest for it than the server that was asked first. */
function otherServer({ gun }: Named, name: string, digest: string, signed: string): UnsignedError {
  return new UnsignedError(
    'ERR_DIGEST_NOT_SIGNED',
    `No valid trust data for ${digest}: the server of its rule has ${signed} for ${name}`,
    { gun, evidence: { asked: digest, signed } },
  )
}
