/** The only caller of a signature primitive. Source: notary 0.7.0 tuf/signed/verifiers.go. */
import { constants, createPublicKey, type KeyObject, verify as opensslVerify } from 'node:crypto'
import { hashes as edHashes, verify as edVerify } from '@noble/ed25519'
import { sha512 } from './hash.js'
import type { VerifyingKey } from './keys.js'

// noble's synchronous verify needs a SHA-512 from outside: OpenSSL's, ten times as fast on a large file as noble's own.
edHashes.sha512 = sha512

/**
 * True when `signature` is a signature of `message` by `key` under the listed `method`. Never throws: whatever is
 * wrong with a signature only keeps it from counting.
 *
 * The key's own kind decides the algorithm (a method that does not fit it never verifies: CVE-2015-9258); among RSA
 * keys the method picks the padding.
 */
export function verifySignature(key: VerifyingKey, method: string, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    const wanted = asciiLowerCase(method)
    switch (key.kind) {
      case 'ecdsa':
        return wanted === 'ecdsa' && verifyEcdsa(key, message, signature)
      case 'rsa':
        return verifyRsa(key.key, wanted, message, signature)
      case 'ed25519':
        return wanted === 'eddsa' && verifyEd25519(key, message, signature)
    }
  } catch {
    return false
  }
}

function verifyRsa(key: KeyObject, method: string, message: Uint8Array, signature: Uint8Array): boolean {
  if (method === 'rsapkcs1v15') return opensslVerify('sha256', message, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
  if (method !== 'rsapss') return false
  // Salt exactly 32 bytes: Node alone would take any.
  return opensslVerify('sha256', message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, signature)
}

/**
 * Both must agree: noble refuses what RFC 8032 refuses (zip215: false), OpenSSL compares R itself, as Go does, where
 * noble forgives a part of small order.
 */
function verifyEd25519({ bytes }: VerifyingKey & { kind: 'ed25519' }, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false
  if (!edVerify(signature, message, bytes, { zip215: false })) return false
  // Made here, not for every listed key: most never sign.
  const x = Buffer.from(bytes).toString('base64url')
  return opensslVerify(null, message, createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }), signature)
}

/** Raw r || s, each padded to the field; SHA-256 for every curve. */
function verifyEcdsa(key: VerifyingKey & { kind: 'ecdsa' }, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 2 * key.fieldBytes) return false
  return opensslVerify('sha256', message, { key: key.key, dsaEncoding: 'ieee-p1363' }, signature)
}

/** ASCII only: a Kelvin sign is not a k. */
function asciiLowerCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}
