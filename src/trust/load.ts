/** How each role is loaded, and the checks that every load makes. Their order is stated in trusted-metadata-set.ts. */
import { hex, utf8 } from '../bytes.js'
import { checkHashes } from '../crypto/hash.js'
import type {
  FileMeta,
  RoleKeys,
  RootMetadata,
  SnapshotMetadata,
  TargetsMetadata,
  TimestampMetadata,
  Unverified,
} from '../metadata/model.js'
import { parseSnapshot, parseTargets, parseTimestamp } from '../metadata/parse.js'
import type { Budget } from './budget.js'
import { expired, hashMismatch, insufficientSignatures, tooLarge } from './refusals.js'
import { type Trusted, trust } from './trusted.js'
import { type Candidate, checkFloors, floorOf, type VersionFloor, type VersionFloors } from './version-floors.js'

/** What every load of one refresh is judged with. */
export interface LoadContext {
  readonly gun: string
  /** Milliseconds since 1970; one value for the whole run. */
  readonly now: number
  /** What was accepted before, in earlier runs or by other programs that write the cache. */
  readonly floors: VersionFloors
  /** What the refresh may still cost. */
  readonly budget: Budget
}

/** How one role is read. */
export interface RoleLoader<Metadata> {
  readonly role: string
  readonly keys: RoleKeys
  readonly parse: (file: Uint8Array) => Unverified<Metadata>
  /** The bytes that may not change without a new version. */
  readonly content: (loaded: Trusted<Metadata>) => Uint8Array
}

/** Compares a file with what the role above declares of it. @throws UntrustedError ERR_METADATA_TOO_LARGE, ERR_HASH_MISMATCH */
export function checkFile(file: Uint8Array, meta: FileMeta | undefined, subject: { gun: string; role: string }): void {
  if (meta === undefined) throw hashMismatch(subject, 'the snapshot names none', {})
  const evidence = { declared: meta.length, found: file.length }
  if (file.length > meta.length) throw tooLarge(subject, `${file.length} bytes, ${meta.length} declared`, evidence)
  if (file.length < meta.length) throw hashMismatch(subject, `${file.length} bytes, ${meta.length} declared`, evidence)
  const algorithm = checkHashes(file, meta.hashes)
  if (algorithm !== undefined)
    throw hashMismatch(subject, `other ${algorithm}`, { algorithm, declared: hex(meta.hashes[algorithm] ?? new Uint8Array()) })
}

/**
 * Signatures, floors, expiry.
 *
 * @throws UntrustedError ERR_METADATA_MALFORMED, ERR_METADATA_TOO_LARGE, ERR_SIGNATURE_THRESHOLD, ERR_VERSION_ROLLBACK, ERR_EQUIVOCATION
 * @throws StaleError ERR_METADATA_EXPIRED
 */
export function admit<Metadata extends { version: number; expires: number }>(
  context: LoadContext,
  loader: RoleLoader<Metadata>,
  file: Uint8Array,
): Trusted<Metadata> {
  const { gun, now, floors } = context
  const { role } = loader
  const loaded = checkSigned(context, loader, file)
  checkFloors(candidate(gun, loader, loaded), floors.get(role))
  if (!(now < loaded.metadata.expires)) throw expired({ gun, role }, loaded.metadata.expires)
  return loaded
}

/**
 * Checks loaded metadata against floors that became known after it was loaded.
 *
 * @throws UntrustedError ERR_VERSION_ROLLBACK, ERR_EQUIVOCATION
 */
export function admitAgain<Metadata extends { version: number }>(
  { gun, floors }: LoadContext,
  loader: RoleLoader<Metadata>,
  loaded: Trusted<Metadata>,
): Trusted<Metadata> {
  checkFloors(candidate(gun, loader, loaded), floors.get(loader.role))
  return loaded
}

/** The floor that the loaded metadata leaves. */
export function floorLeft<Metadata extends { version: number }>(
  gun: string,
  loader: RoleLoader<Metadata>,
  loaded: Trusted<Metadata>,
): VersionFloor {
  return floorOf(candidate(gun, loader, loaded))
}

/**
 * Parses a file and checks its signatures, and nothing else. Its cost is counted before the signatures are checked.
 *
 * @throws UntrustedError ERR_METADATA_MALFORMED, ERR_METADATA_TOO_LARGE, ERR_SIGNATURE_THRESHOLD
 */
export function checkSigned<Metadata>(
  { gun, budget }: Pick<LoadContext, 'gun' | 'budget'>,
  { role, keys, parse }: RoleLoader<Metadata>,
  file: Uint8Array,
): Trusted<Metadata> {
  budget.checkMayRead({ gun, role })
  const unverified = parse(file)
  budget.spendOn(gun, unverified, keys)
  return trust(unverified, keys, ({ evidence }) => insufficientSignatures({ gun, role }, evidence))
}

function candidate<Metadata extends { version: number }>(
  gun: string,
  { role, keys, content }: RoleLoader<Metadata>,
  loaded: Trusted<Metadata>,
): Candidate {
  const { metadata, signedBy, file } = loaded
  return { gun, role, version: metadata.version, content: content(loaded), keys, signedBy, file }
}

/** The timestamp's keys, parser and content. */
export function timestampLoader(gun: string, root: RootMetadata): RoleLoader<TimestampMetadata> {
  return {
    role: 'timestamp',
    keys: root.roles.timestamp,
    parse: (file) => parseTimestamp(file, { gun, role: 'timestamp' }),
    // A server under load may renew the expiry without a new version; the snapshot entry may not change.
    content: ({ metadata: { snapshot } }) => utf8(fileText(snapshot)),
  }
}

/** The snapshot's keys, parser and content. */
export function snapshotLoader(gun: string, root: RootMetadata): RoleLoader<SnapshotMetadata> {
  return {
    role: 'snapshot',
    keys: root.roles.snapshot,
    parse: (file) => parseSnapshot(file, { gun, role: 'snapshot' }),
    content: ({ signedBytes }) => signedBytes,
  }
}

/** `targets` or a delegation. */
export function targetsLoader(gun: string, role: string, keys: RoleKeys): RoleLoader<TargetsMetadata> {
  return { role, keys, parse: (file) => parseTargets(file, { gun, role }), content: ({ signedBytes }) => signedBytes }
}

/** The floor that a root leaves. */
export function rootFloor(gun: string, { metadata, signedBytes, keys, signedBy, file }: Trusted<RootMetadata>): VersionFloor {
  return floorOf({ gun, role: 'root', version: metadata.version, content: signedBytes, keys, signedBy, file })
}

function fileText({ length, hashes: { sha256, sha512 } }: FileMeta): string {
  return `${length} ${sha256 === undefined ? '' : hex(sha256)} ${sha512 === undefined ? '' : hex(sha512)}`
}
