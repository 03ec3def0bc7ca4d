/** The images of files: reads the files, finds every use, and has each reference verified once. */

import type { TrustClient, VerifyOutcome } from '../client/trust-client.js'
import { type TrustError, UnsignedError, UsageError } from '../errors.js'
import { detectFormat, findImageUses } from '../formats/find-image-uses.js'
import { formatOfName, isDevcontainer } from '../formats/format.js'
import type { FileFormat, FindOptions, FoundImages, ImageUse, Remark } from '../formats/image-use.js'
import { decodeSource } from '../formats/source-text.js'
import { readSourceFiles, type SkippedPath, type SourceFile } from './source-files.js'

/** What becomes of `# syntax=` images: taken like others, left unverified, or refused. */
export type FrontendRule = 'pin' | 'allow' | 'deny'

/** How files are read. */
export interface FileImagesOptions extends FindOptions {
  readonly frontend: FrontendRule
  /** The bytes for the path `-`. */
  readonly standardInput?: () => Promise<Uint8Array>
}

/** A file and the images in it. */
export interface ImageFile extends FoundImages {
  /** With `/` on every system. */
  readonly path: string
  readonly text: string
  readonly bytes: Uint8Array
  /** References of frontends that were left out by the rule `allow`. */
  readonly frontends: readonly string[]
}

/** All files of a run. */
export interface FileImages {
  readonly files: readonly ImageFile[]
  readonly skipped: readonly SkippedPath[]
  /** Files that cannot be read, or not as what they are. */
  readonly failures: readonly UsageError[]
}

/**
 * Finds the images of files and folders.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when a limit is exceeded, or when the paths hold no file that names images
 */
export async function readFileImages(paths: readonly string[], options: FileImagesOptions): Promise<FileImages> {
  const read = await readSourceFiles(
    paths.filter((path) => path !== '-'),
    isCandidate,
  )
  const standardInput =
    paths.includes('-') && options.standardInput !== undefined
      ? [{ path: '-', bytes: await options.standardInput(), isFromFolder: false }]
      : []
  const skipped: SkippedPath[] = [...read.skipped]
  const failures: UsageError[] = [...read.failures]
  const files: ImageFile[] = []
  for (const source of [...read.files, ...standardInput]) {
    try {
      const found = imagesOf(source, options)
      if (found === undefined) continue
      if ('reason' in found) skipped.push(found)
      else files.push(found)
    } catch (cause) {
      if (!(cause instanceof UsageError)) throw cause
      failures.push(cause)
    }
  }
  if (files.length === 0 && failures.length === 0) {
    throw new UsageError('ERR_SETTINGS_INVALID', `no file that names images was found in ${paths.join(', ')}`, {
      hint: 'Name Dockerfiles, Compose files, Kubernetes manifests, kustomizations or CI files, or folders that hold some.',
    })
  }
  return { files, skipped, failures }
}

/** What the client says of each reference of the files that is to be verified, asked once. */
export async function verifyFileImages(
  client: TrustClient,
  files: readonly ImageFile[],
): Promise<ReadonlyMap<string, VerifyOutcome>> {
  const references = files.flatMap(({ uses }) => uses.flatMap((use) => (use.ignored ? [] : (use.reference ?? []))))
  return verifyAll(client, references)
}

/** The outcome of each reference, asked once. */
export async function verifyAll(client: TrustClient, references: Iterable<string>): Promise<ReadonlyMap<string, VerifyOutcome>> {
  const outcomes = new Map<string, VerifyOutcome>()
  for await (const outcome of client.verifyTags(new Set(references))) outcomes.set(outcome.reference, outcome)
  return outcomes
}

/** `file:line:column` */
export function placeName(path: string, { line, column }: Remark['place']): string {
  return `${path}:${line}:${column}`
}

/** The error for a use or a part of a file that does not tell which image is meant. */
export function unresolved(reason: string, where: string): UnsignedError {
  return new UnsignedError('ERR_IMAGE_UNRESOLVED', reason, { evidence: { place: where } })
}

/** The error of an outcome, if it is one. */
export function errorOf(outcome: VerifyOutcome | undefined): TrustError | undefined {
  return outcome !== undefined && 'error' in outcome ? outcome.error : undefined
}

function isCandidate(path: string): boolean {
  return formatOfName(path) !== undefined || /\.(?:ya?ml|json)$/.test(path)
}

/** Nothing for a file that a folder holds besides. */
function imagesOf(source: SourceFile, options: FileImagesOptions): ImageFile | SkippedPath | undefined {
  const { path, bytes, isFromFolder } = source
  const text = decodeSource(path, bytes)
  if (isFromFolder) {
    if (isDevcontainer(path))
      return { path, reason: 'devcontainer files are not read: name the Dockerfile or Compose file that it uses' }
    const format = formatInFolder(path, text)
    if (format === 'unreadable') return { path, reason: 'neither JSON nor YAML, so that it is no manifest' }
    if (format === undefined || (options.format !== undefined && options.format !== format)) return undefined
  }
  return { path, bytes, text, ...withFrontendRule(findImageUses(path, text, options), options.frontend) }
}

/** kubectl takes YAML in `.json` files. One that is neither, such as a file of settings with comments, is no manifest. */
function formatInFolder(path: string, text: string): FileFormat | 'unreadable' | undefined {
  try {
    return detectFormat(path, text)
  } catch (error) {
    if (error instanceof UsageError && formatOfName(path) === undefined && path.endsWith('.json') && !isJson(text))
      return 'unreadable'
    throw error
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function withFrontendRule(found: FoundImages, rule: FrontendRule): FoundImages & { readonly frontends: readonly string[] } {
  const frontends = found.uses.filter(({ kind }) => kind === 'frontend')
  if (rule === 'pin' || frontends.length === 0) return { ...found, frontends: [] }
  const uses = found.uses.filter(({ kind }) => kind !== 'frontend')
  const remarks = (reason: string) => frontends.map(({ place }: ImageUse) => ({ place, reason }))
  if (rule === 'deny')
    return { ...found, uses, frontends: [], problems: [...remarks('frontends are refused (--frontend deny)'), ...found.problems] }
  return {
    ...found,
    uses,
    skipped: [...remarks('the frontend of the Dockerfile is not verified (--frontend pin verifies it)'), ...found.skipped],
    frontends: frontends.flatMap(({ reference }) => reference ?? []),
  }
}
