/** Names of roles. Source: notary 0.7.0 tuf/data/roles.go. */

/** The four roles that every root lists. */
export const BASE_ROLES = ['root', 'targets', 'snapshot', 'timestamp'] as const

export type BaseRole = (typeof BASE_ROLES)[number]

/** The role whose tags Docker trusts before those of `targets`. */
export const RELEASES_ROLE = 'targets/releases'

/** Longer delegation names are refused, as Notary does. */
const MAX_NAME_CHARACTERS = 255

/** True for `targets/<name>...`: lower-case letters, digits, `-`, `_`, no empty segment. */
export function isDelegationName(name: string): boolean {
  return name.length <= MAX_NAME_CHARACTERS && /^targets(?:\/[-a-z0-9_]+)+$/.test(name)
}

/** The role that may delegate to this delegation. */
export function parentRole(delegation: string): string {
  return delegation.slice(0, delegation.lastIndexOf('/'))
}

/** The name of a signer for people: without `targets/`. */
export function signerName(delegation: string): string {
  return delegation.slice('targets/'.length)
}
