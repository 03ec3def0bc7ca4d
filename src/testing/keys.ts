/** Keys that sign collections, of every type that Notary supports. The same seed gives the same key. */
import {
  checkPrimeSync,
  constants,
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
} from 'node:crypto'
import {
  type CertificateOptions,
  createCertificate,
  createKeys,
  type KeyPair,
  type MadeCertificate,
} from './certificate-maker.js'
import { bitString, integer, objectIdentifier, sequence, tlv } from './der-writer.js'
import { canonicalBytes, type KeyDocument } from './documents.js'
import { bytesOf, inverse, numberOf } from './numbers.js'
import { signEcdsa, signRsaPss } from './repeatable-signatures.js'

/** Key types as root lists them. */
export type KeyType = 'ecdsa' | 'ecdsa-x509' | 'rsa' | 'rsa-x509' | 'ed25519'

/** Curves for `ecdsa` keys. */
export type Curve = 'P-224' | 'P-256' | 'P-384' | 'P-521'

/** The options of a key. */
export interface KeyRecipe {
  /** `ecdsa` when absent. */
  readonly type?: KeyType
  /** P-256 when absent. */
  readonly curve?: Curve
  /** How RSA keys sign; rsapss when absent. */
  readonly rsaMethod?: 'rsapss' | 'rsapkcs1v15'
  /** The certificate of an x509 key, which needs subject and validity. */
  readonly certificate?: Omit<CertificateOptions, 'keys'>
  /** Certificates that follow the leaf in an x509 key. */
  readonly bundle?: readonly MadeCertificate[]
  /** An existing pair to use, for example for two certificates of one key. */
  readonly pair?: KeyPair
  /** The same seed gives the same key. */
  readonly seed?: string
}

/** A key that signs, and its entry in metadata. */
export interface SigningKey {
  /** The ID that Notary gives it: 64 hexadecimal digits. */
  readonly id: string
  readonly type: KeyType
  /** The `method` of its signatures. */
  readonly method: 'ecdsa' | 'eddsa' | 'rsapss' | 'rsapkcs1v15'
  readonly document: KeyDocument
  readonly pair: KeyPair
  /** The leaf of an x509 key. */
  readonly certificate?: MadeCertificate
  /** A signature in Notary's encoding. */
  sign(message: Uint8Array): Uint8Array
}

/** Names in OpenSSL, object identifiers, lengths of a private key in bytes. */
const CURVES = {
  'P-224': { name: 'secp224r1', oid: '1.3.132.0.33', bytes: 28 },
  'P-256': { name: 'prime256v1', oid: '1.2.840.10045.3.1.7', bytes: 32 },
  'P-384': { name: 'secp384r1', oid: '1.3.132.0.34', bytes: 48 },
  'P-521': { name: 'secp521r1', oid: '1.3.132.0.35', bytes: 66 },
} as const

/** RSA pairs of this process by seed, since making one takes a second. */
const rsaPool = new Map<string, KeyPair>()

/** Makes a key. The same key signs the same message the same way each time. */
export function createSigningKey(recipe: KeyRecipe = {}): SigningKey {
  const { type = 'ecdsa', rsaMethod = 'rsapss', bundle = [] } = recipe
  const pair = recipe.pair ?? createPair(type, recipe)
  const certificate = type.endsWith('-x509') ? leafFor(pair, recipe) : undefined
  const publicBytes = certificate === undefined ? barePublicKey(pair.publicKey) : pemBundle([certificate, ...bundle])
  const method = type === 'ed25519' ? 'eddsa' : type.startsWith('rsa') ? rsaMethod : 'ecdsa'
  const document: KeyDocument = { keytype: type, keyval: { private: null, public: base64(publicBytes) } }
  const id = createHash('sha256').update(canonicalBytes(document)).digest('hex')
  return {
    id,
    type,
    method,
    document,
    pair,
    ...(certificate === undefined ? {} : { certificate }),
    sign: (message) => signMessage(pair.privateKey, method, message),
  }
}

function createPair(type: KeyType, { curve = 'P-256', seed }: KeyRecipe): KeyPair {
  if (type.startsWith('rsa')) return rsaPair(seed)
  if (seed === undefined) return createKeys(type === 'ed25519' ? 'Ed25519' : curve)
  return type === 'ed25519' ? ed25519FromSeed(seed) : ecFromSeed(seed, curve)
}

function rsaPair(seed: string | undefined): KeyPair {
  if (seed === undefined) return createKeys('RSA-2048')
  const pair = rsaPool.get(seed) ?? rsaFromSeed(seed)
  rsaPool.set(seed, pair)
  return pair
}

/** An RSA key of 2048 bits with the exponent 65537, from the first primes after two numbers of the stream. */
function rsaFromSeed(seed: string): KeyPair {
  const e = 65_537n
  const [p, q] = [primeAfter(seed, 0, e), primeAfter(seed, 1, e)]
  const d = inverse(e, (p - 1n) * (q - 1n))
  const numbers = { n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) }
  const members = Object.entries(numbers).map(([name, value]) => [name, bytesOf(value).toString('base64url')])
  return pairOf(createPrivateKey({ key: { kty: 'RSA', ...Object.fromEntries(members) }, format: 'jwk' }))
}

/** A prime of 1024 bits. The two highest bits are set, so that the product of two has 2048 bits. */
function primeAfter(seed: string, attempt: number, e: bigint): bigint {
  const start = stream(seed, attempt, 128)
  start[0] = (start[0] ?? 0) | 0xc0
  for (let candidate = numberOf(start) | 1n; ; candidate += 2n) {
    if ((candidate - 1n) % e !== 0n && checkPrimeSync(candidate)) return candidate
  }
}

function ed25519FromSeed(seed: string): KeyPair {
  const head = Buffer.from('302e020100300506032b657004220420', 'hex') // RFC 8410 section 7
  return pairOf(createPrivateKey({ key: Buffer.concat([head, stream(seed, 0, 32)]), format: 'der', type: 'pkcs8' }))
}

/** Tries numbers from the stream until one is a private key of the curve. */
function ecFromSeed(seed: string, curve: Curve): KeyPair {
  const { name, oid, bytes } = CURVES[curve]
  for (let attempt = 0; ; attempt++) {
    const candidate = stream(seed, attempt, bytes)
    if (curve === 'P-521') candidate[0] = (candidate[0] ?? 0) & 1
    const exchange = createECDH(name)
    try {
      exchange.setPrivateKey(candidate)
    } catch {
      continue
    }
    const point = new Uint8Array(exchange.getPublicKey())
    const der = sequence(integer(1n), tlv(0x04, candidate), tlv(0xa0, objectIdentifier(oid)), tlv(0xa1, bitString(point)))
    return pairOf(createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'sec1' }))
  }
}

/** SHA-256 in counter mode. */
function stream(seed: string, attempt: number, length: number): Uint8Array {
  const block = (counter: number) => createHash('sha256').update(`${seed}\n${attempt}\n${counter}`).digest()
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, counter) => block(counter))
  return new Uint8Array(Buffer.concat(blocks).subarray(0, length))
}

function pairOf(privateKey: KeyObject): KeyPair {
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

function leafFor(keys: KeyPair, { certificate }: KeyRecipe): MadeCertificate {
  if (certificate === undefined) throw new TypeError('an x509 key needs a certificate')
  return createCertificate({ ...certificate, keys })
}

/** DER SubjectPublicKeyInfo; for Ed25519 only the 32 bytes of the key. */
function barePublicKey(key: KeyObject): Uint8Array {
  const spki = new Uint8Array(key.export({ type: 'spki', format: 'der' }))
  return key.asymmetricKeyType === 'ed25519' ? spki.subarray(-32) : spki
}

function pemBundle(certificates: readonly MadeCertificate[]): Uint8Array {
  return Buffer.from(certificates.map(({ pem }) => pem).join(''))
}

function signMessage(key: KeyObject, method: SigningKey['method'], message: Uint8Array): Uint8Array {
  switch (method) {
    case 'eddsa':
      return sign(null, message, key)
    case 'ecdsa':
      return signEcdsa(key, 'sha256', message, 'ieee-p1363')
    case 'rsapkcs1v15':
      return sign('sha256', message, { key, padding: constants.RSA_PKCS1_PADDING })
    case 'rsapss':
      return signRsaPss(key, message)
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
