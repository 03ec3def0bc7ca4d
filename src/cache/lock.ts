/**
 * Allows one writer at a time for one collection, among all processes that share the folder.
 *
 * A lock is a file that names its holder. The lock of a process that died is broken at once. When that cannot be known
 * (another machine, another container), the lock is broken when it is old. A holder that was only suspended checks its lock
 * before it replaces a file.
 */
import { type FileHandle, lstat, open, readFile, rm } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { systemCode } from '../errors.js'
import { ABSENT } from './folders.js'
import { decodeHolder, isDead, thisHolder } from './lock-holder.js'
import { describeDiskError } from './owner.js'
import { UnreadableFile } from './safe-file.js'

/** An older lock is abandoned: writing takes milliseconds. */
const ABANDONED_MS = 10_000

/** The same for a lock file without a holder: writing the holder takes microseconds. */
const NAMELESS_MS = 1000

/** How long a writer waits for other writers. The verdict does not depend on the write. */
const PATIENCE_MS = 15_000

/** A lock that this process holds. */
export interface HeldLock {
  /** The lock was taken over from a process that died, which may have left files behind. */
  readonly inherited: boolean
  /** @throws Error when another process took the lock over */
  assertHeld(): Promise<void>
}

/** Runs `work` while holding the lock file, whose folder must exist. @throws the error of the disk, or an Error after PATIENCE_MS */
export async function withLock<Result>(path: string, work: (lock: HeldLock) => Promise<Result>): Promise<Result> {
  const { file, inherited } = await acquire(path)
  try {
    const assertHeld = async () => {
      if (!(await isOurs(path, file))) throw new Error(`the lock ${path} was lost to another process`)
    }
    return await work({ inherited, assertHeld })
  } finally {
    await release(path, file)
  }
}

/** Whether a process holds the lock, or died while holding it. The state may change at any time. */
export async function lockState(path: string): Promise<'free' | 'held' | 'abandoned'> {
  const seen = await look(path)
  if (seen === undefined) return 'free'
  return isAbandoned(seen, 0) ? 'abandoned' : 'held'
}

async function acquire(path: string): Promise<{ file: FileHandle; inherited: boolean }> {
  const start = performance.now()
  let inherited = false
  let watched: { text: string; since: number } | undefined
  for (;;) {
    const file = await tryLock(path)
    if (file !== undefined) return { file, inherited }
    const seen = await look(path)
    if (seen === undefined) continue
    const now = performance.now()
    if (watched?.text !== seen.text) watched = { text: seen.text, since: now }
    if (isAbandoned(seen, now - watched.since)) inherited = (await breakLock(path, seen)) || inherited
    else if (now - start > PATIENCE_MS) throw new Error(`another process holds ${path}`)
    else await pause(5 + Math.random() * 20)
  }
}

/** Makes the lock file and keeps it open, so that its inode is not used again; undefined when it exists. */
async function tryLock(path: string): Promise<FileHandle | undefined> {
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(JSON.stringify(thisHolder()))
      return file
    } catch (cause) {
      await release(path, file)
      throw cause
    }
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST') return undefined
    throw cause
  }
}

interface SeenLock {
  readonly text: string
  /** Milliseconds since the disk recorded its last change. */
  readonly age: number
}

/** Reads the lock file; undefined when there is none. @throws UnreadableFile when it is not a file: waiting would not help */
async function look(path: string): Promise<SeenLock | undefined> {
  try {
    const stat = await lstat(path)
    if (!stat.isFile()) throw new UnreadableFile(`${path} is not a regular file`)
    return { text: await readFile(path, 'utf8'), age: Date.now() - stat.mtimeMs }
  } catch (cause) {
    if (ABSENT.has(systemCode(cause))) return undefined
    if (cause instanceof UnreadableFile) throw cause
    throw new UnreadableFile(await describeDiskError(cause), { cause })
  }
}

/** `watched`: milliseconds for which the file has not changed, by the monotonic clock. */
function isAbandoned({ text, age }: SeenLock, watched: number): boolean {
  const holder = decodeHolder(text)
  if (holder === undefined) return Math.max(age, watched) >= NAMELESS_MS
  return Math.max(age, watched) >= ABANDONED_MS || isDead(holder)
}

/**
 * Removes an abandoned lock, unless it has changed. A second lock lets one process at a time do this, so that none removes the
 * new lock of another.
 */
async function breakLock(path: string, { text }: SeenLock): Promise<boolean> {
  const turn = `${path}.turn`
  const file = await tryLock(turn)
  if (file === undefined) {
    const other = await look(turn)
    if (other !== undefined && isAbandoned(other, 0)) await rm(turn, { force: true })
    else await pause(5)
    return false
  }
  try {
    if ((await look(path))?.text !== text) return false
    await rm(path, { force: true })
    return true
  } finally {
    await release(turn, file)
  }
}

async function isOurs(path: string, file: FileHandle): Promise<boolean> {
  try {
    const [there, ours] = await Promise.all([lstat(path, { bigint: true }), file.stat({ bigint: true })])
    return there.ino === ours.ino && there.dev === ours.dev
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return false
    throw cause
  }
}

/** Removes the lock file if it is still ours: a holder that was suspended may have lost it. Tries twice, in case the disk fails once. */
async function release(path: string, file: FileHandle): Promise<void> {
  const remove = async () => {
    if (await isOurs(path, file)) await rm(path, { force: true })
  }
  try {
    await remove().catch(remove)
  } finally {
    await file.close()
  }
}
