/**
 * A record of what the certificates of a root said when they were read. It is kept beside the version floors, so that the same
 * certificates need not be read again. It is trusted like the cached root: who can write one can write the other.
 */
import { sha256Hex } from '../crypto/hash.js'
import type { KeyId } from '../crypto/keys.js'
import { isJsonObject, type JsonValue } from '../metadata/json-value.js'
import type { Anchor, AnchorPolicy, RootCertificates, Validity } from './anchor.js'
import { pinFor } from './pinning.js'
import type { RootChain } from './root-chain.js'

/** A root certificate may begin up to a day in the future: clocks differ. Milliseconds. */
export const NOT_BEFORE_LEEWAY: number = 24 * 60 * 60 * 1000

/** Raise it whenever a rule for root certificates becomes stricter: certificates recorded under another number are read again. */
const RULES = 1

/** The record. */
export interface CertificateRecord {
  /** Hexadecimal SHA-256 of the root file. */
  readonly root: string
  readonly bound: ReadonlyMap<KeyId, Validity>
}

/** The record that a judged root leaves. */
export function recordOf({ chain, certificates }: Anchor): CertificateRecord {
  return { root: sha256Hex(chain.root.file), bound: certificates.bound }
}

/** What is on record for a root, or undefined when its certificates have to be read: always for a pinned CA. `now` in ms. */
export function onRecord(
  { gun, root }: RootChain,
  record: CertificateRecord | undefined,
  { pinning, now }: Pick<AnchorPolicy, 'pinning' | 'now'>,
): RootCertificates | undefined {
  if (record === undefined || record.root !== sha256Hex(root.file) || pinFor(gun, pinning).kind === 'ca') return undefined
  if (![...record.bound.keys()].every((id) => root.signedBy.includes(id))) return undefined
  // A certificate that is not valid yet is read again, so that the error can say why.
  if (![...record.bound.values()].every(({ notBefore }) => now >= notBefore - NOT_BEFORE_LEEWAY)) return undefined
  return { bound: record.bound, problems: [], pathProblem: () => 'its certificates are only on record' }
}

/** For JSON. */
export function encodeRecord({ root, bound }: CertificateRecord): object {
  return { rules: RULES, root, keys: [...bound.keys()].sort().map((key) => ({ key, ...bound.get(key) })) }
}

/** Undefined for a value that is not a record under today's rules. */
export function decodeRecord(value: JsonValue | undefined): CertificateRecord | undefined {
  if (value === undefined || !isJsonObject(value) || value['rules'] !== RULES) return undefined
  const { root, keys } = value
  if (typeof root !== 'string' || !Array.isArray(keys)) return undefined
  const bound = new Map<KeyId, Validity>()
  for (const entry of keys) {
    if (!isJsonObject(entry)) return undefined
    const { key, notBefore, notAfter } = entry
    if (typeof key !== 'string' || !isTime(notBefore) || !isTime(notAfter)) return undefined
    bound.set(key, { notBefore, notAfter })
  }
  return { root, bound }
}

/** True for a time that a Date can hold: other times cannot be in a certificate, nor be printed. */
function isTime(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && !Number.isNaN(new Date(value).getTime())
}
