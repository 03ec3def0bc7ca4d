/** Reads files without following links, and replaces them as a whole: a kill at any moment leaves the old file or the new one. */
import { constants } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { systemCode } from '../errors.js'
import { describeDiskError } from './owner.js'

/** Bytes. No client writes a larger file (denial of service). */
const MAX_FILE_BYTES = 64 * 1024 * 1024

/** How often a rename is tried on Windows, where it fails while a process has the file open; with pauses of 10 ms, 20 ms, ... */
const MAX_RENAMES = 10

/** A file or folder exists and must not be used. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile'
}

// Windows has neither flag. There, making a link needs rights with which an attacker needs no links.
const NO_FOLLOW = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** Reads a regular file; undefined when it does not exist. @throws UnreadableFile for anything else */
export async function readRegularFile(path: string): Promise<Uint8Array | undefined> {
  try {
    await using file = await open(path, constants.O_RDONLY | NO_FOLLOW)
    const stat = await file.stat()
    if (!stat.isFile()) throw new UnreadableFile(`${path} is not a regular file`)
    if (stat.size > MAX_FILE_BYTES) throw new UnreadableFile(`${path} has ${stat.size} bytes, at most ${MAX_FILE_BYTES} are read`)
    return new Uint8Array(await file.readFile())
  } catch (cause) {
    if (cause instanceof UnreadableFile) throw cause
    const code = systemCode(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return undefined
    if (code === 'ELOOP') throw new UnreadableFile(`${path} is a symbolic link`, { cause })
    throw new UnreadableFile(await describeDiskError(cause), { cause })
  }
}

/** A file that is written and synced under a temporary name, in the folder of its final path. */
export interface ReadyFile {
  readonly temporary: string
  readonly path: string
}

const TEMPORARY = /^\.dct-(?:(?<owner>.+)-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/

/** Writes a file for `folder` and `name`, with mode 0600 unless another is given, under a temporary name that holds `owner`. Leaves no file when it fails. */
export async function writeBeside(
  folder: string,
  name: string,
  bytes: Uint8Array,
  owner?: string,
  mode = 0o600,
): Promise<ReadyFile> {
  const temporary = join(folder, `.dct-${owner === undefined ? '' : `${owner}-`}${crypto.randomUUID()}.tmp`)
  try {
    await using file = await open(temporary, 'wx', mode)
    await file.writeFile(bytes)
    await file.sync()
    return { temporary, path: join(folder, name) }
  } catch (cause) {
    await discard([{ temporary }])
    throw cause
  }
}

/** Moves the file to its final path. Replaces a link or file at that path; never writes through a link. */
export async function putInPlace(
  { temporary, path }: ReadyFile,
  move: typeof rename = rename,
  platform: NodeJS.Platform = process.platform,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await move(temporary, path)
    } catch (cause) {
      const isBusy = ['EPERM', 'EACCES', 'EBUSY'].includes(systemCode(cause) ?? '')
      if (!isBusy || platform !== 'win32' || attempt >= MAX_RENAMES) throw cause
      await pause(10 * attempt)
    }
  }
}

/** Removes temporary files. A later commit sweeps those that cannot be removed now. */
export async function discard(files: Iterable<Pick<ReadyFile, 'temporary'>>): Promise<void> {
  await Promise.allSettled([...files].map(({ temporary }) => rm(temporary, { force: true })))
}

/** True for the name of a temporary file of this owner. */
export function isTemporary(name: string, owner?: string): boolean {
  const match = TEMPORARY.exec(name)
  return match !== null && match.groups?.['owner'] === owner
}
