/** Bytes -> collections. Shape alone: whether the files are good is judged where those of a server are. */
import { fromBase64 } from '../bytes.js'
import type { DocumentNode, Place } from '../document/document.js'
import { Faults } from '../document/faults.js'
import { readJsonDocument } from '../document/json-document.js'
import { DocumentReader } from '../document/reader.js'
import { isTooLarge } from '../document/size.js'
import { isGun } from '../reference/reference.js'
import { BUNDLE_FORMAT, BUNDLE_VERSION, type BundledCollection, isBundledName, rootVersion } from './bundle.js'

/** Bytes of a bundle (denial of service: it is held in memory, and once more as files). 500 collections of 100 KB fit. */
export const MAX_BUNDLE_BYTES: number = 64 * 1024 * 1024

/** Collections of a bundle (denial of service: each is verified). */
const MAX_BUNDLED_COLLECTIONS = 5000

/** Files of one collection (denial of service). Roots and delegations; 1,000 delegations are the most that are read of any. */
const MAX_FILES = 2500

const NEWLINE = 0x0a

/**
 * Reads a bundle. `file` is its name in messages.
 *
 * @throws UsageError ERR_SETTINGS_INVALID with path, line and column
 */
export function unpackBundle(bytes: Uint8Array, file: string): Map<string, BundledCollection> {
  const faults = new Faults('bundle', file)
  const collections = new Map<string, BundledCollection>()
  if (!isTooLarge(bytes, MAX_BUNDLE_BYTES, faults)) readLines(bytes, faults, collections)
  if (faults.any) throw faults.error()
  return collections
}

function readLines(bytes: Uint8Array, faults: Faults, collections: Map<string, BundledCollection>): undefined {
  let [start, line] = [0, 0]
  while (start < bytes.length && !faults.any) {
    const end = bytes.indexOf(NEWLINE, start)
    line++
    const at = { path: '', place: { line, column: 1 } }
    if (end === -1)
      return faults.add(at, 'the last line does not end in a newline', 'The bundle was cut off: take it down again.')
    if (line > MAX_BUNDLED_COLLECTIONS + 1)
      return faults.add(at, `more than ${MAX_BUNDLED_COLLECTIONS} collections`, 'Make several bundles.')
    const inLine = new Faults(faults.what, faults.file)
    const document = readJsonDocument(bytes.subarray(start, end), MAX_BUNDLE_BYTES, inLine)
    const reader = new LineReader(inLine)
    if (document !== undefined && line === 1) reader.header(document)
    else if (document !== undefined) keep(reader.collection(document), at, inLine, collections)
    for (const fault of inLine.list)
      faults.add({ path: fault.path, place: { line: line + fault.line - 1, column: fault.column } }, fault.problem, fault.hint)
    start = end + 1
  }
  if (line === 0)
    faults.add({ path: '', place: { line: 1, column: 1 } }, 'the file is empty', 'Make a bundle: dct export REPOSITORY')
}

function keep(
  collection: BundledCollection | undefined,
  at: { readonly path: string; readonly place: Place },
  faults: Faults,
  collections: Map<string, BundledCollection>,
): void {
  if (collection === undefined) return
  if (collections.has(collection.gun))
    faults.add(
      { ...at, place: { line: 1, column: 1 } },
      `${collection.gun} is in the bundle twice`,
      'Make the bundle again: dct export',
    )
  else collections.set(collection.gun, collection)
}

class LineReader extends DocumentReader {
  header(node: DocumentNode): void {
    const fields = this.fields(node, ['format', 'version'], ['format', 'version'])
    const [format, version] = [fields?.get('format'), fields?.get('version')]
    if (format === undefined || version === undefined) return
    this.text(format, JSON.stringify(BUNDLE_FORMAT), (text) => text === BUNDLE_FORMAT)
    const found = this.integer(version, 1)
    if (found !== undefined && found !== BUNDLE_VERSION)
      this.refuse(
        version,
        `version ${found} of the format is not known`,
        `Use a newer dct, or a bundle of version ${BUNDLE_VERSION}.`,
      )
  }

  collection(node: DocumentNode): BundledCollection | undefined {
    const names = ['gun', 'server', 'files']
    const fields = this.fields(node, names, names)
    const [gunNode, serverNode, filesNode] = names.map((name) => fields?.get(name))
    if (gunNode === undefined || serverNode === undefined || filesNode === undefined) return undefined
    const gun = this.text(gunNode, 'the full name of a collection', isGun)
    const server = this.trustServer(serverNode)
    const files = this.#files(filesNode)
    return gun === undefined || server === undefined || files === undefined ? undefined : { gun, server, files }
  }

  #files(node: DocumentNode): Map<string, Uint8Array> | undefined {
    const members = this.members(node, 'an object of files by name')
    if (members === undefined) return undefined
    if (members.size > MAX_FILES) return this.refuse(node, `more than ${MAX_FILES} files`, 'Make the bundle again: dct export')
    const files = new Map<string, Uint8Array>()
    for (const [name, { place, value }] of members) {
      if (!isBundledName(name))
        this.refuse(
          { path: node.path, place },
          `${JSON.stringify(name.slice(0, 100))} is no file of a collection`,
          'Known are <N>.root, timestamp, snapshot, targets and targets/...',
        )
      const text = this.text(value, 'bytes in base64', (given) => !/\s/.test(given))
      const bytes = text === undefined ? undefined : fromBase64(text)
      if (bytes !== undefined) files.set(name, bytes)
      else if (text !== undefined) this.refuse(value, 'not standard base64', 'Make the bundle again: dct export')
    }
    const missing = ['timestamp', 'snapshot', 'targets'].filter((name) => !members.has(name))
    if (![...members.keys()].some((name) => rootVersion(name) !== undefined)) missing.push('<N>.root')
    return missing.length === 0 ? files : this.refuse(node, `lacks ${missing.join(', ')}`, 'Make the bundle again: dct export')
  }
}
