/**
 * Public keys as Notary lists them: their IDs, and whether they can verify signatures.
 *
 * A key that Notary would not use (unknown type, weak, unreadable) is *unusable*: its signatures never count. A key in an
 * encoding that two parsers could read as two different keys is *ambiguous*: the document is refused.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { Point } from '@noble/ed25519'
import { base64, hex, sameBytes, utf8 } from '../bytes.js'
import { describeCause } from '../errors.js'
import { firstCertificateKey } from './certificate.js'
import { sha256Hex } from './hash.js'

/** 64 lower-case hexadecimal digits. The ID of the key as listed (for an x509 key, of its certificate), except where it is called canonical. */
export type KeyId = string

/** A key as listed in root or in the delegations of targets. Its ID has been checked. */
export interface PublicKey {
  readonly id: KeyId
  /** `ecdsa`, `ecdsa-x509`, `rsa`, `rsa-x509`, `ed25519`, or an unknown type. */
  readonly type: string
  /** DER SubjectPublicKeyInfo, a PEM bundle (x509 types), or 32 raw bytes (ed25519). */
  readonly bytes: Uint8Array
}

/**
 * A key that can verify. `identity` identifies the bare key, also when several certificates hold it: for EC and RSA keys, the
 * hexadecimal SubjectPublicKeyInfo.
 */
export type VerifyingKey =
  | { readonly kind: 'ecdsa'; readonly key: KeyObject; readonly fieldBytes: number; readonly identity: string }
  | { readonly kind: 'rsa'; readonly key: KeyObject; readonly identity: string }
  | { readonly kind: 'ed25519'; readonly bytes: Uint8Array; readonly identity: string }

/** Why signatures of a listed key never count. */
export interface UnusableKey {
  readonly kind: 'unusable'
  readonly reason: string
  /** True when two parsers could read it as two different keys. Then the document is refused. */
  readonly ambiguous: boolean
}

/** The end of the types of keys in certificates. */
const X509 = '-x509'

/** RSA moduli, in bits: shorter ones are weak, longer ones make a check too expensive (denial of service). */
const RSA_BITS = { min: 2048, max: 8192 } as const

/** RSA exponents must be smaller, as in Go's crypto/rsa: the cost of a check grows with their length (denial of service). */
const RSA_EXPONENT_END = 2n ** 31n

/** Bytes of a SubjectPublicKeyInfo: RSA of 8,192 bits has 1,060. A longer key is unusable, and OpenSSL may need a minute to parse it. */
const MAX_SPKI_BYTES = 1100

/**
 * The only encoding of an EC key that is accepted: SubjectPublicKeyInfo of a named curve with an uncompressed point. The prefix
 * ends before x and y, and holds their length.
 */
const CURVES = [
  { name: 'secp224r1', fieldBytes: 28, prefix: '304e301006072a8648ce3d020106052b81040021033a0004' },
  { name: 'prime256v1', fieldBytes: 32, prefix: '3059301306072a8648ce3d020106082a8648ce3d03010703420004' },
  { name: 'secp384r1', fieldBytes: 48, prefix: '3076301006072a8648ce3d020106052b8104002203620004' },
  { name: 'secp521r1', fieldBytes: 66, prefix: '30819b301006072a8648ce3d020106052b810400230381860004' },
] as const

/**
 * The eight Ed25519 points whose order divides 8: for such a key, anybody can forge signatures. They are in a table because
 * computing the order takes twice as long as decoding the point, for every listed key.
 */
const SMALL_ORDER = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
]

/**
 * SHA-256 of the canonical form of the key with an empty private part.
 * Source: notary 0.7.0 tuf/data/keys.go; `keytype` exactly as listed.
 */
export function keyId(type: string, bytes: Uint8Array): KeyId {
  const escaped = type.replace(/["\\]/g, '\\$&')
  return sha256Hex(utf8(`{"keytype":"${escaped}","keyval":{"private":null,"public":"${base64(bytes)}"}}`))
}

/**
 * The ID of the bare public key in an x509 key, which does not change when its certificate is renewed; for other keys, their
 * ID. Undefined for an x509 key that is unusable. Does not import a key again that has `verifying`.
 * Source: notary 0.7.0 tuf/utils/x509.go CanonicalKeyID.
 */
export function canonicalKeyId(key: PublicKey & { readonly verifying?: VerifyingKey | UnusableKey }): KeyId | undefined {
  if (!key.type.endsWith(X509)) return key.id
  const verifying = key.verifying ?? importKey(key)
  if (verifying.kind !== 'ecdsa' && verifying.kind !== 'rsa') return undefined
  return keyId(verifying.kind, Buffer.from(verifying.identity, 'hex'))
}

/** The key ready to verify, or why it cannot. */
export function importKey(key: PublicKey): VerifyingKey | UnusableKey {
  switch (key.type) {
    case 'ed25519':
      return importEd25519(key.bytes)
    case 'ecdsa':
      return importEcdsa(fromSpki(key.bytes), key.bytes)
    case 'rsa':
      return importRsa(fromSpki(key.bytes), key.bytes)
    case 'ecdsa-x509':
      return importEcdsa(firstCertificateKey(key.bytes))
    case 'rsa-x509':
      return importRsa(firstCertificateKey(key.bytes))
    default:
      return unusable(`unknown key type ${key.type}`)
  }
}

/** Node also parses BER, trailing bytes, compressed points and explicit curves. These encodings are refused. */
function importEcdsa(key: KeyObject | string, der?: Uint8Array): VerifyingKey | UnusableKey {
  if (typeof key === 'string') return unusable(key)
  if (key.asymmetricKeyType !== 'ec') return unusable(`not an EC key but ${key.asymmetricKeyType}`)
  const encoded = spki(key)
  // For example the point at infinity. Reading its curve would abort the process in Node 20.
  if (encoded === undefined) return unusable('not a key that can be written down')
  const text = hex(encoded)
  const curve = CURVES.find(({ prefix }) => text.startsWith(prefix))
  const asListed = der === undefined || sameBytes(encoded, der)
  if (curve !== undefined && asListed) return { kind: 'ecdsa', key, fieldBytes: curve.fieldBytes, identity: text }
  const name = key.asymmetricKeyDetails?.namedCurve
  const isOurs = name === undefined || CURVES.some((one) => one.name === name)
  return isOurs || !asListed ? ambiguous('it is not in the one encoding of an EC key') : unusable(`curve ${name}`)
}

function importRsa(key: KeyObject | string, der?: Uint8Array): VerifyingKey | UnusableKey {
  if (typeof key === 'string') return unusable(key)
  // Not 'rsa-pss' keys: Go cannot parse them, and Notary never writes them.
  if (key.asymmetricKeyType !== 'rsa') return unusable(`not an RSA key but ${key.asymmetricKeyType}`)
  const encoded = spki(key)
  if (encoded === undefined) return unusable('not a key that can be written down')
  if (der !== undefined && !sameBytes(encoded, der)) return ambiguous('its DER does not encode to itself')
  const fault = rsaFault(key, encoded)
  return fault === undefined ? { kind: 'rsa', key, identity: hex(encoded) } : unusable(fault)
}

/** Why an RSA key is not secure or too expensive; undefined when it can be used. Called before any signature is checked. */
function rsaFault(key: KeyObject, encoded: Uint8Array): string | undefined {
  // Before reading the numbers of the key, which Node converts to decimal texts.
  if (encoded.length > MAX_SPKI_BYTES) return `RSA key of ${encoded.length} bytes`
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  if (!(modulusLength >= RSA_BITS.min && modulusLength <= RSA_BITS.max)) return `RSA key of ${modulusLength} bits`
  const isGood = publicExponent >= 3n && publicExponent < RSA_EXPONENT_END && publicExponent % 2n === 1n
  return isGood ? undefined : `RSA exponent ${publicExponent}`
}

/**
 * True for a CA key whose signatures on certificates are accepted. RSA keys must pass `rsaFault`; EC keys of any curve are
 * accepted.
 */
export function mayIssue(key: KeyObject): boolean {
  const encoded = spki(key)
  if (encoded === undefined || encoded.length > MAX_SPKI_BYTES) return false
  return !key.asymmetricKeyType?.startsWith('rsa') || rsaFault(key, encoded) === undefined
}

function importEd25519(bytes: Uint8Array): VerifyingKey | UnusableKey {
  const fault = ed25519Fault(bytes)
  return fault === undefined ? { kind: 'ed25519', bytes, identity: `ed25519:${hex(bytes)}` } : unusable(fault)
}

/** Why these bytes are not a secure Ed25519 key; undefined when they are one. */
export function ed25519Fault(bytes: Uint8Array): string | undefined {
  if (bytes.length !== 32) return `an Ed25519 key has 32 bytes, this one ${bytes.length}`
  if (SMALL_ORDER.includes(hex(bytes))) return 'Ed25519 key of small order'
  try {
    Point.fromBytes(bytes) // also refuses coordinates outside the field, so that each point has one encoding
    return undefined
  } catch {
    return 'not a point of Ed25519'
  }
}

function fromSpki(der: Uint8Array): KeyObject | string {
  if (der.length > MAX_SPKI_BYTES) return `a key of ${der.length} bytes`
  try {
    return createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' })
  } catch (cause) {
    return `not a DER SubjectPublicKeyInfo (${describeCause(cause)})`
  }
}

function spki(key: KeyObject): Uint8Array | undefined {
  try {
    return new Uint8Array(key.export({ format: 'der', type: 'spki' }))
  } catch {
    return undefined
  }
}

function unusable(reason: string): UnusableKey {
  return { kind: 'unusable', reason, ambiguous: false }
}

function ambiguous(reason: string): UnusableKey {
  return { kind: 'unusable', reason, ambiguous: true }
}
