import { createPublicKey, ECDH, generateKeyPairSync } from 'node:crypto'
import { Point } from '@noble/ed25519'
import { hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { base64, hex, utf8 } from '../../src/bytes.js'
import { sha256Hex } from '../../src/crypto/hash.js'
import { canonicalKeyId, importKey, keyId } from '../../src/crypto/keys.js'
import { createCertificate, createKeys, der, encodeName, toPem } from '../../src/testing/index.js'
import { content, elements, remake, VALID } from './certificate-surgery.js'
import { ecPair, ed25519Pair, listed, rsaPair, spkiOf } from './made-keys.js'

const { bitString, integer, objectIdentifier, sequence, tlv } = der

const GENERATOR =
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q=='
const EC = spkiOf(ecPair('keys').publicKey)
const RSA = rsaPair()
const RSA_SPKI = spkiOf(RSA.publicKey)
const POINT = EC.subarray(-65)
const EC_OID = objectIdentifier('1.2.840.10045.2.1')
const P256_OID = objectIdentifier('1.2.840.10045.3.1.7')

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'base64'))
const verdictOn = (type: string, bytes: Uint8Array) => importKey(listed(type, bytes))

/** SPKI of an RSA public key with any numbers, which need not be products of primes. */
function rsaSpki(modulusBits: number, exponent = 65537n): Uint8Array {
  const modulus = (1n << BigInt(modulusBits - 1)) + 12345n
  const numbers = sequence(integer(modulus), integer(exponent))
  return sequence(sequence(objectIdentifier('1.2.840.113549.1.1.1'), tlv(0x05)), bitString(numbers))
}

function ecSpki(point: Uint8Array, parameters: Uint8Array = P256_OID): Uint8Array {
  return sequence(sequence(EC_OID, parameters), bitString(point))
}

describe('key IDs', () => {
  test('the generator of P-256 has the ID that Notary gives it', () => {
    expect(keyId('ecdsa', bytesOf(GENERATOR))).toBe('2a4a3169341f90dec00876954704aaaf9377744a576e20b3e17d3950976a448d')
  })

  test('depend on the exact type: another case or -x509 gives another ID [SIG-25]', () => {
    const ids = ['ecdsa', 'ECDSA', 'ecdsa-x509', 'ecdsa '].map((type) => keyId(type, EC))
    expect(new Set(ids).size).toBe(4)
  })

  test('escape the type as docker/go does, so that no type can forge the text around it', () => {
    const type = 'a","keyval":{"private":null,"public":"AAAA"}}\\\n<&>é'
    const text = `{"keytype":"${type.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}","keyval":{"private":null,"public":"AQ=="}}`
    expect(keyId(type, Uint8Array.of(1))).toBe(sha256Hex(utf8(text)))
  })

  test('do not depend on line breaks in the base64', () => {
    expect(keyId('ecdsa', EC)).toBe(sha256Hex(utf8(`{"keytype":"ecdsa","keyval":{"private":null,"public":"${base64(EC)}"}}`)))
  })

  test('the canonical ID of an x509 key is that of the bare key inside its first certificate', () => {
    const certificate = createCertificate({ ...VALID, subject: { cn: 'x' }, keys: ecPair('keys') })
    const other = createCertificate({ ...VALID, subject: { cn: 'y' }, keys: RSA })
    expect(canonicalKeyId(listed('ecdsa-x509', utf8(certificate.pem)))).toBe(keyId('ecdsa', EC))
    expect(canonicalKeyId(listed('ecdsa-x509', utf8(certificate.pem + other.pem)))).toBe(keyId('ecdsa', EC))
    expect(canonicalKeyId(listed('rsa-x509', utf8(other.pem)))).toBe(keyId('rsa', RSA_SPKI))
    expect(canonicalKeyId(listed('ecdsa', EC))).toBe(keyId('ecdsa', EC))
    expect(canonicalKeyId(listed('ecdsa-x509', utf8('no certificate')))).toBeUndefined()
    expect(canonicalKeyId(listed('ecdsa-x509', utf8(other.pem)))).toBeUndefined() // an unusable key
  })

  test('the canonical ID of an imported key is found without parsing its certificate again', () => {
    const verifying = verdictOn('ecdsa', EC)
    const key = { ...listed('ecdsa-x509', utf8('cannot be read')), verifying }
    expect(canonicalKeyId(key)).toBe(keyId('ecdsa', EC))
  })
})

describe('keys that can verify', () => {
  test.each(['P-224', 'P-256', 'P-384', 'P-521'] as const)('ecdsa on %s, bare and in a certificate, is one key', (curve) => {
    const keys = createKeys(curve)
    const { pem } = createCertificate({ ...VALID, subject: { cn: 'x' }, keys })
    const bare = verdictOn('ecdsa', spkiOf(keys.publicKey))
    const wrapped = verdictOn('ecdsa-x509', utf8(pem))
    expect(bare).toMatchObject({ kind: 'ecdsa', fieldBytes: { 'P-224': 28, 'P-256': 32, 'P-384': 48, 'P-521': 66 }[curve] })
    expect(wrapped).toMatchObject({ kind: 'ecdsa' })
    expect('identity' in wrapped && wrapped.identity).toBe('identity' in bare && bare.identity)
  })

  test('rsa, bare and in two certificates, is one key', () => {
    const pems = ['x', 'y'].map((cn) => createCertificate({ ...VALID, subject: { cn }, keys: RSA }).pem)
    const imported = [verdictOn('rsa', RSA_SPKI), ...pems.map((pem) => verdictOn('rsa-x509', utf8(pem)))]
    expect(imported.map(({ kind }) => kind)).toEqual(['rsa', 'rsa', 'rsa'])
    expect(new Set(imported.map((key) => 'identity' in key && key.identity)).size).toBe(1)
  })

  test('ed25519 of 32 raw bytes [SIG-34]', () => {
    const { publicKey } = ed25519Pair('keys')
    expect(verdictOn('ed25519', spkiOf(publicKey).subarray(-32))).toMatchObject({ kind: 'ed25519' })
  })

  test('different keys have different identities', () => {
    const identities = ['a', 'b', 'c'].flatMap((seed) => [
      verdictOn('ecdsa', spkiOf(ecPair(seed).publicKey)),
      verdictOn('ed25519', spkiOf(ed25519Pair(seed).publicKey).subarray(-32)),
    ])
    expect(new Set(identities.map((key) => 'identity' in key && key.identity)).size).toBe(6)
  })
})

describe('unusable keys, which Notary leaves out too', () => {
  test.each<[string, string, Uint8Array]>([
    ['an unknown type', 'dsa', EC],
    ['an upper-case type [SIG-25]', 'ECDSA', EC],
    ['a type of Object.prototype', 'constructor', EC],
    ['an RSA key called ecdsa [SIG-25]', 'ecdsa', RSA_SPKI],
    ['an EC key called rsa [SIG-25]', 'rsa', EC],
    ['an Ed25519 SPKI called ecdsa', 'ecdsa', spkiOf(ed25519Pair('x').publicKey)],
    ['PEM instead of DER [SIG-24]', 'ecdsa', utf8(toPem('PUBLIC KEY', EC))],
    ['DER instead of a PEM bundle', 'ecdsa-x509', EC],
    ['a PKCS#1 key [SIG-31]', 'rsa', new Uint8Array(RSA.publicKey.export({ type: 'pkcs1', format: 'der' }))],
    ['an RSA key in an ecdsa certificate', 'ecdsa-x509', utf8(createCertificate({ ...VALID, subject: {}, keys: RSA }).pem)],
    ['no bytes', 'ecdsa', new Uint8Array()],
    ['no bytes of RSA', 'rsa', new Uint8Array()],
    ['a point off the curve', 'ecdsa', ecSpki(POINT.map((byte, index) => (index === 64 ? byte ^ 1 : byte)))],
    ['a curve that Notary does not use', 'ecdsa', spkiOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey)],
    ['Ed25519 of 31 bytes [SIG-35]', 'ed25519', spkiOf(ed25519Pair('x').publicKey).subarray(-31)],
    ['Ed25519 of 33 bytes [SIG-35]', 'ed25519', spkiOf(ed25519Pair('x').publicKey).subarray(-33)],
    ['Ed25519 as SPKI [SIG-35]', 'ed25519', spkiOf(ed25519Pair('x').publicKey)],
    ['Ed25519 with a y beyond the field', 'ed25519', new Uint8Array(32).fill(0xff)],
    ['Ed25519 off the curve', 'ed25519', Uint8Array.of(2, ...new Uint8Array(31))],
    ['RSA of 1024 bits [SIG-27]', 'rsa', rsaSpki(1024)],
    ['RSA of 2047 bits [SIG-27]', 'rsa', rsaSpki(2047)],
    ['RSA of 8193 bits [SIG-27]', 'rsa', rsaSpki(8193)],
    ['RSA with exponent 1 [SIG-27]', 'rsa', rsaSpki(2048, 1n)],
    ['RSA with exponent 2 [SIG-27]', 'rsa', rsaSpki(2048, 2n)],
    ['RSA with an even exponent [SIG-27]', 'rsa', rsaSpki(2048, 65536n)],
    ['RSA with an exponent of 2^31 + 1, beyond Go’s', 'rsa', rsaSpki(2048, 2n ** 31n + 1n)],
    ['RSA with an exponent as long as its modulus', 'rsa', rsaSpki(2048, 2n ** 2047n + 1n)],
    ['RSA with an exponent of 20,000 bits', 'rsa', rsaSpki(2048, 2n ** 20_000n + 1n)],
    [
      'RSA of 1024 bits in a certificate [CERT-19]',
      'rsa-x509',
      utf8(createCertificate({ ...VALID, subject: {}, keys: createKeys('RSA-1024') }).pem),
    ],
  ])('%s', (_, type, bytes) => {
    expect(verdictOn(type, bytes)).toMatchObject({ kind: 'unusable', ambiguous: false })
  })

  test('RSA of exactly 2048 and 8192 bits, and exponent 3, are usable [SIG-27]', () => {
    for (const der of [rsaSpki(2048), rsaSpki(8192), rsaSpki(2048, 3n), rsaSpki(8192, 2n ** 31n - 1n)])
      expect(verdictOn('rsa', der)).toMatchObject({ kind: 'rsa' })
  })

  test('an RSA key bound to RSASSA-PSS by its OID is not an RSA key of Notary [SIG-30]', () => {
    const { publicKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
    expect(publicKey.asymmetricKeyType).toBe('rsa-pss')
    expect(verdictOn('rsa', spkiOf(publicKey))).toMatchObject({ kind: 'unusable' })
  })

  // For these keys anybody can forge signatures. Points of order 1, 2, 4 and 8, some in two encodings.
  test.each([
    '0100000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000080',
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000080',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  ])('the Ed25519 key %s of small order never counts [SIG-37]', (text) => {
    expect(verdictOn('ed25519', hexToBytes(text))).toMatchObject({ kind: 'unusable' })
  })
})

describe('ambiguous keys, which two parsers could read differently [SIG-22, SIG-23]', () => {
  const compressed = ECDH.convertKey(POINT, 'prime256v1', undefined, undefined, 'compressed')
  const hybrid = ECDH.convertKey(POINT, 'prime256v1', undefined, undefined, 'hybrid')
  const explicit = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }).publicKey
  const [inner = EC, outer = EC] = elements(content(EC))

  test.each<[string, string, Uint8Array]>([
    ['a compressed point', 'ecdsa', ecSpki(Buffer.from(compressed))],
    ['a hybrid point', 'ecdsa', ecSpki(Buffer.from(hybrid))],
    ['explicit curve parameters', 'ecdsa', spkiOf(explicit)],
    ['a trailing byte', 'ecdsa', Uint8Array.of(...EC, 0)],
    ['a second key after the first', 'ecdsa', Uint8Array.of(...EC, ...EC)],
    ['a BER length', 'ecdsa', Uint8Array.of(0x30, 0x81, EC.length - 2, ...EC.subarray(2))],
    ['a BER length of two bytes', 'ecdsa', Uint8Array.of(0x30, 0x82, 0, EC.length - 2, ...EC.subarray(2))],
    ['an indefinite length', 'ecdsa', Uint8Array.of(0x30, 0x80, ...inner, ...outer, 0, 0)],
    ['a BER length inside', 'ecdsa', sequence(Uint8Array.of(0x30, 0x81, inner.length - 2, ...inner.subarray(2)), outer)],
    ['a trailing byte after RSA', 'rsa', Uint8Array.of(...RSA_SPKI, 0)],
    [
      'RSA without its NULL',
      'rsa',
      sequence(sequence(objectIdentifier('1.2.840.113549.1.1.1')), elements(content(RSA_SPKI))[1] ?? RSA_SPKI),
    ],
  ])('%s', (_, type, bytes) => {
    expect(() => createPublicKey({ key: Buffer.from(bytes), format: 'der', type: 'spki' })).not.toThrow() // Node takes it
    expect(verdictOn(type, bytes)).toMatchObject({ kind: 'unusable', ambiguous: true })
  })

  test.each([
    ['a compressed point', ecSpki(Buffer.from(compressed))],
    ['a hybrid point', ecSpki(Buffer.from(hybrid))],
    ['explicit curve parameters', spkiOf(explicit)],
  ])('%s inside a certificate, too', (_, publicKey) => {
    const issuer = { ...RSA, subject: encodeName({ cn: 'ca' }) }
    const plain = createCertificate({ ...VALID, subject: { cn: 'x' }, issuer })
    const der = remake(plain.der, RSA.privateKey, { parts: { publicKey } })
    expect(verdictOn('ecdsa-x509', utf8(toPem('CERTIFICATE', der)))).toMatchObject({ kind: 'unusable', ambiguous: true })
  })

  test('one key in explicit and in named form does not count as two keys', () => {
    const point = spkiOf(explicit).subarray(-65)
    const identities = [ecSpki(point), spkiOf(explicit)]
      .map((der) => verdictOn('ecdsa', der))
      .map((key) => 'identity' in key && key.identity)
    expect(identities.filter((identity) => identity !== false)).toEqual([hex(ecSpki(point))])
  })
})

test('importKey never throws, and accepts only one encoding of a key', () => {
  const seeds = [
    EC,
    RSA_SPKI,
    spkiOf(ecPair('z', 'P-384').publicKey),
    utf8(createCertificate({ ...VALID, subject: { cn: 'x' } }).pem),
  ]
  const mutated = fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(800), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
      fc.nat(3),
    )
    .map(([bytes, changes, cut]) => {
      const copy = Uint8Array.from(bytes.subarray(0, bytes.length - cut))
      for (const [at, value] of changes) copy[at % copy.length] = value
      return copy
    })
  fc.assert(
    fc.property(mutated, fc.constantFrom('ecdsa', 'rsa', 'ecdsa-x509', 'rsa-x509', 'ed25519'), (bytes, type) => {
      const key = verdictOn(type, bytes)
      if ((type === 'ecdsa' || type === 'rsa') && 'identity' in key) expect(key.identity).toBe(hex(bytes))
      canonicalKeyId(listed(type, bytes))
    }),
    { seed: 7, numRuns: 400 },
  )
})

test('the table of Ed25519 points of small order is complete, by arithmetic', () => {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const found = new Map<string, Point>()
  // A point times the order of the base point leaves its part of small order.
  for (let at = 0; found.size < 8 && at < 200; at++) {
    const bytes = new Uint8Array(32)
    bytes[0] = at
    let point: Point
    try {
      point = Point.fromBytes(bytes)
    } catch {
      continue
    }
    let part = Point.ZERO
    for (const bit of order.toString(2)) part = bit === '1' ? part.double().add(point) : part.double()
    for (const each of [part, part.negate()]) found.set(each.toHex(), each)
  }
  expect(found.size).toBe(8)
  for (const [text, point] of found) {
    expect(point.isSmallOrder()).toBe(true)
    expect(verdictOn('ed25519', hexToBytes(text))).toMatchObject({ reason: 'Ed25519 key of small order' })
  }
})

test('a usable Ed25519 key is a point of more than small order', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      if (verdictOn('ed25519', bytes).kind === 'ed25519') expect(Point.fromBytes(bytes).isSmallOrder()).toBe(false)
    }),
    { seed: 1, numRuns: 100 },
  )
})
