/**
 * Finds faults in the shape of a file, whether or not it is signed: missing members, values of another type, keys that do not match their
 * IDs. Written for the test after the files of Notary's own server and client; it shares nothing with the project's readers.
 */
import { createHash } from 'node:crypto'
import { canonicalBytes } from '../../../src/testing/index.js'
import { jsonOddities } from './json-oddities.js'

type Loose = Readonly<Record<string, unknown>>

const TYPES: Readonly<Record<string, string>> = { root: 'Root', timestamp: 'Timestamp', snapshot: 'Snapshot' }
const DATE =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const HASHES = { sha256: 32, sha512: 64 } as const

/** Results for files that were checked; files are the same objects in all states. */
const known = new WeakMap<Uint8Array, ReadonlyMap<string, readonly string[]>>()

/** Lists the oddities in a file of this role. */
export function odditiesOf(role: string, bytes: Uint8Array): readonly string[] {
  const before = known.get(bytes) ?? new Map<string, readonly string[]>()
  const odd = before.get(role) ?? [...new Set([...jsonOddities(bytes), ...shapeOddities(role, bytes)])]
  known.set(bytes, new Map(before).set(role, odd))
  return odd
}

function shapeOddities(role: string, bytes: Uint8Array): string[] {
  const envelope = parsed(bytes)
  if (envelope === undefined) return ['no JSON']
  if (!isObject(envelope) || !isObject(envelope['signed'])) return ['nothing that is signed']
  const { signed } = envelope
  const odd: string[] = []
  for (const one of itemsOf(envelope['signatures'], odd)) {
    if (!isObject(one)) odd.push(kindOf(one))
    else for (const name of ['keyid', 'method', 'sig']) textOf(one[name], odd)
    if (isObject(one) && typeof one['sig'] === 'string') base64Of(one['sig'], odd)
  }
  if (signed['_type'] !== (TYPES[role] ?? 'Targets')) odd.push('another type')
  if (!isCount(signed['version'])) odd.push('no version')
  if (typeof signed['expires'] !== 'string' || signed['expires'] === '') odd.push('no date')
  if (!isDate(signed['expires'])) odd.push('a date that is not RFC 3339')
  if (role === 'root') rootOddities(signed, odd)
  else if (role === 'snapshot' || role === 'timestamp') metaOddities(role, signed, odd)
  else targetsOddities(role, signed, odd)
  return odd
}

function rootOddities(signed: Loose, odd: string[]): void {
  if (typeof (signed['consistent_snapshot'] ?? true) !== 'boolean') odd.push('a value of another kind')
  keysOddities(signed['keys'], odd)
  const roles = membersOf(signed['roles'], odd)
  for (const name of ['root', 'timestamp', 'snapshot', 'targets']) {
    if (!isObject(roles[name])) odd.push('a role without keys enough')
    else roleOddities(roles[name], signed['keys'], odd, true)
  }
}

function targetsOddities(role: string, signed: Loose, odd: string[]): void {
  for (const target of Object.values(membersOf(signed['targets'], odd))) {
    if (!isObject(target)) {
      odd.push('a target without a SHA-256', kindOf(target))
      continue
    }
    lengthOddities(target['length'], 0, odd)
    const hashes = membersOf(target['hashes'], odd)
    if (lengthOf(hashes['sha256']) !== HASHES.sha256) odd.push('a target without a SHA-256')
    for (const hash of Object.values(hashes)) base64Of(hash, odd)
  }
  const delegations = membersOf(signed['delegations'], odd)
  keysOddities(delegations['keys'], odd)
  const names = new Set<unknown>()
  for (const one of itemsOf(delegations['roles'], odd)) {
    if (!isObject(one)) {
      odd.push(kindOf(one))
      continue
    }
    const { name } = one
    if (names.has(name)) odd.push('a delegation twice')
    names.add(name)
    if (typeof name !== 'string' || !name.startsWith(`${role}/`) || !/^[-a-z0-9_]+$/.test(name.slice(role.length + 1)))
      odd.push('a delegation with a name that it cannot have')
    roleOddities(one, delegations['keys'], odd, false)
    for (const path of itemsOf(one['paths'], odd)) if (typeof path !== 'string') odd.push(kindOf(path))
  }
}

function metaOddities(role: string, signed: Loose, odd: string[]): void {
  const meta = membersOf(signed['meta'], odd)
  for (const name of role === 'snapshot' ? ['root', 'targets'] : ['snapshot'])
    if (!isObject(meta[name])) odd.push('an entry missing')
  for (const file of Object.values(meta)) {
    if (!isObject(file)) {
      odd.push(kindOf(file))
      continue
    }
    lengthOddities(file['length'], 1, odd)
    const hashes = membersOf(file['hashes'], odd)
    for (const [name, bytes] of Object.entries(HASHES)) {
      if (hashes[name] !== undefined && lengthOf(hashes[name]) !== bytes) odd.push('a hash of another length')
    }
    if (hashes['sha256'] === undefined && hashes['sha512'] === undefined) odd.push('no hash')
    for (const hash of Object.values(hashes)) base64Of(hash, odd)
  }
}

function lengthOddities(length: unknown, least: number, odd: string[]): void {
  if (length === undefined || length === null) odd.push('no length')
  else if (!Number.isSafeInteger(length)) odd.push('a value of another kind')
  else if (Number(length) < least) odd.push('a length that is too small')
}

function keysOddities(keys: unknown, odd: string[]): void {
  for (const [id, key] of Object.entries(membersOf(keys, odd))) {
    const keyval = isObject(key) ? key['keyval'] : undefined
    const { keytype, text } = {
      keytype: isObject(key) ? key['keytype'] : undefined,
      text: isObject(keyval) ? keyval['public'] : undefined,
    }
    if (!isObject(key) || key['keyval'] === null) odd.push(kindOf(isObject(key) ? key['keyval'] : key))
    if (Array.isArray(text)) odd.push('a list for a text')
    if (typeof keytype !== 'string' || typeof text !== 'string') odd.push('a key without content')
    else if (id !== idOf(keytype, text)) odd.push('a key that is not its ID')
    base64Of(text, odd)
    if (isObject(keyval) && (keyval['private'] ?? null) !== null) odd.push('a private part of a key')
    if (keytype === 'ecdsa' && typeof text === 'string' && !isPlainPoint(Buffer.from(text, 'base64')))
      odd.push('a key in another encoding')
  }
}

function roleOddities({ keyids, threshold }: Loose, keys: unknown, odd: string[], isBase: boolean): void {
  const ids = itemsOf(keyids, odd)
  for (const id of ids) {
    if (typeof id !== 'string') odd.push(kindOf(id))
    else if (!isObject(keys) || !Object.hasOwn(keys, id)) odd.push('a key that is not listed')
  }
  if (!isCount(threshold)) odd.push('a threshold below 1')
  if (isBase && !(new Set(ids).size >= Number(threshold) && Number(threshold) >= 1)) odd.push('a role without keys enough')
}

/** The members; undefined and null have none. */
function membersOf(value: unknown, odd: string[]): Loose {
  if (isObject(value)) return value
  if (value !== undefined && value !== null) odd.push('a value of another kind')
  return {}
}

/** The items; undefined and null have none. */
function itemsOf(value: unknown, odd: string[]): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) odd.push('a value of another kind')
  const items = Array.isArray(value) ? value : []
  if (items.includes(null)) odd.push('null for an item')
  return items
}

function textOf(value: unknown, odd: string[]): void {
  if (typeof (value ?? '') !== 'string') odd.push('a value of another kind')
  if (Array.isArray(value)) odd.push('a list for a text')
}

function base64Of(value: unknown, odd: string[]): void {
  if (Array.isArray(value)) odd.push('a list for a text')
  else if (value === null) odd.push('null for an item')
  else if (typeof value !== 'string') odd.push('a value of another kind')
  else if (!BASE64.test(value.replaceAll(/[\r\n]/g, ''))) odd.push('a text that is not base64')
}

function kindOf(value: unknown): string {
  return value === null ? 'null for an item' : 'a value of another kind'
}

function lengthOf(hash: unknown): number {
  return typeof hash === 'string' ? Buffer.from(hash, 'base64').length : -1
}

function idOf(keytype: string, text: string): string {
  return createHash('sha256')
    .update(canonicalBytes({ keytype, keyval: { private: null, public: text } }))
    .digest('hex')
}

/** The lengths of a SubjectPublicKeyInfo with an uncompressed point, by curve; a 4 precedes the coordinates. */
const POINTS = new Map([
  [80, 56],
  [91, 64],
  [120, 96],
  [158, 132],
])

function isPlainPoint(der: Buffer): boolean {
  return der[der.length - (POINTS.get(der.length) ?? der.length) - 1] === 4
}

function isDate(value: unknown): boolean {
  const [, year, month, day] = (typeof value === 'string' ? DATE.exec(value) : null) ?? []
  if (year === undefined) return false
  const date = new Date(0)
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  return date.getUTCDate() === Number(day)
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 1
}

function isObject(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return undefined
  }
}
