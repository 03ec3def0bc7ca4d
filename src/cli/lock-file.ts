/** The lockfile that `dct lock` writes. */
import { lstat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { sameBytes } from '../bytes.js'
import { readLockfileBytes } from '../client/settings/lockfile-setting.js'
import { systemCode, UsageError } from '../errors.js'
import type { LockEntry, Lockfile } from '../lockfile/lockfile.js'
import { parseLockfile } from '../lockfile/parse-lockfile.js'
import { writeLockfile } from '../lockfile/write-lockfile.js'
import { writeWhole } from '../tasks/replace-file.js'
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

/** Writes the file whole or not at all; gives whether its text changed. @throws UsageError ERR_SETTINGS_INVALID when it is a link or cannot be written */
export async function writeLock(file: string, collections: ReadonlyMap<string, LockEntry>): Promise<boolean> {
  const bytes = new TextEncoder().encode(writeLockfile({ collections }))
  const before = await lstat(file).catch(() => undefined)
  if (before?.isFile() && sameBytes(await readLockfileBytes(file), bytes)) return false
  await writeWhole(resolve(file), bytes)
  return true
}
