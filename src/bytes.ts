/** Encodes and decodes bytes as text. Decoders are strict: invalid text gives undefined. */
import { bytesToHex } from '@noble/hashes/utils.js'

const encoder = new TextEncoder()
// ignoreBOM keeps a byte-order mark in the text, and the JSON scanner then refuses it.
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 of a text; a lone surrogate becomes U+FFFD. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** Decodes UTF-8; undefined when the bytes are not UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes)
  } catch (cause) {
    if (cause instanceof TypeError) return undefined
    throw cause
  }
}

/** Lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  return bytesToHex(bytes)
}

/** Standard base64 with padding. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/**
 * Decodes standard padded base64, with line breaks (Go's encoding/base64 skips CR and LF); undefined for anything else.
 * Node's own decoder would skip every invalid character.
 */
export function fromBase64(text: string): Uint8Array | undefined {
  return isBase64(text) ? new Uint8Array(Buffer.from(text, 'base64')) : undefined
}

/** True when `fromBase64` can decode the text. */
export function isBase64(text: string): boolean {
  const joined = text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]/g, '') : text
  return joined.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(joined)
}

/** True when both hold the same bytes. Public data only: not constant time. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0
}

/** The same for values that may be missing: true also when both are. */
export function sameIfThere(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameBytes(a, b)
}
