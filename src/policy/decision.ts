/** What rules ask, taken together: the stricter of two counts in each respect. */
import { ACTIONS, type Action, type Policy, type PolicyPinning, type Rule, type SignerRequirement, type Terms } from './policy.js'

/** How a rule is named where none matches: `default`, or `none` when the policy has no default. */
type RuleName = string

/** What is asked, all names taken together. */
export interface Decision {
  readonly action: Action
  /** The pattern that decides the action, `default`, or `none`. */
  readonly match: RuleName
  /** Each name that was asked, and the rule that answered. */
  readonly asked: readonly { readonly name: string; readonly match: RuleName; readonly action: Action }[]
  readonly server?: string
  /** The pattern whose rule names the server, or `default`. */
  readonly serverMatch?: RuleName
  readonly firstUse?: 'accept' | 'refuse'
  /** Each must be met. */
  readonly pinnings: readonly PolicyPinning[]
  /** Each must be met. */
  readonly requireSigners: readonly SignerRequirement[]
  readonly digestReferences?: 'require-signed' | 'accept'
  readonly staleFallback?: 'warn' | 'refuse'
  /** Milliseconds. */
  readonly maxAge?: number
}

/** Nothing is asked: there is no policy. */
export const NO_DECISION: Decision = { action: 'enforce', match: 'none', asked: [], pinnings: [], requireSigners: [] }

/** Of an image that is named by its digest alone. */
export type DigestDecision =
  /** The same for every tag. */
  | { readonly kind: 'uniform'; readonly decision: Decision }
  /**
   * Rules for tags can match: each signed tag that carries the digest is judged by `decide`, and one that passes is enough. When
   * none carries it, `otherwise` counts: the strictest of the rules that could have applied. `accept` never applies here.
   */
  | { readonly kind: 'by-tag'; readonly otherwise: Decision }

/** `asked`: each name and the rule that answers for it. */
export function combine(policy: Policy, asked: readonly (readonly [string, Rule | undefined])[]): Decision {
  return asked.map(([name, rule]) => decisionOf(policy, name, rule)).reduce(stricter)
}

function decisionOf(policy: Policy, name: string, rule: Rule | undefined): Decision {
  const terms: Terms = rule ?? policy.default ?? { action: 'enforce' }
  const match = rule?.pattern.text ?? (policy.default === undefined ? 'none' : 'default')
  const { action, server, firstUse, pinning, requireSigners, digestReferences, staleFallback, maxAge } = terms
  return {
    action,
    match,
    asked: [{ name, match, action }],
    ...(server === undefined ? {} : { server, serverMatch: match }),
    ...(firstUse === undefined ? {} : { firstUse }),
    pinnings: pinning === undefined ? [] : [pinning],
    requireSigners: requireSigners === undefined ? [] : [requireSigners],
    ...(digestReferences === undefined ? {} : { digestReferences }),
    ...(staleFallback === undefined ? {} : { staleFallback }),
    ...(maxAge === undefined ? {} : { maxAge }),
  }
}

/** The stricter of two decisions in each respect; the first counts where both are as strict. A server is no matter of strictness. */
export function stricter(one: Decision, other: Decision): Decision {
  const isOther = ACTIONS.indexOf(other.action) < ACTIONS.indexOf(one.action)
  const { server, serverMatch } = one.server === undefined ? other : one
  const firstUse = strictest(['refuse', 'accept'], one.firstUse, other.firstUse)
  const digestReferences = strictest(['require-signed', 'accept'], one.digestReferences, other.digestReferences)
  const staleFallback = strictest(['refuse', 'warn'], one.staleFallback, other.staleFallback)
  // Where one says nothing while the other allows an age, the server is asked each time.
  const maxAge = one.maxAge === undefined && other.maxAge === undefined ? undefined : Math.min(one.maxAge ?? 0, other.maxAge ?? 0)
  return {
    action: isOther ? other.action : one.action,
    match: isOther ? other.match : one.match,
    asked: [...one.asked, ...other.asked],
    ...(server === undefined || serverMatch === undefined ? {} : { server, serverMatch }),
    ...(firstUse === undefined ? {} : { firstUse }),
    pinnings: [...one.pinnings, ...other.pinnings],
    requireSigners: [...one.requireSigners, ...other.requireSigners],
    ...(digestReferences === undefined ? {} : { digestReferences }),
    ...(staleFallback === undefined ? {} : { staleFallback }),
    ...(maxAge === undefined ? {} : { maxAge }),
  }
}

/**
 * The strict word when either says it. The mild one only when both say it: where one says nothing, the client's own setting counts,
 * and that may be stricter.
 */
function strictest<Word extends string>(
  [strict, mild]: readonly [Word, Word],
  ...said: readonly (Word | undefined)[]
): Word | undefined {
  if (said.includes(strict)) return strict
  return said.every((word) => word === mild) ? mild : undefined
}
