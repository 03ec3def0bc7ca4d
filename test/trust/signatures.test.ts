import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { canonicalKeyId, importKey } from '../../src/crypto/keys.js'
import type { RoleKeys, Signature, Unverified } from '../../src/metadata/model.js'
import { createCertificate } from '../../src/testing/index.js'
import { canMeetThreshold, checkSignatures, verdict } from '../../src/trust/signatures.js'
import { VALID } from '../crypto/certificate-surgery.js'
import { ecdsaSigner, ecPair, ed25519Signer, listed, rsaPair, rsaSigner, type Signer, x509Signer } from '../crypto/made-keys.js'

const MESSAGE = utf8('{"_type":"Targets","version":1}')
const [ALICE, BOB, CAROL] = [ed25519Signer('alice'), ecdsaSigner(ecPair('bob')), ed25519Signer('carol')]

function roleOf(signers: readonly Pick<Signer, 'key'>[], threshold = 1): RoleKeys {
  return { keys: new Map(signers.map(({ key }) => [key.id, { ...key, verifying: importKey(key) }])), threshold }
}

function signatureOf({ key, method, sign }: Signer, over: Partial<Signature> = {}): Signature {
  return { keyId: key.id, method, bytes: sign(MESSAGE), ...over }
}

function fileWith(signatures: readonly Signature[]): Unverified<unknown> {
  return { role: 'targets', metadata: {}, signedBytes: MESSAGE, signatures, file: MESSAGE, size: { values: 0, keys: 0 } }
}

function check(signatures: readonly Signature[], role: RoleKeys) {
  const { count, met, signedBy } = checkSignatures(fileWith(signatures), role)
  return { count, met, signedBy }
}

const JUNK = new Uint8Array(64).fill(7)
const junkOf = (signer: Signer) => signatureOf(signer, { bytes: JUNK })

describe('signatures that count', () => {
  test('one key of the role is enough for a threshold of 1', () => {
    expect(check([signatureOf(ALICE)], roleOf([ALICE, BOB]))).toEqual({ count: 1, met: true, signedBy: [ALICE.key.id] })
  })

  test('two keys meet a threshold of 2 in any order, among any others [SIG-07, SIG-43]', () => {
    const role = roleOf([ALICE, BOB, CAROL], 2)
    const both = [ALICE.key.id, BOB.key.id].sort()
    const orders = [
      [signatureOf(ALICE), signatureOf(BOB)],
      [signatureOf(BOB), signatureOf(ALICE)],
      [junkOf(CAROL), signatureOf(BOB), signatureOf(ALICE)],
      [signatureOf(BOB), junkOf(CAROL), signatureOf(ALICE), signatureOf(ed25519Signer('stranger'))],
    ]
    for (const signatures of orders) expect(check(signatures, role)).toEqual({ count: 2, met: true, signedBy: both })
  })

  test('a valid signature behind an invalid one of the same key: Notary takes it [SIG-05]', () => {
    expect(check([junkOf(ALICE), signatureOf(ALICE)], roleOf([ALICE])).met).toBe(true)
  })

  test('ten thousand unknown signatures cost nothing and change nothing [SIG-03]', () => {
    const strangers = Array.from({ length: 10_000 }, (_, at) => ({ keyId: String(at), method: 'eddsa', bytes: JUNK }))
    const started = performance.now()
    expect(check([...strangers, signatureOf(ALICE)], roleOf([ALICE]))).toMatchObject({ count: 1, met: true })
    expect(performance.now() - started).toBeLessThan(200)
  })

  test('a key of two roles counts in each [SIG-45]', () => {
    for (const role of [roleOf([ALICE, BOB]), roleOf([ALICE, CAROL])]) expect(check([signatureOf(ALICE)], role).met).toBe(true)
  })
})

describe('signatures that do not count', () => {
  test.each<[string, readonly Signature[], RoleKeys]>([
    ['none at all [SIG-01]', [], roleOf([ALICE])],
    ['an invalid one', [junkOf(ALICE)], roleOf([ALICE])],
    ['an empty one', [signatureOf(ALICE, { bytes: new Uint8Array() })], roleOf([ALICE])],
    ['one of a key outside the role [SIG-08, SIG-44]', [signatureOf(CAROL)], roleOf([ALICE, BOB])],
    ['one under the ID of another key', [signatureOf(CAROL, { keyId: ALICE.key.id })], roleOf([ALICE, BOB])],
    ['one under an upper-case key ID [SIG-09]', [signatureOf(ALICE, { keyId: ALICE.key.id.toUpperCase() })], roleOf([ALICE])],
    ['one under a name of Object.prototype', [signatureOf(ALICE, { keyId: '__proto__' })], roleOf([ALICE])],
    ['one with the method of another key type [SIG-14]', [signatureOf(ALICE, { method: 'ecdsa' })], roleOf([ALICE])],
    ['one without method [SIG-12]', [signatureOf(ALICE, { method: '' })], roleOf([ALICE])],
    [
      'one of an unusable key',
      [signatureOf(ALICE, { keyId: listed('quantum', ALICE.key.bytes).id })],
      roleOf([{ key: listed('quantum', ALICE.key.bytes) }]),
    ],
  ])('%s', (_, signatures, role) => {
    expect(check(signatures, role)).toEqual({ count: 0, met: false, signedBy: [] })
  })

  test('one over other bytes than the canonical ones', () => {
    const other = { ...fileWith([signatureOf(ALICE)]), signedBytes: utf8('{"_type":"Targets","version":2}') }
    expect(checkSignatures(other, roleOf([ALICE])).met).toBe(false)
  })

  test('the same key twice does not meet a threshold of 2 [SIG-04]', () => {
    const twice = [signatureOf(BOB), signatureOf(BOB), signatureOf(BOB, { method: 'ECDSA' })]
    expect(check(twice, roleOf([ALICE, BOB], 2))).toEqual({ count: 1, met: false, signedBy: [BOB.key.id] })
  })

  test('one key under three IDs does not meet a threshold of 2: two certificates and the bare key', () => {
    for (const pair of [ecPair('dup'), rsaPair()]) {
      const wrapped = ['one', 'two'].map((cn) =>
        x509Signer(pair, createCertificate({ ...VALID, subject: { cn }, keys: pair }).pem),
      )
      const bare = pair.publicKey.asymmetricKeyType === 'rsa' ? rsaSigner(pair, 'rsapkcs1v15') : ecdsaSigner(pair)
      const signers = [...wrapped, bare]
      const signatures = signers.map((signer) => signatureOf(signer))
      expect(check(signatures, roleOf(signers, 2))).toMatchObject({ count: 1, met: false })
      expect(check(signatures, roleOf(signers, 1))).toMatchObject({ count: 1, met: true })
      expect(check([...signatures, signatureOf(ALICE)], roleOf([...signers, ALICE], 2))).toMatchObject({ count: 2, met: true })
    }
  })

  test('behind 15 invalid ones of its key a signature counts, behind 16 no longer (denial of service)', () => {
    const behind = (junk: number) => check([...new Array(junk).fill(junkOf(ALICE)), signatureOf(ALICE)], roleOf([ALICE, BOB]))
    expect(behind(15)).toMatchObject({ count: 1, met: true })
    expect(behind(16)).toMatchObject({ count: 0, met: false })
    // Those of another key are not counted with them.
    expect(check([...new Array(16).fill(junkOf(ALICE)), signatureOf(BOB)], roleOf([ALICE, BOB]))).toMatchObject({ count: 1 })
  })

  test('a key does not get more tries than it needs (denial of service)', () => {
    const tries: Signature[] = new Array(100_000).fill(junkOf(BOB))
    const started = performance.now()
    expect(check([...tries, signatureOf(ALICE)], roleOf([ALICE, BOB])).signedBy).toEqual([ALICE.key.id])
    expect(performance.now() - started).toBeLessThan(1500)
  })
})

test('the count is the number of different keys of the role that signed, whatever other signatures there are', () => {
  const signers = Array.from({ length: 4 }, (_, at) => ed25519Signer(`many ${at}`))
  const genuine = signers.map((signer) => signatureOf(signer))
  const entry = fc.tuple(fc.nat(3), fc.nat(3), fc.boolean())
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 8 }), fc.integer({ min: 1, max: 4 }), fc.nat(4), (entries, threshold, size) => {
      const role = roleOf(signers.slice(0, size), threshold)
      // Who is named, whose signature it is, and whether it is left alone.
      const signatures = entries.map(([named, signed, intact]): Signature => {
        const bytes = genuine[signed]?.bytes ?? JUNK
        return { keyId: signers[named]?.key.id ?? '', method: 'eddsa', bytes: intact ? bytes : bytes.map((byte) => byte ^ 1) }
      })
      const expected = new Set(
        entries.filter(([named, signed, intact]) => intact && named === signed && named < size).map(([named]) => named),
      )
      const { count, met, signedBy } = checkSignatures(fileWith(signatures), role)
      expect(count).toBe(expected.size)
      expect(met).toBe(expected.size >= threshold)
      expect(signedBy).toEqual([...expected].map((at) => signers[at]?.key.id ?? '').sort())
    }),
    { seed: 1, numRuns: 80 },
  )
})

describe('the verdict explains itself', () => {
  test('what was asked, who signed, who was listed, and who could never count', () => {
    const odd = { key: listed('quantum', utf8('x')) }
    const { evidence } = checkSignatures(fileWith([signatureOf(BOB)]), roleOf([ALICE, BOB, odd], 2))
    expect(evidence).toEqual({
      threshold: 2,
      validSignatures: 1,
      signedBy: [BOB.key.id],
      listedKeys: [ALICE.key.id, BOB.key.id, odd.key.id],
      unusableKeys: [`${odd.key.id}: unknown key type quantum`],
    })
  })

  test('with the canonical IDs of keys in certificates, those of the first sixteen keys alone', () => {
    const keys = Array.from({ length: 20 }, (_, at) => {
      const pair = ecPair(`certified ${at}`)
      return x509Signer(pair, createCertificate({ ...VALID, subject: { cn: `${at}` }, keys: pair }).pem)
    })
    const { evidence } = checkSignatures(fileWith([]), roleOf([ALICE, ...keys]))
    const told = keys.slice(0, 15).map(({ key }) => `${key.id}: ${canonicalKeyId(key)}`)
    expect(evidence['canonicalIds']).toEqual(told)
  })

  test('without a word on unusable keys when there is none', () => {
    const { evidence } = checkSignatures(fileWith([]), roleOf([ALICE]))
    expect(evidence).toEqual({ threshold: 1, validSignatures: 0, signedBy: [], listedKeys: [ALICE.key.id] })
  })

  test('only the keys that it is given count, and only those of the role', () => {
    const role = roleOf([ALICE, BOB], 2)
    expect(verdict([ALICE.key.id, CAROL.key.id], role)).toMatchObject({ count: 1, met: false })
    expect(verdict([ALICE.key.id, ALICE.key.id], role)).toMatchObject({ count: 1, met: false })
    expect(verdict([ALICE.key.id, BOB.key.id], role)).toMatchObject({ count: 2, met: true })
    const odd = { key: listed('quantum', utf8('x')) }
    expect(verdict([ALICE.key.id, odd.key.id], roleOf([ALICE, odd], 2))).toMatchObject({ count: 1, met: false })
  })

  test('a role with fewer keys than its threshold can never meet it', () => {
    expect(canMeetThreshold(roleOf([ALICE, BOB], 2))).toBe(true)
    expect(canMeetThreshold(roleOf([ALICE, BOB], 3))).toBe(false)
    expect(canMeetThreshold(roleOf([], 1))).toBe(false)
  })
})
