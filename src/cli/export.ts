/** `dct export REPOSITORY...` */
import { bundleDigest, packBundle } from '../bundle/bundle.js'
import { MAX_BUNDLE_BYTES } from '../bundle/unpack-bundle.js'
import { utf8, utf8Text } from '../bytes.js'
import { Session } from '../client/session.js'
import { createCommandClient } from '../client/trust-client.js'
import { TrustError, UsageError } from '../errors.js'
import { type ImageRepository, parseRepository } from '../reference/reference.js'
import { csvText, ndjsonText, type SignedTagRow, signedTagRows } from '../report/signed-tags.js'
import { readCollection } from '../tasks/collection.js'
import { type ExportedCollection, exportCollection } from '../tasks/export-collection.js'
import { writeWhole } from '../tasks/replace-file.js'
import { writeStaticTree } from '../tasks/static-tree.js'
import { clientOptions } from './client-options.js'
import { EXIT, type Io } from './io.js'
import type { CommandLine } from './options.js'
import { exitStatus, mostSevere, Speaker } from './output.js'
import { type Progress, startProgress } from './progress.js'

const FORMATS = ['bundle', 'csv', 'ndjson', 'static'] as const
type Format = (typeof FORMATS)[number]

/** Writes nothing unless every collection is verified. The exit status. */
export async function exportCollections(line: CommandLine, io: Io): Promise<number> {
  const { out } = line.values
  const format = formatOf(line.values.format)
  if (format === 'static' && out === undefined)
    throw invalid(
      '--format static writes a folder, and none is named',
      'Name it: dct export --format static --out DIR REPOSITORY',
    )
  using progress = startProgress(io, line)
  const run = new ExportRun(line, progress)
  if (format === 'csv' || format === 'ndjson') {
    const rows = await run.rows()
    if (rows === undefined) return run.status
    await write(format === 'csv' ? csvText(rows) : ndjsonText(rows), out, progress.io)
    return EXIT.ok
  }
  const exported = await run.files()
  if (exported === undefined) return run.status
  const collections = exported.map(({ bundled }) => bundled)
  const count = `${collections.length} ${collections.length === 1 ? 'collection' : 'collections'}`
  const expires = new Date(Math.min(...exported.map((one) => one.expires))).toISOString()
  if (out !== undefined && format === 'static') {
    run.speaker.note(`${await writeStaticTree(out, collections)} files of ${count} in ${out}, good until ${expires}`)
    return EXIT.ok
  }
  const bytes = packBundle(collections)
  if (bytes.length > MAX_BUNDLE_BYTES)
    throw invalid(
      `the bundle would have ${bytes.length} bytes, and at most ${MAX_BUNDLE_BYTES} are read`,
      'Make several bundles, of fewer collections each.',
    )
  await write(utf8Text(bytes) ?? '', out, progress.io)
  run.speaker.always(`bundle ${bundleDigest(bytes)}, ${count}, good until ${expires}`)
  return EXIT.ok
}

/** The collections of one run of the command. */
class ExportRun {
  readonly speaker: Speaker
  readonly #line: CommandLine
  readonly #progress: Progress
  readonly #statuses: number[] = []

  constructor(line: CommandLine, progress: Progress) {
    this.#line = line
    this.#progress = progress
    this.speaker = new Speaker(progress.io, line)
  }

  get status(): number {
    return mostSevere(this.#statuses)
  }

  /** Undefined when a collection failed. */
  async rows(): Promise<SignedTagRow[] | undefined> {
    await using client = createCommandClient(await clientOptions(this.#line, this.#progress.io, this.#progress.tell))
    const rows = await this.#each(async ({ gun }) => {
      const { list, inspection } = await readCollection(client, gun)
      for (const warning of list.warnings) this.speaker.warning(warning)
      return { gun: list.gun, answer: signedTagRows(list, inspection) }
    })
    return rows?.flat()
  }

  /** Undefined when a collection failed. */
  async files(): Promise<ExportedCollection[] | undefined> {
    const session = await Session.open(await clientOptions(this.#line, this.#progress.io, this.#progress.tell), 'command')
    try {
      return await this.#each(async (repository) => {
        const exported = await exportCollection(session, repository)
        for (const warning of exported.warnings) this.speaker.warning(warning)
        const { firstRoot, bundled } = exported
        if (firstRoot > 1)
          this.speaker.note(
            `root version ${firstRoot} is the first of ${bundled.gun} in it: an older lock or cache may not know it`,
          )
        return { gun: bundled.gun, answer: exported }
      })
    } finally {
      await session.close()
    }
  }

  /** Asks for each word in order, and keeps one answer for each signed name. One that fails does not stop the others. */
  async #each<Answer>(
    ask: (repository: ImageRepository) => Promise<{ readonly gun: string; readonly answer: Answer }>,
  ): Promise<Answer[] | undefined> {
    const { words } = this.#line
    const asked = new Set<string>()
    const answers = new Map<string, Answer>()
    this.#progress.total = words.length
    for (const word of words) {
      try {
        const repository = parseRepository(word)
        if (!asked.has(repository.gun)) {
          asked.add(repository.gun)
          const { gun, answer } = await ask(repository)
          answers.set(gun, answer)
        }
      } catch (error) {
        if (!(error instanceof TrustError)) throw error
        this.speaker.error(error, words.length > 1 && !error.message.includes(word) ? word : undefined)
        this.#statuses.push(exitStatus(error))
      }
      this.#progress.done++
    }
    if (this.#statuses.length === 0) return [...answers.values()]
    this.speaker.note('nothing was written')
    return undefined
  }
}

function formatOf(typed = 'bundle'): Format {
  const format = FORMATS.find((one) => one === typed)
  if (format !== undefined) return format
  throw invalid(
    `--format of dct export takes ${FORMATS.join(', ')}, got ${JSON.stringify(typed)}`,
    `Type one of: ${FORMATS.map((one) => `--format ${one}`).join(', ')}`,
  )
}

async function write(text: string, out: string | undefined, io: Io): Promise<void> {
  if (out === undefined) io.out(text)
  else await writeWhole(out, utf8(text))
}

function invalid(message: string, hint: string): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', message, { hint })
}
