/** Delegations of a targets role, and the path prefixes that limit them. */
import type { Delegation, TargetsMetadata } from '../metadata/model.js'

/** A delegation with the paths that remain after restriction by every role above it. */
export interface GrantedDelegation extends Delegation {
  readonly granted: readonly string[]
}

/** `targets` may name anything. */
export const ALL_PATHS: readonly string[] = ['']

/** The delegations of a role that may itself name `granted`. */
export function delegationsOf(metadata: TargetsMetadata, granted: readonly string[]): GrantedDelegation[] {
  return metadata.delegations.map((delegation) => ({ ...delegation, granted: restrict(delegation.paths, granted) }))
}

/** The prefixes of a child that lie under a prefix of its parent. Source: notary 0.7.0 tuf/data/roles.go RestrictDelegationPathPrefixes. */
function restrict(child: readonly string[], parent: readonly string[]): string[] {
  return child.filter((path) => mayName(parent, path))
}

/** True when a role with these prefixes may name the target. */
export function mayName(granted: readonly string[], target: string): boolean {
  if (granted.length <= FEW) return granted.some((prefix) => target.startsWith(prefix))
  const prefixes = sortedPrefixes(granted)
  // Only the last prefix that does not come after the target can match: in sorted order, every text between a prefix and a text
  // that begins with it also begins with that prefix, and no prefix here begins with another one.
  let [low, high] = [0, prefixes.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((prefixes[middle] ?? '') <= target) low = middle + 1
    else high = middle
  }
  const candidate = prefixes[low - 1]
  return candidate !== undefined && target.startsWith(candidate)
}

/** Up to this many prefixes, a linear search is fastest. */
const FEW = 8

/** Lists are immutable, so each is sorted once however many names are compared with it. */
const sorted = new WeakMap<readonly string[], readonly string[]>()

/** Sorted by code units, without prefixes that begin with another one. */
function sortedPrefixes(granted: readonly string[]): readonly string[] {
  const known = sorted.get(granted)
  if (known !== undefined) return known
  const prefixes: string[] = []
  for (const path of [...granted].sort()) {
    const last = prefixes.at(-1)
    if (last === undefined || !path.startsWith(last)) prefixes.push(path)
  }
  sorted.set(granted, prefixes)
  return prefixes
}
