/** Files that are read without following anything, and replaced whole: a kill at any moment leaves the old or the new one. */
import { constants } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { systemCode } from '../errors.js'
import { describeDiskError } from './owner.js'

/** Larger files were not written by any client (denial of service). Bytes. */
const MAX_FILE_BYTES = 64 * 1024 * 1024

/** Times that a rename is tried on Windows, where whoever has the file open forbids it; 10 ms, then 20 ms, ... in between. */
const MAX_RENAMES = 10

/** A file or folder that is there and must not be used. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile'
}

// Windows has neither; a link there needs rights that an attacker who has them does not need links for.
const NO_FOLLOW = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** The bytes of a regular file; undefined when there is none. @throws UnreadableFile for anything else that is there */
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

/** A file that is written and synced beside the place that it is meant for. */
export interface ReadyFile {
  readonly temporary: string
  readonly path: string
}

const TEMPORARY = /^\.dct-(?:(?<owner>.+)-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/

/** Writes `name` for `folder`, 0600, under a name that `ownerOf` tells again. Nothing is left of it when it fails. */
export async function writeBeside(folder: string, name: string, bytes: Uint8Array, owner?: string): Promise<ReadyFile> {
  const temporary = join(folder, `.dct-${owner === undefined ? '' : `${owner}-`}${crypto.randomUUID()}.tmp`)
  try {
    await using file = await open(temporary, 'wx', 0o600)
    await file.writeFile(bytes)
    await file.sync()
    return { temporary, path: join(folder, name) }
  } catch (cause) {
    await discard([{ temporary }])
    throw cause
  }
}

/** Moves it into its place. A link or a file there is replaced, never written through. */
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

/** Takes away what is not needed. What cannot be taken away now is swept up by a later commit. */
export async function discard(files: Iterable<Pick<ReadyFile, 'temporary'>>): Promise<void> {
  await Promise.allSettled([...files].map(({ temporary }) => rm(temporary, { force: true })))
}

/** True for the name of a temporary file of this owner. */
export function isTemporary(name: string, owner?: string): boolean {
  const match = TEMPORARY.exec(name)
  return match !== null && match.groups?.['owner'] === owner
}
