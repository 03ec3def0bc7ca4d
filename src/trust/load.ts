/** What every load into the trusted set has in common; the order of the checks is that of trusted-metadata-set.ts. */
import { hex } from '../bytes.js'
import { checkHashes } from '../crypto/hash.js'
import type { FileMeta, RoleKeys, Unverified } from '../metadata/model.js'
import { expired, hashMismatch, insufficientSignatures, tooLarge } from './refusals.js'
import { type Trusted, trust } from './trusted.js'
import { type Candidate, checkFloors, floorOf, type VersionFloor, type VersionFloors } from './version-floors.js'

/** What every load is judged with. */
export interface LoadContext {
  readonly gun: string
  /** Milliseconds since 1970; one value for the whole run. */
  readonly now: number
  /** What was accepted before, in earlier runs or by whoever wrote the cache. */
  readonly floors: VersionFloors
}

/** How one role is read. */
export interface RoleLoader<Metadata> {
  readonly role: string
  readonly keys: RoleKeys
  readonly parse: (file: Uint8Array) => Unverified<Metadata>
  /** The bytes that may not change without a new version. */
  readonly content: (loaded: Trusted<Metadata>) => Uint8Array
}

/** Whether it is the file that the role above described. @throws UntrustedError ERR_METADATA_TOO_LARGE, ERR_HASH_MISMATCH */
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
 * @throws UntrustedError ERR_METADATA_MALFORMED, ERR_SIGNATURE_THRESHOLD, ERR_VERSION_ROLLBACK, ERR_EQUIVOCATION
 * @throws StaleError ERR_METADATA_EXPIRED
 */
export function admit<Metadata extends { version: number; expires: number }>(
  { gun, now, floors }: LoadContext,
  loader: RoleLoader<Metadata>,
  file: Uint8Array,
): Trusted<Metadata> {
  const { role } = loader
  const loaded = checkSigned(gun, loader, file)
  checkFloors(candidate(gun, loader, loaded), floors.get(role))
  if (!(now < loaded.metadata.expires)) throw expired({ gun, role }, loaded.metadata.expires)
  return loaded
}

/**
 * Holds what was loaded against floors that came to be known since: it was admitted under others.
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

/** Signatures alone. @throws UntrustedError ERR_METADATA_MALFORMED, ERR_SIGNATURE_THRESHOLD */
export function checkSigned<Metadata>(
  gun: string,
  { role, keys, parse }: RoleLoader<Metadata>,
  file: Uint8Array,
): Trusted<Metadata> {
  return trust(parse(file), keys, ({ evidence }) => insufficientSignatures({ gun, role }, evidence))
}

function candidate<Metadata extends { version: number }>(
  gun: string,
  { role, keys, content }: RoleLoader<Metadata>,
  loaded: Trusted<Metadata>,
): Candidate {
  const { metadata, signedBy, file } = loaded
  return { gun, role, version: metadata.version, content: content(loaded), keys, signedBy, file }
}
