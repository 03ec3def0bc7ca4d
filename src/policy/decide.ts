/**
 * What a policy asks of an image.
 *
 * Invariants: every name that is known of an image is asked (as typed, as signed, as Docker Hub's), and the stricter answer counts
 * in each respect. A tag's rule cannot be evaded by naming a digest.
 */
import { matchesGlob } from './glob.js'
import { canonicalName, hubName } from './names.js'
import { matchesName } from './pattern.js'
import { ACTIONS, type Action, type Policy, type PolicyPinning, type Rule, type SignerRequirement, type Terms } from './policy.js'
import { byRank } from './rule-order.js'

/** The names of one collection. */
export interface AskedNames {
  /** The GUN as typed. */
  readonly typed: string
  /** The GUN under which trust data is signed, where a mirror makes it another. */
  readonly signed?: string
}

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

/** Names whose rules are kept (memory: a client that lives long meets many names). */
const MAX_KEPT_NAMES = 256

/** A policy made ready to be asked many times. It does not change; a client that lives on keeps asking the one that it was given. */
export class PolicyIndex {
  readonly policy: Policy
  /** By host and first segment where both are written out, else by host, else under ''. The most specific rule first. */
  readonly #buckets = new Map<string, Rule[]>()

  readonly #byName = new Map<string, readonly Rule[]>()

  constructor(policy: Policy) {
    this.policy = policy
    for (const rule of byRank(policy.rules)) {
      const key = bucketOf(rule)
      const bucket = this.#buckets.get(key)
      if (bucket === undefined) this.#buckets.set(key, [rule])
      else bucket.push(rule)
    }
  }

  /** What is asked of a tag. */
  decide(names: AskedNames, tag: string): Decision {
    return combine(this.policy, namesOf(names), (name) => this.ruleFor(name, tag))
  }

  /** What is asked of an image that is named by its digest alone. */
  decideDigest(names: AskedNames): DigestDecision {
    const asked = namesOf(names)
    const possible = new Map(asked.map((name) => [name, this.matching(name)]))
    const isByTag = [...possible.values()].some((rules) => rules[0]?.pattern.tag !== undefined)
    if (!isByTag) return { kind: 'uniform', decision: combine(this.policy, asked, (name) => possible.get(name)?.[0]) }
    const decisions = [...possible].flatMap(([name, rules]) => {
      const untagged = rules.findIndex(({ pattern }) => pattern.tag === undefined)
      const reachable: (Rule | undefined)[] = untagged === -1 ? [...rules, undefined] : rules.slice(0, untagged + 1)
      return reachable.map((rule) => combine(this.policy, [name], () => rule))
    })
    const { digestReferences: _, ...otherwise } = decisions.reduce(stricter)
    return { kind: 'by-tag', otherwise: { ...otherwise, digestReferences: 'require-signed' } }
  }

  /** The rule that decides for a canonical name. */
  ruleFor(name: string, tag: string): Rule | undefined {
    return this.#rulesOf(name).find(({ pattern }) => pattern.tag === undefined || matchesGlob(pattern.tag, tag))
  }

  /** The rules for some tag of a name, worked out once for the many tags of a collection. */
  #rulesOf(name: string): readonly Rule[] {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    if (this.#byName.size >= MAX_KEPT_NAMES) this.#byName.clear()
    const rules = this.matching(name)
    this.#byName.set(name, rules)
    return rules
  }

  /** Every rule that matches, the most specific first. Without a tag: that matches for some tag. */
  matching(name: string, tag?: string): Rule[] {
    const segments = name.split('/')
    return byRank(
      this.#bucketsFor(segments).flatMap((bucket) => bucket.filter(({ pattern }) => matchesName(pattern, segments, tag))),
    )
  }

  #bucketsFor([host = '', first = '']: readonly string[]): Rule[][] {
    return [`${host}/${first}`, host, ''].flatMap((key) => {
      const bucket = this.#buckets.get(key)
      return bucket === undefined ? [] : [bucket]
    })
  }
}

/** Every name to be asked, each once. */
export function namesOf({ typed, signed }: AskedNames): string[] {
  const names = [signed, typed].flatMap((gun) => (gun === undefined ? [] : [canonicalName(gun)]))
  return [...new Set(names.flatMap((name) => [hubName(name) ?? name, name]))]
}

function bucketOf({ pattern: { tokens } }: Rule): string {
  const isWritten = (token: (typeof tokens)[number] | undefined) => typeof token === 'string' && !token.includes('*')
  const [host, first] = tokens
  if (!isWritten(host)) return ''
  return isWritten(first) ? `${String(host)}/${String(first)}` : String(host)
}

function combine(policy: Policy, names: readonly string[], ruleFor: (name: string) => Rule | undefined): Decision {
  return names.map((name) => decisionOf(policy, name, ruleFor(name))).reduce(stricter)
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
function stricter(one: Decision, other: Decision): Decision {
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
