/**
 * One writer at a time for one collection, among all processes that share the folder.
 *
 * A lock is a file that names its holder. That of a process that died is broken at once; where nobody can tell (another
 * machine, another container) when it is old. A holder who was only asleep finds out before he puts anything in its place.
 */
import { type FileHandle, lstat, open, readFile, rm } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { systemCode } from '../errors.js'
import { ABSENT } from './folders.js'
import { decodeHolder, isDead, thisHolder } from './lock-holder.js'
import { describeDiskError } from './owner.js'
import { UnreadableFile } from './safe-file.js'

/** A lock that is older was left by somebody who died: writing takes milliseconds. */
const ABANDONED_MS = 10_000

/** The same for a lock that does not say whose it is: to write that takes microseconds. */
const NAMELESS_MS = 1000

/** How long a writer waits for the others. The answer stands without it. */
const PATIENCE_MS = 15_000

/** A lock that is held. */
export interface HeldLock {
  /** It was taken from one who died, and may have left something behind. */
  readonly inherited: boolean
  /** @throws Error when it was lost to another */
  assertHeld(): Promise<void>
}

/** Runs `work` while holding the lock file. Its folder must be there. @throws what the disk says, or an Error after 15 s */
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

/** Whether somebody holds it, or died holding it. Nothing waits for the answer to stay true. */
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

/** The lock file, which stays open: as long as it is, no other file can be taken for it. */
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
  /** Milliseconds since it was written, by the clock of the disk. */
  readonly age: number
}

/** @throws UnreadableFile when it is not a file: then waiting is of no use */
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

/** `watched`: milliseconds that it has been seen as it is, by a clock that nobody sets. */
function isAbandoned({ text, age }: SeenLock, watched: number): boolean {
  const holder = decodeHolder(text)
  if (holder === undefined) return Math.max(age, watched) >= NAMELESS_MS
  return Math.max(age, watched) >= ABANDONED_MS || isDead(holder)
}

/** Of several who find it abandoned, one at a time looks again and breaks it: none breaks the lock of one who was faster. */
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

/** Only our own: a holder who slept for long may have lost it to another. A disk that falters once is asked twice. */
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
