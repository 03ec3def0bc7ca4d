/** Notary's files as a publisher writes them. Tests change one member at a time. */
import { base64, utf8 } from '../../src/bytes.js'
import { sha256, sha512 } from '../../src/crypto/hash.js'
import type { PublicKey } from '../../src/crypto/keys.js'
import { ed25519Signer, type Signer } from '../crypto/made-keys.js'

export const GUN = 'registry.example/team/app'
export const EXPIRES = '2030-01-01T00:00:00Z'

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }
export type Document = { readonly [name: string]: Json }

export interface Role {
  readonly keys: readonly Signer[]
  readonly threshold?: number
}

/** Signers by role that are the same in every test. */
export const SIGNERS = {
  root: ed25519Signer('root'),
  targets: ed25519Signer('targets'),
  snapshot: ed25519Signer('snapshot'),
  timestamp: ed25519Signer('timestamp'),
  alice: ed25519Signer('alice'),
  bob: ed25519Signer('bob'),
}

export function keyEntries(keys: readonly PublicKey[]): Document {
  return Object.fromEntries(
    keys.map(({ id, type, bytes }) => [id, { keytype: type, keyval: { private: null, public: base64(bytes) } }]),
  )
}

export function rootDocument(
  roles: Partial<Record<'root' | 'targets' | 'snapshot' | 'timestamp', Role>> = {},
  version = 1,
): Document {
  const all = {
    root: roles.root ?? { keys: [SIGNERS.root] },
    targets: roles.targets ?? { keys: [SIGNERS.targets] },
    snapshot: roles.snapshot ?? { keys: [SIGNERS.snapshot] },
    timestamp: roles.timestamp ?? { keys: [SIGNERS.timestamp] },
  }
  const entries = Object.entries(all).map(([role, { keys, threshold = 1 }]) => [
    role,
    { keyids: keys.map(({ key }) => key.id), threshold },
  ])
  return {
    _type: 'Root',
    consistent_snapshot: false,
    expires: EXPIRES,
    keys: keyEntries(Object.values(all).flatMap(({ keys }) => keys.map(({ key }) => key))),
    roles: Object.fromEntries(entries),
    version,
  }
}

export function fileEntry(bytes: Uint8Array): Document {
  return { hashes: { sha256: base64(sha256(bytes)), sha512: base64(sha512(bytes)) }, length: bytes.length }
}

export function timestampDocument(): Document {
  return { _type: 'Timestamp', expires: EXPIRES, meta: { snapshot: fileEntry(utf8('snapshot')) }, version: 1 }
}

export function snapshotDocument(): Document {
  const meta = {
    root: fileEntry(utf8('root')),
    targets: fileEntry(utf8('targets')),
    'targets/releases': fileEntry(utf8('releases')),
  }
  return { _type: 'Snapshot', expires: EXPIRES, meta, version: 1 }
}

export function targetsDocument(): Document {
  const { alice, bob } = SIGNERS
  const roles = [
    { name: 'targets/releases', keyids: [alice.key.id, bob.key.id], paths: [''], threshold: 1 },
    { name: 'targets/alice', keyids: [alice.key.id], paths: ['1.', '2.'], threshold: 1 },
  ]
  return {
    _type: 'Targets',
    delegations: { keys: keyEntries([alice.key, bob.key]), roles },
    expires: EXPIRES,
    targets: { latest: fileEntry(utf8('latest')), '1.0': { ...fileEntry(utf8('1.0')), custom: { note: 'hello' } } },
    version: 1,
  }
}

/** A targets document with these delegations. */
export function delegatingTo(keys: readonly Signer[], roles: readonly Document[]): Document {
  return { ...targetsDocument(), delegations: { keys: keyEntries(keys.map(({ key }) => key)), roles } }
}

/** The canonical text of a document with ordinary names and integers, without the code under test. */
export function canonicalOf(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (isList(value)) return `[${value.map(canonicalOf).join(',')}]`
  const members = Object.keys(value).sort()
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonicalOf(value[name] ?? null)}`).join(',')}}`
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

/** The file: the document and real signatures over it. */
export function signedFile(signed: Document, signers: readonly Signer[]): Uint8Array {
  const message = utf8(canonicalOf(signed))
  const signatures = signers.map(({ key, method, sign }) => ({ keyid: key.id, method, sig: base64(sign(message)) }))
  return utf8(JSON.stringify({ signed, signatures }))
}

/** A copy with one member set, or removed when the value is undefined. */
export function spoilt(document: Document, path: readonly (string | number)[], value: unknown): Document {
  const copy: Document = structuredClone(document)
  let place: unknown = copy
  for (const name of path.slice(0, -1)) place = member(place, name)
  const last = path.at(-1)
  if (typeof place !== 'object' || place === null || last === undefined) throw new Error(`nothing at ${path.join('/')}`)
  if (value === undefined) {
    if (!Object.hasOwn(place, last)) throw new Error(`nothing at ${path.join('/')}`)
    Reflect.deleteProperty(place, last)
  } else Object.defineProperty(place, last, { value, enumerable: true, configurable: true, writable: true })
  return copy
}

function member(place: unknown, name: string | number): unknown {
  if (typeof place !== 'object' || place === null || !Object.hasOwn(place, name)) throw new Error(`no member ${name}`)
  return Reflect.get(place, name)
}
