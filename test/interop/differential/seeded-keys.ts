/**
 * Keys that sign the same text the same way in every run, so that a case can be replayed to the byte: ECDSA with a number
 * from a hash, RSA keys from seeded primes, RSA-PSS with a salt from a hash. (OpenSSL 3.0 offers none of them.)
 */
import {
  checkPrimeSync,
  constants,
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  privateEncrypt,
} from 'node:crypto'
import {
  type CertificateOptions,
  createCertificate,
  createSigningKey,
  type KeyPair,
  type KeyRecipe,
  type MadeCertificate,
  type SigningKey,
} from '../../../src/testing/index.js'
import { BEGUN, LASTING } from './dates.js'

/** The order of each curve, by OpenSSL's name. */
const ORDERS = new Map([
  ['secp224r1', 0xffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3dn],
  ['prime256v1', 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n],
  ['secp384r1', 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n],
  [
    'secp521r1',
    0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  ],
])

export type SeededRecipe = KeyRecipe & { readonly seed: string }

/** A key whose signatures are the same again; x509 keys are issued by `seededCa`, RSA ones by themselves. */
export function createSeededKey(recipe: SeededRecipe): SigningKey {
  const isRsa = recipe.type?.startsWith('rsa') === true
  const certificate: Omit<CertificateOptions, 'keys'> | undefined =
    recipe.certificate === undefined || isRsa ? recipe.certificate : { issuer: seededCa(), ...recipe.certificate }
  const key = createSigningKey({
    ...recipe,
    ...(isRsa && recipe.pair === undefined ? { pair: seededRsaPair(recipe.seed) } : {}),
    ...(certificate === undefined ? {} : { certificate }),
  })
  const again = SIGN_AGAIN[key.method]
  return again === undefined ? key : { ...key, sign: (message) => again(key.pair.privateKey, message) }
}

const SIGN_AGAIN: Partial<Record<SigningKey['method'], (key: KeyObject, message: Uint8Array) => Uint8Array>> = {
  ecdsa: signEcdsa,
  rsapss: signPss,
}

let authority: MadeCertificate | undefined

/** A CA with an Ed25519 key, which signs the same way every time. */
export function seededCa(): MadeCertificate {
  authority ??= createCertificate({
    subject: { cn: 'differential CA' },
    keys: createSigningKey({ type: 'ed25519', seed: 'differential CA' }).pair,
    notBefore: BEGUN,
    notAfter: LASTING,
    ca: true,
  })
  return authority
}

const rsaPairs = new Map<number, KeyPair>()

/** One of three: primes take a while to find. */
function seededRsaPair(seed: string): KeyPair {
  const number = (createHash('sha256').update(seed).digest()[0] ?? 0) % 3
  const made = rsaPairs.get(number) ?? makeRsaPair(`differential RSA ${number}`)
  rsaPairs.set(number, made)
  return made
}

function makeRsaPair(seed: string): KeyPair {
  const e = 65_537n
  const [p, q] = [seededPrime(`${seed} p`), seededPrime(`${seed} q`)]
  const d = inverse(e, (p - 1n) * (q - 1n))
  const parts = { n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) }
  const encoded = Object.entries(parts).map(([name, value]) => [name, Buffer.from(evenHex(value), 'hex').toString('base64url')])
  const privateKey = createPrivateKey({ key: { kty: 'RSA', ...Object.fromEntries(encoded) }, format: 'jwk' })
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

/** 1024 bits with the two highest set, so that two of them make 2048; 65537 does not divide it less one. */
function seededPrime(seed: string): bigint {
  let candidate = number(stream(seed, 128)) | (3n << 1022n) | 1n
  while (candidate % 65_537n === 1n || !checkPrimeSync(candidate)) candidate += 2n
  return candidate
}

/** FIPS 186-5 section 6.4.1, k from a hash of key and message. */
function signEcdsa(key: KeyObject, message: Uint8Array): Uint8Array {
  const { namedCurve: curve = '' } = key.asymmetricKeyDetails ?? {}
  const n = ORDERS.get(curve)
  if (n === undefined) throw new TypeError(`no curve ${curve}`)
  const [bits, size] = [n.toString(2).length, Math.ceil(n.toString(2).length / 8)]
  // SEQUENCE, version 1, then the number itself: Node exports no JWK of P-224.
  const der = key.export({ type: 'sec1', format: 'der' })
  const secret = der.subarray(der.indexOf(Buffer.of(2, 1, 1, 4)) + 5).subarray(0, size)
  const d = number(secret)
  const z = number(createHash('sha256').update(message).digest()) >> BigInt(Math.max(0, 256 - bits))
  const k = (number(stream(`${d} ${z}`, 80)) % (n - 1n)) + 1n
  const exchange = createECDH(curve)
  exchange.setPrivateKey(Buffer.from(k.toString(16).padStart(2 * size, '0'), 'hex'))
  const r = number(exchange.getPublicKey().subarray(1, 1 + size)) % n
  const s = (inverse(k, n) * (z + r * d)) % n
  return Buffer.from([r, s].map((part) => part.toString(16).padStart(2 * size, '0')).join(''), 'hex')
}

/** RFC 8017 section 9.1.1 with SHA-256 and a salt of 32 bytes, for a modulus of 2048 bits. */
function signPss(key: KeyObject, message: Uint8Array): Uint8Array {
  const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest()
  const hashed = sha256(message)
  const salt = sha256(Buffer.from('salt'), hashed)
  const h = sha256(Buffer.alloc(8), hashed, salt)
  const db = Buffer.concat([Buffer.alloc(256 - 2 * 32 - 2), Buffer.of(1), salt])
  const masks = Array.from({ length: Math.ceil(db.length / 32) }, (_, counter) => sha256(h, Buffer.of(0, 0, 0, counter)))
  const mask = Buffer.concat(masks)
  const masked = db.map((byte, at) => byte ^ mask.readUInt8(at))
  masked[0] = (masked[0] ?? 0) & 0x7f
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, Buffer.concat([masked, h, Buffer.of(0xbc)]))
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [((value % modulus) + modulus) % modulus, modulus, 1n, 0n]
  while (b !== 0n) {
    const quotient = a / b
    ;[a, b] = [b, a % b]
    ;[x, y] = [y, x - quotient * y]
  }
  return ((x % modulus) + modulus) % modulus
}

function number(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

function evenHex(value: bigint): string {
  const digits = value.toString(16)
  return digits.length % 2 === 0 ? digits : `0${digits}`
}

/** SHA-256 in counter mode. */
function stream(seed: string, length: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, counter) =>
    createHash('sha256').update(`${seed}\n${counter}`).digest(),
  )
  return Buffer.concat(blocks).subarray(0, length)
}
