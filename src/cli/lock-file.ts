/** The lockfile that `dct lock` writes. */
import { lstat, realpath } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { discard, putInPlace, writeBeside } from '../cache/safe-file.js'
import { readLockfileBytes } from '../client/settings/lockfile-setting.js'
import { describeCause, systemCode, UsageError } from '../errors.js'
import type { LockEntry, Lockfile } from '../lockfile/lockfile.js'
import { parseLockfile } from '../lockfile/parse-lockfile.js'
import { writeLockfile } from '../lockfile/write-lockfile.js'
import { shellWord } from '../shell-word.js'
import type { Io } from './io.js'
import type { CommandLine } from './options.js'

/** The file when nothing names one. Only `dct lock` looks for it in the working folder. */
const DEFAULT_FILE = 'content-trust.lock.json'

/** The name of the lockfile. */
export function lockfileName({ values }: CommandLine, { env }: Io): string {
  return values.lockfile ?? (env['DCT_LOCKFILE'] || DEFAULT_FILE)
}

/** What the file holds; undefined when there is none. @throws UsageError ERR_SETTINGS_INVALID */
export async function readLock(file: string): Promise<Lockfile | undefined> {
  try {
    return parseLockfile(await readLockfileBytes(file), file)
  } catch (cause) {
    if (cause instanceof UsageError && systemCode(cause.cause) === 'ENOENT') return undefined
    throw cause
  }
}

/** Writes the file as a whole; gives whether its text changed. @throws UsageError ERR_SETTINGS_INVALID when it is a link or cannot be written */
export async function writeLock(file: string, collections: ReadonlyMap<string, LockEntry>): Promise<boolean> {
  const path = resolve(file)
  const bytes = new TextEncoder().encode(writeLockfile({ collections }))
  try {
    const found = await lstat(path).catch((cause: unknown) => {
      if (systemCode(cause) === 'ENOENT') return undefined
      throw cause
    })
    if (found !== undefined && !found.isFile()) throw new Error('it is a link, or no file; it is not replaced')
    if (found !== undefined && Buffer.from(await readLockfileBytes(file)).equals(bytes)) return false
    const ready = await writeBeside(await realpath(dirname(path)), basename(path), bytes, undefined, found?.mode ?? 0o644)
    try {
      await putInPlace(ready)
    } catch (cause) {
      await discard([ready])
      throw cause
    }
    return true
  } catch (cause) {
    throw new UsageError('ERR_SETTINGS_INVALID', `lockfile ${file}: cannot be written: ${describeCause(cause)}`, {
      hint: `Name a file in a folder that you may write: dct lock --lockfile FILE. What is there: ls -l ${shellWord(file)}`,
      cause,
    })
  }
}
