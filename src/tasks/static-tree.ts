/**
 * Writes collections as a tree of files that any web server can serve to Notary clients.
 * Source of the addresses: notary 0.7.0 storage/httpstore.go; they are those of `trust-server/notary-url.ts`.
 */
import { lstat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type BundledCollection, servedFiles } from '../bundle/bundle.js'
import { utf8 } from '../bytes.js'
import { UntrustedError, UsageError } from '../errors.js'
import { parseRoot, parseTimestamp } from '../metadata/parse.js'
import { shellWord } from '../shell-word.js'
import { makeFolder, writeWhole } from './replace-file.js'
import { readSourceFile } from './source-files.js'

/** Files that name others are written behind them, so that a client never meets a file that names a missing one. */
const LAST: readonly string[] = ['root', 'targets', 'snapshot', 'timestamp']

/** Files whose version says how new the tree is. */
const VERSIONED = [
  ['root', parseRoot],
  ['timestamp', parseTimestamp],
] as const

/** The page of `/v2/`: clients ask it first, and take any other answer than success for a server that is no trust server. */
const GREETING = '{}\n'

/**
 * Writes the tree, or adds newer files to one that is there. Gives how many files it wrote.
 *
 * @throws UsageError ERR_SETTINGS_INVALID, also when the tree has something newer: then nothing was written
 */
export async function writeStaticTree(folder: string, collections: readonly BundledCollection[]): Promise<number> {
  for (const collection of collections) await checkNewer(join(folder, folderOf(collection)), collection)
  let count = 0
  const write = async (path: string, content: Uint8Array) => {
    const file = join(folder, path)
    await makeFolder(dirname(file))
    await writeWhole(file, content)
    count++
  }
  for (const collection of collections) {
    const served = [...servedFiles(collection)].toSorted(([one], [other]) => LAST.indexOf(one) - LAST.indexOf(other))
    for (const [name, bytes] of served) await write(join(folderOf(collection), `${name}.json`), bytes)
  }
  await write(join('v2', 'index.html'), utf8(GREETING))
  return count
}

function folderOf({ gun }: BundledCollection): string {
  return join('v2', gun, '_trust', 'tuf')
}

/** Refuses files older than those of the tree, such as an export from an old cache: clients refuse a server whose versions go back. */
async function checkNewer(folder: string, collection: BundledCollection): Promise<void> {
  const { gun } = collection
  const served = servedFiles(collection)
  for (const [role, parse] of VERSIONED) {
    const path = join(folder, `${role}.json`)
    const [kept, offered] = [await readIfThere(path), served.get(role)].map((file) => versionOf(gun, role, parse, file))
    if (kept === undefined || offered === undefined || offered >= kept) continue
    throw new UsageError('ERR_SETTINGS_INVALID', `${path} has version ${kept}, and version ${offered} would be written`, {
      hint: `Run it again without --offline, or name another folder. To begin anew: rm -r ${shellWord(folder)}`,
      evidence: { gun, role, kept, offered },
    })
  }
}

/** Undefined for a file that is not there, or that no client would take: it is replaced. */
function versionOf(
  gun: string,
  role: string,
  parse: typeof parseRoot | typeof parseTimestamp,
  file: Uint8Array | undefined,
): number | undefined {
  try {
    return file === undefined ? undefined : parse(file, { gun, role }).metadata.version
  } catch (cause) {
    if (cause instanceof UntrustedError) return undefined
    throw cause
  }
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  const stat = await lstat(path).catch(() => undefined)
  return stat?.isFile() === true ? readSourceFile(path) : undefined
}
