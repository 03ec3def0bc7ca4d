/**
 * Verifies under a policy, or with required signers. Loaded only when one of them is given.
 *
 * Invariant: a rule decides over every name that is known of the image. A digest cannot evade the rule of its tag.
 */
import { TrustError, UsageError } from '../errors.js'
import type { ImageReference } from '../reference/reference.js'
import { type TrustedTag, tagsWithDigest } from '../trust/lookup.js'
import { answerDigest, answerInspection, answerLookup, answerTag, answerTags } from './answers/answers.js'
import { type ClientDecision, ClientDecisions, type ClientDigestDecision, type DecisionOptions } from './client-decisions.js'
import { type Judgement, type Refresh, TagJudge } from './judged-tags.js'
import type { Named, RefreshTerms } from './refresh-terms.js'
import type { AppliedPolicy, ByDigestResult, Inspection, ListedTag, LookupResult, TagList, VerifyResult } from './results.js'
import type { PolicySettings } from './settings/policy-settings.js'

/** A tag that carries a digest. */
interface JudgedTag extends Judgement {
  readonly tag: TrustedTag
}

export class UnderPolicy {
  readonly #decisions: ClientDecisions
  readonly #signal: AbortSignal | undefined

  constructor(policy: PolicySettings, options: DecisionOptions & { readonly signal: AbortSignal | undefined }) {
    this.#decisions = new ClientDecisions(policy, options)
    this.#signal = options.signal
  }

  /** @throws TrustError of any kind; ERR_POLICY_DENIED without a request */
  verify(reference: ImageReference, refresh: Refresh): Promise<VerifyResult> {
    const { tag, digest } = reference
    if (tag === undefined && digest !== undefined) return this.#verifyDigest(reference, digest, refresh)
    const name = tag ?? 'latest'
    const decision = this.#decisions.ofTag(reference, name)
    // The usual case, with as few promises as without a policy: they cost more than the decision.
    return decision.action === 'enforce'
      ? this.#verifyTag(reference, name, decision, refresh)
      : this.#verifyMildly(reference, name, decision, refresh)
  }

  #verifyTag(reference: ImageReference, tag: string, decision: ClientDecision, refresh: Refresh): Promise<VerifyResult> {
    return refresh(decision.terms).then((verified) => {
      const answer = answerTag(verified, reference, tag, this.#decisions.applied(decision))
      this.#decisions.checkSigners(verified, decision, tag, answer.digest)
      return answer
    })
  }

  async #verifyMildly(reference: ImageReference, tag: string, decision: ClientDecision, refresh: Refresh): Promise<VerifyResult> {
    const result = await this.#act(reference, decision, () => this.#verifyTag(reference, tag, decision, refresh))
    // Engines pass over the tag of name:tag@digest. A mild rule for one tag must not let the image of another pass.
    const isUnverified = result.status === 'skipped' || result.status === 'permitted'
    const { digest } = reference
    if (isUnverified && digest !== undefined && this.#decisions.ofDigest(reference).isByTag)
      await this.#verifyDigest(reference, digest, refresh)
    return result
  }

  /** `warn` and `skip` have no answer of a lookup: it verifies, or fails. @throws TrustError of any kind */
  async lookup(named: Named, target: string, roles: readonly string[] | undefined, refresh: Refresh): Promise<LookupResult> {
    const decision = this.#notDenied(named, target)
    const verified = await refresh(decision.terms)
    const answer = answerLookup(verified, target, roles)
    this.#decisions.checkSigners(verified, decision, target, answer.digest)
    return { ...answer, ...this.#decisions.applied(decision) }
  }

  /**
   * Every released tag, each with what its own rule says of it. Verified by the strictest of the rules; `warn` and `skip` show
   * nothing that does not verify.
   *
   * @throws TrustError of any kind; ERR_POLICY_DENIED when every tag is denied, without a request
   */
  async listTags(named: Named, refresh: Refresh): Promise<TagList> {
    const { terms, applied } = this.collection(named)
    const judge = this.#judge(named, refresh)
    const list = answerTags(await judge.refresh(terms))
    const tags: ListedTag[] = []
    for (const listed of list.tags) {
      const { decision, error } = await judge.judge(listed.tag, listed.digest)
      tags.push(Object.assign({}, listed, this.#decisions.applied(decision), error && { error }))
    }
    return { ...list, tags, ...applied }
  }

  /** Names no tag, or one that must not be denied. @throws TrustError of any kind; ERR_POLICY_DENIED without a request */
  async inspect(named: Named & Partial<Pick<ImageReference, 'tag' | 'tagDefaulted'>>, refresh: Refresh): Promise<Inspection> {
    const { tag, tagDefaulted } = named
    const { terms, applied } = this.collection(named)
    if (tag !== undefined && tagDefaulted === false) this.#notDenied(named, tag)
    return { ...answerInspection(await refresh(terms)), ...applied }
  }

  /** For questions about a whole collection. Rules for single tags do not deny it. @throws UnsignedError ERR_POLICY_DENIED */
  collection(named: Named): { readonly terms: RefreshTerms; readonly applied: { readonly policy?: AppliedPolicy } } {
    const { decision, isByTag } = this.#decisions.ofDigest(named)
    if (decision.action === 'deny' && !isByTag) throw this.#decisions.denied(named.gun, named.gun, decision)
    return { terms: decision.terms, applied: this.#decisions.applied(enforcedWhereDenied(decision)) }
  }

  /** Where a collection is asked for, whether it is denied or not. */
  termsOf(named: Named): RefreshTerms {
    return this.#decisions.ofDigest(named).decision.terms
  }

  /** What `verify` would ask, without asking it. */
  preview(reference: ImageReference): ClientDigestDecision {
    const { tag, digest } = reference
    if (tag === undefined && digest !== undefined) return this.#decisions.ofDigest(reference)
    return { decision: this.#decisions.ofTag(reference, tag ?? 'latest'), isByTag: false }
  }

  async #verifyDigest(reference: ImageReference, digest: string, refresh: Refresh): Promise<VerifyResult> {
    const { decision, isByTag } = this.#decisions.ofDigest(reference)
    if (this.#decisions.acceptsDigests(decision)) {
      const { gun } = reference
      const accepted: ByDigestResult = {
        status: 'by-digest',
        reference: reference.reference,
        gun,
        digest,
        canonicalReference: `${gun}@${digest}`,
      }
      return this.#act(reference, decision, async () => ({ ...accepted, ...this.#decisions.applied(decision) }))
    }
    // Rules for other tags may deny: the tags that carry the digest decide.
    return this.#act(reference, isByTag ? enforcedWhereDenied(decision) : decision, async () => {
      const judge = this.#judge(reference, refresh)
      const verified = await judge.refresh(decision.terms)
      const tags = tagsWithDigest(verified.stage, digest)
      if (tags.length === 0 && decision.action === 'deny')
        throw this.#decisions.denied(reference.reference, reference.gun, decision)
      const judged: JudgedTag[] = []
      for (const tag of tags) {
        const { name } = tag
        judged.push({
          tag,
          ...(isByTag ? await judge.judge(name, digest) : await judge.judgeBy(decision, verified, name, digest)),
        })
      }
      const [passed] = judged.filter(({ error }) => error === undefined)
      if (passed !== undefined || judged.length === 0) {
        const counted = judged.flatMap(({ tag, error }) => (error === undefined ? [tag] : []))
        return { ...answerDigest(verified, reference, digest, counted), ...this.#decisions.applied(passed?.decision ?? decision) }
      }
      const permitted = judged.find((one) => one.decision.action === 'warn')
      const [refused] = judged
      if (refused?.error === undefined) throw new Error('a tag that is not met has an error')
      if (isByTag && permitted?.error !== undefined) return this.#permitted(reference, permitted.decision, permitted.error)
      throw refused.error
    })
  }

  #judge(named: Named, refresh: Refresh): TagJudge {
    return new TagJudge(this.#decisions, named, refresh, this.#signal)
  }

  /** @throws UnsignedError ERR_POLICY_DENIED */
  #notDenied(named: Named, tag: string): ClientDecision {
    const decision = this.#decisions.ofTag(named, tag)
    if (decision.action === 'deny') throw this.#decisions.denied(`${named.gun}:${tag}`, named.gun, decision)
    return decision
  }

  /** Does what the action says. */
  async #act(reference: ImageReference, decision: ClientDecision, answer: () => Promise<VerifyResult>): Promise<VerifyResult> {
    const { match, action } = decision
    if (action === 'skip') return { status: 'skipped', reference: reference.reference, policy: { match, action } }
    if (action === 'deny') throw this.#decisions.denied(reference.reference, reference.gun, decision)
    try {
      return await answer()
    } catch (error) {
      const isForgiven = action === 'warn' && error instanceof TrustError && !(error instanceof UsageError)
      if (!isForgiven || this.#signal?.aborted === true) throw error
      return this.#permitted(reference, decision, error)
    }
  }

  #permitted({ reference, gun }: ImageReference, { match, action }: ClientDecision, error: TrustError): VerifyResult {
    return { status: 'permitted', reference, gun: error.gun ?? gun, error, policy: { match, action } }
  }
}

/** Where a rule denies single tags, others may pass. */
function enforcedWhereDenied(decision: ClientDecision): ClientDecision {
  return decision.action === 'deny' ? { ...decision, action: 'enforce' } : decision
}
