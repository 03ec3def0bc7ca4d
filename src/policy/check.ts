/** What `dct policy check` says of a valid policy: which parts of it have no effect. */
import type { Place } from '../document/document.js'
import { covers, parsePattern } from './pattern.js'
import type { Policy } from './policy.js'
import { unreachableRules } from './rule-order.js'

export interface Remark extends Place {
  readonly problem: string
  readonly hint: string
}

/** What a rule asks, by the names of the file. `server` of a rule with `skip` is no demand. */
const DEMANDS = ['requireSigners', 'pinning', 'firstUse', 'digestReferences', 'staleFallback', 'maxAge'] as const

/** Rules that never decide, a default that is never asked, and demands on images that are not verified. In the order of the file. */
export function policyRemarks(policy: Policy): Remark[] {
  const remarks = unreachableRules(policy.rules).map(
    ({ rule, by }): Remark => ({
      ...rule.place,
      problem: `rule ${rule.pattern.text} never decides: ${by.pattern.text} (line ${by.place.line}) is more specific and matches all of its images`,
      hint: 'Remove one of the two.',
    }),
  )
  const everything = parsePattern('**')
  const all = policy.rules.find(({ pattern }) => !('problem' in everything) && covers(pattern, everything))
  if (policy.default !== undefined && all !== undefined)
    remarks.push({
      ...policy.default.place,
      problem: `default is never asked: rule ${all.pattern.text} (line ${all.place.line}) matches every image`,
      hint: 'Remove one of the two.',
    })
  for (const terms of [...policy.rules, ...(policy.default === undefined ? [] : [policy.default])]) {
    const demands = DEMANDS.filter((name) => terms[name] !== undefined)
    if (demands.length === 0 || (terms.action !== 'skip' && terms.action !== 'deny')) continue
    remarks.push({
      ...terms.place,
      problem: `${demands.join(', ')} ${demands.length === 1 ? 'has' : 'have'} no effect: with action ${terms.action} nothing is verified`,
      hint: terms.action === 'skip' ? 'To verify and only warn, write action: warn.' : 'Leave it out, or leave out the action.',
    })
  }
  return remarks.toSorted((one, other) => one.line - other.line || one.column - other.column)
}
