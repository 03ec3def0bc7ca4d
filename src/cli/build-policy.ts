/** `dct build-policy` */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8 } from '../bytes.js'
import { createCommandClient, type VerifyOutcome } from '../client/trust-client.js'
import { UsageError } from '../errors.js'
import type { VerifiedImage } from '../formats/build-policy.js'
import { buildPolicyFiles, type PolicyFile, type PolicyFormat } from '../formats/build-policy-files.js'
import type { ImageUse } from '../formats/image-use.js'
import { type FileImages, localNames, placeName, unresolved, verifyAll } from '../tasks/file-images.js'
import { makeFolder, writeWhole } from '../tasks/replace-file.js'
import { clientOptions } from './client-options.js'
import { FileFindings, filesOf } from './file-findings.js'
import { EXIT, type Io } from './io.js'
import type { CommandLine } from './options.js'
import { exitStatus, mostSevere, Speaker } from './output.js'
import { startProgress } from './progress.js'
import { tell } from './tell.js'

const FORMATS: readonly PolicyFormat[] = ['source-policy', 'build-contexts', 'bake', 'compose', 'rego']

/** Writes nothing unless every image of the files is verified. The exit status. */
export async function buildPolicy(line: CommandLine, io: Io): Promise<number> {
  const { values } = line
  const format = formatOf(values.format)
  const local = values['allow-local'] ?? []
  const isLocal = localNames(local)
  if (format === 'rego') await checkFolder(values.out)
  const images = withoutLocal(await filesOf(values.file ?? ['Dockerfile'], line, io, 'pin', 'dockerfile'), isLocal)
  using progress = startProgress(io, line)
  const speaker = new Speaker(progress.io, line)
  const options = await clientOptions(line, progress.io, progress.tell)
  // The variable of content trust does not count here: a policy from unverified digests would be none.
  await using client = createCommandClient({ ...options, disableContentTrust: false })
  const uses = images.files.flatMap(({ path, uses }) => uses.map((use) => ({ path, use })))
  const also = values.also ?? []
  const outcomes = await verifyAll(client, [...uses.flatMap(({ use }) => (use.ignored ? [] : (use.reference ?? []))), ...also])
  for (const outcome of outcomes.values()) if ('result' in outcome) tell(outcome.result, speaker, false)

  const findings = new FileFindings(speaker)
  findings.unread(images)
  for (const { path, use } of uses) reportUse(path, use, outcomes, findings)
  for (const file of images.files) findings.remarks(file)
  for (const reference of also) {
    const outcome = outcomes.get(reference)
    if (outcome === undefined || !('error' in outcome)) continue
    speaker.error(outcome.error, `--also ${reference}`)
    findings.statuses.push(exitStatus(outcome.error))
  }
  if (findings.statuses.length > 0) {
    speaker.note('no policy was written')
    return mostSevere(findings.statuses)
  }
  const files = buildPolicyFiles([...outcomes.values()].flatMap(verifiedImage), format, {
    frontends: images.files.flatMap(({ frontends }) => frontends),
    local,
    ...(values.target === undefined ? {} : { targets: values.target }),
  })
  await write(files, values.out, progress.io)
  return EXIT.ok
}

function reportUse(path: string, use: ImageUse, outcomes: ReadonlyMap<string, VerifyOutcome>, findings: FileFindings): void {
  const { place, written, reference, reason = '', ignored } = use
  const outcome = reference === undefined ? undefined : outcomes.get(reference)
  if (ignored)
    findings.skipped(
      path,
      place,
      written,
      'a comment dct:ignore takes it out; the builder refuses it, unless --allow-local names it',
    )
  else if (outcome === undefined) findings.failed(path, place, written, unresolved(reason, placeName(path, place)))
  else if ('error' in outcome) findings.failed(path, place, written, outcome.error)
}

function verifiedImage(outcome: VerifyOutcome): readonly VerifiedImage[] {
  if ('error' in outcome) return []
  const { reference, result } = outcome
  return result.status === 'trusted' || result.status === 'trusted-digest' ? [{ reference, digest: result.digest }] : []
}

function withoutLocal(images: FileImages, isLocal: (reference: string | undefined) => boolean): FileImages {
  return {
    ...images,
    files: images.files.map((file) => ({ ...file, uses: file.uses.filter(({ reference }) => !isLocal(reference)) })),
  }
}

function formatOf(typed = 'source-policy'): PolicyFormat {
  const format = FORMATS.find((one) => one === typed)
  if (format !== undefined) return format
  throw invalid(
    `--format takes ${FORMATS.join(', ')}, got ${JSON.stringify(typed)}`,
    `Type one of: ${FORMATS.map((one) => `--format ${one}`).join(', ')}`,
  )
}

/** The rules and their data are two files, in a folder that is there or can be made. */
async function checkFolder(out: string | undefined): Promise<void> {
  const found = out === undefined ? undefined : await stat(out).catch(() => undefined)
  if (out !== undefined && found?.isDirectory() !== false) return
  throw invalid('--format rego writes two files, and needs a folder', 'Name the folder: dct build-policy --format rego --out .')
}

async function write(files: readonly PolicyFile[], out: string | undefined, io: Io): Promise<void> {
  if (out !== undefined && files.length > 1) await makeFolder(out)
  for (const { name, text } of files) {
    if (out === undefined) io.out(text)
    else await writeWhole(files.length > 1 ? join(out, name) : out, utf8(text))
  }
}

function invalid(message: string, hint: string): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', message, { hint })
}
