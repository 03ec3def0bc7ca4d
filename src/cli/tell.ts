/** What is said for people of an answer. */
import type { VerifyResult } from '../client/results.js'
import { ruleName } from '../policy/rule-name.js'
import type { Speaker } from './output.js'

/** Warnings, and the summary on a terminal. With `json` most warnings are in the answer. */
export function tell(result: VerifyResult, speaker: Speaker, json: boolean): void {
  if (result.status === 'disabled') {
    const by = result.reason === 'option' ? '--disable-content-trust' : 'DOCKER_CONTENT_TRUST'
    speaker.always(`content trust is switched off by ${by}: ${result.reference} was not verified`)
    return
  }
  if (result.status === 'by-digest') {
    speaker.warning({ message: `${result.reference} was not verified: digest references are accepted as they are` })
    return
  }
  if (result.status === 'skipped' || result.status === 'permitted') {
    const { reference, policy } = result
    const by = `${ruleName(policy.match)} of the policy`
    if (result.status === 'skipped') speaker.always(`${reference} was not verified: ${by} skips it`)
    else speaker.permitted(`${reference} is not verified, and ${by} lets it pass`, result.error)
    return
  }
  for (const warning of result.warnings) if (!json || warning.code === 'WARN_STALE_TIMESTAMP') speaker.warning(warning)
  const signers = result.signers.length === 0 ? '' : `, signed by ${result.signers.join(', ')}`
  const tags = 'tag' in result ? result.tag : result.tags.join(', ')
  const what = result.mirror === undefined ? tags : `${tags} (named at its mirror ${result.mirror})`
  speaker.summary(
    `verified ${result.gun} ${what}: ${result.role}${signers}; root ${result.rootTrust}, ${result.freshness}, good until ${result.expires}; ${result.server}`,
  )
}
