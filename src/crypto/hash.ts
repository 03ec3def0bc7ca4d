/** SHA-2 of metadata files, and the check of a file against the hashes that another role signed. */
import { createHash } from 'node:crypto'
import { hex, sameBytes } from '../bytes.js'

/** The hashes of a file that Notary supports; at least one is present. */
export interface Hashes {
  /** 32 bytes. */
  readonly sha256?: Uint8Array
  /** 64 bytes. */
  readonly sha512?: Uint8Array
}

/** Length in bytes of the supported hashes. */
export const HASH_BYTES: Readonly<Record<'sha256' | 'sha512', number>> = { sha256: 32, sha512: 64 }

/** Bytes. The hash of a file of this size or more is remembered. */
const REMEMBERED_BYTES = 16 * 1024

/** Hashes of large files. The bytes of a file never change after it was read, and its signatures are verified in any case. */
const remembered = new WeakMap<Uint8Array, Uint8Array>()

/** SHA-256 of the bytes, by OpenSSL: in pure JavaScript it takes ten times as long for a large targets file. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const known = remembered.get(bytes)
  if (known !== undefined) return known
  const digest = new Uint8Array(createHash('sha256').update(bytes).digest())
  if (bytes.length >= REMEMBERED_BYTES) remembered.set(bytes, digest)
  return digest
}

/** SHA-256 of bytes that come in pieces. */
export interface RunningHash {
  update(bytes: Uint8Array): void
  /** Lower-case hexadecimal. Called once. */
  hex(): string
}

/** Begins a SHA-256. */
export function startSha256(): RunningHash {
  const hash = createHash('sha256')
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest('hex') }
}

/** SHA-512 of the bytes. */
export function sha512(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha512').update(bytes).digest())
}

/** Lower-case hexadecimal SHA-256 of the bytes. */
export function sha256Hex(bytes: Uint8Array): string {
  return hex(sha256(bytes))
}

/**
 * The first hash that does not match the bytes; undefined when all match.
 * Source: notary 0.7.0 tuf/data/types.go CheckHashes (checks all known hashes, not only one).
 */
export function checkHashes(bytes: Uint8Array, expected: Hashes): 'sha256' | 'sha512' | undefined {
  if (expected.sha256 !== undefined && !sameBytes(sha256(bytes), expected.sha256)) return 'sha256'
  if (expected.sha512 !== undefined && !sameBytes(sha512(bytes), expected.sha512)) return 'sha512'
  return undefined
}
