/** The lockfile that `dct lock` writes. */
import { resolve } from 'node:path'
import { sameBytes, utf8 } from '../bytes.js'
import { readLockfileBytes } from '../client/settings/lockfile-setting.js'
import { systemCode, UsageError } from '../errors.js'
import type { LockEntry, Lockfile } from '../lockfile/lockfile.js'
import { parseLockfile } from '../lockfile/parse-lockfile.js'
import { writeLockfile } from '../lockfile/write-lockfile.js'
import { replaceFile, writeNew } from '../tasks/replace-file.js'
import type { Io } from './io.js'
import type { CommandLine } from './options.js'

/** The file when nothing names one. Only `dct lock` looks for it in the working folder. */
const DEFAULT_FILE = 'content-trust.lock.json'

/** The name of the lockfile. */
export function lockfileName({ values }: CommandLine, { env }: Io): string {
  return values.lockfile ?? (env['DCT_LOCKFILE'] || DEFAULT_FILE)
}

/** A lockfile that was read. */
export interface LockOnDisk {
  readonly lockfile: Lockfile
  readonly bytes: Uint8Array
}

/** Undefined when there is no file. @throws UsageError ERR_SETTINGS_INVALID */
export async function readLock(file: string): Promise<LockOnDisk | undefined> {
  try {
    const bytes = await readLockfileBytes(file)
    return { lockfile: parseLockfile(bytes, file), bytes }
  } catch (cause) {
    if (cause instanceof UsageError && systemCode(cause.cause) === 'ENOENT') return undefined
    throw cause
  }
}

/**
 * Writes the file whole or not at all; gives whether its text changed. `before`: what was read, undefined when there was no file.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when it is a link, when another program wrote it meanwhile, or when it cannot be written
 */
export async function writeLock(
  file: string,
  collections: ReadonlyMap<string, LockEntry>,
  before: Uint8Array | undefined,
): Promise<boolean> {
  const bytes = utf8(writeLockfile({ collections }))
  const path = resolve(file)
  if (before !== undefined && sameBytes(before, bytes)) return false
  // The new text was made from what was read. Over a newer file it would remove what another run recorded since.
  if (before === undefined) await writeNew(path, bytes)
  else await replaceFile(path, before, bytes)
  return true
}
