/** `dct verify` */
import type { VerifyResult } from '../client/results.js'
import { contentTrustEnabled } from '../client/settings/content-trust.js'
import { createCommandClient, type VerifyOutcome } from '../client/trust-client.js'
import { UsageError } from '../errors.js'
import { clientOptions, commandSwitch } from './client-options.js'
import { EXIT, type Io } from './io.js'
import type { CommandLine } from './options.js'
import { exitStatus, mostSevere, Speaker } from './output.js'
import { startProgress } from './progress.js'
import { INVITATION, readReferences } from './standard-input.js'
import { Tally } from './tally.js'

/** The exit status. */
export async function verify(line: CommandLine, io: Io): Promise<number> {
  const references = await expand(line, io)
  if (references.length === 0)
    throw new UsageError('ERR_SETTINGS_INVALID', 'standard input holds no image reference', {
      hint: 'Write one image reference a line, or type it: dct verify container-registry.oracle.com/os/oraclelinux:9',
    })
  const trustSwitch = commandSwitch(line, io.env)
  using progress = startProgress(io, line)
  progress.total = references.length
  const speaker = new Speaker(progress.io, line)
  const tally = new Tally('references')
  // When content trust is off, files that options name are not read.
  const options = contentTrustEnabled({ env: io.env, ...trustSwitch })
    ? await clientOptions(line, progress.io, progress.tell)
    : { env: io.env }
  await using client = createCommandClient({ ...options, ...trustSwitch })
  const statuses: number[] = []
  for await (const outcome of client.verifyTags(references)) {
    statuses.push(report(outcome, speaker, line.values.json ?? false, references.length > 1))
    count(outcome, tally)
    progress.done++
  }
  tally.tell(progress.io, line)
  return mostSevere(statuses)
}

function report(outcome: VerifyOutcome, speaker: Speaker, json: boolean, several: boolean): number {
  if ('error' in outcome) {
    const { reference, error } = outcome
    if (json) speaker.failed({ reference }, error)
    speaker.error(error, several && !error.message.includes(reference) ? reference : undefined)
    return exitStatus(error)
  }
  const { result } = outcome
  if (json && result.status === 'permitted') speaker.json({ ...result, error: speaker.errorJson(result.error) })
  else if (json) speaker.json(result)
  else if ('canonicalReference' in result) speaker.answer(result.canonicalReference)
  tell(result, speaker, json)
  return EXIT.ok
}

function count(outcome: VerifyOutcome, tally: Tally): void {
  if ('error' in outcome) tally.failed(outcome.reference, outcome.error)
  else if (outcome.result.status === 'trusted' || outcome.result.status === 'trusted-digest') tally.verified()
  else tally.unverified()
}

function tell(result: VerifyResult, speaker: Speaker, json: boolean): void {
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
    const by = `${policy.match === 'default' ? 'the default' : `the rule ${policy.match}`} of the policy`
    if (result.status === 'skipped') speaker.always(`${reference} was not verified: ${by} skips it`)
    else speaker.permitted(`${reference} is not verified, and ${by} lets it pass`, result.error)
    return
  }
  for (const warning of result.warnings) if (!json || warning.code === 'WARN_STALE_TIMESTAMP') speaker.warning(warning)
  const signers = result.signers.length === 0 ? '' : `, signed by ${result.signers.join(', ')}`
  const tags = result.status === 'trusted' ? result.tag : result.tags.join(', ')
  const what = result.mirror === undefined ? tags : `${tags} (named at its mirror ${result.mirror})`
  speaker.summary(
    `verified ${result.gun} ${what}: ${result.role}${signers}; root ${result.rootTrust}, ${result.freshness}, good until ${result.expires}; ${result.server}`,
  )
}

/** The references as typed, `-` replaced by those on standard input. */
async function expand({ words, values }: CommandLine, io: Io): Promise<string[]> {
  if (words.includes('-') && io.typed === true && io.terminal && values.quiet !== true) io.err(`dct: ${INVITATION}\n`)
  const references: string[] = []
  for (const word of words) {
    if (word === '-') for (const reference of await readReferences(io)) references.push(reference)
    else references.push(word)
  }
  return references
}
