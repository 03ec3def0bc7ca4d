/** SHA-2 over metadata bytes, and the check of a file against the hashes that another role signed. */
import { createHash } from 'node:crypto'
import { hex, sameBytes } from '../bytes.js'

/** The hashes of a file that Notary knows; at least one is there. */
export interface Hashes {
  /** 32 bytes. */
  readonly sha256?: Uint8Array
  /** 64 bytes. */
  readonly sha512?: Uint8Array
}

/** Length in bytes of the hashes that are understood. */
export const HASH_BYTES: Readonly<Record<'sha256' | 'sha512', number>> = { sha256: 32, sha512: 64 }

/** Files of this size and more are hashed once, however often they are asked about; in bytes. */
const REMEMBERED_BYTES = 16 * 1024

/** A file never changes once it was read; and what a hash let in is still judged by its signatures. */
const remembered = new WeakMap<Uint8Array, Uint8Array>()

/** SHA-256 of the bytes. OpenSSL's: the pure JavaScript one costs ten times as much on a large targets file. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const known = remembered.get(bytes)
  if (known !== undefined) return known
  const digest = new Uint8Array(createHash('sha256').update(bytes).digest())
  if (bytes.length >= REMEMBERED_BYTES) remembered.set(bytes, digest)
  return digest
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
 * The first known hash that the bytes do not have, or undefined when all match.
 * Source: notary 0.7.0 tuf/data/types.go CheckHashes (all known hashes count, not just one).
 */
export function checkHashes(bytes: Uint8Array, expected: Hashes): 'sha256' | 'sha512' | undefined {
  if (expected.sha256 !== undefined && !sameBytes(sha256(bytes), expected.sha256)) return 'sha256'
  if (expected.sha512 !== undefined && !sameBytes(sha512(bytes), expected.sha512)) return 'sha512'
  return undefined
}
