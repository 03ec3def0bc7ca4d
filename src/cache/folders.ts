/** Folders below the trust directory, none of them a link: the trust directory itself may be one, its owner made it. */
import { constants } from 'node:fs'
import { lstat, mkdir, open, realpath } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { systemCode } from '../errors.js'
import { describeDiskError } from './owner.js'
import { UnreadableFile } from './safe-file.js'

/** What says that nothing is there. A name that is too long for the disk was never written to it. */
export const ABSENT: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'])

/** The path, or undefined when there is no such folder. @throws UnreadableFile when a link stands in between, or the disk refuses */
export async function realFolder(base: string, segments: readonly string[]): Promise<string | undefined> {
  const path = join(base, ...segments)
  try {
    const [top, found] = await Promise.all([realpath(base), realpath(path)])
    if (relative(top, found) === join(...segments)) return path
  } catch (cause) {
    if (ABSENT.has(systemCode(cause))) return undefined
    throw new UnreadableFile(await describeDiskError(cause), { cause })
  }
  throw new UnreadableFile(`a symbolic link stands in between: ${path}`)
}

/** A folder to write into. */
export interface WritableFolder {
  readonly path: string
  /** Folders that have a new entry by this, to be synced before anything relies on it. */
  readonly changed: readonly string[]
}

/** Makes what is missing, 0700. @throws UnreadableFile when a link or a file is in the way; else what the disk says */
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

/** Makes renames and new folders durable, where folders can be synced at all. */
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

/** The trust directory and those above it. (Node's own recursive way never ends on /proc.) */
async function makeBase(path: string, changed: string[]): Promise<void> {
  try {
    if (await makeOne(path)) changed.push(dirname(path))
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT' || dirname(path) === path) throw cause
    await makeBase(dirname(path), changed)
    if (await makeOne(path)) changed.push(dirname(path))
  }
}

/** False when something is there already: another process may have been faster. */
async function makeOne(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 })
    return true
  } catch (cause) {
    if (systemCode(cause) !== 'EEXIST') throw cause
    return false
  }
}
