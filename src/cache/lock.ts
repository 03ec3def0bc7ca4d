/** One writer at a time for one collection, among all processes of this machine. */
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { systemCode } from '../errors.js'

/** A lock older than this was left by a process that died: writing takes milliseconds. */
const ABANDONED_MS = 10_000

/** How long a writer waits for the others. The answer stands without it. */
const PATIENCE_MS = 15_000

/** Runs `work` while holding the lock file. Its folder must be there. @throws what the disk says, or an Error after 15 s */
export async function withLock<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  const token = crypto.randomUUID()
  await acquire(path, token)
  try {
    return await work()
  } finally {
    await release(path, token)
  }
}

async function acquire(path: string, token: string): Promise<void> {
  const until = performance.now() + PATIENCE_MS
  while (!(await tryLock(path, token))) {
    if (performance.now() > until) throw new Error(`another process holds ${path}`)
    await breakAbandoned(path)
    await pause(5 + Math.random() * 20)
  }
}

async function tryLock(path: string, token: string): Promise<boolean> {
  try {
    await using file = await open(path, 'wx', 0o600)
    await file.writeFile(token)
    return true
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST') return false
    throw cause
  }
}

/** Moved away first: of several who find it abandoned, one can. */
async function breakAbandoned(path: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(path)
    if (Date.now() - mtimeMs < ABANDONED_MS) return
    const aside = `${path}.${crypto.randomUUID()}.tmp`
    await rename(path, aside)
    await rm(aside, { force: true })
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') throw cause
  }
}

/** Only our own: a holder who slept for long may have lost it to another. */
async function release(path: string, token: string): Promise<void> {
  try {
    if ((await readFile(path, 'utf8')) === token) await rm(path, { force: true })
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') throw cause
  }
}
