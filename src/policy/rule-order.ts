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

/** For each rule at most one other: the first that it meets. */
export function ambiguousRules(rules: readonly Rule[]): Ambiguity[] {
  const found: Ambiguity[] = []
  const groups = new Map<string, Rule[]>()
  for (const rule of rules) {
    const { segments, literals, tagged } = rule.pattern.rank
    const key = `${segments} ${literals} ${tagged}`
    const group = groups.get(key) ?? []
    for (const other of group) {
      const image = commonImage(rule.pattern, other.pattern)
      if (image === undefined) continue
      found.push({ rule, other, image })
      break
    }
    group.push(rule)
    groups.set(key, group)
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
