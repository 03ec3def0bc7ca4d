/** A recorded collection: the files of a server, byte for byte. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { FileHolder } from './faults.js'

/** Reads every `<name>.json` below the folder. Files are served under their names, and under consistent names with their SHA-256. */
export async function readServedFolder(gun: string, folder: string): Promise<FileHolder> {
  const plain = await readJsonFiles(folder)
  const files = new Map(plain)
  for (const [name, bytes] of plain) {
    const consistent = `${name}.${createHash('sha256').update(bytes).digest('hex')}`
    // A recorded file with that name is a tampering.
    if (!plain.has(consistent)) files.set(consistent, bytes)
  }
  return { gun, served: (name) => files.get(name) }
}

/** Every `<name>.json` below the folder, by name. */
export async function readJsonFiles(folder: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.json')) continue
    const path = join(entry.parentPath, entry.name)
    const name = relative(folder, path).split(sep).join('/').slice(0, -'.json'.length)
    files.set(name, new Uint8Array(await readFile(path)))
  }
  return files
}
