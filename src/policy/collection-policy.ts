/**
 * What a policy asks of the tags of one collection. Which rules match its names, and how their tags are matched, is worked out once:
 * a client asks for many tags of a collection, and for the same tags again.
 */
import { combine, type Decision, type DigestDecision, stricter } from './decision.js'
import { type Fits, globMatcher } from './glob.js'
import type { Policy, Rule } from './policy.js'

/** A canonical name of the collection, and the rules that match it for some tag, the most specific first. */
export interface NameRules {
  readonly name: string
  readonly rules: readonly Rule[]
}

export class CollectionPolicy {
  readonly #policy: Policy
  readonly #names: readonly TagRules[]
  readonly #onKept: () => void
  readonly #byTag = new Map<string, Decision>()
  /** Equal rules make one decision: callers keep what follows from it. */
  readonly #byRules: RuleNode = { next: new Map() }
  #ofDigest: DigestDecision | undefined

  /** `onKept` is called for each tag whose decision is kept: these are as many as users ask for. */
  constructor(policy: Policy, names: readonly NameRules[], onKept: () => void = () => undefined) {
    this.#policy = policy
    this.#names = names.map((one) => new TagRules(one))
    this.#onKept = onKept
  }

  /** What is asked of a tag. The same object for the same rules. */
  decide(tag: string): Decision {
    const known = this.#byTag.get(tag)
    if (known !== undefined) return known
    const decision = this.#decisionOf(this.#names.map((one) => one.ruleFor(tag)))
    this.#onKept()
    this.#byTag.set(tag, decision)
    return decision
  }

  /** What is asked of an image that is named by its digest alone. */
  decideDigest(): DigestDecision {
    this.#ofDigest ??= this.#decideDigest()
    return this.#ofDigest
  }

  /** What can be asked of a tag: one decision for each action and server that the rules of all names give together. */
  decisions(): readonly Decision[] {
    return this.#names.reduceRight<readonly Decision[]>((next, name) => {
      const joined = new Map<string, Decision>()
      for (const one of this.#reachable(name)) {
        for (const decision of next.length === 0 ? [one] : next.map((other) => stricter(one, other)))
          joined.set(`${decision.action} ${decision.server ?? ''}`, decision)
      }
      return [...joined.values()]
    }, [])
  }

  #decideDigest(): DigestDecision {
    const isByTag = this.#names.some(({ rules }) => rules[0]?.pattern.tag !== undefined)
    if (!isByTag) return { kind: 'uniform', decision: this.#decisionOf(this.#names.map(({ rules }) => rules[0])) }
    const decisions = this.#names.flatMap((name) => this.#reachable(name))
    const { digestReferences: _, ...otherwise } = decisions.reduce(stricter)
    return { kind: 'by-tag', otherwise: { ...otherwise, digestReferences: 'require-signed' } }
  }

  /** Of each rule of one name that can decide for some tag: those behind the first for any tag never do. */
  #reachable({ name, rules }: NameRules): Decision[] {
    const untagged = rules.findIndex(({ pattern }) => pattern.tag === undefined)
    const reachable: (Rule | undefined)[] = untagged === -1 ? [...rules, undefined] : rules.slice(0, untagged + 1)
    return reachable.map((rule) => combine(this.#policy, [[name, rule]]))
  }

  /** `rules`: one for each name. */
  #decisionOf(rules: readonly (Rule | undefined)[]): Decision {
    let node = this.#byRules
    for (const rule of rules) {
      const next: RuleNode = node.next.get(rule) ?? { next: new Map() }
      node.next.set(rule, next)
      node = next
    }
    node.decision ??= combine(
      this.#policy,
      this.#names.map(({ name }, at) => [name, rules[at]]),
    )
    return node.decision
  }
}

/** Decisions by the rule of the first name, of the second, and so on. */
interface RuleNode {
  readonly next: Map<Rule | undefined, RuleNode>
  decision?: Decision
}

/** The rules of one name, by tag. */
class TagRules {
  readonly name: string
  readonly rules: readonly Rule[]
  /** Places in `rules` of tags without a wildcard. */
  readonly #exact = new Map<string, number>()
  /** The others in order, up to the first for any tag: those behind it never decide. */
  readonly #globs: { readonly at: number; readonly fits: Fits }[] = []

  constructor({ name, rules }: NameRules) {
    this.name = name
    this.rules = rules
    for (const [at, { pattern }] of rules.entries()) {
      const { tag } = pattern
      if (tag === undefined) {
        this.#globs.push({ at, fits: () => true })
        break
      }
      if (tag.includes('*')) this.#globs.push({ at, fits: globMatcher(tag) })
      else if (!this.#exact.has(tag)) this.#exact.set(tag, at)
    }
  }

  ruleFor(tag: string): Rule | undefined {
    const exact = this.#exact.get(tag) ?? this.rules.length
    for (const { at, fits } of this.#globs) {
      if (at > exact) break
      if (fits(tag)) return this.rules[at]
    }
    return this.rules[exact]
  }
}
