/** Parses metadata files: bytes -> wire shapes (schema.ts) -> domain types (from-wire.ts). Verifies no signature. */
import type { ZodMiniType } from 'zod/mini'
import { UntrustedError } from '../errors.js'
import { canonicalJson } from './canonical-json.js'
import { Malformed, rootFromWire, signatureFromWire, snapshotFromWire, targetsFromWire, timestampFromWire } from './from-wire.js'
import { scanDocument } from './json.js'
import { JsonError } from './json-value.js'
import { MAX_VALUES_TO_REWRITE, TooMany } from './limits.js'
import type {
  MetadataTypes,
  RoleKeys,
  RootMetadata,
  SnapshotMetadata,
  TargetsMetadata,
  TimestampMetadata,
  Unverified,
} from './model.js'
import { envelopeSchema, inEnglish, rootSchema, snapshotSchema, targetsSchema, timestampSchema } from './schema.js'

/** The collection and role of a file. */
export interface FileIdentity {
  readonly gun: string
  readonly role: string
}

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

/** Proxies and captive portals answer with a web page and status 200. */
const WEB_PAGE = 'it looks like a web page: a login page or a proxy?'

/** True when the text begins with a tag, which JSON never does. */
function isWebPage(file: Uint8Array): boolean {
  return /^\s*<[!?a-z]/i.test(
    Buffer.from(file.subarray(0, 256))
      .toString('latin1')
      .replace(/^\u00ef\u00bb\u00bf/, ''),
  )
}

/** The number of targets. Each becomes a map, which needs as much memory again. */
function entriesIn(metadata: MetadataTypes[keyof MetadataTypes]): number {
  return isTargets(metadata) ? metadata.targets.size : 0
}

/** The number of keys in all roles of a file. A key in two roles counts twice. */
function keysIn(metadata: MetadataTypes[keyof MetadataTypes]): number {
  const roles: readonly RoleKeys[] = isRoot(metadata)
    ? Object.values(metadata.roles)
    : isTargets(metadata)
      ? metadata.delegations
      : []
  return roles.reduce((sum, { keys }) => sum + keys.size, 0)
}

// Checks own members: a program that embeds this library may have added names to Object.prototype.
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
