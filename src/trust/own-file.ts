/** Whose file it is, where one key signs for two roles. */
import { sha256Hex } from '../crypto/hash.js'
import type { TargetsMetadata } from '../metadata/model.js'
import type { Trusted } from './trusted.js'
import type { VersionFloors } from './version-floors.js'

/**
 * The other role that this very content was accepted for before, or undefined.
 *
 * A signer may have one key for two roles, as Docker sets it up for `targets/<signer>` and `targets/releases`, and no file says
 * which role it is for. So what was accepted of one role is not taken for another, unless it says nothing.
 */
export function acceptedForAnother(
  floors: VersionFloors,
  { role, metadata, signedBytes }: Trusted<TargetsMetadata>,
): string | undefined {
  if (metadata.targets.size === 0 && metadata.delegations.length === 0) return undefined
  const content = sha256Hex(signedBytes)
  const holds = (one: string) => floors.get(one)?.some((floor) => floor.content === content) === true
  return holds(role) ? undefined : [...floors.keys()].find(holds)
}
