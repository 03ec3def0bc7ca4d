/** `dct pin FILE|FOLDER...` */
import { utf8 } from '../bytes.js'
import { createCommandClient } from '../client/trust-client.js'
import { UsageError } from '../errors.js'
import { parseReference } from '../reference/reference.js'
import { askDigests, type PinnedImageFile, pinImageFile } from '../tasks/pin-files.js'
import { replaceFile } from '../tasks/replace-file.js'
import { clientOptions } from './client-options.js'
import { FileFindings, filesOf } from './file-findings.js'
import type { Io } from './io.js'
import type { CommandLine } from './options.js'
import { exitStatus, mostSevere, Speaker } from './output.js'
import { startProgress } from './progress.js'
import { ReportOutputs } from './report-outputs.js'
import { tell } from './tell.js'

/** The exit status. */
export async function pin(line: CommandLine, io: Io): Promise<number> {
  const { values, words } = line
  checkModes(line)
  const outputs = new ReportOutputs(values.output ?? [], io)
  const images = await filesOf(words, line, io, 'allow')
  using progress = startProgress(io, line)
  const speaker = new Speaker(progress.io, line)
  const options = await clientOptions(line, progress.io, progress.tell)
  // The variable of content trust does not count here: a digest that was not verified is never written.
  await using client = createCommandClient({ ...options, disableContentTrust: false })
  const uses = images.files.flatMap((file) => file.uses)
  const signed = await askDigests(client, uses)
  for (const outcome of signed.outcomes) if ('result' in outcome) tell(outcome.result, speaker, false)
  const mode = values.check === true ? 'check' : values.update === true ? 'update' : 'pin'
  const findings = new FileFindings(speaker)
  findings.unread(images)
  for (const file of images.files) {
    const pinned = pinImageFile(file, signed, { mode, partial: values.partial === true })
    reportFindings(pinned, findings)
    findings.remarks(file)
    if (pinned.edits.length > 0) await change(pinned, line, progress.io, speaker, findings.statuses)
  }
  await outputs.write(findings.all, progress.io)
  return mostSevere(findings.statuses)
}

function reportFindings({ file: { path }, findings: found, errors }: PinnedImageFile, findings: FileFindings): void {
  for (const [index, { use, verdict }] of found.entries()) {
    const error = errors[index]
    if (error !== undefined) findings.failed(path, use.place, use.written, error)
    else if (verdict === 'ignored') findings.skipped(path, use.place, use.written, 'a comment dct:ignore takes it out')
    else if (verdict === 'current' && use.reference !== undefined) {
      const { gun, digest = '' } = parseReference(use.reference)
      findings.passed(path, use.place, use.written, { status: 'verified', canonicalReference: `${gun}@${digest}` })
    }
  }
}

/** Writes one file, or shows what would be written. A file that cannot be written does not stop the others. */
async function change(
  { file: { path, text: before, bytes }, text }: PinnedImageFile,
  { values }: CommandLine,
  io: Io,
  speaker: Speaker,
  statuses: number[],
): Promise<void> {
  if (values.diff === true) {
    io.out((await import('../report/unified-diff.js')).unifiedDiff(path, before, text))
    return
  }
  try {
    await replaceFile(path, bytes, utf8(text))
    speaker.answer(path)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    speaker.error(error)
    statuses.push(exitStatus(error))
  }
}

function checkModes({ values, words }: CommandLine): void {
  const other = (['diff', 'update', 'partial'] as const).find((name) => values[name] === true)
  if (values.check === true && other !== undefined)
    throw misused(`--check and --${other} do not go together`, 'Look first with dct pin --check, then change with dct pin.')
  if (values.output !== undefined && values.check !== true)
    throw misused('--output of dct pin goes with --check', 'Type: dct pin --check -o sarif=dct.sarif FILE')
  if (words.includes('-')) throw misused('dct pin changes files, and standard input is none', 'Name the file: dct pin FILE')
}

function misused(message: string, hint: string): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', message, { hint })
}
