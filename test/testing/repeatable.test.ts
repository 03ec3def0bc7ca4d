/** A seed gives the same bytes again, and they are signed rightly, as OpenSSL sees it. */
import { constants, createECDH, createPrivateKey, createPublicKey, verify } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  createSigningKey,
  createTrustCollection,
  der,
  type KeyPair,
  type TrustCollectionOptions,
} from '../../src/testing/index.js'

const GUN = 'docker.io/library/alpine'

/** RFC 6979 A.2.4 to A.2.7, SHA-256: the private number, then the signature of "sample". */
const VECTORS = [
  [
    'secp224r1',
    '1.3.132.0.33',
    'F220266E1105BFE3083E03EC7A3A654651F45E37167E88600BF257C1',
    '61AA3DA010E8E8406C656BC477A7A7189895E7E840CDFE8FF42307BA',
    'BC814050DAB5D23770879494F9E0A680DC1AF7161991BDE692B10101',
  ],
  [
    'prime256v1',
    '1.2.840.10045.3.1.7',
    'C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721',
    'EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716',
    'F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8',
  ],
  [
    'secp384r1',
    '1.3.132.0.34',
    '6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5',
    '21B13D1E013C7FA1392D03C5F99AF8B30C570C6F98D4EA8E354B63A21D3DAA33BDE1E888E63355D92FA2B3C36D8FB2CD',
    'F3AA443FB107745BF4BD77CB3891674632068A10CA67E3D45DB2266FA7D1FEEBEFDC63ECCD1AC42EC0CB8668A4FA0AB0',
  ],
  [
    'secp521r1',
    '1.3.132.0.35',
    '0FAD06DAA62BA3B25D2FB40133DA757205DE67F5BB0018FEE8C86E1B68C7E75CAA896EB32F1F47C70855836A6D16FCC1466F6D8FBEC67DB89EC0C08B0E996B83538',
    '1511BB4D675114FE266FC4372B87682BAECC01D3CC62CF2303C92B3526012659D16876E25C7C1E57648F23B73564D67F61C6F14D527D54972810421E7D87589E1A7',
    '04A171143A83163D6DF460AAF61522695F207A58B95C0644D87E52AA1A347916E4F7A72930B1BC06DBE22CE3F58264AFD23704CBB63B29B931F7DE6C9D949A7ECFC',
  ],
] as const

const even = (hex: string) => Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')

function pairOf(curve: string, oid: string, secret: string): KeyPair {
  const exchange = createECDH(curve)
  exchange.setPrivateKey(even(secret))
  const version = der.integer(1n)
  const point = der.tlv(0xa1, der.bitString(exchange.getPublicKey()))
  const sec1 = der.sequence(version, der.tlv(0x04, even(secret)), der.tlv(0xa0, der.objectIdentifier(oid)), point)
  const privateKey = createPrivateKey({ key: Buffer.from(sec1), format: 'der', type: 'sec1' })
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

describe('signatures', () => {
  test.each(VECTORS)('%s: as in RFC 6979', (curve, oid, secret, r, s) => {
    const signature = createSigningKey({ pair: pairOf(curve, oid, secret) }).sign(Buffer.from('sample'))
    expect(Buffer.from(signature).toString('hex').toUpperCase()).toBe(
      Buffer.concat([even(r), even(s)])
        .toString('hex')
        .toUpperCase(),
    )
  })

  test('RSA-PSS: OpenSSL verifies them, with a salt of 32 bytes', () => {
    for (const seed of ['a', 'b', 'c']) {
      const { pair, sign } = createSigningKey({ type: 'rsa', seed })
      expect(pair.privateKey.asymmetricKeyDetails?.modulusLength).toBe(2048)
      for (const text of ['', 'x', 'y'.repeat(1000)]) {
        const message = Buffer.from(text)
        const options = { key: pair.publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
        expect(verify('sha256', message, options, sign(message))).toBe(true)
        expect(verify('sha256', Buffer.from(`${text}.`), options, sign(message))).toBe(false)
        expect(sign(message)).toEqual(sign(message))
      }
    }
  })

  test('RSA keys are the same on every machine', () => {
    expect(createSigningKey({ type: 'rsa', seed: 'a' }).id).toBe(
      '8f2be440f11c9f119e1ae7e8e71d9bf4c37416cbe328b1d0f8a100291524fd4e',
    )
  })
})

describe('a collection made twice', () => {
  const kinds: [string, NonNullable<TrustCollectionOptions['roles']>][] = [
    ['the defaults', {}],
    ['every curve', { root: { curve: 'P-224' }, targets: { curve: 'P-384' }, snapshot: { curve: 'P-521' } }],
    ['RSA', { root: { type: 'rsa-x509' }, targets: { type: 'rsa' }, snapshot: { type: 'rsa', rsaMethod: 'rsapkcs1v15' } }],
    ['Ed25519', { targets: { type: 'ed25519', keys: 2, threshold: 2 } }],
  ]
  const publish = (roles: NonNullable<TrustCollectionOptions['roles']>, seed: string) => {
    const collection = createTrustCollection(GUN, {
      seed,
      roles,
      tags: { '3.19': 'x' },
      delegations: { 'targets/releases': { type: 'ecdsa-x509', tags: { '3.20': { digest: 'y', size: 7, custom: { a: 1 } } } } },
      rotations: [{}],
    })
    return collection.publish().rotateKey('snapshot').publish().files()
  }

  test.each(kinds)('%s: the same bytes under the same seed, other keys under another', (_, roles) => {
    const one = publish(roles, 'one')
    expect([...publish(roles, 'one')].map(([name, bytes]) => [name, Buffer.from(bytes).toString()])).toEqual(
      [...one].map(([name, bytes]) => [name, Buffer.from(bytes).toString()]),
    )
    expect(one.size).toBeGreaterThan(12)
    expect(publish(roles, 'two').get('root')).not.toEqual(one.get('root'))
  })
})
