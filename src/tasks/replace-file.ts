/** Writes files that a user keeps: whole or not at all. */
import { chmod, lstat, mkdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { sameBytes } from '../bytes.js'
import { discard, putInPlace, writeBeside } from '../cache/safe-file.js'
import { describeCause, UsageError } from '../errors.js'
import { shellWord } from '../shell-word.js'
import { mayWrite, readSourceFile } from './source-files.js'

const CHANGED = 'another program changed it meanwhile; run the command again'

/**
 * Replaces a file by new content, and keeps its mode. A kill at any moment leaves the old file or the new one.
 *
 * @throws UsageError ERR_SETTINGS_INVALID: the file is a link, changed since `before` was read, or cannot be written
 */
export async function replaceFile(path: string, before: Uint8Array, after: Uint8Array): Promise<void> {
  const { mode } = await lstat(path).catch((cause: unknown) => {
    throw unwritable(path, describeCause(cause), cause)
  })
  await checkUnchanged(path, before)
  if (!(await mayWrite(path))) throw unwritable(path, 'it is read-only')
  const ready = await writeBeside(dirname(path), basename(path), after).catch((cause: unknown) => {
    throw unwritable(path, describeCause(cause), cause)
  })
  try {
    await chmod(ready.temporary, mode & 0o7777)
    await checkUnchanged(path, before)
    await putInPlace(ready)
  } catch (cause) {
    await discard([ready])
    throw cause instanceof UsageError ? cause : unwritable(path, describeCause(cause), cause)
  }
}

/** Writes a new file, or replaces one that is no link. @throws UsageError ERR_SETTINGS_INVALID */
export async function writeWhole(path: string, content: Uint8Array): Promise<void> {
  try {
    const stat = await lstat(path).catch(() => undefined)
    if (stat !== undefined && !stat.isFile()) throw unwritable(path, 'it is a link, or no regular file')
    const ready = await writeBeside(dirname(path), basename(path), content)
    try {
      await chmod(ready.temporary, stat === undefined ? 0o666 & ~process.umask() : stat.mode & 0o7777)
      await putInPlace(ready)
    } catch (cause) {
      await discard([ready])
      throw cause
    }
  } catch (cause) {
    throw cause instanceof UsageError ? cause : unwritable(path, describeCause(cause), cause)
  }
}

/** Writes a file that was not there before. @throws UsageError ERR_SETTINGS_INVALID, also when it is there now */
export async function writeNew(path: string, content: Uint8Array): Promise<void> {
  if ((await lstat(path).catch(() => undefined))?.isFile() === true) throw unwritable(path, CHANGED)
  await writeWhole(path, content)
}

/** Makes a folder and those above it. @throws UsageError ERR_SETTINGS_INVALID */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
  } catch (cause) {
    throw new UsageError('ERR_SETTINGS_INVALID', `cannot make the folder ${folder}: ${describeCause(cause)}`, {
      hint: 'Name a folder that you may write, or a new one: --out DIR',
      cause,
    })
  }
}

async function checkUnchanged(path: string, before: Uint8Array): Promise<void> {
  if (sameBytes(await readSourceFile(path), before)) return
  throw unwritable(path, CHANGED)
}

function unwritable(path: string, reason: string, cause?: unknown): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', `cannot write ${path}: ${reason}`, {
    hint: `Nothing of the file was changed. Look who may write it: ls -l ${shellWord(path)}`,
    ...(cause === undefined ? {} : { cause }),
  })
}
