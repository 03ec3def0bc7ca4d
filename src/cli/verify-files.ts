/** `dct verify -f FILE|FOLDER` */
import { contentTrustEnabled } from '../client/settings/content-trust.js'
import { createCommandClient, type VerifyOutcome } from '../client/trust-client.js'
import type { ImageUse } from '../formats/image-use.js'
import { type ImageFile, placeName, unresolved, verifyFileImages } from '../tasks/file-images.js'
import { clientOptions, commandSwitch } from './client-options.js'
import { FileFindings, filesOf } from './file-findings.js'
import type { Io } from './io.js'
import type { CommandLine } from './options.js'
import { mostSevere, Speaker } from './output.js'
import { startProgress } from './progress.js'
import { passedAs } from './reference-findings.js'
import { ReportOutputs } from './report-outputs.js'
import { tell } from './tell.js'

/** The exit status. */
export async function verifyFiles(line: CommandLine, io: Io): Promise<number> {
  const { values } = line
  const outputs = new ReportOutputs(values.output ?? [], io)
  const images = await filesOf(values.file ?? [], line, io, 'pin')
  const trustSwitch = commandSwitch(line, io.env)
  using progress = startProgress(io, line)
  const speaker = new Speaker(progress.io, line)
  const options = contentTrustEnabled({ env: io.env, ...trustSwitch })
    ? await clientOptions(line, progress.io, progress.tell)
    : { env: io.env }
  await using client = createCommandClient({ ...options, ...trustSwitch })
  const outcomes = await verifyFileImages(client, images.files)
  const json = values.json === true && !outputs.takesStandardOutput
  const findings = new FileFindings(speaker, json)
  const isShown = !json && !outputs.takesStandardOutput
  findings.unread(images)
  for (const outcome of outcomes.values()) if ('result' in outcome) tell(outcome.result, speaker, json)
  for (const file of images.files) {
    for (const use of file.uses) reportUse(file, use, outcomes, findings, isShown ? speaker : undefined)
    findings.remarks(file)
  }
  if (images.files.length > 0 && images.files.every(({ uses, problems }) => uses.length + problems.length === 0)) {
    speaker.note('the files name no image')
  }
  await outputs.write(findings.all, progress.io)
  return mostSevere(findings.statuses)
}

function reportUse(
  { path }: ImageFile,
  { place, written, reference, reason, ignored }: ImageUse,
  outcomes: ReadonlyMap<string, VerifyOutcome>,
  findings: FileFindings,
  answers: Speaker | undefined,
): void {
  const outcome = reference === undefined ? undefined : outcomes.get(reference)
  if (ignored) findings.skipped(path, place, written, 'a comment dct:ignore takes it out')
  else if (outcome === undefined) findings.failed(path, place, written, unresolved(reason ?? '', placeName(path, place)))
  else if ('error' in outcome) findings.failed(path, place, written, outcome.error)
  else {
    const { result } = outcome
    if ('canonicalReference' in result) answers?.answer(result.canonicalReference)
    findings.passed(path, place, written, passedAs(result), { reference: outcome.reference, result })
  }
}
