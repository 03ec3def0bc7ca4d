/** Refuses the file of one role under the name of another, where one key signs for both. */
import { sha256Hex } from '../crypto/hash.js'
import type { TargetsMetadata } from '../metadata/model.js'
import type { Trusted } from './trusted.js'
import type { VersionFloors } from './version-floors.js'

/**
 * The other role that this content was accepted for before, or undefined.
 *
 * A signer may have one key for two roles, as Docker sets it up for `targets/<signer>` and `targets/releases`, and no file names
 * its role. So content that was accepted for one role is not accepted for another, unless it lists nothing.
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
