/** Who may say what: delegations of a targets role and the prefixes they are held to. */
import type { Delegation, TargetsMetadata } from '../metadata/model.js'

/** A delegation with the paths that are left after those of every role above it. */
export interface GrantedDelegation extends Delegation {
  readonly granted: readonly string[]
}

/** `targets` may name anything. */
export const ALL_PATHS: readonly string[] = ['']

/** The delegations of a role whose own say is `granted`. */
export function delegationsOf(metadata: TargetsMetadata, granted: readonly string[]): GrantedDelegation[] {
  return metadata.delegations.map((delegation) => ({ ...delegation, granted: restrict(delegation.paths, granted) }))
}

/** The prefixes of a child that lie under a prefix of its parent. Source: notary 0.7.0 tuf/data/roles.go RestrictDelegationPathPrefixes. */
function restrict(child: readonly string[], parent: readonly string[]): string[] {
  return child.filter((path) => parent.some((prefix) => path.startsWith(prefix)))
}

/** True when a role with this say may name the target. */
export function mayName(granted: readonly string[], target: string): boolean {
  return granted.some((prefix) => target.startsWith(prefix))
}
