/**
 * The cache on disk, in the layout of docker and notary, so that they can share it:
 * `<trust dir>/tuf/<GUN>/metadata/{root,timestamp,snapshot,targets}.json`, `.../targets/<delegation>.json`.
 * The version floors lie beside it, in `<trust dir>/dct/<encoded GUN>.json`.
 */
import type { Dirent } from 'node:fs'
import { lstat, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sameBytes, utf8 } from '../bytes.js'
import { sha256Hex } from '../crypto/hash.js'
import { systemCode } from '../errors.js'
import { decodeJournal, encodeJournal, type Journal } from './journal.js'
import { withLock } from './lock.js'
import type { CacheChanges, CachedCollection, MetadataStore } from './metadata-store.js'
import { makeFolder, readRegularFile, UnreadableFile, writeFileAtomically } from './safe-file.js'

/** Files of one collection that are read; nobody has more delegations. */
const MAX_FILES = 2000

/** Folders below `tuf/` that `list` looks into. */
const MAX_FOLDERS = 100_000

const BASE_ROLES: readonly string[] = ['targets', 'snapshot', 'timestamp', 'root']

/** Times that a read starts over because somebody wrote meanwhile. */
const MAX_READS = 3

/** A store in a folder such as `~/.docker/trust`; made when first written. */
export function createFileStore(trustDirectory: string): MetadataStore {
  return new FileStore(trustDirectory)
}

class FileStore implements MetadataStore {
  readonly #base: string

  constructor(trustDirectory: string) {
    this.#base = trustDirectory
  }

  async read(gun: string): Promise<CachedCollection> {
    const { floors } = this.#names(gun)
    for (let reads = 1; ; reads++) {
      const before = await readOrReason(floors)
      const files = await this.#readFiles(gun)
      const journal = await this.#readJournal(gun)
      const after = await readOrReason(floors)
      if (!same(before, after) && reads < MAX_READS) continue
      const metadata = new Map([...files.metadata, ...(journal?.metadata ?? [])])
      const kept = journal?.floors ?? after
      return {
        metadata,
        unreadable: new Map([...files.unreadable].filter(([role]) => !metadata.has(role))),
        ...(typeof kept === 'string' ? { floorsUnreadable: kept } : kept === undefined ? {} : { floors: kept }),
      }
    }
  }

  async commit(gun: string, { metadata, floors, isSuperseded }: CacheChanges): Promise<void> {
    const names = this.#names(gun)
    await makeFolder(dirname(names.floors))
    await withLock(names.lock, async () => {
      const left = await this.#readJournal(gun)
      if (left !== undefined) await this.#carryOut(gun, left)
      const now = await readOrReason(names.floors)
      if (now !== undefined && typeof now !== 'string' && isSuperseded(now)) return
      // One file at a time changes whole; several need the journal.
      if (metadata.size > 1) await writeFileAtomically(names.journal, encodeJournal(gun, { metadata, floors }))
      await this.#carryOut(gun, { metadata, floors })
    })
  }

  async forget(gun: string): Promise<boolean> {
    const { floors, journal } = this.#names(gun)
    const paths = [this.#metadataFolder(gun), journal, floors]
    const removed = await Promise.all(
      paths.map(async (path) => {
        try {
          await rm(path, { recursive: true })
          return true
        } catch (cause) {
          if (systemCode(cause) === 'ENOENT') return false
          throw cause
        }
      }),
    )
    return removed.includes(true)
  }

  async stamp(gun: string): Promise<string | undefined> {
    const folder = this.#metadataFolder(gun)
    const paths = [this.#names(gun).floors, this.#names(gun).journal, join(folder, 'root.json'), join(folder, 'timestamp.json')]
    const stamps = await Promise.all(paths.map(stampOf))
    return stamps[0] === undefined ? undefined : stamps.join()
  }

  async list(): Promise<string[]> {
    const found: string[] = []
    const open = ['']
    for (let looked = 0; open.length > 0 && looked < MAX_FOLDERS; looked++) {
      const gun = open.pop() ?? ''
      const entries = await entriesOf(join(this.#base, 'tuf', ...gun.split('/').map(folderName)))
      for (const entry of entries) {
        if (!entry.isDirectory()) continue
        if (entry.name === 'metadata' && gun !== '') found.push(gun)
        else if (entry.name !== 'changelist')
          open.push(gun === '' ? decodeFolderName(entry.name) : `${gun}/${decodeFolderName(entry.name)}`)
      }
    }
    return found.sort()
  }

  #metadataFolder(gun: string): string {
    return join(this.#base, 'tuf', ...segmentsOf(gun).map(folderName), 'metadata')
  }

  /** One flat name: letters that a case-insensitive disk would fold and everything odd as `%xx`, long names by their hash. */
  #names(gun: string): { floors: string; journal: string; lock: string } {
    const encoded = gun.replace(/[^a-z0-9._-]/g, (letter) =>
      [...utf8(letter)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    )
    const name = encoded.length <= 200 ? encoded : `${encoded.slice(0, 130)}~${sha256Hex(utf8(gun))}`
    const base = join(this.#base, 'dct', name)
    return { floors: `${base}.json`, journal: `${base}.journal`, lock: `${base}.lock` }
  }

  async #readFiles(gun: string): Promise<Pick<CachedCollection, 'metadata' | 'unreadable'>> {
    const metadata = new Map<string, Uint8Array>()
    const unreadable = new Map<string, string>()
    const folder = this.#metadataFolder(gun)
    const roles = await listRoles(folder, unreadable)
    await Promise.all(
      roles.map(async (role) => {
        const file = await readOrReason(join(folder, `${role}.json`))
        if (typeof file === 'string') unreadable.set(role, file)
        else if (file !== undefined) metadata.set(role, file)
      }),
    )
    return { metadata, unreadable }
  }

  async #readJournal(gun: string): Promise<Journal | undefined> {
    const file = await readOrReason(this.#names(gun).journal)
    return file === undefined || typeof file === 'string' ? undefined : decodeJournal(file, gun)
  }

  /** Children before the roles that name them, floors last, then the journal has served. */
  async #carryOut(gun: string, { metadata, floors }: Journal): Promise<void> {
    const names = this.#names(gun)
    const folder = this.#metadataFolder(gun)
    const rank = (role: string) => BASE_ROLES.indexOf(role)
    for (const [role, bytes] of [...metadata].sort(([a], [b]) => rank(a) - rank(b))) {
      await writeFileAtomically(join(folder, `${role}.json`), bytes)
    }
    await writeFileAtomically(names.floors, floors)
    await rm(names.journal, { force: true })
  }
}

/** GUNs are checked where they come in; a path is checked where it is made. */
function segmentsOf(gun: string): string[] {
  const segments = gun.split('/')
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..' || /[\\\0]/.test(segment))) {
    throw new UnreadableFile(`${JSON.stringify(gun)} cannot be the name of a cache folder`)
  }
  return segments
}

/** Windows cannot hold a colon in a name; elsewhere the layout stays Docker's. */
function folderName(segment: string): string {
  return process.platform === 'win32' ? segment.replaceAll(':', '%3a') : segment
}

function decodeFolderName(name: string): string {
  return process.platform === 'win32' ? name.replaceAll('%3a', ':') : name
}

/** Files are replaced whole: another one has another inode, or at least another time. */
async function stampOf(path: string): Promise<string | undefined> {
  try {
    const { ino, mtimeNs, size } = await lstat(path, { bigint: true })
    return `${ino}:${mtimeNs}:${size}`
  } catch {
    return undefined
  }
}

async function readOrReason(path: string): Promise<Uint8Array | string | undefined> {
  try {
    return await readRegularFile(path)
  } catch (cause) {
    if (cause instanceof UnreadableFile) return cause.message
    throw cause
  }
}

/** The four base roles, and every `targets/...` that lies there. */
async function listRoles(folder: string, unreadable: Map<string, string>): Promise<string[]> {
  const roles = [...BASE_ROLES]
  const open = ['targets']
  for (let parent = open.pop(); parent !== undefined && roles.length < MAX_FILES; parent = open.pop()) {
    for (const entry of await entriesOf(join(folder, parent), (reason) => unreadable.set(`${parent}/`, reason))) {
      if (entry.isDirectory() && !entry.name.endsWith('.json')) open.push(`${parent}/${entry.name}`)
      else if (entry.name.endsWith('.json')) roles.push(`${parent}/${entry.name.slice(0, -'.json'.length)}`)
    }
  }
  return roles
}

async function entriesOf(folder: string, report?: (reason: string) => void): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') report?.(cause instanceof Error ? cause.message : String(cause))
    return []
  }
}

function same(a: Uint8Array | string | undefined, b: Uint8Array | string | undefined): boolean {
  return typeof a === 'object' && typeof b === 'object' ? sameBytes(a, b) : a === b
}
