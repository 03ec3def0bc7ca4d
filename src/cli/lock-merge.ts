/** `dct lock --merge BASE OURS THEIRS`: the merge driver of git for lockfiles. */
import { readLockfileBytes } from '../client/settings/lockfile-setting.js'
import { UntrustedError, UsageError } from '../errors.js'
import type { Lockfile } from '../lockfile/lockfile.js'
import { mergeLockfiles } from '../lockfile/merge.js'
import { parseLockfile } from '../lockfile/parse-lockfile.js'
import { shellWord } from '../shell-word.js'
import { EXIT, type Io } from './io.js'
import { writeLock } from './lock-file.js'
import type { CommandLine } from './options.js'
import { Speaker } from './output.js'

/** The exit status: 1 for a conflict, and OURS stays as it is. */
export async function mergeLocks(line: CommandLine, io: Io): Promise<number> {
  const [base, ours, theirs, more] = line.words
  if (base === undefined || ours === undefined || theirs === undefined || more !== undefined)
    throw new UsageError('ERR_SETTINGS_INVALID', `dct lock --merge takes BASE OURS THEIRS, got ${line.words.length} words`, {
      hint: 'For git: git config merge.dct-lock.driver "dct lock --merge %O %A %B"',
    })
  const speaker = new Speaker(io, line)
  const before = await readLockfileBytes(ours)
  const merged = mergeLockfiles(await read(base), parse(before, ours), await read(theirs))
  if (merged.kind === 'conflict') {
    for (const { gun, what, ours: one, theirs: other } of merged.conflicts) {
      const message = `conflict in ${what} of ${gun}: ours is ${one}; theirs is ${other}`
      // git gives the driver copies under other names, which it removes.
      const hint = `Take the lockfile of one side (git checkout --ours <LOCKFILE>, or --theirs), then record what the server has now: dct lock --update --lockfile <LOCKFILE> ${shellWord(gun)}`
      speaker.error(new UntrustedError('ERR_LOCK_MISMATCH', message, { gun, role: 'root', hint }))
    }
    return 1
  }
  await writeLock(ours, merged.lockfile.collections, before)
  return EXIT.ok
}

async function read(file: string): Promise<Lockfile> {
  return parse(await readLockfileBytes(file), file)
}

/** git gives an empty file for a side that had none. */
function parse(bytes: Uint8Array, file: string): Lockfile {
  return bytes.length === 0 ? { collections: new Map() } : parseLockfile(bytes, file)
}
