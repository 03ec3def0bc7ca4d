import { createPrivateKey, createPublicKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { importKey, keyId } from '../../src/crypto/keys.js'
import { verifySignature } from '../../src/crypto/verify-signature.js'
import { createCertificate, createSigningKey, type KeyRecipe } from '../../src/testing/index.js'

const certificate = {
  subject: { cn: 'x' },
  notBefore: new Date('2026-01-01T00:00:00Z'),
  notAfter: new Date('2027-01-01T00:00:00Z'),
}

const recipes: KeyRecipe[] = [
  {},
  { type: 'ecdsa', curve: 'P-224' },
  { type: 'ecdsa', curve: 'P-384' },
  { type: 'ecdsa', curve: 'P-521' },
  { type: 'ed25519' },
  { type: 'rsa' },
  { type: 'rsa', rsaMethod: 'rsapkcs1v15' },
  { type: 'ecdsa-x509', certificate },
  { type: 'rsa-x509', certificate },
]

describe.each(recipes)('a key of %o', (recipe) => {
  test.each([undefined, 'seed'])('signs what the library verifies (seed %s)', (seed) => {
    const key = createSigningKey(seed === undefined ? recipe : { ...recipe, seed })
    const bytes = new Uint8Array(Buffer.from(key.document.keyval.public, 'base64'))
    expect(keyId(key.document.keytype, bytes)).toBe(key.id)
    const imported = importKey({ id: key.id, type: key.type, bytes })
    if (imported.kind === 'unusable') throw new Error(imported.reason)
    const message = Buffer.from('message')
    expect(verifySignature(imported, key.method, message, key.sign(message))).toBe(true)
    expect(verifySignature(imported, key.method, Buffer.from('other'), key.sign(message))).toBe(false)
  })
})

test('the ID of a key is the one that Notary gives it', () => {
  // The generator point of P-256: its private key is 1.
  const der = '30310201010420'.concat('00'.repeat(31), '01a00a06082a8648ce3d030107')
  const privateKey = createPrivateKey({ key: Buffer.from(der, 'hex'), format: 'der', type: 'sec1' })
  const key = createSigningKey({ pair: { privateKey, publicKey: createPublicKey(privateKey) } })
  expect(key.document.keyval.public).toMatch(/^MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncD/)
  expect(key.id).toBe('2a4a3169341f90dec00876954704aaaf9377744a576e20b3e17d3950976a448d')
})

test('RSA keys of one seed are one key; without a seed each is another', () => {
  const ids = [{ seed: 'a' }, { seed: 'a' }, { seed: 'b' }].map((recipe) => createSigningKey({ type: 'rsa', ...recipe }).id)
  expect(ids[0]).toBe(ids[1])
  expect(ids[2]).not.toBe(ids[0])
})

test('an x509 key needs a certificate; a bundle follows the leaf', () => {
  expect(() => createSigningKey({ type: 'ecdsa-x509' })).toThrow('needs a certificate')
  const authority = createCertificate({ ...certificate, subject: { cn: 'CA' }, ca: true })
  const key = createSigningKey({ type: 'ecdsa-x509', certificate: { ...certificate, issuer: authority }, bundle: [authority] })
  const pem = Buffer.from(key.document.keyval.public, 'base64').toString()
  expect(pem).toBe(`${key.certificate?.pem}${authority.pem}`)
})
