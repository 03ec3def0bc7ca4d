/** The only caller of a signature primitive. Source: notary 0.7.0 tuf/signed/verifiers.go. */
import { constants, createPublicKey, type KeyObject, verify as opensslVerify } from 'node:crypto'
import { ed25519Fault, type VerifyingKey } from './keys.js'

/** Longer methods are unknown and are not examined: one may be megabytes long (denial of service). */
const MAX_METHOD_CHARACTERS = 32

/**
 * True when `signature` is a signature of `message` by `key` with the listed `method`. Never throws: an invalid signature
 * only does not count.
 *
 * The kind of the key decides the algorithm; a method of another algorithm never verifies (CVE-2015-9258). For RSA keys the
 * method chooses the padding.
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
  // A salt of exactly 32 bytes: without saltLength, Node accepts any.
  return opensslVerify('sha256', message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, signature)
}

/**
 * OpenSSL compares the encoding of R, as Go does, and refuses an s beyond the order. It does not check the encoding of the key,
 * so noble does (`ed25519Fault`). A signature that passes both also passes noble's verification by RFC 8032 (zip215: false),
 * which a test checks; that verification itself would take as long as the rest of a short run.
 */
function verifyEd25519({ bytes }: VerifyingKey & { kind: 'ed25519' }, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64 || ed25519Fault(bytes) !== undefined) return false
  // The key is made here because most listed keys never sign.
  const x = Buffer.from(bytes).toString('base64url')
  return opensslVerify(null, message, createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }), signature)
}

/** The signature is raw r || s, each padded to the length of the field; the hash is SHA-256 for every curve. */
function verifyEcdsa(key: VerifyingKey & { kind: 'ecdsa' }, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 2 * key.fieldBytes) return false
  return opensslVerify('sha256', message, { key: key.key, dsaEncoding: 'ieee-p1363' }, signature)
}

/** Lower case of ASCII letters only: a Kelvin sign is not a k. */
function asciiLowerCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
}
