/** Bytes -> Unverified: the door where wire shapes become domain types. Nothing here is a judgement of trust. */
import type { ZodMiniType } from 'zod/mini'
import { fromBase64 } from '../bytes.js'
import { HASH_BYTES, type Hashes } from '../crypto/hash.js'
import { importKey, type KeyId, keyId, type PublicKey } from '../crypto/keys.js'
import { UntrustedError } from '../errors.js'
import { canonicalJson } from './canonical-json.js'
import { parseDate } from './date.js'
import { JsonError, scanDocument } from './json.js'
import { MAX_VALUES_TO_REWRITE, TooMany } from './limits.js'
import type {
  Delegation,
  FileMeta,
  MetadataTypes,
  RoleKey,
  RoleKeys,
  RootMetadata,
  Signature,
  SnapshotMetadata,
  TargetsMetadata,
  TimestampMetadata,
  Unverified,
} from './model.js'
import { isDelegationName, parentRole } from './role-name.js'
import { envelopeSchema, inEnglish, rootSchema, snapshotSchema, targetsSchema, timestampSchema } from './schema.js'
import type { FileWire, KeyWire, RoleWire, RootWire, SignatureWire, SnapshotWire, TargetsWire, TimestampWire } from './wire.js'

/** Whose file it is. */
export interface FileIdentity {
  readonly gun: string
  readonly role: string
}

/** Why a file is malformed; becomes ERR_METADATA_MALFORMED with GUN and role. */
class Malformed extends Error {}

/** @throws UntrustedError ERR_METADATA_MALFORMED */
export function parseRoot(file: Uint8Array, identity: FileIdentity): Unverified<RootMetadata> {
  return parse(file, identity, rootSchema, rootFromWire)
}

/** @throws UntrustedError ERR_METADATA_MALFORMED */
export function parseTimestamp(file: Uint8Array, identity: FileIdentity): Unverified<TimestampMetadata> {
  return parse(file, identity, timestampSchema, timestampFromWire)
}

/** @throws UntrustedError ERR_METADATA_MALFORMED */
export function parseSnapshot(file: Uint8Array, identity: FileIdentity): Unverified<SnapshotMetadata> {
  return parse(file, identity, snapshotSchema, snapshotFromWire)
}

/** `targets` or a delegation. @throws UntrustedError ERR_METADATA_MALFORMED */
export function parseTargets(file: Uint8Array, identity: FileIdentity): Unverified<TargetsMetadata> {
  return parse(file, identity, targetsSchema, (wire) => targetsFromWire(wire, identity.role))
}

function parse<Wire, Metadata extends MetadataTypes[keyof MetadataTypes]>(
  file: Uint8Array,
  identity: FileIdentity,
  schema: ZodMiniType<Wire>,
  fromWire: (wire: Wire) => Metadata,
): Unverified<Metadata> {
  try {
    const { value, canonical, values } = scanDocument(file)
    if (!canonical.has('signed') && values > MAX_VALUES_TO_REWRITE)
      throw new TooMany('members and items in a file that is not in canonical form', MAX_VALUES_TO_REWRITE)
    const envelope = check(envelopeSchema, value, '')
    const { signed } = envelope
    const metadata = fromWire(check(schema, signed, 'signed'))
    return {
      role: identity.role,
      metadata,
      signedBytes: canonical.get('signed') ?? canonicalJson(signed),
      signatures: envelope.signatures.map(signatureFromWire),
      file,
      size: { values: values + entriesIn(metadata), keys: keysIn(metadata) },
    }
  } catch (cause) {
    if (cause instanceof JsonError) throw malformed(identity, isWebPage(file) ? `${cause.message}; ${WEB_PAGE}` : cause.message)
    if (cause instanceof Malformed) throw malformed(identity, cause.message)
    if (cause instanceof TooMany) throw tooMany(identity, cause)
    throw cause
  }
}

/** What proxies and captive portals answer with, status 200 and all. */
const WEB_PAGE = 'it looks like a web page: a login page or a proxy?'

/** True when the text begins with a tag, as no JSON does. */
function isWebPage(file: Uint8Array): boolean {
  return /^\s*<[!?a-z]/i.test(
    Buffer.from(file.subarray(0, 256))
      .toString('latin1')
      .replace(/^\u00ef\u00bb\u00bf/, ''),
  )
}

/** Entries of targets: each is kept as a map, which takes as much memory again. */
function entriesIn(metadata: MetadataTypes[keyof MetadataTypes]): number {
  return isTargets(metadata) ? metadata.targets.size : 0
}

/** Keys that a file gives to its roles: the same key in two roles counts twice. */
function keysIn(metadata: MetadataTypes[keyof MetadataTypes]): number {
  const roles: readonly RoleKeys[] = isRoot(metadata)
    ? Object.values(metadata.roles)
    : isTargets(metadata)
      ? metadata.delegations
      : []
  return roles.reduce((sum, { keys }) => sum + keys.size, 0)
}

// By members of its own: a program that embeds this may have put any name on every prototype.
function isTargets(metadata: MetadataTypes[keyof MetadataTypes]): metadata is TargetsMetadata {
  return Object.hasOwn(metadata, 'targets')
}

function isRoot(metadata: MetadataTypes[keyof MetadataTypes]): metadata is RootMetadata {
  return Object.hasOwn(metadata, 'roles')
}

function tooMany({ gun, role }: FileIdentity, { message, limit }: TooMany): UntrustedError {
  return new UntrustedError('ERR_METADATA_TOO_LARGE', `trust data for ${gun} is too large: ${role}: ${message}`, {
    gun,
    role,
    evidence: { limit },
  })
}

function malformed({ gun, role }: FileIdentity, problem: string): UntrustedError {
  return new UntrustedError('ERR_METADATA_MALFORMED', `trust data for ${gun} is malformed: ${role}: ${problem}`, {
    gun,
    role,
    evidence: { problem },
  })
}

function check<Wire>(schema: ZodMiniType<Wire>, value: unknown, where: string): Wire {
  const result = schema.safeParse(value, inEnglish)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = [where, ...(issue?.path ?? []).map(String)].filter((part) => part !== '').join('.')
  throw new Malformed(`${path === '' ? 'document' : path}: ${issue?.message ?? 'wrong shape'}`)
}

function signatureFromWire(wire: SignatureWire): Signature {
  return { keyId: wire.keyid, method: wire.method, bytes: decode(wire.sig, 'a signature') }
}

function rootFromWire(wire: RootWire): RootMetadata {
  const pick = keyPicker(keysFromWire(wire.keys))
  const role = (name: string, { keyids, threshold }: RoleWire): RoleKeys => {
    const found = pick(name, keyids)
    if (found.size < threshold) throw new Malformed(`role ${name} has ${found.size} keys and a threshold of ${threshold}`)
    return { keys: found, threshold }
  }
  const { root, targets, snapshot, timestamp } = wire.roles
  return {
    ...versionAndExpiry(wire),
    roles: {
      root: role('root', root),
      targets: role('targets', targets),
      snapshot: role('snapshot', snapshot),
      timestamp: role('timestamp', timestamp),
    },
  }
}

function timestampFromWire(wire: TimestampWire): TimestampMetadata {
  const snapshot = wire.meta.get('snapshot')
  if (snapshot === undefined) throw new Malformed('no entry for snapshot')
  return { ...versionAndExpiry(wire), snapshot: fileFromWire('snapshot', snapshot) }
}

function snapshotFromWire(wire: SnapshotWire): SnapshotMetadata {
  for (const role of ['root', 'targets']) if (!wire.meta.has(role)) throw new Malformed(`no entry for ${role}`)
  return { ...versionAndExpiry(wire), meta: new Map([...wire.meta].map(([role, file]) => [role, fileFromWire(role, file)])) }
}

function targetsFromWire(wire: TargetsWire, parent: string): TargetsMetadata {
  const pick = keyPicker(keysFromWire(wire.delegations.keys))
  const names = new Set<string>()
  const delegations = wire.delegations.roles.map(({ name, keyids, threshold, paths }): Delegation => {
    if (!isDelegationName(name) || parentRole(name) !== parent)
      throw new Malformed(`${JSON.stringify(name)} cannot be delegated to by ${parent}`)
    if (names.has(name)) throw new Malformed(`${name} is delegated to twice`)
    names.add(name)
    return { name, keys: pick(name, keyids), threshold, paths }
  })
  return { ...versionAndExpiry(wire), targets: wire.targets, delegations }
}

function versionAndExpiry(wire: { version: number; expires: string }): { version: number; expires: number } {
  const expires = parseDate(wire.expires)
  if (expires === undefined) throw new Malformed(`signed.expires: ${JSON.stringify(wire.expires)} is not an RFC 3339 date`)
  return { version: wire.version, expires }
}

function keysFromWire(wire: ReadonlyMap<string, KeyWire>): Map<KeyId, PublicKey> {
  return new Map(
    [...wire].map(([id, { keytype, keyval }]) => {
      const bytes = decode(keyval.public, `key ${id}`)
      if (keyId(keytype, bytes) !== id) throw new Malformed(`the key listed as ${id} has another ID`)
      return [id, { id, type: keytype, bytes }]
    }),
  )
}

/** Gives a role the keys that it names; a key listed twice is one key, and is made ready once for all roles. */
function keyPicker(keys: ReadonlyMap<KeyId, PublicKey>): (role: string, ids: readonly string[]) => Map<KeyId, RoleKey> {
  const ready = new Map<KeyId, RoleKey>()
  const pick = (role: string, id: string): RoleKey => {
    const key = keys.get(id)
    if (key === undefined) throw new Malformed(`role ${role} names key ${id}, which is not listed`)
    const known = ready.get(id)
    if (known !== undefined) return known
    const made = key.type === 'ed25519' ? importedOnDemand(key) : imported(key, role)
    ready.set(id, made)
    return made
  }
  return (role, ids) => new Map(ids.map((id) => [id, pick(role, id)]))
}

function imported(key: PublicKey, role: string): RoleKey {
  const verifying = importKey(key)
  if (verifying.kind === 'unusable' && verifying.ambiguous)
    throw new Malformed(`key ${key.id} of role ${role}: ${verifying.reason}`)
  return { ...key, verifying }
}

/** Whether 32 bytes are a point takes a tenth of a millisecond, most keys never sign, and none of these is ambiguous. */
function importedOnDemand(key: PublicKey): RoleKey {
  let verifying: RoleKey['verifying'] | undefined
  return {
    ...key,
    get verifying() {
      verifying ??= importKey(key)
      return verifying
    },
  }
}

function fileFromWire(role: string, { length, hashes }: FileWire): FileMeta {
  return { length, hashes: hashesFromWire(hashes, role) }
}

function hashesFromWire(wire: ReadonlyMap<string, string>, role: string): Hashes {
  const known: { sha256?: Uint8Array; sha512?: Uint8Array } = {}
  for (const algorithm of ['sha256', 'sha512'] as const) {
    const text = wire.get(algorithm)
    if (text === undefined) continue
    const bytes = decode(text, `the ${algorithm} of ${role}`)
    if (bytes.length !== HASH_BYTES[algorithm]) throw new Malformed(`the ${algorithm} of ${role} has ${bytes.length} bytes`)
    known[algorithm] = bytes
  }
  if (known.sha256 === undefined && known.sha512 === undefined) throw new Malformed(`no known hash for ${role}`)
  return known
}

function decode(text: string, what: string): Uint8Array {
  const bytes = fromBase64(text)
  if (bytes === undefined) throw new Malformed(`${what} is not standard base64`)
  return bytes
}
