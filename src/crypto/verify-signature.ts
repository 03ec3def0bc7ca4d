/** The only caller of a signature primitive. Source: notary 0.7.0 tuf/signed/verifiers.go. */
import { constants, createPublicKey, type KeyObject, verify as opensslVerify } from 'node:crypto'
import { ed25519Fault, type VerifyingKey } from './keys.js'

/** Longer methods are none of ours, and are not looked through: one may be megabytes long (denial of service). */
const MAX_METHOD_CHARACTERS = 32

/**
 * True when `signature` is a signature of `message` by `key` under the listed `method`. Never throws: whatever is
 * wrong with a signature only keeps it from counting.
 *
 * The key's own kind decides the algorithm (a method that does not fit it never verifies: CVE-2015-9258); among RSA
 * keys the method picks the padding.
 */
export function verifySignature(key: VerifyingKey, method: string, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    if (method.length > MAX_METHOD_CHARACTERS) return false
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
 * OpenSSL compares R itself, as Go does, and refuses an s beyond the order; it does not look at the key, so noble does, which
 * knows the one encoding of a point. What passes both passes noble's own verification as RFC 8032 has it (zip215: false) too,
 * which costs as much as all the rest of a short run: a test holds them to that.
 */
function verifyEd25519({ bytes }: VerifyingKey & { kind: 'ed25519' }, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || ed25519Fault(bytes) !== undefined) return false
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
