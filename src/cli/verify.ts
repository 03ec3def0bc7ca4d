/** `dct verify REFERENCE...` */

import { contentTrustEnabled } from '../client/content-trust.js'
import type { VerifyResult } from '../client/results.js'
import type { VerifyOutcome } from '../client/trust-client.js'
import { createTrustClient } from '../client/trust-client.js'
import { UsageError } from '../errors.js'
import { type CommandLine, clientOptions, commandSwitch } from './arguments.js'
import type { Io } from './io.js'
import { EXIT } from './io.js'
import { exitStatus, gravest, Speaker } from './output.js'

/** Longer lists on standard input are refused. */
const MAX_REFERENCES = 100_000

/** The exit status. */
export async function verify(line: CommandLine, io: Io): Promise<number> {
  const speaker = new Speaker(io, line)
  const references = await expand(line.words, io)
  if (references.length === 0)
    throw new UsageError('ERR_SETTINGS_INVALID', 'dct verify needs at least one image reference', {
      hint: 'For example: dct verify alpine:3.19',
    })
  const trustSwitch = commandSwitch(line, io)
  // Switched off, no file that an option names is read.
  const options = contentTrustEnabled({ env: io.env, ...trustSwitch }) ? await clientOptions(line, io) : { env: io.env }
  await using client = createTrustClient({ ...options, ...trustSwitch })
  const statuses: number[] = []
  for await (const outcome of client.verifyTags(references)) {
    statuses.push(report(outcome, speaker, line.values.json ?? false, references.length > 1))
  }
  return gravest(statuses)
}

function report(outcome: VerifyOutcome, speaker: Speaker, json: boolean, several: boolean): number {
  if ('error' in outcome) {
    const { reference, error } = outcome
    if (json) speaker.failed({ reference }, error)
    speaker.error(error, several && !error.message.includes(reference) ? reference : undefined)
    return exitStatus(error)
  }
  const { result } = outcome
  if (json) speaker.json(result)
  else if (result.status !== 'disabled') speaker.answer(result.canonicalReference)
  tell(result, speaker, json)
  return EXIT.ok
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
  for (const warning of result.warnings) if (!json || warning.code === 'WARN_STALE_TIMESTAMP') speaker.warning(warning)
  const signers = result.signers.length === 0 ? '' : `, signed by ${result.signers.join(', ')}`
  const what = result.status === 'trusted' ? result.tag : result.tags.join(', ')
  speaker.summary(
    `verified ${result.gun} ${what}: ${result.role}${signers}; root ${result.rootTrust}, ${result.freshness}, good until ${result.expires}; ${result.server}`,
  )
}

/** `-` stands for what standard input holds: one reference a line, `#` begins a comment line. */
async function expand(words: readonly string[], io: Io): Promise<string[]> {
  const references: string[] = []
  for (const word of words) {
    // One by one: as arguments of one call, a hundred thousand overflow the stack.
    for (const reference of word === '-' ? await readReferences(io) : [word]) references.push(reference)
  }
  return references
}

async function readReferences({ stdin }: Io): Promise<string[]> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of stdin) {
    text += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    if (text.length > MAX_REFERENCES * 100)
      throw new UsageError('ERR_SETTINGS_INVALID', 'standard input holds too many references')
  }
  const lines = text.split('\n').map((one) => one.trim())
  const references = lines.filter((one) => one !== '' && !one.startsWith('#'))
  if (references.length > MAX_REFERENCES)
    throw new UsageError('ERR_SETTINGS_INVALID', `standard input holds more than ${MAX_REFERENCES} references`)
  return references
}
