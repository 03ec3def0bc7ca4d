/** Delegations of a verified set, as the roles above them list them. */
import { keyDetails } from '../../trust/key-names.js'
import type { TargetsStage } from '../../trust/targets-stage.js'
import type { InspectedDelegation } from '../results.js'

/** Breadth first: the order in which Notary walks them (notary 0.7.0 tuf/tuf.go WalkTargets). */
export function inspectDelegations({ loaded, skipped }: TargetsStage): InspectedDelegation[] {
  const reasons = new Map(skipped.map(({ role, reason }) => [role, reason]))
  const found: InspectedDelegation[] = []
  const walked = ['targets']
  for (const delegatedBy of walked) {
    for (const { name: role, keys, threshold, granted } of loaded.get(delegatedBy)?.delegations ?? []) {
      const reason = reasons.get(role)
      const state = loaded.has(role) ? 'loaded' : reason === undefined ? 'unsigned' : 'left-out'
      found.push({
        role,
        delegatedBy,
        threshold,
        keyDetails: [...keys.values()].map(keyDetails),
        paths: [...granted],
        state,
        ...(reason === undefined ? {} : { reason }),
      })
      walked.push(role)
    }
  }
  return found
}
