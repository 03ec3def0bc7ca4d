/** Reads the files that a user names, and those of folders, within limits. Links are not followed. */
import { constants } from 'node:fs'
import { access, lstat, readdir, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { readRegularFile, UnreadableFile } from '../cache/safe-file.js'
import { describeCause, systemCode, UsageError } from '../errors.js'
import { shellWord } from '../shell-word.js'

/** Bytes of one file. A file of the most characters that are read, four bytes each, is no longer (denial of service). */
export const MAX_FILE_BYTES: number = 8 * 1024 * 1024

/** Bytes of all files of a run, which are in memory at the same time (denial of service). */
const MAX_TOTAL_BYTES = 64 * 1024 * 1024

/** Files of a run that are read. Stops a command that was given the wrong folder. */
const MAX_FILES = 10_000

/** Entries of folders that are looked at, files of other kinds included. Stops a walk through a whole disk. */
const MAX_ENTRIES = 200_000

/** Folders within each other. Stops a tree that was made to be endless. */
const MAX_DEPTH = 40

/** Folders that hold the files of others. */
const SKIPPED_FOLDERS: ReadonlySet<string> = new Set(['.git', 'node_modules'])

/** A file that was read. */
export interface SourceFile {
  /** As named, or below the folder that was named. With `/` on every system. */
  readonly path: string
  readonly bytes: Uint8Array
  /** True when a folder was named, and this file was found in it. */
  readonly isFromFolder: boolean
}

/** Something that was passed over, and why. */
export interface SkippedPath {
  readonly path: string
  readonly reason: string
}

/** What was read, and what was not. */
export interface SourceFiles {
  /** In the order of the paths as named; within a folder by name. */
  readonly files: readonly SourceFile[]
  readonly skipped: readonly SkippedPath[]
  /** Files and folders that cannot be read: ERR_SETTINGS_INVALID. */
  readonly failures: readonly UsageError[]
}

/**
 * Reads files, and the files of folders whose names are `wanted`. A file that is named twice is read once.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when a limit is exceeded: nothing that was read counts then
 */
export async function readSourceFiles(paths: readonly string[], wanted: (path: string) => boolean): Promise<SourceFiles> {
  const walk = new Walk(wanted)
  for (const path of paths) await walk.take(path)
  await walk.judgeLinks()
  return walk
}

/** Reads one regular file. @throws UsageError ERR_SETTINGS_INVALID, with the path */
export async function readSourceFile(path: string): Promise<Uint8Array> {
  try {
    const { size } = await lstat(path)
    if (size > MAX_FILE_BYTES) throw new UnreadableFile(`${size} bytes, at most ${MAX_FILE_BYTES} are read`)
    const bytes = await readRegularFile(path)
    if (bytes === undefined) throw new UnreadableFile('it is not there any more')
    return bytes
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

class Walk implements SourceFiles {
  readonly files: SourceFile[] = []
  readonly skipped: SkippedPath[] = []
  readonly failures: UsageError[] = []
  readonly #wanted: (path: string) => boolean
  readonly #seen = new Set<string>()
  readonly #links: string[] = []
  #entries = 0
  #bytes = 0

  constructor(wanted: (path: string) => boolean) {
    this.#wanted = wanted
  }

  /** A path that the user named. */
  async take(path: string): Promise<void> {
    await this.#orFailure(path, async () => {
      const stat = await lstat(path)
      if (stat.isDirectory()) await this.#folder(withoutEnd(path), 0)
      else await this.#file(path, false)
    })
  }

  /** A link whose name is wanted must lead to a file that was read: else it hides a file that other programs read. */
  async judgeLinks(): Promise<void> {
    const read = new Set<string>()
    if (this.#links.length > 0) for (const { path } of this.files) read.add(await realpath(path))
    for (const path of this.#links) {
      await this.#orFailure(path, async () => {
        const target = await realpath(path)
        if (read.has(target)) this.skipped.push({ path: shown(path), reason: 'a symbolic link to a file that was read' })
        else throw new UnreadableFile('a symbolic link to a file that was not read')
      })
    }
  }

  async #folder(path: string, depth: number): Promise<void> {
    if (depth > MAX_DEPTH) throw tooMuch(path, `more than ${MAX_DEPTH} folders within each other`)
    const entries = await readdir(path, { withFileTypes: true })
    this.#entries += entries.length
    if (this.#entries > MAX_ENTRIES) throw tooMuch(path, `more than ${MAX_ENTRIES} files and folders`)
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const below = join(path, entry.name)
      if (entry.isDirectory() && SKIPPED_FOLDERS.has(entry.name)) {
        this.skipped.push({ path: shown(below), reason: 'a folder of this name is not searched' })
      } else if (entry.isDirectory()) await this.#orFailure(below, () => this.#folder(below, depth + 1))
      else if (!this.#wanted(shown(below))) continue
      else if (entry.isSymbolicLink()) this.#links.push(below)
      else await this.#orFailure(below, () => this.#file(below, true))
    }
  }

  async #file(path: string, isFromFolder: boolean): Promise<void> {
    // Two spellings of a path, such as Dockerfile and ./Dockerfile, are one file: it must not be written twice.
    const real = await realpath(path)
    if (this.#seen.has(real)) return
    this.#seen.add(real)
    if (this.files.length >= MAX_FILES) throw tooMuch(path, `more than ${MAX_FILES} files to read`)
    const bytes = await readSourceFile(path)
    this.#bytes += bytes.length
    if (this.#bytes > MAX_TOTAL_BYTES) throw tooMuch(path, `more than ${MAX_TOTAL_BYTES} bytes in all files`)
    this.files.push({ path: shown(path), bytes, isFromFolder })
  }

  async #orFailure(path: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (cause) {
      if (cause instanceof LimitExceeded) throw cause
      this.failures.push(unreadable(path, cause))
    }
  }
}

/** Refuses a file that this user may not write, though its folder would let it be replaced. */
export async function mayWrite(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => true,
    () => false,
  )
}

/** Ends the walk; other errors concern one file. */
class LimitExceeded extends UsageError {}

function tooMuch(path: string, what: string): UsageError {
  return new LimitExceeded('ERR_SETTINGS_INVALID', `${shown(path)}: ${what}`, {
    hint: 'Name the files, or the folders that hold them, instead of a folder above.',
  })
}

/** A name with a tag or a digest; the registry before it may have a port. */
const IMAGE_NAME = /^(?:[^:/]+(?::[0-9]+)?\/)?[^:]+:[\w.-]+$|@sha256:/

function unreadable(path: string, cause: unknown): UsageError {
  if (cause instanceof UsageError) return cause
  const reason = systemCode(cause) === 'ENOENT' ? 'there is no such file or folder' : describeCause(cause)
  const isImage = systemCode(cause) === 'ENOENT' && IMAGE_NAME.test(path)
  const isLink = cause instanceof UnreadableFile && cause.message.includes('symbolic link')
  return new UsageError('ERR_SETTINGS_INVALID', `cannot read ${shown(path)}: ${reason.replace(`${path} is`, 'it is')}`, {
    hint: isLink
      ? `Links are not followed. Name the file that it leads to: readlink -f ${shellWord(path)}`
      : isImage
        ? `Files are named here. To verify an image: dct verify ${shellWord(path)}`
        : `Look whether it is there and may be read: ls -l ${shellWord(path)}`,
    evidence: { path: shown(path) },
    cause,
  })
}

function withoutEnd(path: string): string {
  return path.length > 1 ? path.replace(/[/\\]+$/, '') || sep : path
}

function shown(path: string): string {
  return sep === '/' ? path : path.replaceAll(sep, '/')
}
