/**
 * The files of a collection before they are signed, as Notary writes them. Their members can be changed by tamperings.
 *
 * The canonical writer here shares no code with that of the library, so that tests do not check the library against itself.
 */
import { createHash } from 'node:crypto'

/** A key as root or a delegating role lists it. */
export interface KeyDocument {
  keytype: string
  /** `public` is base64. */
  keyval: { private: null; public: string }
}

/** The keys that may sign for a role. */
export interface RoleDocument {
  keyids: string[]
  threshold: number
}

/** A file as the role above describes it; hashes are base64. */
export interface FileDocument {
  hashes: Record<string, string>
  length: number
}

interface SignedDocument<Type extends string> {
  _type: Type
  /** RFC 3339. */
  expires: string
  version: number
}

/** `signed` of root. */
export interface RootDocument extends SignedDocument<'Root'> {
  consistent_snapshot: boolean
  keys: Record<string, KeyDocument>
  roles: Record<'root' | 'targets' | 'snapshot' | 'timestamp', RoleDocument>
}

/** `signed` of timestamp. */
export interface TimestampDocument extends SignedDocument<'Timestamp'> {
  meta: { snapshot: FileDocument }
}

/** `signed` of snapshot. */
export interface SnapshotDocument extends SignedDocument<'Snapshot'> {
  meta: Record<string, FileDocument>
}

/** The entry for one name. */
export interface TargetDocument extends FileDocument {
  custom?: unknown
}

/** A delegation as its parent lists it. */
export interface DelegationDocument extends RoleDocument {
  name: string
  paths: string[]
}

/** `signed` of targets and of delegations. */
export interface TargetsDocument extends SignedDocument<'Targets'> {
  delegations: { keys: Record<string, KeyDocument>; roles: DelegationDocument[] }
  targets: Record<string, TargetDocument>
}

/** One signature on a file; `sig` is base64. */
export interface SignatureDocument {
  keyid: string
  method: string
  sig: string
}

/** A file. */
export interface Envelope<Document> {
  signed: Document
  signatures: SignatureDocument[]
}

/** How files are written: `canonical` is compact with sorted members, as Notary does. The signatures do not depend on it. */
export type WireForm = 'canonical' | 'pretty'

/** The bytes that are signed: docker/go's canonical JSON. */
export function canonicalBytes(value: unknown): Uint8Array {
  return Buffer.from(sortedJson(value, (text) => `"${text.replace(/["\\]/g, '\\$&')}"`))
}

/** The bytes that are served; `signed` comes first, as Notary writes it. */
export function wireBytes<Document>(envelope: Envelope<Document>, form: WireForm): Uint8Array {
  if (form === 'pretty') return Buffer.from(`${JSON.stringify(envelope, null, 3)}\n`)
  const members = Object.entries(envelope).map(
    ([name, member]) => `${JSON.stringify(name)}:${sortedJson(member, JSON.stringify)}`,
  )
  return Buffer.from(`{${members.join(',')}}`)
}

/** Length, sha256 and sha512 of a file, as snapshot and timestamp list them. */
export function describeFile(bytes: Uint8Array): FileDocument {
  return { hashes: { sha256: base64Hash('sha256', bytes), sha512: base64Hash('sha512', bytes) }, length: bytes.length }
}

/** An object without a prototype, in which `__proto__` is an ordinary name. */
export function dictionary<Value>(entries: Iterable<readonly [string, Value]>): Record<string, Value> {
  const members: Record<string, Value> = Object.create(null)
  for (const [name, value] of entries) members[name] = value
  return members
}

function sortedJson(value: unknown, quote: (text: string) => string): string {
  if (typeof value === 'string') return quote(value)
  if (Array.isArray(value)) return `[${value.map((item) => sortedJson(item, quote)).join(',')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  members.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return `{${members.map(([name, member]) => `${quote(name)}:${sortedJson(member, quote)}`).join(',')}}`
}

function base64Hash(algorithm: string, bytes: Uint8Array): string {
  return createHash(algorithm).update(bytes).digest('base64')
}
