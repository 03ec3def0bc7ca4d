/**
 * Bytes -> Lockfile. Everything is checked, and every fault is told at its place: a lock that is broken in one entry refuses as
 * a whole, since a run without it would accept more.
 */
import { fromBase64 } from '../bytes.js'
import type { DocumentNode } from '../document/document.js'
import { Faults } from '../document/faults.js'
import { readJsonDocument } from '../document/json-document.js'
import { DocumentReader } from '../document/reader.js'
import { isDelegationName } from '../metadata/role-name.js'
import { isGun } from '../reference/reference.js'
import { checkAgreement } from './agreement.js'
import { sortedKeys } from './lock-entry.js'
import { LOCKFILE_VERSION, type LockEntry, type LockedKey, type LockedRoot, type Lockfile } from './lockfile.js'

/** Bytes (denial of service: a longer file is not looked at). 1,000 collections with their roots take about 4 MB. */
export const MAX_LOCKFILE_BYTES: number = 8 * 1024 * 1024

/** Collections (denial of service: the root of each is verified). */
const MAX_COLLECTIONS = 2000

const HEX = /^[0-9a-f]{64}$/
const HEX_EXPECTED = '64 hexadecimal digits in lower case'

/**
 * Reads a lockfile. `file` is its name in messages. `isUsed`: collections whose root is verified against itself, all when absent; of
 * the others shape and hash are checked. Verifying a root takes some 2 ms, so a run that asks for one collection need not pay for all.
 *
 * @throws UsageError ERR_SETTINGS_INVALID with path, line and column of every fault
 */
export function parseLockfile(bytes: Uint8Array, file: string, isUsed: (gun: string) => boolean = () => true): Lockfile {
  const faults = new Faults('lockfile', file)
  const document = readJsonDocument(bytes, MAX_LOCKFILE_BYTES, faults)
  const lockfile = document === undefined ? undefined : new LockfileReader(faults, isUsed).lockfile(document)
  if (lockfile === undefined || faults.any) throw faults.error()
  return lockfile
}

class LockfileReader extends DocumentReader {
  readonly #isUsed: (gun: string) => boolean

  constructor(faults: Faults, isUsed: (gun: string) => boolean) {
    super(faults)
    this.#isUsed = isUsed
  }

  lockfile(node: DocumentNode): Lockfile | undefined {
    const fields = this.fields(node, ['$schema', 'version', 'collections'], ['version', 'collections'])
    const schema = fields?.get('$schema')
    if (schema !== undefined) this.text(schema, 'the address of the JSON Schema')
    const version = fields?.get('version')
    if (version !== undefined) this.#version(version)
    const collections = fields?.get('collections')
    return collections === undefined ? undefined : { collections: this.#collections(collections) }
  }

  #version(node: DocumentNode): void {
    const version = this.integer(node, 1)
    if (version === undefined || version === LOCKFILE_VERSION) return
    this.refuse(
      node,
      `version ${version} of the format is not known`,
      `Use a newer dct, or a lockfile of version ${LOCKFILE_VERSION}.`,
    )
  }

  #collections(node: DocumentNode): Map<string, LockEntry> {
    const read = new Map<string, LockEntry>()
    const members = this.members(node, 'an object of collections by GUN') ?? new Map()
    if (members.size > MAX_COLLECTIONS) {
      this.refuse(node, `${members.size} collections; at most ${MAX_COLLECTIONS} are read`, 'Split the lockfile.')
      return read
    }
    for (const [gun, { place, value }] of members) {
      if (!isGun(gun)) {
        const hint = 'Write the full name of the collection: docker.io/library/alpine.'
        this.refuse({ path: node.path, place }, `${JSON.stringify(gun.slice(0, 100))} is not the name of a collection`, hint)
      }
      const entry = this.#entry(gun, value)
      if (entry !== undefined) read.set(gun, entry)
    }
    return read
  }

  #entry(gun: string, node: DocumentNode): LockEntry | undefined {
    const fields = this.fields(node, ['server', 'root', 'floors'], ['server', 'root'])
    const [serverNode, rootNode, floorsNode] = [fields?.get('server'), fields?.get('root'), fields?.get('floors')]
    const server = serverNode === undefined ? undefined : this.trustServer(serverNode)
    const root = rootNode === undefined ? undefined : this.#root(gun, rootNode)
    const floors = floorsNode === undefined ? undefined : this.#floors(floorsNode)
    if (server === undefined || root === undefined) return undefined
    return { server, root, ...(floors === undefined ? {} : { floors }) }
  }

  #root(gun: string, node: DocumentNode): LockedRoot | undefined {
    const names = ['version', 'sha256', 'threshold', 'keys']
    const fields = this.fields(node, [...names, 'file'], names)
    if (fields === undefined) return undefined
    const read = <Value>(name: string, reader: (at: DocumentNode) => Value | undefined): Value | undefined => {
      const at = fields.get(name)
      return at === undefined ? undefined : reader(at)
    }
    const version = read('version', (at) => this.integer(at, 1))
    const sha256 = read('sha256', (at) => this.text(at, HEX_EXPECTED, (text) => HEX.test(text)))
    const threshold = read('threshold', (at) => this.integer(at, 1))
    const keys = read('keys', (at) => this.#keys(at))
    const file = read('file', (at) => this.#file(at))
    if (version === undefined || sha256 === undefined || threshold === undefined || keys === undefined) return undefined
    const root: LockedRoot = { version, sha256, threshold, keys, ...(file === undefined ? {} : { file }) }
    checkAgreement(gun, root, fields, this, this.#isUsed(gun))
    return root
  }

  #keys(node: DocumentNode): LockedKey[] | undefined {
    const items = this.items(node, 'a list of at least one key', 1)
    const keys = items?.map((item) => this.#key(item))
    const read = keys?.flatMap((key) => (key === undefined ? [] : [key]))
    if (read === undefined || read.length !== items?.length) return undefined
    const ids = new Set<string>()
    const twice = read.find(({ id }) => ids.size === ids.add(id).size)
    if (twice !== undefined) return this.refuse(node, `key ${twice.id} is listed twice`, 'List each key once.')
    return sortedKeys(read)
  }

  #key(node: DocumentNode): LockedKey | undefined {
    const names = ['id', 'canonicalId', 'algorithm']
    const fields = this.fields(node, names, names)
    const hexText = (name: string) => {
      const at = fields?.get(name)
      return at === undefined ? undefined : this.text(at, HEX_EXPECTED, (text) => HEX.test(text))
    }
    const [id, canonicalId, at] = [hexText('id'), hexText('canonicalId'), fields?.get('algorithm')]
    const algorithm = at === undefined ? undefined : this.text(at, 'a type of key such as ecdsa-x509', (text) => text !== '')
    return id === undefined || canonicalId === undefined || algorithm === undefined ? undefined : { id, canonicalId, algorithm }
  }

  #file(node: DocumentNode): Uint8Array | undefined {
    const text = this.text(node, 'the bytes of root.json in base64', (given) => given !== '' && !/\s/.test(given))
    const bytes = text === undefined ? undefined : fromBase64(text)
    if (text !== undefined && bytes === undefined)
      return this.refuse(node, 'not standard base64', 'Write what this prints: base64 -w0 root.json')
    return bytes
  }

  #floors(node: DocumentNode): Map<string, number> {
    const floors = new Map<string, number>()
    for (const [role, { place, value }] of this.members(node, 'an object of versions by role') ?? []) {
      if (!['targets', 'snapshot', 'timestamp'].includes(role) && !isDelegationName(role)) {
        const hint =
          'Known are targets, snapshot, timestamp and delegations such as targets/releases; that of root is its version.'
        this.refuse({ path: node.path, place }, `${JSON.stringify(role.slice(0, 100))} is no role with a floor`, hint)
      }
      const version = this.integer(value, 1)
      if (version !== undefined) floors.set(role, version)
    }
    return floors
  }
}
