/** `dct verify` */
import { stat } from 'node:fs/promises'
import { contentTrustEnabled } from '../client/settings/content-trust.js'
import { createCommandClient, type VerifyOutcome } from '../client/trust-client.js'
import { UsageError } from '../errors.js'
import { formatOfName } from '../formats/format.js'
import type { Finding } from '../report/finding.js'
import { shellWord } from '../shell-word.js'
import { clientOptions, commandSwitch } from './client-options.js'
import { EXIT, type Io } from './io.js'
import type { CommandLine } from './options.js'
import { exitStatus, mostSevere, Speaker } from './output.js'
import { startProgress } from './progress.js'
import { referenceFinding } from './reference-findings.js'
import { ReportOutputs } from './report-outputs.js'
import { INVITATION, readReferences } from './standard-input.js'
import { Tally } from './tally.js'
import { tell } from './tell.js'

/** The exit status. */
export async function verify(line: CommandLine, io: Io): Promise<number> {
  if (line.values.file !== undefined) return (await import('./verify-files.js')).verifyFiles(line, io)
  refuseOptionsOfFiles(line)
  const outputs = new ReportOutputs(line.values.output ?? [], io)
  outputs.refuseFormatsOfFiles()
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
  const findings: Finding[] = []
  const shown = outputs.takesStandardOutput ? 'nothing' : line.values.json === true ? 'json' : 'references'
  for await (const outcome of client.verifyTags(references)) {
    statuses.push(report(outcome, speaker, shown, references.length > 1))
    if ('error' in outcome) await noteFile(outcome.reference, speaker)
    if (outputs.any) findings.push(referenceFinding(outcome))
    count(outcome, tally)
    progress.done++
  }
  tally.tell(progress.io, line)
  await outputs.write(findings, progress.io)
  return mostSevere(statuses)
}

/** `shown` is what goes to standard output: nothing, where a report goes. */
function report(outcome: VerifyOutcome, speaker: Speaker, shown: 'nothing' | 'json' | 'references', several: boolean): number {
  const json = shown === 'json'
  if ('error' in outcome) {
    const { reference, error } = outcome
    if (json) speaker.failed({ reference }, error)
    speaker.error(error, several && !error.message.includes(reference) ? reference : undefined)
    return exitStatus(error)
  }
  const { result } = outcome
  if (json && result.status === 'permitted') speaker.json({ ...result, error: speaker.errorJson(result.error) })
  else if (json) speaker.json(result)
  else if (shown === 'references' && 'canonicalReference' in result) speaker.answer(result.canonicalReference)
  tell(result, speaker, json)
  return EXIT.ok
}

/** A file or folder in place of a reference is a frequent slip. */
async function noteFile(reference: string, speaker: Speaker): Promise<void> {
  const path = reference.replace(/^@/, '')
  const found = await stat(path).catch(() => undefined)
  const word = shellWord(path)
  if (
    formatOfName(path) !== undefined ||
    found?.isDirectory() === true ||
    (found !== undefined && /\.(?:ya?ml|json)$/i.test(path))
  )
    speaker.note(`to verify the images that a file names: dct verify --file ${word}`)
  else if (found?.isFile() === true) speaker.note(`to verify references that a file lists, one a line: dct verify - < ${word}`)
}

function count(outcome: VerifyOutcome, tally: Tally): void {
  if ('error' in outcome) tally.failed(outcome.reference, outcome.error)
  else if (outcome.result.status === 'trusted' || outcome.result.status === 'trusted-digest') tally.verified()
  else tally.unverified()
}

/** Options that mean nothing without `--file`. */
function refuseOptionsOfFiles({ values }: CommandLine): void {
  const name = (['frontend', 'build-arg', 'build-context', 'platform', 'path'] as const).find((one) => values[one] !== undefined)
  if (name === undefined) return
  throw new UsageError('ERR_SETTINGS_INVALID', `--${name} of dct verify goes with --file`, {
    hint: 'Leave it out, or name the files whose images are verified: dct verify -f Dockerfile',
  })
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
