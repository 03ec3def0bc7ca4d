/**
 * Verifies under a policy, or with required signers. Loaded only when one of them is given.
 *
 * Invariants: a rule decides over every name that is known of the image. A digest cannot evade the rule of its tag. What the caller
 * requires by option holds whatever the policy says.
 */
import { type Evidence, TrustError, UnsignedError, UsageError } from '../errors.js'
import type { CollectionPolicy } from '../policy/collection-policy.js'
import type { AskedNames } from '../policy/decide.js'
import { type Decision, NO_DECISION } from '../policy/decision.js'
import { checkSigners } from '../policy/signers.js'
import type { ImageReference } from '../reference/reference.js'
import { shellWord } from '../shell-word.js'
import { lookupTag, statementsOf, type TrustedTag, tagsWithDigest } from '../trust/lookup.js'
import {
  answerDigest,
  answerInspection,
  answerLookup,
  answerTag,
  answerTags,
  type VerifiedCollection,
} from './answers/answers.js'
import { mirroredName, type Named, type RefreshTerms, refreshTerms, strictOf } from './refresh-terms.js'
import type { AppliedPolicy, ByDigestResult, Inspection, ListedTag, LookupResult, TagList, VerifyResult } from './results.js'
import { knownRegistry } from './settings/known-registries.js'
import type { PolicySettings } from './settings/policy-settings.js'
import type { Settings } from './settings/settings.js'

/** Refreshes the collection that is asked about. */
export type Refresh = (terms: RefreshTerms) => Promise<VerifiedCollection>

/** What `verify` works with. */
type Limits = Pick<
  Settings,
  'given' | 'staleFallback' | 'maxAge' | 'digestReferences' | 'frozen' | 'firstUse' | 'signal' | 'mirrors'
>

/** What the rule of a tag asks, and the error when it is not met. */
interface Judgement {
  readonly decision: Decision
  readonly error?: TrustError
}

/** A tag that carries a digest. */
interface JudgedTag extends Judgement {
  readonly tag: TrustedTag
}

export class UnderPolicy {
  readonly #policy: PolicySettings
  readonly #limits: Limits
  /** What follows from a decision. The policy gives the same object for tags of a collection under the same rules. */
  readonly #heldOf = new WeakMap<Decision, Decision>()
  readonly #termsOf = new WeakMap<Decision, RefreshTerms>()

  constructor(policy: PolicySettings, limits: Limits) {
    this.#policy = policy
    this.#limits = limits
  }

  /** @throws TrustError of any kind; ERR_POLICY_DENIED without a request */
  async verify(reference: ImageReference, refresh: Refresh): Promise<VerifyResult> {
    const { tag, digest } = reference
    if (tag === undefined && digest !== undefined) return this.#verifyDigest(reference, digest, refresh)
    const name = tag ?? 'latest'
    const decision = this.#decide(reference, name)
    // The usual case, without the layers that forgive: they cost as much as the decision.
    if (decision.action === 'enforce') return await this.#verifyTag(reference, name, decision, refresh)
    const result = await this.#act(reference, decision, () => this.#verifyTag(reference, name, decision, refresh))
    // Engines pass over the tag of name:tag@digest. A mild rule for one tag must not let the image of another pass.
    const isUnverified = result.status === 'skipped' || result.status === 'permitted'
    if (isUnverified && digest !== undefined && this.#decideDigest(reference).isByTag)
      await this.#verifyDigest(reference, digest, refresh)
    return result
  }

  async #verifyTag(reference: ImageReference, tag: string, decision: Decision, refresh: Refresh): Promise<VerifyResult> {
    const verified = await refresh(this.#terms(decision))
    const answer = answerTag(verified, reference, tag, this.#applied(decision))
    this.#checkSigners(verified, decision, tag, answer.digest)
    return answer
  }

  /** `warn` and `skip` have no answer of a lookup: it verifies, or fails. @throws TrustError of any kind */
  async lookup(named: Named, target: string, roles: readonly string[] | undefined, refresh: Refresh): Promise<LookupResult> {
    const decision = this.#decide(named, target)
    if (decision.action === 'deny') throw this.#denied(`${named.gun}:${target}`, named.gun, decision)
    const verified = await refresh(this.#terms(decision))
    const answer = answerLookup(verified, target, roles)
    this.#checkSigners(verified, decision, target, answer.digest)
    return { ...answer, ...this.#applied(decision) }
  }

  /**
   * Every released tag, each with what its own rule says of it. Verified by the strictest of the rules; `warn` and `skip` show
   * nothing that does not verify.
   *
   * @throws TrustError of any kind; ERR_POLICY_DENIED when every tag is denied, without a request
   */
  async listTags(named: Named, refresh: Refresh): Promise<TagList> {
    const { terms, applied } = this.collection(named)
    const once = oncePerTerms(refresh)
    const verified = await once(terms)
    const list = answerTags(verified)
    const tags: ListedTag[] = []
    for (const listed of list.tags) {
      const { tag, digest } = listed
      const { decision, error } = await this.#judge(
        named,
        { name: tag, ...(digest === undefined ? {} : { digest }) },
        undefined,
        verified,
        once,
      )
      tags.push({ ...listed, ...this.#applied(decision), ...(error === undefined ? {} : { error }) })
    }
    return { ...list, tags, ...applied }
  }

  /** Names no tag, or one that must not be denied. @throws TrustError of any kind; ERR_POLICY_DENIED without a request */
  async inspect(named: Named & Partial<Pick<ImageReference, 'tag' | 'tagDefaulted'>>, refresh: Refresh): Promise<Inspection> {
    const { tag, tagDefaulted } = named
    const { terms, applied } = this.collection(named)
    if (tag !== undefined && tagDefaulted === false) {
      const decision = this.#decide(named, tag)
      if (decision.action === 'deny') throw this.#denied(`${named.gun}:${tag}`, named.gun, decision)
    }
    return { ...answerInspection(await refresh(terms)), ...applied }
  }

  /** For questions about a whole collection. Rules for single tags do not deny it. @throws UnsignedError ERR_POLICY_DENIED */
  collection(named: Named): { readonly terms: RefreshTerms; readonly applied: { readonly policy?: AppliedPolicy } } {
    const { decision, isByTag } = this.#decideDigest(named)
    if (decision.action === 'deny' && !isByTag) throw this.#denied(named.gun, named.gun, decision)
    const answered: Decision = decision.action === 'deny' ? { ...decision, action: 'enforce' } : decision
    return { terms: this.#terms(decision), applied: this.#applied(answered) }
  }

  /** Where a collection is asked for, whether it is denied or not. */
  termsOf(named: Named): RefreshTerms {
    return this.#terms(this.#decideDigest(named).decision)
  }

  /** What `verify` would ask, without asking it. */
  preview(reference: ImageReference): { readonly decision: Decision; readonly terms: RefreshTerms; readonly isByTag: boolean } {
    const { tag, digest } = reference
    const asked =
      tag === undefined && digest !== undefined
        ? this.#decideDigest(reference)
        : { decision: this.#decide(reference, tag ?? 'latest'), isByTag: false }
    return { ...asked, terms: this.#terms(asked.decision) }
  }

  async #verifyDigest(reference: ImageReference, digest: string, refresh: Refresh): Promise<VerifyResult> {
    const { decision, isByTag } = this.#decideDigest(reference)
    if (this.#acceptsDigests(decision)) {
      const { gun } = reference
      const accepted: ByDigestResult = {
        status: 'by-digest',
        reference: reference.reference,
        gun,
        digest,
        canonicalReference: `${gun}@${digest}`,
      }
      return this.#act(reference, decision, async () => ({ ...accepted, ...this.#applied(decision) }))
    }
    // Rules for other tags may deny: the tags that carry the digest decide.
    const first: Decision = isByTag && decision.action === 'deny' ? { ...decision, action: 'enforce' } : decision
    return this.#act(reference, first, async () => {
      const once = oncePerTerms(refresh)
      const verified = await once(this.#terms(decision))
      const tags = tagsWithDigest(verified.stage, digest)
      if (tags.length === 0 && decision.action === 'deny') throw this.#denied(reference.reference, reference.gun, decision)
      const judged: JudgedTag[] = []
      for (const tag of tags)
        judged.push({ tag, ...(await this.#judge(reference, tag, isByTag ? undefined : decision, verified, once)) })
      const [passed] = judged.filter(({ error }) => error === undefined)
      if (passed !== undefined || judged.length === 0) {
        const counted = judged.flatMap(({ tag, error }) => (error === undefined ? [tag] : []))
        return { ...answerDigest(verified, reference, digest, counted), ...this.#applied(passed?.decision ?? decision) }
      }
      const permitted = judged.find((one) => one.decision.action === 'warn')
      const [refused] = judged
      if (refused?.error === undefined) throw new Error('a tag that is not met has an error')
      return isByTag && permitted?.error !== undefined
        ? this.#permitted(reference, permitted.decision, permitted.error)
        : Promise.reject(refused.error)
    })
  }

  /** `uniform`: what is asked of every tag alike; undefined to ask the tag's own rule. */
  async #judge(
    named: Named,
    { name, digest }: { readonly name: string; readonly digest?: string },
    uniform: Decision | undefined,
    verified: VerifiedCollection,
    refresh: Refresh,
  ): Promise<Judgement> {
    const decision = uniform ?? this.#decide(named, name)
    try {
      if (decision.action === 'deny') throw this.#denied(`${named.gun}:${name}`, named.gun, decision)
      if (decision.action === 'skip' || digest === undefined) return { decision }
      const own = uniform === undefined ? await refresh(this.#terms(decision)) : verified
      const signed = lookupTag(own.stage, name).digest
      if (signed !== digest) throw otherServer(named, name, digest, signed)
      this.#checkSigners(own, decision, name, digest)
      return { decision }
    } catch (error) {
      if (!(error instanceof TrustError) || error instanceof UsageError || this.#limits.signal?.aborted === true) throw error
      return { decision, error }
    }
  }

  /** Does what the action says. */
  async #act(reference: ImageReference, decision: Decision, answer: () => Promise<VerifyResult>): Promise<VerifyResult> {
    const { match, action } = decision
    if (action === 'skip') return { status: 'skipped', reference: reference.reference, policy: { match, action } }
    if (action === 'deny') throw this.#denied(reference.reference, reference.gun, decision)
    try {
      return await answer()
    } catch (error) {
      const isForgiven = action === 'warn' && error instanceof TrustError && !(error instanceof UsageError)
      if (!isForgiven || this.#limits.signal?.aborted === true) throw error
      return this.#permitted(reference, decision, error)
    }
  }

  #permitted({ reference, gun }: ImageReference, { match, action }: Decision, error: TrustError): VerifyResult {
    return { status: 'permitted', reference, gun: error.gun ?? gun, error, policy: { match, action } }
  }

  #decide(named: Named, tag: string): Decision {
    return this.#held(this.#ofCollection(named)?.decide(tag) ?? NO_DECISION)
  }

  /** `isByTag`: `decision` counts for the refresh, and when no tag carries the digest. */
  #decideDigest(named: Named): { readonly decision: Decision; readonly isByTag: boolean } {
    const asked = this.#ofCollection(named)?.decideDigest()
    if (asked === undefined) return { decision: this.#held(NO_DECISION), isByTag: false }
    const isByTag = asked.kind === 'by-tag'
    return { decision: this.#held(isByTag ? asked.otherwise : asked.decision), isByTag }
  }

  /** Worked out once for each name that is typed. */
  #ofCollection(named: Named): CollectionPolicy | undefined {
    return this.#policy.index?.collection(named.isExact === true ? `exactly ${named.gun}` : named.gun, () => this.#names(named))
  }

  #held(decision: Decision): Decision {
    const known = this.#heldOf.get(decision) ?? this.#heldBack(decision)
    this.#heldOf.set(decision, known)
    return known
  }

  /** Signers, a lock and known roots that the caller requires by option: no action of a rule lets an image pass without them. */
  #heldBack(decision: Decision): Decision {
    const { requireSigners } = this.#policy
    const { frozen, firstUse } = this.#limits
    if (requireSigners.length === 0 && !frozen && firstUse === 'accept') return decision
    const action = decision.action === 'deny' ? 'deny' : 'enforce'
    return { ...decision, action, requireSigners: [...requireSigners, ...decision.requireSigners] }
  }

  #acceptsDigests({ digestReferences, requireSigners }: Decision): boolean {
    const { given, digestReferences: standard } = this.#limits
    const asked = strictOf('require-signed', given.digestReferences, digestReferences) ?? standard
    return asked === 'accept' && requireSigners.length === 0 && !this.#limits.frozen
  }

  #terms(decision: Decision): RefreshTerms {
    const terms = this.#termsOf.get(decision) ?? refreshTerms(this.#policy, this.#limits, decision)
    this.#termsOf.set(decision, terms)
    return terms
  }

  /** A mirror of a known registry is asked under both names, whichever server is asked later. */
  #names(named: Named): AskedNames {
    const { gun, domain } = named
    const known = this.#policy.index?.policy.knownRegistries === true ? knownRegistry(domain) : undefined
    const signed =
      mirroredName(named, this.#limits) ?? (known === undefined ? undefined : known.registry + gun.slice(domain.length))
    return { typed: gun, ...(signed === undefined ? {} : { signed }) }
  }

  #checkSigners({ stage }: VerifiedCollection, { requireSigners }: Decision, tag: string, digest: string): void {
    if (requireSigners.length === 0) return
    checkSigners(requireSigners, { gun: stage.context.gun, tag, digest }, statementsOf(stage, tag))
  }

  #applied({ match, action }: Decision): { readonly policy?: AppliedPolicy } {
    return this.#policy.index === undefined ? {} : { policy: { match, action } }
  }

  #denied(what: string, gun: string, { match, asked }: Decision): UnsignedError {
    const { file, isFile } = this.#policy
    const named = isFile ? `--policy ${shellWord(file)} ` : ''
    const by = match === 'default' ? 'the default' : `the rule ${match}`
    const evidence: Evidence = { file, match, asked: asked.map((one) => `${one.name}: ${one.match}, ${one.action}`) }
    return new UnsignedError('ERR_POLICY_DENIED', `${what} is denied by ${by} of the policy ${file}`, {
      gun,
      evidence,
      hint: `Which rule decides, and why: dct policy explain ${named}${shellWord(what)}`,
    })
  }
}

/** Refreshes once for equal terms: tags whose rules ask the same are judged by the same set. */
function oncePerTerms(refresh: Refresh): Refresh {
  const refreshes = new Map<string, Promise<VerifiedCollection>>()
  return (terms) => {
    const known = refreshes.get(terms.key) ?? refresh(terms)
    refreshes.set(terms.key, known)
    return known
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
