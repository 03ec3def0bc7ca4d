/** `dct lock --list` and `dct lock --remove`: entries of a lockfile, without asking a server. */
import { notLocked } from '../client/settings/lockfile-setting.js'
import { keyText } from '../lockfile/changes.js'
import type { LockEntry, Lockfile } from '../lockfile/lockfile.js'
import { shellWord } from '../shell-word.js'
import { EXIT, type Io } from './io.js'
import { type LockOnDisk, writeLock } from './lock-file.js'
import type { CommandLine } from './options.js'
import { Speaker } from './output.js'

/** Prints each collection with its server and root keys. The exit status. */
export function listEntries(file: string, { collections }: Lockfile, line: CommandLine, io: Io): number {
  const speaker = new Speaker(io, line)
  for (const [gun, entry] of collections) {
    if (line.values.json === true) speaker.json({ gun, lockfile: file, ...entryJson(entry) })
    else speaker.answer(entryLines(gun, entry).join('\n'))
  }
  if (collections.size === 0) speaker.note(`${file} has no entry`)
  return EXIT.ok
}

/** Removes the entries of all collections, or of none. The exit status. @throws UnsignedError ERR_NOT_LOCKED */
export async function removeEntries(
  file: string,
  { lockfile: { collections }, bytes }: LockOnDisk,
  guns: ReadonlySet<string>,
  line: CommandLine,
  io: Io,
): Promise<number> {
  const speaker = new Speaker(io, line)
  for (const gun of guns) {
    if (collections.has(gun)) continue
    const error = notLocked({ gun, file })
    error.hint = `Nothing was removed. What is recorded: dct lock --list --lockfile ${shellWord(file)}`
    throw error
  }
  await writeLock(file, new Map([...collections].filter(([gun]) => !guns.has(gun))), bytes)
  for (const gun of guns) {
    if (line.values.json === true) speaker.json({ gun, lockfile: file, outcome: 'removed', changes: [] })
    else speaker.note(`${gun}: removed`)
  }
  if (line.values.json !== true) speaker.answer(file)
  return EXIT.ok
}

function entryLines(gun: string, { server, root, floors }: LockEntry): string[] {
  const versions = [...(floors ?? [])].map(([role, version]) => `${role} ${version}`)
  return [
    gun,
    `  server ${server}`,
    `  root version ${root.version}, threshold ${root.threshold}`,
    ...root.keys.map((key) => `  root key ${keyText(key)}`),
    ...(versions.length === 0 ? [] : [`  floors ${versions.join(', ')}`]),
  ]
}

function entryJson({ server, root: { version, sha256, threshold, keys }, floors }: LockEntry): object {
  return {
    server,
    root: { version, sha256, threshold, keys },
    ...(floors === undefined ? {} : { floors: Object.fromEntries(floors) }),
  }
}
