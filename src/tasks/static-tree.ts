/**
 * Writes collections as a tree of files that any web server can serve to Notary clients.
 * Source of the addresses: notary 0.7.0 storage/httpstore.go; they are those of `trust-server/notary-url.ts`.
 */
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type BundledCollection, servedFiles } from '../bundle/bundle.js'
import { utf8 } from '../bytes.js'
import { describeCause, UsageError } from '../errors.js'
import { writeWhole } from './replace-file.js'

/** Files that name others are written behind them, so that a client never meets a file that names a missing one. */
const LAST: readonly string[] = ['root', 'targets', 'snapshot', 'timestamp']

/** The page of `/v2/`: clients ask it first, and take any other answer than success for a server that is no trust server. */
const GREETING = '{}\n'

/** Writes the tree, or adds newer files to one that is there. Gives how many files it wrote. @throws UsageError ERR_SETTINGS_INVALID */
export async function writeStaticTree(folder: string, collections: readonly BundledCollection[]): Promise<number> {
  let count = 0
  const write = async (path: string, content: Uint8Array) => {
    const file = join(folder, path)
    await makeFolder(dirname(file))
    await writeWhole(file, content)
    count++
  }
  for (const collection of collections) {
    const served = [...servedFiles(collection)].toSorted(([one], [other]) => LAST.indexOf(one) - LAST.indexOf(other))
    for (const [name, bytes] of served) await write(join('v2', collection.gun, '_trust', 'tuf', `${name}.json`), bytes)
  }
  await write(join('v2', 'index.html'), utf8(GREETING))
  return count
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
