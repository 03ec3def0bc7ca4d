import { constants, createHash, createPublicKey, createSign, type KeyObject, verify as opensslVerify, sign } from 'node:crypto'
import { hashes, verify as nobleVerify, Point } from '@noble/ed25519'
import { hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { importKey, type VerifyingKey } from '../../src/crypto/keys.js'
import { verifySignature } from '../../src/crypto/verify-signature.js'
import { createCertificate, createKeys } from '../../src/testing/index.js'
import { VALID } from './certificate-surgery.js'
import { ecdsaSigner, ecPair, ed25519Signer, rsaPair, rsaSigner, type Signer, signRsa, x509Signer } from './made-keys.js'

const MESSAGE = utf8('{"_type":"Timestamp","version":1}')
const RSA = rsaPair()
const EC = ecPair('verify')
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

const SIGNERS: readonly (readonly [string, Signer])[] = [
  ['ecdsa P-224', ecdsaSigner(createKeys('P-224'))],
  ['ecdsa P-256', ecdsaSigner(EC)],
  ['ecdsa P-384', ecdsaSigner(ecPair('verify', 'P-384'))],
  ['ecdsa P-521', ecdsaSigner(ecPair('verify', 'P-521'))],
  ['ecdsa-x509', x509Signer(EC, createCertificate({ ...VALID, subject: { cn: 'x' }, keys: EC }).pem)],
  ['rsa with PSS', rsaSigner(RSA, 'rsapss')],
  ['rsa with PKCS#1', rsaSigner(RSA, 'rsapkcs1v15')],
  ['rsa-x509', x509Signer(RSA, createCertificate({ ...VALID, subject: { cn: 'x' }, keys: RSA }).pem)],
  ['ed25519', ed25519Signer('verify')],
]
const METHODS = ['ecdsa', 'rsapss', 'rsapkcs1v15', 'eddsa', '', 'none', 'ed25519', 'rsa', 'ecdsa-sha2-nistp256', 'constructor']

function keyOf({ key }: Signer): VerifyingKey {
  const imported = importKey(key)
  if (imported.kind === 'unusable') throw new Error(imported.reason)
  return imported
}

describe.each(SIGNERS)('%s', (_, signer) => {
  const key = keyOf(signer)
  const signature = signer.sign(MESSAGE)

  test('verifies with its own method and with no other [SIG-12, SIG-14, SIG-15, SIG-16, SIG-28, SIG-34]', () => {
    const verified = METHODS.filter((method) => verifySignature(key, method, MESSAGE, signature))
    expect(verified).toEqual([signer.method])
  })

  test('accepts the method in any ASCII case, and no similar letters [SIG-11]', () => {
    const { method } = signer
    const mixed = [...method].map((letter, at) => (at % 2 === 0 ? letter.toUpperCase() : letter)).join('')
    for (const spelling of [method.toUpperCase(), mixed]) expect(verifySignature(key, spelling, MESSAGE, signature)).toBe(true)
    for (const spelling of [method.replace('s', '\u017f'), method.replace('k', '\u212a'), ` ${method}`, `${method}\u0000`]) {
      expect(verifySignature(key, spelling, MESSAGE, signature)).toBe(spelling === method)
    }
  })

  test('verifies no other message', () => {
    expect(verifySignature(key, signer.method, utf8('{"_type":"Timestamp","version":2}'), signature)).toBe(false)
    expect(verifySignature(key, signer.method, new Uint8Array(), signature)).toBe(false)
  })

  test('verifies no signature that was changed, cut or padded [SIG-20]', () => {
    const zeros = new Uint8Array(signature.length)
    const half = signature.length / 2
    const bent: Uint8Array[] = [
      new Uint8Array(),
      zeros,
      zeros.map(() => 0xff),
      signature.subarray(1),
      signature.subarray(0, -1),
      Uint8Array.of(...signature, 0),
      Uint8Array.of(0, ...signature),
      Uint8Array.of(...signature.subarray(half), ...signature.subarray(0, half)),
      Uint8Array.of(...zeros.subarray(half), ...signature.subarray(half)),
      Uint8Array.of(...signature.subarray(0, half), ...zeros.subarray(half)),
    ]
    for (const other of bent) expect(verifySignature(key, signer.method, MESSAGE, other)).toBe(false)
    fc.assert(
      fc.property(fc.nat(signature.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const other = Uint8Array.from(signature, (byte, index) => (index === at ? byte ^ change : byte))
        expect(verifySignature(key, signer.method, MESSAGE, other)).toBe(false)
      }),
      { seed: 1, numRuns: 25 },
    )
  })

  test('verifies no signature of any other key of the table', () => {
    for (const [, other] of SIGNERS) {
      if (other.key.id === signer.key.id) continue
      const verified = METHODS.filter((method) => verifySignature(key, method, MESSAGE, other.sign(MESSAGE)))
      const same = 'identity' in key && key.identity === keyOf(other).identity
      expect(verified).toEqual(same ? [other.method] : [])
    }
  })
})

describe('RSA', () => {
  const key = keyOf(rsaSigner(RSA, 'rsapss'))
  const pss = (hash: string, saltLength: number) =>
    sign(hash, MESSAGE, { key: RSA.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength })

  test.each([0, 20, 31, 33, 64, constants.RSA_PSS_SALTLEN_MAX_SIGN])(
    'a PSS salt of %i bytes is refused [SIG-29]',
    (saltLength) => {
      const signature = pss('sha256', saltLength)
      const lenient = { key: RSA.publicKey, padding: constants.RSA_PKCS1_PSS_PADDING }
      expect(opensslVerify('sha256', MESSAGE, lenient, signature)).toBe(true) // Node's default accepts it
      expect(verifySignature(key, 'rsapss', MESSAGE, signature)).toBe(false)
    },
  )

  test('a PSS salt of 32 bytes is accepted [SIG-29]', () => {
    expect(verifySignature(key, 'rsapss', MESSAGE, signRsa(RSA.privateKey, 'rsapss', MESSAGE))).toBe(true)
  })

  test.each(['sha1', 'sha384', 'sha512'])('%s instead of SHA-256 is refused', (hash) => {
    expect(verifySignature(key, 'rsapss', MESSAGE, pss(hash, 32))).toBe(false)
    expect(verifySignature(key, 'rsapkcs1v15', MESSAGE, sign(hash, MESSAGE, RSA.privateKey))).toBe(false)
  })

  test('a PKCS#1 signature does not verify as ECDSA, although crypto.verify accepts it [SIG-15]', () => {
    const signature = signRsa(RSA.privateKey, 'rsapkcs1v15', MESSAGE)
    expect(opensslVerify('sha256', MESSAGE, { key: RSA.publicKey, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true)
    expect(verifySignature(key, 'ecdsa', MESSAGE, signature)).toBe(false)
  })

  test('the number 1 is refused', () => {
    expect(verifySignature(key, 'rsapkcs1v15', MESSAGE, Uint8Array.of(...new Uint8Array(255), 1))).toBe(false)
  })
})

describe('ECDSA', () => {
  const signer = ecdsaSigner(EC)
  const key = keyOf(signer)
  const number = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  const bytes32 = (value: bigint) => hexToBytes(value.toString(16).padStart(64, '0'))

  test('both (r, s) and (r, n-s) are accepted, as in Notary [SIG-21]', () => {
    const signature = signer.sign(MESSAGE)
    const [r, s] = [number(signature.subarray(0, 32)), number(signature.subarray(32))]
    for (const other of [s, P256_ORDER - s]) {
      expect(verifySignature(key, 'ecdsa', MESSAGE, Uint8Array.of(...bytes32(r), ...bytes32(other)))).toBe(true)
    }
  })

  test('r or s that is 0, or not less than the order, is refused [SIG-20]', () => {
    const signature = signer.sign(MESSAGE)
    const [r, s] = [number(signature.subarray(0, 32)), number(signature.subarray(32))]
    const beyond = (value: bigint) => (value + P256_ORDER < 1n << 256n ? value + P256_ORDER : P256_ORDER)
    const pairs: [bigint, bigint][] = [
      [0n, s],
      [r, 0n],
      [0n, 0n],
      [P256_ORDER, s],
      [r, P256_ORDER],
      [beyond(r), s],
      [r, beyond(s)],
      [1n, 1n],
    ]
    for (const [a, b] of pairs)
      expect(verifySignature(key, 'ecdsa', MESSAGE, Uint8Array.of(...bytes32(a), ...bytes32(b)))).toBe(false)
  })

  test('a DER signature is refused: the wire form is r || s', () => {
    const der = createSign('sha256').update(MESSAGE).sign(EC.privateKey)
    expect(opensslVerify('sha256', MESSAGE, EC.publicKey, der)).toBe(true)
    expect(verifySignature(key, 'ecdsa', MESSAGE, der)).toBe(false)
  })

  test.each([63, 65])('r || s of %i bytes is refused [SIG-20]', (length) => {
    expect(verifySignature(key, 'ecdsa', MESSAGE, new Uint8Array(length).fill(1))).toBe(false)
  })

  test.each(['sha384', 'sha512', 'sha1'])('%s is refused: SHA-256 for every curve [SIG-16]', (hash) => {
    const pair = ecPair('verify', 'P-384')
    const signature = sign(hash, MESSAGE, { key: pair.privateKey, dsaEncoding: 'ieee-p1363' })
    expect(verifySignature(keyOf(ecdsaSigner(pair)), 'ecdsa', MESSAGE, signature)).toBe(false)
  })
})

/** Calls OpenSSL, which accepts any 32 bytes as a key. */
function opensslKey(bytes: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(bytes).toString('base64url') }, format: 'jwk' })
}

describe('Ed25519', () => {
  const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n
  const IDENTITY = Uint8Array.of(1, ...new Uint8Array(31))
  const signer = ed25519Signer('verify')
  const little = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
  const toLittle = (value: bigint) => hexToBytes(value.toString(16).padStart(64, '0')).reverse()

  test('a forged signature of a key of small order never verifies [SIG-37]', () => {
    const forged = Uint8Array.of(...IDENTITY, ...new Uint8Array(32))
    const openssl = opensslKey(IDENTITY)
    // OpenSSL 3.0 accepts it; the version in Node 24 refuses it.
    if (process.versions.openssl.startsWith('3.0.')) expect(opensslVerify(null, MESSAGE, openssl, forged)).toBe(true)
    // Also when importKey did not refuse the key.
    const smuggled: VerifyingKey = { kind: 'ed25519', bytes: IDENTITY, identity: 'x' }
    expect(verifySignature(smuggled, 'eddsa', MESSAGE, forged)).toBe(false)
    expect(verifySignature(keyOf(signer), 'eddsa', MESSAGE, forged)).toBe(false)
  })

  test('an encoding beyond the field, legal under ZIP-215, never verifies', () => {
    const bytes = hexToBytes('eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f')
    const smuggled: VerifyingKey = { kind: 'ed25519', bytes, identity: 'x' }
    expect(verifySignature(smuggled, 'eddsa', MESSAGE, Uint8Array.of(...IDENTITY, ...new Uint8Array(32)))).toBe(false)
  })

  test('s plus the order of the group is refused', () => {
    const signature = signer.sign(MESSAGE)
    const raised = Uint8Array.of(...signature.subarray(0, 32), ...toLittle(little(signature.subarray(32)) + ORDER))
    expect(verifySignature(keyOf(signer), 'eddsa', MESSAGE, raised)).toBe(false)
  })

  test('an R with a component of small order is refused, as in Go and OpenSSL', () => {
    const hash = (...parts: Uint8Array[]) => little(createHash('sha512').update(Buffer.concat(parts)).digest()) % ORDER
    const secret = hash(utf8('secret'))
    const nonce = hash(utf8('nonce'))
    const publicKey = Point.BASE.multiply(secret).toBytes()
    const torsion = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')
    const signed = (point: Point) =>
      Uint8Array.of(...point.toBytes(), ...toLittle((nonce + hash(point.toBytes(), publicKey, MESSAGE) * secret) % ORDER))
    const key = keyOf({ ...signer, key: { id: '', type: 'ed25519', bytes: publicKey } })
    const openssl = opensslKey(publicKey)
    const [honest, odd] = [signed(Point.BASE.multiply(nonce)), signed(Point.BASE.multiply(nonce).add(torsion))]
    expect([honest, odd].map((signature) => opensslVerify(null, MESSAGE, openssl, signature))).toEqual([true, false])
    expect([honest, odd].map((signature) => verifySignature(key, 'eddsa', MESSAGE, signature))).toEqual([true, false])
  })

  test('a signature that verifies here also verifies with noble by RFC 8032', () => {
    hashes.sha512 = (message) => new Uint8Array(createHash('sha512').update(message).digest())
    const hash = (...parts: Uint8Array[]) => little(createHash('sha512').update(Buffer.concat(parts)).digest()) % ORDER
    const small = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')
    const [ours, nobles] = [
      { yes: 0, no: 0 },
      { yes: 0, no: 0 },
    ]
    // Of the key, of R and of s: as it should be, or moved by a multiple of a point of small order, or of the order of the group.
    const shift = fc.integer({ min: 0, max: 7 })
    fc.assert(
      fc.property(
        fc.bigInt(1n, ORDER - 1n),
        fc.uint8Array(),
        shift,
        shift,
        fc.boolean(),
        (secret, message, ofKey, ofR, raised) => {
          const moved = (point: Point, by: number) => (by === 0 ? point : point.add(small.multiplyUnsafe(BigInt(by))))
          const publicKey = moved(Point.BASE.multiply(secret), ofKey).toBytes()
          const nonce = hash(message, publicKey) || 1n
          const r = moved(Point.BASE.multiply(nonce), ofR).toBytes()
          const s = (nonce + hash(r, publicKey, message) * secret) % ORDER
          const signature = Uint8Array.of(...r, ...toLittle(raised ? s + ORDER : s))
          const key = importKey({ id: '', type: 'ed25519', bytes: publicKey })
          const verifies = key.kind !== 'unusable' && verifySignature(key, 'eddsa', message, signature)
          const withNoble = nobleVerify(signature, message, publicKey, { zip215: false })
          if (verifies) expect(withNoble).toBe(true)
          ours[verifies ? 'yes' : 'no']++
          nobles[withNoble ? 'yes' : 'no']++
        },
      ),
      { seed: 1, numRuns: 300 },
    )
    expect(Math.min(...Object.values(ours), ...Object.values(nobles))).toBeGreaterThan(10)
    expect(nobles.yes).toBeGreaterThan(ours.yes)
  })
})

test('no input makes verifySignature throw', () => {
  const keys = SIGNERS.map(([, signer]) => keyOf(signer))
  fc.assert(
    fc.property(fc.constantFrom(...keys), fc.string(), fc.uint8Array({ maxLength: 300 }), (key, method, signature) => {
      for (const name of [method, 'ecdsa', 'eddsa', 'rsapss', 'rsapkcs1v15']) {
        expect(verifySignature(key, name, MESSAGE, signature)).toBe(false)
      }
    }),
    { seed: 1, numRuns: 100 },
  )
})
