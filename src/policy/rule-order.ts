/** Which rules come first, and which pairs have no order. */
import { commonImage, compareRanks, covers } from './pattern.js'
import type { Rule } from './policy.js'

/** The most specific rule first. */
export function byRank(rules: readonly Rule[]): Rule[] {
  return rules.toSorted((one, other) => compareRanks(other.pattern.rank, one.pattern.rank))
}

/** Two rules of equal rank that can meet. */
interface Ambiguity {
  /** The later one in the file. */
  readonly rule: Rule
  readonly other: Rule
  /** An image that both match. */
  readonly image: string
}

/** Rules of one rank. */
interface RankGroup {
  readonly rules: Rule[]
  /** Those with a wildcard. */
  readonly globs: Rule[]
  /** The others, by what they match: two of them meet only when they are equal. */
  readonly exact: Map<string, Rule>
}

/** For each rule at most one other that it meets. */
export function ambiguousRules(rules: readonly Rule[]): Ambiguity[] {
  const found: Ambiguity[] = []
  const groups = new Map<string, RankGroup>()
  for (const rule of rules) {
    const { text, rank } = rule.pattern
    const key = `${rank.segments} ${rank.literals} ${rank.tagged}`
    const group: RankGroup = groups.get(key) ?? { rules: [], globs: [], exact: new Map() }
    groups.set(key, group)
    const isExact = !text.includes('*')
    const twin = group.exact.get(text)
    const others = twin !== undefined ? [twin] : isExact ? group.globs : group.rules
    for (const other of others) {
      const image = commonImage(rule.pattern, other.pattern)
      if (image === undefined) continue
      found.push({ rule, other, image })
      break
    }
    group.rules.push(rule)
    if (isExact) group.exact.set(text, twin ?? rule)
    else group.globs.push(rule)
  }
  return found
}

/** A rule that never decides, and the more specific one that takes all of its images. */
export interface Unreachable {
  readonly rule: Rule
  readonly by: Rule
}

/** Rules that one more specific rule covers as a whole. */
export function unreachableRules(rules: readonly Rule[]): Unreachable[] {
  const ordered = byRank(rules)
  return ordered.flatMap((rule, at) => {
    const by = ordered
      .slice(0, at)
      .find((other) => compareRanks(other.pattern.rank, rule.pattern.rank) > 0 && covers(other.pattern, rule.pattern))
    return by === undefined ? [] : [{ rule, by }]
  })
}
