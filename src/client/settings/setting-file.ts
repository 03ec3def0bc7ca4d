/** A file that an option names -> its bytes. */
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { describeCause, UsageError } from '../../errors.js'
import { shellWord } from '../../shell-word.js'

/** What kind of file it is: its name in messages, the most bytes that are read, and the command that makes one. */
export interface FileKind {
  readonly what: string
  readonly maxBytes: number
  /** The command for a file, whose name is written as a word of the shell. */
  readonly madeBy: (word: string) => string
}

/** @throws UsageError ERR_SETTINGS_INVALID when it is no regular file, too large, or cannot be read */
export async function readSettingFile(file: string, { what, maxBytes, madeBy }: FileKind): Promise<Uint8Array> {
  const path = resolve(file)
  try {
    const found = await stat(path)
    if (!found.isFile()) throw new Error('it is not a regular file')
    if (found.size > maxBytes) throw new Error(`it has ${found.size} bytes; at most ${maxBytes} are read`)
    return new Uint8Array(await readFile(path))
  } catch (cause) {
    const word = shellWord(file)
    throw new UsageError('ERR_SETTINGS_INVALID', `${what} ${file}: cannot be read: ${describeCause(cause)}`, {
      hint: `Look whether it is there and may be read: ls -l ${word}. Make one with: ${madeBy(word)}`,
      cause,
    })
  }
}
