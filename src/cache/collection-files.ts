/** The files of one collection on the disk: their paths, and the order in which they are replaced. */
import { lstat } from 'node:fs'
import { rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { systemCode } from '../errors.js'
import { ABSENT, makeFolder, realFolder, syncFolders } from './folders.js'
import { decodeJournal, encodeJournal, type Journal } from './journal.js'
import { entriesOf, filesIn, roleOf } from './listing.js'
import type { HeldLock } from './lock.js'
import { BASE_ROLES, flatName, metadataFolder, roleFile } from './names.js'
import { describeDiskError } from './owner.js'
import { discard, isTemporary, putInPlace, type ReadyFile, readRegularFile, UnreadableFile, writeBeside } from './safe-file.js'

/** The folder for floors, journals and locks, below the trust directory. */
const OWN_FOLDER: readonly string[] = ['dct']

/** Files by role, and the reasons why others cannot be read. */
export interface FilesFound {
  readonly metadata: Map<string, Uint8Array>
  readonly unreadable: Map<string, string>
}

export class CollectionFiles {
  readonly #gun: string
  readonly #base: string
  readonly #folder: readonly string[]
  readonly #own: string
  readonly #name: string
  /** Looked up once. */
  #ownFolder: Promise<string | undefined> | undefined

  /** @throws UnreadableFile when the name of the collection cannot be the name of a folder */
  constructor(base: string, gun: string) {
    this.#gun = gun
    this.#base = base
    this.#folder = metadataFolder(gun)
    this.#own = join(base, ...OWN_FOLDER)
    this.#name = flatName(gun)
  }

  get lock(): string {
    return join(this.#own, `${this.#name}.lock`)
  }

  /** The folder of the lock; undefined when it does not exist. @throws UnreadableFile */
  ownFolder(): Promise<string | undefined> {
    this.#ownFolder ??= realFolder(this.#base, OWN_FOLDER)
    return this.#ownFolder
  }

  /** Makes the folder of the lock. Returns the folders that it changed. */
  async makeOwnFolder(): Promise<readonly string[]> {
    const { path, changed } = await makeFolder(this.#base, OWN_FOLDER)
    this.#ownFolder = Promise.resolve(path)
    return changed
  }

  /** The floors, or why they cannot be read; undefined when there are none. */
  floors(): Promise<Uint8Array | UnreadableFile | undefined> {
    return this.#ownFile('json')
  }

  /** The journal of an interrupted commit. @throws UnreadableFile when it exists and cannot be read */
  async journal(): Promise<Journal | undefined> {
    const file = await this.#ownFile('journal')
    if (file instanceof UnreadableFile) throw file
    return file === undefined ? undefined : decodeJournal(file, this.#gun)
  }

  /** The files of these roles, or of all roles. */
  async metadata(wanted?: readonly string[]): Promise<FilesFound> {
    const metadata = new Map<string, Uint8Array>()
    const unreadable = new Map<string, string>()
    const folder = await orReason(realFolder(this.#base, this.#folder))
    if (folder instanceof UnreadableFile) unreadable.set('root', folder.message)
    if (typeof folder !== 'string') return { metadata, unreadable }
    const found = wanted ?? (await filesIn(folder, (place, reason) => unreadable.set(place || 'root', reason))).map(roleOf)
    await Promise.all(
      found.map(async (role) => {
        if (role === undefined) return
        const { folders, file } = roleFile(role)
        const bytes = await orReason(readRegularFile(join(folder, ...folders, file)))
        if (bytes instanceof UnreadableFile) unreadable.set(role, bytes.message)
        else if (bytes !== undefined) metadata.set(role, bytes)
      }),
    )
    return { metadata, unreadable }
  }

  /** A text that changes whenever root, timestamp, floors or journal change; undefined when there are none. @throws UnreadableFile */
  async revision(): Promise<string | undefined> {
    const folder = join(this.#base, ...this.#folder)
    const own = ['json', 'journal'].map((suffix) => join(this.#own, `${this.#name}.${suffix}`))
    const stamps = await Promise.all([...own, join(folder, 'root.json'), join(folder, 'timestamp.json')].map(stampOf))
    return stamps.every((stamp) => stamp === undefined) ? undefined : stamps.join()
  }

  /** Writes the journal. From then on, the whole commit counts as written. */
  async writeJournal(journal: Journal, lock: HeldLock): Promise<void> {
    const ready = await writeBeside(this.#own, `${this.#name}.journal`, encodeJournal(this.#gun, journal), this.#name)
    await inPlace([ready], lock)
    await syncFolders([this.#own])
  }

  /**
   * Writes the files of a commit: children before the roles that name them, floors last; then removes the journal. The folder
   * is not synced after the floors are in place, because they follow from the files, which are durable.
   */
  async carryOut({ metadata, floors }: Journal, lock: HeldLock, changedBefore: readonly string[] = []): Promise<void> {
    const rank = (role: string) => BASE_ROLES.indexOf(role)
    const roles = [...metadata].sort(([a], [b]) => rank(a) - rank(b))
    const changed = new Set(changedBefore)
    for (const below of new Set(roles.map(([role]) => roleFile(role).folders.join('/')))) {
      const made = await makeFolder(this.#base, [...this.#folder, ...below.split('/').filter(Boolean)])
      for (const folder of [made.path, ...made.changed]) changed.add(folder)
    }
    const writes = roles.map(([role, bytes]) => {
      const { folders, file } = roleFile(role)
      return writeBeside(join(this.#base, ...this.#folder, ...folders), file, bytes)
    })
    const files = await allOrNone([...writes, writeBeside(this.#own, `${this.#name}.json`, floors, this.#name)])
    const record = files.slice(-1)
    try {
      await inPlace(files.slice(0, -1), lock)
      await syncFolders(changed)
      await inPlace(record, lock)
    } catch (cause) {
      await discard(record)
      throw cause
    }
    await rm(join(this.#own, `${this.#name}.journal`), { force: true })
  }

  /** Removes temporary files of writers that died; with `everywhere`, also those of floors and journals. The caller must hold the lock. */
  async sweep(everywhere: boolean): Promise<void> {
    const folder = await orReason(realFolder(this.#base, this.#folder))
    if (typeof folder === 'string') {
      for (const { folders, entry } of await filesIn(folder))
        if (isTemporary(entry.name)) await rm(join(folder, ...folders, entry.name), { force: true })
    }
    if (!everywhere) return
    for (const { name } of await entriesOf(this.#own))
      if (isTemporary(name, this.#name)) await rm(join(this.#own, name), { force: true })
  }

  /** Removes the files of the collection, and nothing else; false when there were none. */
  async remove(): Promise<boolean> {
    const folder = await realFolder(this.#base, this.#folder)
    const own = ['journal', 'json'].map((suffix) => join(this.#own, `${this.#name}.${suffix}`))
    const files =
      folder === undefined ? [] : [...BASE_ROLES.map((role) => `${role}.json`), 'targets'].map((name) => join(folder, name))
    const removed: boolean[] = []
    for (const path of [...own, ...files]) removed.push(await removeThere(path))
    // The folder stays when another collection is below it.
    if (folder !== undefined) await rmdir(folder).catch(() => undefined)
    return removed.includes(true)
  }

  async #ownFile(suffix: string): Promise<Uint8Array | UnreadableFile | undefined> {
    const folder = await orReason(this.ownFolder())
    return typeof folder === 'string' ? orReason(readRegularFile(join(folder, `${this.#name}.${suffix}`))) : folder
  }
}

/** Of the link itself. A warm client asks often for a journal, which is rarely there; node:fs/promises takes much longer to say so. */
const stat = promisify(lstat)

/** Identifies a file. Files are replaced as a whole, so a new one has another inode, or at least another time. */
async function stampOf(path: string): Promise<string | undefined> {
  try {
    const { ino, mtimeNs, size } = await stat(path, { bigint: true })
    return `${ino}:${mtimeNs}:${size}`
  } catch (cause) {
    if (ABSENT.has(systemCode(cause))) return undefined
    throw new UnreadableFile(await describeDiskError(cause), { cause })
  }
}

async function inPlace(files: readonly ReadyFile[], lock: HeldLock): Promise<void> {
  try {
    for (const file of files) {
      await lock.assertHeld()
      await putInPlace(file)
    }
  } catch (cause) {
    await discard(files)
    throw cause
  }
}

/** Waits for all writes, which run at once so that the disk syncs them together. When one fails, discards the others. */
async function allOrNone(writes: readonly Promise<ReadyFile>[]): Promise<ReadyFile[]> {
  const outcomes = await Promise.allSettled(writes)
  const ready = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed === undefined) return ready
  await discard(ready)
  throw failed.reason
}

async function orReason<Found>(found: Promise<Found>): Promise<Found | UnreadableFile> {
  try {
    return await found
  } catch (cause) {
    if (cause instanceof UnreadableFile) return cause
    throw cause
  }
}

async function removeThere(path: string): Promise<boolean> {
  try {
    await rm(path, { recursive: true })
    return true
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT' || systemCode(cause) === 'ENOTDIR') return false
    throw cause
  }
}
