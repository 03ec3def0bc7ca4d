/** Keys with real signatures in Notary's wire forms, from a seed where the algorithm allows it. */
import {
  constants,
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto'
import { utf8 } from '../../src/bytes.js'
import { keyId, type PublicKey } from '../../src/crypto/keys.js'
import type { KeyPair } from '../../src/testing/index.js'

type Method = 'ecdsa' | 'eddsa' | 'rsapss' | 'rsapkcs1v15'

/** A listed key, and a function that signs with it. */
export interface Signer {
  readonly key: PublicKey
  readonly method: Method
  readonly sign: (message: Uint8Array) => Uint8Array
}

const CURVES = { 'P-256': 'prime256v1', 'P-384': 'secp384r1', 'P-521': 'secp521r1' } as const
const FIELD_BYTES = { 'P-256': 32, 'P-384': 48, 'P-521': 66 } as const

/** The pair of a seed: the same on every run. */
export function ecPair(seed: string, curve: keyof typeof CURVES = 'P-256'): KeyPair {
  const size = FIELD_BYTES[curve]
  const scalar = Buffer.alloc(size)
  createHash('sha256')
    .update(seed)
    .digest()
    .copy(scalar, size - 32)
  const ecdh = createECDH(CURVES[curve])
  ecdh.setPrivateKey(scalar)
  const point = ecdh.getPublicKey()
  const text = (bytes: Buffer) => bytes.toString('base64url')
  const jwk = {
    kty: 'EC',
    crv: curve,
    x: text(point.subarray(1, 1 + size)),
    y: text(point.subarray(1 + size)),
    d: text(scalar),
  }
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' })
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

export function ed25519Pair(seed: string): KeyPair {
  const secret = createHash('sha256').update(seed).digest()
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), secret])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

export function rsaPair(modulusLength = 2048): KeyPair {
  return generateKeyPairSync('rsa', { modulusLength })
}

/** DER SubjectPublicKeyInfo. */
export function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: 'spki', format: 'der' }))
}

/** A key as listed, under its own ID. */
export function listed(type: string, bytes: Uint8Array): PublicKey {
  return { id: keyId(type, bytes), type, bytes }
}

export function ed25519Signer(seed: string): Signer {
  const { privateKey, publicKey } = ed25519Pair(seed)
  const key = listed('ed25519', spkiOf(publicKey).subarray(-32))
  return { key, method: 'eddsa', sign: (message) => sign(null, message, privateKey) }
}

export function ecdsaSigner(pair: KeyPair, type = 'ecdsa', bytes: Uint8Array = spkiOf(pair.publicKey)): Signer {
  return {
    key: listed(type, bytes),
    method: 'ecdsa',
    sign: (message) => sign('sha256', message, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' }),
  }
}

export function rsaSigner(pair: KeyPair, method: 'rsapss' | 'rsapkcs1v15', type = 'rsa', bytes = spkiOf(pair.publicKey)): Signer {
  return { key: listed(type, bytes), method, sign: (message) => signRsa(pair.privateKey, method, message) }
}

/** The same for a PEM bundle. */
export function x509Signer(pair: KeyPair, pem: string): Signer {
  return pair.privateKey.asymmetricKeyType === 'rsa'
    ? rsaSigner(pair, 'rsapss', 'rsa-x509', utf8(pem))
    : ecdsaSigner(pair, 'ecdsa-x509', utf8(pem))
}

export function signRsa(key: KeyObject, method: 'rsapss' | 'rsapkcs1v15', message: Uint8Array, saltLength = 32): Uint8Array {
  return method === 'rsapss'
    ? sign('sha256', message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength })
    : sign('sha256', message, { key, padding: constants.RSA_PKCS1_PADDING })
}
