/**
 * Public keys as Notary lists them: their IDs, and which of them can verify anything.
 *
 * A key that Notary would not use (unknown type, weak, unreadable) is *unusable*: it is listed but never counts. A key
 * in an encoding that two readers could take for two different keys is *ambiguous*: the document is refused.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { Point } from '@noble/ed25519'
import { base64, hex, sameBytes, utf8 } from '../bytes.js'
import { describeCause } from '../errors.js'
import { firstCertificateKey } from './certificate.js'
import { sha256Hex } from './hash.js'

/** 64 hexadecimal digits, lower case. Of a key as listed, which for an x509 key is that of its certificate, unless `canonical` is said. */
export type KeyId = string

/** A key as listed in root or among delegations; its ID has been checked. */
export interface PublicKey {
  readonly id: KeyId
  /** `ecdsa`, `ecdsa-x509`, `rsa`, `rsa-x509`, `ed25519`, or something unknown. */
  readonly type: string
  /** DER SubjectPublicKeyInfo, a PEM bundle (x509 types), or 32 raw bytes (ed25519). */
  readonly bytes: Uint8Array
}

/**
 * A key that can verify. `identity` is the same for the same key, however it is wrapped: of EC and RSA keys, hexadecimal
 * SubjectPublicKeyInfo.
 */
export type VerifyingKey =
  | { readonly kind: 'ecdsa'; readonly key: KeyObject; readonly fieldBytes: number; readonly identity: string }
  | { readonly kind: 'rsa'; readonly key: KeyObject; readonly identity: string }
  | { readonly kind: 'ed25519'; readonly bytes: Uint8Array; readonly identity: string }

/** Why a listed key cannot count. */
export interface UnusableKey {
  readonly kind: 'unusable'
  readonly reason: string
  /** True when two readers could take it for two different keys: then nothing in the document can be relied on. */
  readonly ambiguous: boolean
}

/** How the types of keys in certificates end. */
const X509 = '-x509'

/** RSA moduli, in bits: below the first a signature proves little, above the second one check costs too much (denial of service). */
const RSA_BITS = { min: 2048, max: 8192 } as const

/** RSA exponents are below this, as in Go's crypto/rsa: the cost of a check grows with their length (denial of service). */
const RSA_EXPONENT_END = 2n ** 31n

/** Bytes of a SubjectPublicKeyInfo that are looked at: RSA of 8,192 bits takes 1,060. More is never a key that counts, and may take OpenSSL a minute to read. */
const MAX_SPKI_BYTES = 1100

/** The one encoding of an EC key: SubjectPublicKeyInfo of a named curve up to the mark of an uncompressed point; x and y follow, and their length is part of the prefix. */
const CURVES = [
  { name: 'secp224r1', fieldBytes: 28, prefix: '304e301006072a8648ce3d020106052b81040021033a0004' },
  { name: 'prime256v1', fieldBytes: 32, prefix: '3059301306072a8648ce3d020106082a8648ce3d03010703420004' },
  { name: 'secp384r1', fieldBytes: 48, prefix: '3076301006072a8648ce3d020106052b8104002203620004' },
  { name: 'secp521r1', fieldBytes: 66, prefix: '30819b301006072a8648ce3d020106052b810400230381860004' },
] as const

/**
 * The eight Ed25519 points whose order divides 8: under such a key, signatures can be made up for any message. A table,
 * because to compute the order costs twice as much as to decode the point, for every key a document lists.
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
 * SHA-256 over the canonical form of the key with an empty private part.
 * Source: notary 0.7.0 tuf/data/keys.go; `keytype` exactly as listed.
 */
export function keyId(type: string, bytes: Uint8Array): KeyId {
  const escaped = type.replace(/["\\]/g, '\\$&')
  return sha256Hex(utf8(`{"keytype":"${escaped}","keyval":{"private":null,"public":"${base64(bytes)}"}}`))
}

/**
 * The ID of the bare public key inside an x509 key, which stays the same when its certificate is renewed, or the ID of the key
 * itself. A key that was imported already is not read again. Undefined for an x509 key that is unusable.
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

/** Node reads BER, trailing bytes, compressed points and explicit curves; none of them is the one encoding of a key. */
function importEcdsa(key: KeyObject | string, der?: Uint8Array): VerifyingKey | UnusableKey {
  if (typeof key === 'string') return unusable(key)
  if (key.asymmetricKeyType !== 'ec') return unusable(`not an EC key but ${key.asymmetricKeyType}`)
  const encoded = spki(key)
  // The point at infinity, for one. Asked for the curve of that, Node 20 would abort the process.
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
  // 'rsa-pss' keys restrict themselves; Go cannot read them, Notary never writes them.
  if (key.asymmetricKeyType !== 'rsa') return unusable(`not an RSA key but ${key.asymmetricKeyType}`)
  const encoded = spki(key)
  if (encoded === undefined) return unusable('not a key that can be written down')
  if (der !== undefined && !sameBytes(encoded, der)) return ambiguous('its DER does not encode to itself')
  const fault = rsaFault(key, encoded)
  return fault === undefined ? { kind: 'rsa', key, identity: hex(encoded) } : unusable(fault)
}

/** Why an RSA key is none to rely on; asked before any signature by it is checked. */
function rsaFault(key: KeyObject, encoded: Uint8Array): string | undefined {
  // The numbers of a longer one are not even read: Node would write them as decimal texts.
  if (encoded.length > MAX_SPKI_BYTES) return `RSA key of ${encoded.length} bytes`
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  if (!(modulusLength >= RSA_BITS.min && modulusLength <= RSA_BITS.max)) return `RSA key of ${modulusLength} bits`
  const isGood = publicExponent >= 3n && publicExponent < RSA_EXPONENT_END && publicExponent % 2n === 1n
  return isGood ? undefined : `RSA exponent ${publicExponent}`
}

/**
 * True for a key of a CA that may issue certificates here: the rules for RSA keys are those above. Of EC keys nothing is
 * asked: see `importEcdsa`.
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

/** Why these bytes are no Ed25519 key to rely on; undefined when they are one. */
export function ed25519Fault(bytes: Uint8Array): string | undefined {
  if (bytes.length !== 32) return `an Ed25519 key has 32 bytes, this one ${bytes.length}`
  if (SMALL_ORDER.includes(hex(bytes))) return 'Ed25519 key of small order'
  try {
    Point.fromBytes(bytes) // refuses coordinates beyond the field too: one point, one encoding
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
