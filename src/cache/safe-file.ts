/** Files that are read without following anything and written so that a kill at any moment leaves the old or the new one. */
import { constants } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemCode } from '../errors.js'

/** Larger files were not written by any client (denial of service). Bytes. */
const MAX_FILE_BYTES = 64 * 1024 * 1024

/** A file that is there and must not be used. */
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
    if (systemCode(cause) === 'ENOENT' || systemCode(cause) === 'ENOTDIR') return undefined
    if (systemCode(cause) === 'ELOOP') throw new UnreadableFile(`${path} is a symbolic link`, { cause })
    throw new UnreadableFile(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

/** Writes beside the file, then moves over it. Folders 0700, files 0600. A link or file in its place is replaced, never written through. */
export async function writeFileAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path)
  await makeFolder(folder)
  const temporary = join(folder, `.dct-${crypto.randomUUID()}.tmp`)
  try {
    {
      await using file = await open(temporary, 'wx', 0o600)
      await file.writeFile(bytes)
      await file.sync()
    }
    await rename(temporary, path)
    await syncFolder(folder)
  } catch (cause) {
    await rm(temporary, { force: true })
    throw cause
  }
}

/** Makes a folder, 0700, and those above it. (Node's own recursive way never ends on /proc.) */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeOneFolder(path)
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT' || dirname(path) === path) throw cause
    await makeFolder(dirname(path))
    await makeOneFolder(path)
  }
}

/** One that is there already is as good: another process may have been faster. */
async function makeOneFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (cause) {
    if (systemCode(cause) !== 'EEXIST') throw cause
  }
}

/** Makes a rename durable where folders can be synced at all. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  await using handle = await open(folder, constants.O_RDONLY)
  await handle.sync()
}
