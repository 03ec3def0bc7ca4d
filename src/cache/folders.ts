/** Folders below the trust directory. None of them may be a link; the trust directory itself may be one, since its owner made it. */
import { constants } from 'node:fs'
import { lstat, mkdir, open, realpath } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { systemCode } from '../errors.js'
import { describeDiskError } from './owner.js'
import { UnreadableFile } from './safe-file.js'

/** Codes that mean that a file does not exist. A name that is too long for the disk was never written. */
export const ABSENT: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'])

/** The path of a folder; undefined when it does not exist. @throws UnreadableFile when the path leads through a link, or the disk refuses */
export async function realFolder(base: string, segments: readonly string[]): Promise<string | undefined> {
  const path = join(base, ...segments)
  try {
    const [top, found] = await Promise.all([realpath(base), realpath(path)])
    if (relative(top, found) === join(...segments)) return path
  } catch (cause) {
    if (ABSENT.has(systemCode(cause))) return undefined
    throw new UnreadableFile(await describeDiskError(cause), { cause })
  }
  throw new UnreadableFile(`the path leads through a symbolic link: ${path}`)
}

/** A folder to write into. */
export interface WritableFolder {
  readonly path: string
  /** Folders with a new entry. Sync them before anything relies on it. */
  readonly changed: readonly string[]
}

/** Makes the missing folders, with mode 0700. @throws UnreadableFile when a link or a file is in the way; else the error of the disk */
export async function makeFolder(base: string, segments: readonly string[]): Promise<WritableFolder> {
  const path = await realFolder(base, segments)
  if (path !== undefined) return { path, changed: [] }
  const changed: string[] = []
  await makeBase(base, changed)
  let folder = base
  for (const segment of segments) {
    const parent = folder
    folder = join(parent, segment)
    if (await makeOne(folder)) changed.push(parent)
    else if (!(await lstat(folder)).isDirectory()) throw new UnreadableFile(`${folder} is not a folder`)
  }
  return { path: folder, changed }
}

/** Makes renames and new folders durable, on systems that can sync folders. */
export async function syncFolders(folders: Iterable<string>): Promise<void> {
  if (process.platform === 'win32') return
  await Promise.all([...new Set(folders)].map(syncFolder))
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, constants.O_RDONLY)
  try {
    await handle.sync()
  } catch (cause) {
    if (systemCode(cause) !== 'EINVAL') throw cause // some network file systems cannot
  }
}

/** Makes the trust directory and those above it. (Node's recursive mkdir never ends on /proc.) */
async function makeBase(path: string, changed: string[]): Promise<void> {
  try {
    if (await makeOne(path)) changed.push(dirname(path))
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT' || dirname(path) === path) throw cause
    await makeBase(dirname(path), changed)
    if (await makeOne(path)) changed.push(dirname(path))
  }
}

/** Makes a folder; false when the name exists already, perhaps because another process was faster. */
async function makeOne(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 })
    return true
  } catch (cause) {
    if (systemCode(cause) !== 'EEXIST') throw cause
    return false
  }
}
