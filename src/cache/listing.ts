/** Lists files and folders without following links. */
import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../errors.js'
import { ABSENT } from './folders.js'
import { BASE_ROLES, decodeName, isRole } from './names.js'
import { describeDiskError } from './owner.js'

/** Files of one collection that are read; real collections have far fewer delegations (denial of service). */
const MAX_FILES = 2000

/** Folders below `tuf/` that are searched (denial of service). */
const MAX_FOLDERS = 100_000

/** An entry in the folder of a collection. */
export interface Found {
  /** Folders below the folder of the collection. */
  readonly folders: readonly string[]
  readonly entry: Dirent
}

/** The entries of a metadata folder and of `targets/` below it. Other folders in it belong to other programs. */
export async function filesIn(folder: string, report?: (place: string, reason: string) => void): Promise<Found[]> {
  const found: Found[] = []
  const open: (readonly string[])[] = [[]]
  for (let folders = open.pop(); folders !== undefined && found.length < MAX_FILES; folders = open.pop()) {
    const below = folders
    for (const entry of await entriesOf(join(folder, ...below), (reason) => report?.(below.join('/'), reason))) {
      const isTargets = below.length > 0 || entry.name === 'targets'
      if (isTargets && entry.isDirectory()) open.push([...below, entry.name])
      else if (entry.name === 'targets') report?.('targets', 'it is not a folder')
      else found.push({ folders: below, entry })
    }
  }
  return found
}

/** The role of a file; undefined when it is not a metadata file. */
export function roleOf({ folders, entry }: Found): string | undefined {
  if (!entry.name.endsWith('.json')) return undefined
  const role = [...folders, entry.name.slice(0, -'.json'.length)].map(decodeName).join('/')
  return isRole(role) ? role : undefined
}

/** The names of the collections below `tuf/`, except those that were too long for the disk. */
export async function collectionsIn(folder: string): Promise<string[]> {
  const found: string[] = []
  const open: (readonly string[])[] = [[]]
  for (let looked = 0; open.length > 0 && looked < MAX_FOLDERS; looked++) {
    const folders = open.pop() ?? []
    const gun = folders.map(decodeName)
    const entries = await entriesOf(join(folder, ...folders))
    const isMetadata = folders.at(-1) === 'metadata' && entries.some(({ name }) => isFileOfRole(name))
    if (isMetadata && folders.length > 1 && !gun.includes(undefined)) found.push(gun.slice(0, -1).join('/'))
    for (const entry of entries) {
      if (entry.isDirectory() && !(isMetadata && entry.name === 'targets')) open.push([...folders, entry.name])
    }
  }
  return found
}

function isFileOfRole(name: string): boolean {
  return BASE_ROLES.some((role) => name === `${role}.json`)
}

/** The entries of a folder; none when it does not exist or cannot be read, which `report` is told. */
export async function entriesOf(folder: string, report?: (reason: string) => void): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (cause) {
    if (!ABSENT.has(systemCode(cause))) report?.(await describeDiskError(cause))
    return []
  }
}
