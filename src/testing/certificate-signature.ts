/** Signs certificates with the algorithm of the issuer's key. */
import { type KeyObject, sign } from 'node:crypto'
import { AlgorithmIdentifier } from '@peculiar/asn1-x509'
import { type SignedHash, signEcdsa } from './repeatable-signatures.js'

const RSA_SIGNATURES = {
  md5: '1.2.840.113549.1.1.4',
  sha1: '1.2.840.113549.1.1.5',
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
} as const

const ECDSA_SIGNATURES = {
  sha1: '1.2.840.10045.4.1',
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
} as const

/** The signature algorithm for the certificate, and the hash for `signatureOf`; null for Ed25519. */
export function signatureAlgorithm(
  key: KeyObject,
  hash: keyof typeof RSA_SIGNATURES,
): { readonly identifier: AlgorithmIdentifier; readonly hash: SignedHash | null } {
  if (key.asymmetricKeyType === 'ed25519')
    return { identifier: new AlgorithmIdentifier({ algorithm: '1.3.101.112' }), hash: null }
  // RSA signatures carry NULL for parameters, ECDSA none (RFC 3279 section 2.2).
  if (key.asymmetricKeyType === 'rsa') {
    return { identifier: new AlgorithmIdentifier({ algorithm: RSA_SIGNATURES[hash], parameters: null }), hash }
  }
  if (hash === 'md5') throw new TypeError('there is no ECDSA signature with MD5 in X.509')
  return { identifier: new AlgorithmIdentifier({ algorithm: ECDSA_SIGNATURES[hash] }), hash }
}

/** Signs a message. Equal input gives an equal signature, so that seeded keys give the same certificate. */
export function signatureOf(key: KeyObject, hash: SignedHash | null, message: Uint8Array): Uint8Array {
  return key.asymmetricKeyType === 'ec' && hash !== null ? signEcdsa(key, hash, message, 'der') : sign(hash, message, key)
}
