/** What commands on files have in common: reading them, and saying what is wrong where. */
import type { TrustError } from '../errors.js'
import { UsageError } from '../errors.js'
import type { Remark } from '../formats/image-use.js'
import type { Finding } from '../report/finding.js'
import {
  type FileImages,
  type FrontendRule,
  type ImageFile,
  placeName,
  readFileImages,
  unresolved,
} from '../tasks/file-images.js'
import { MAX_FILE_BYTES } from '../tasks/source-files.js'
import type { Io } from './io.js'
import type { CommandLine } from './options.js'
import { exitStatus, type Speaker } from './output.js'
import { readBytes } from './standard-input.js'

/** Collects the findings of a run, says them, and keeps the exit statuses. */
export class FileFindings {
  readonly all: Finding[] = []
  readonly statuses: number[] = []
  readonly #speaker: Speaker
  readonly #json: boolean

  constructor(speaker: Speaker, json = false) {
    this.#speaker = speaker
    this.#json = json
  }

  /** An image, or a part of a file, that fails. */
  failed(path: string, place: Remark['place'], image: string, error: TrustError): void {
    this.#add({ file: path, line: place.line, column: place.column, image, status: 'failed', error: error.toJSON() })
    const where = placeName(path, place)
    const about = error.message.includes(image) ? where : `${where}: ${image}`
    this.#speaker.error(error, error.message.startsWith(where) ? undefined : about)
    this.statuses.push(exitStatus(error))
  }

  /** An image that passes. `more` is added to the line of `--json`. */
  passed(
    path: string,
    { line, column }: Remark['place'],
    image: string,
    outcome: Pick<Finding, 'status' | 'canonicalReference' | 'reason'>,
    more: object = {},
  ): void {
    this.#add({ file: path, line, column, image, ...outcome }, more)
  }

  /** Something that is no image to verify, or that a comment takes out. */
  skipped(path: string, place: Remark['place'], image: string, reason: string, isRisk = false): void {
    this.#add({ file: path, line: place.line, column: place.column, image, status: 'skipped', reason })
    const text = `${placeName(path, place)}: skipped: ${reason}`
    if (isRisk) this.#speaker.warning({ message: text })
    else this.#speaker.note(text)
  }

  /** Problems and skipped parts of a file. */
  remarks({ path, problems, skipped }: ImageFile): void {
    for (const { place, reason } of problems) this.failed(path, place, '', unresolved(reason, placeName(path, place)))
    for (const { place, reason, isRisk } of skipped) this.skipped(path, place, '', reason, isRisk)
  }

  /** Files that were not read. */
  unread({ failures, skipped }: FileImages): void {
    for (const error of failures) {
      const { path, line, column } = error.evidence ?? {}
      const file = typeof path === 'string' ? path : ''
      this.#add({
        file,
        line: numberOr(line, 1),
        column: numberOr(column, 1),
        image: '',
        status: 'failed',
        error: error.toJSON(),
      })
      this.#speaker.error(error)
      this.statuses.push(exitStatus(error))
    }
    for (const { path, reason } of skipped) {
      this.#add({ file: path, line: 1, column: 1, image: '', status: 'skipped', reason })
      this.#speaker.note(`${path}: skipped: ${reason}`)
    }
  }

  #add(finding: Finding, more: object = {}): void {
    this.all.push(finding)
    if (this.#json) this.#speaker.json({ ...finding, ...more })
  }
}

/** Reads the files that a command line names. @throws UsageError as `readFileImages` */
export async function filesOf(
  paths: readonly string[],
  { values }: CommandLine,
  io: Io,
  usualFrontendRule: FrontendRule,
  format?: 'dockerfile',
): Promise<FileImages> {
  return await readFileImages(paths, {
    frontend: frontendRule(values.frontend) ?? usualFrontendRule,
    buildArgs: buildArgs(values['build-arg'] ?? []),
    contexts: contextNames(values['build-context'] ?? []),
    paths: values.path ?? [],
    ...platformOf(values.platform),
    standardInput: () => readBytes(io, MAX_FILE_BYTES),
    ...(format === undefined ? {} : { format }),
  })
}

/** The value of --frontend. @throws UsageError ERR_SETTINGS_INVALID */
export function frontendRule(typed: string | undefined): FrontendRule | undefined {
  if (typed === undefined || typed === 'pin' || typed === 'allow' || typed === 'deny') return typed
  throw new UsageError('ERR_SETTINGS_INVALID', `--frontend takes pin, allow or deny, got ${JSON.stringify(typed)}`, {
    hint: 'Type one of: --frontend pin, --frontend allow, --frontend deny',
  })
}

function buildArgs(typed: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    typed.map((one) => {
      const at = one.indexOf('=')
      if (at > 0) return [one.slice(0, at), one.slice(at + 1)]
      throw new UsageError('ERR_SETTINGS_INVALID', `--build-arg takes NAME=VALUE, got ${JSON.stringify(one)}`, {
        hint: 'The environment is not used for it. For example: --build-arg VERSION=3.19',
      })
    }),
  )
}

function contextNames(typed: readonly string[]): ReadonlySet<string> {
  const wrong = typed.find((name) => name === '' || name.includes('='))
  if (wrong === undefined) return new Set(typed)
  throw new UsageError('ERR_SETTINGS_INVALID', `--build-context takes NAME, got ${JSON.stringify(wrong)}`, {
    hint: 'Give the name alone. An image behind it is verified by itself: dct verify REFERENCE',
  })
}

function platformOf(typed: string | undefined): { readonly platform?: string } {
  if (typed === undefined) return {}
  if (/^[a-z0-9]+(?:\/[a-z0-9_.]+){1,2}$/.test(typed)) return { platform: typed }
  throw new UsageError('ERR_SETTINGS_INVALID', `--platform takes OS/ARCHITECTURE, got ${JSON.stringify(typed)}`, {
    hint: 'For example: --platform linux/arm64',
  })
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}
