/**
 * Signatures that are the same each time: the same key and message give the same bytes, so that a seed gives the same
 * collection to the last bit. OpenSSL draws a number for each ECDSA and RSA-PSS signature; here it comes from key and
 * message (RFC 6979; for PSS a salt that is a hash). Curve arithmetic and RSA stay OpenSSL's.
 *
 * For keys made in tests only: nothing here takes the same time for every key.
 */
import { constants, createECDH, createHash, createHmac, type KeyObject, privateEncrypt, sign } from 'node:crypto'
import { integer, sequence } from './der-writer.js'
import { bitLength, bytesOf, inverse, numberOf } from './numbers.js'

/** Hashes that are signed. */
export type SignedHash = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512'

/** The orders of the curves, by OpenSSL's names (SEC 2). */
const ORDERS: ReadonlyMap<string, bigint> = new Map([
  ['secp224r1', 0xffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3dn],
  ['prime256v1', 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n],
  ['secp384r1', 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n],
  [
    'secp521r1',
    0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  ],
])

/** ECDSA. Curves other than Notary's four are signed by OpenSSL, differently each time. */
export function signEcdsa(key: KeyObject, hash: SignedHash, message: Uint8Array, dsaEncoding: 'der' | 'ieee-p1363'): Uint8Array {
  const curve = key.asymmetricKeyDetails?.namedCurve ?? ''
  const order = ORDERS.get(curve)
  if (order === undefined) return sign(hash, message, { key, dsaEncoding })
  const secret = numberOf(privateNumber(key))
  const digest = createHash(hash).update(message).digest()
  const size = Math.ceil(bitLength(order) / 8)
  const nonce = nonceOf(hash, order, secret, digest)
  const exchange = createECDH(curve)
  exchange.setPrivateKey(bytesOf(nonce, size))
  const point = exchange.getPublicKey()
  const r = numberOf(point.subarray(1, (point.length + 1) / 2)) % order
  const s = (inverse(nonce, order) * (truncated(digest, order) + r * secret)) % order
  return dsaEncoding === 'der' ? sequence(integer(r), integer(s)) : Buffer.concat([bytesOf(r, size), bytesOf(s, size)])
}

/** RSA-PSS with MGF1 and a salt of 32 bytes, SHA-256 in every place (RFC 8017 section 9.1.1). */
export function signRsaPss(key: KeyObject, message: Uint8Array): Uint8Array {
  const bits = (key.asymmetricKeyDetails?.modulusLength ?? 0) - 1
  const size = Math.ceil(bits / 8)
  const digest = sha256(message)
  const salt = sha256(Buffer.from('salt'), digest)
  const hash = sha256(Buffer.alloc(8), digest, salt)
  const block = Buffer.concat([Buffer.alloc(size - salt.length - hash.length - 2), Buffer.of(1), salt])
  const mask = Buffer.concat(
    Array.from({ length: Math.ceil(block.length / 32) }, (_, counter) => sha256(hash, bytesOf(BigInt(counter), 4))),
  )
  const masked = block.map((byte, index) => byte ^ (mask[index] ?? 0))
  masked[0] = (masked[0] ?? 0) & (0xff >> (8 * size - bits))
  const encoded = Buffer.concat([masked, hash, Buffer.of(0xbc)])
  const modulusSize = Math.ceil((bits + 1) / 8)
  const padded = Buffer.concat([Buffer.alloc(modulusSize - size), encoded])
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, padded)
}

/** The number k of RFC 6979 section 3.2. */
function nonceOf(hash: SignedHash, order: bigint, secret: bigint, digest: Uint8Array): bigint {
  const size = Math.ceil(bitLength(order) / 8)
  const seed = Buffer.concat([bytesOf(secret, size), bytesOf(truncated(digest, order) % order, size)])
  let key: Uint8Array = Buffer.alloc(digest.length)
  let value: Uint8Array = Buffer.alloc(digest.length, 1)
  const hmac = (...parts: readonly Uint8Array[]) => createHmac(hash, key).update(Buffer.concat(parts)).digest()
  const stir = (...more: readonly Uint8Array[]) => {
    key = hmac(value, ...more)
    value = hmac(value)
  }
  stir(Buffer.of(0), seed)
  stir(Buffer.of(1), seed)
  for (;;) {
    let bytes = Buffer.alloc(0)
    while (bytes.length < size) {
      value = hmac(value)
      bytes = Buffer.concat([bytes, value])
    }
    const candidate = truncated(bytes.subarray(0, size), order)
    if (candidate > 0n && candidate < order) return candidate
    stir(Buffer.of(0))
  }
}

/** The private number in SEC 1's form: SEQUENCE, version 1, then an OCTET STRING. */
function privateNumber(key: KeyObject): Uint8Array {
  const der = key.export({ type: 'sec1', format: 'der' })
  const octets = ((der[1] ?? 0) < 0x80 ? 2 : 3) + 3
  return der.subarray(octets + 2, octets + 2 + (der[octets + 1] ?? 0))
}

/** The leftmost bits, as many as the order has. */
function truncated(bytes: Uint8Array, order: bigint): bigint {
  const surplus = 8 * bytes.length - bitLength(order)
  return surplus > 0 ? numberOf(bytes) >> BigInt(surplus) : numberOf(bytes)
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest()
}
