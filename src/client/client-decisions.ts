/**
 * What a client asks of an image: the policy, and what the caller requires by option. Loaded only when one of them is given.
 *
 * Invariant: what the caller requires by option holds whatever the policy says.
 */
import { type Evidence, UnsignedError } from '../errors.js'
import type { CollectionPolicy } from '../policy/collection-policy.js'
import { type Decision, NO_DECISION } from '../policy/decision.js'
import { ruleName } from '../policy/rule-name.js'
import { checkSigners } from '../policy/signers.js'
import { shellWord } from '../shell-word.js'
import { statementsOf } from '../trust/lookup.js'
import type { VerifiedCollection } from './answers/answers.js'
import { askedNames, type Named, type RefreshTerms, refreshTerms, strictOf } from './refresh-terms.js'
import type { AppliedPolicy } from './results.js'
import type { PolicySettings } from './settings/policy-settings.js'
import type { Settings } from './settings/settings.js'

/** A decision of the policy, with what the options add, and what it asks of the refresh. */
export interface ClientDecision extends Decision {
  readonly terms: RefreshTerms
}

/** For a digest, or a whole collection. */
export interface ClientDigestDecision {
  /** Counts for the refresh. With `isByTag` it counts for the answer too when no tag carries the digest. */
  readonly decision: ClientDecision
  /** Rules for tags can match: each tag is judged by its own. */
  readonly isByTag: boolean
}

/** The options that decisions depend on. */
export type DecisionOptions = Pick<
  Settings,
  'given' | 'staleFallback' | 'maxAge' | 'digestReferences' | 'frozen' | 'firstUse' | 'mirrors'
>

export class ClientDecisions {
  readonly #policy: PolicySettings
  readonly #options: DecisionOptions
  /** The policy gives the same object for tags of a collection under the same rules. */
  readonly #known = new WeakMap<Decision, ClientDecision>()

  constructor(policy: PolicySettings, options: DecisionOptions) {
    this.#policy = policy
    this.#options = options
  }

  ofTag(named: Named, tag: string): ClientDecision {
    return this.#complete(this.#ofCollection(named)?.decide(tag) ?? NO_DECISION)
  }

  /** What can be asked of a tag of the collection. */
  ofTags(named: Named): readonly ClientDecision[] {
    return (
      this.#ofCollection(named)
        ?.decisions()
        .map((one) => this.#complete(one)) ?? []
    )
  }

  ofDigest(named: Named): ClientDigestDecision {
    const asked = this.#ofCollection(named)?.decideDigest()
    if (asked === undefined) return { decision: this.#complete(NO_DECISION), isByTag: false }
    const isByTag = asked.kind === 'by-tag'
    return { decision: this.#complete(isByTag ? asked.otherwise : asked.decision), isByTag }
  }

  acceptsDigests({ digestReferences, requireSigners }: Decision): boolean {
    const { given, digestReferences: standard } = this.#options
    const asked = strictOf('require-signed', given.digestReferences, digestReferences) ?? standard
    return asked === 'accept' && requireSigners.length === 0 && !this.#options.frozen
  }

  /** @throws UnsignedError ERR_SIGNER_MISSING */
  checkSigners({ stage }: VerifiedCollection, { requireSigners }: Decision, tag: string, digest: string): void {
    if (requireSigners.length === 0) return
    checkSigners(requireSigners, { gun: stage.context.gun, tag, digest }, statementsOf(stage, tag))
  }

  /** For answers. */
  applied({ match, action }: Decision): { readonly policy?: AppliedPolicy } {
    return this.#policy.index === undefined ? {} : { policy: { match, action } }
  }

  denied(what: string, gun: string, { match, asked }: Decision): UnsignedError {
    const { file, isFile } = this.#policy
    const named = isFile ? `--policy ${shellWord(file)} ` : ''
    const evidence: Evidence = { file, match, asked: asked.map((one) => `${one.name}: ${one.match}, ${one.action}`) }
    return new UnsignedError('ERR_POLICY_DENIED', `${what} is denied by ${ruleName(match)} of the policy ${file}`, {
      gun,
      evidence,
      hint: `Which rule decides, and why: dct policy explain ${named}${shellWord(what)}`,
    })
  }

  /** Worked out once for each name that is typed. */
  #ofCollection(named: Named): CollectionPolicy | undefined {
    return this.#policy.index?.collection(named.isExact === true ? `exactly ${named.gun}` : named.gun, () =>
      askedNames(named, this.#options.mirrors, this.#policy.index?.policy),
    )
  }

  #complete(decision: Decision): ClientDecision {
    const known = this.#known.get(decision)
    if (known !== undefined) return known
    const held = this.#held(decision)
    const complete = { ...held, terms: refreshTerms(this.#policy, this.#options, held) }
    this.#known.set(decision, complete)
    return complete
  }

  /** Signers, a lock and known roots that the caller requires by option: no action of a rule lets an image pass without them. */
  #held(decision: Decision): Decision {
    const { requireSigners } = this.#policy
    const { frozen, firstUse } = this.#options
    if (requireSigners.length === 0 && !frozen && firstUse === 'accept') return decision
    const action = decision.action === 'deny' ? 'deny' : 'enforce'
    return { ...decision, action, requireSigners: [...requireSigners, ...decision.requireSigners] }
  }
}
