/** Forms of a pinned root key, and the key ID of each. */
import { ECDH } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { keyId } from '../../src/crypto/keys.js'
import { readPinnedKey } from '../../src/crypto/pinned-key.js'
import { createCertificate, createKeys, type KeyPair, toPem } from '../../src/testing/index.js'
import { VALID } from './certificate-surgery.js'
import { ecPair, rsaPair, spkiOf } from './made-keys.js'

const publicPem = ({ publicKey }: KeyPair) => publicKey.export({ format: 'pem', type: 'spki' }).toString()
const certificateOf = (keys: KeyPair) => createCertificate({ ...VALID, subject: { cn: 'x' }, keys })

describe.each(['P-224', 'P-256', 'P-384', 'P-521'] as const)('an EC key on %s', (curve) => {
  const keys = createKeys(curve)

  test('as PEM gives its canonical ID', () => {
    expect(readPinnedKey(publicPem(keys))).toBe(keyId('ecdsa', spkiOf(keys.publicKey)))
  })

  test('as a certificate gives the ID that root.json lists', () => {
    const { pem } = certificateOf(keys)
    expect(readPinnedKey(pem)).toBe(keyId('ecdsa-x509', utf8(pem)))
  })
})

test('an RSA key, and a certificate with the CA above it', () => {
  const keys = rsaPair()
  expect(readPinnedKey(publicPem(keys))).toBe(keyId('rsa', spkiOf(keys.publicKey)))
  const ca = createCertificate({ ...VALID, subject: { cn: 'ca' }, keys: ecPair('ca'), ca: true })
  const leaf = createCertificate({ ...VALID, subject: { cn: 'x' }, keys, issuer: ca })
  expect(readPinnedKey(leaf.pem + ca.pem)).toBe(keyId('rsa-x509', utf8(leaf.pem + ca.pem)))
  expect(readPinnedKey(ca.pem + leaf.pem)).toMatchObject({ problem: expect.stringContaining('CA') })
})

test('other line ends and widths give the same ID', () => {
  const { pem, der } = certificateOf(ecPair('lines'))
  const wide = `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----`
  for (const text of [wide, pem.replaceAll('\n', '\r\n'), `\n\n${pem}\n`]) expect(readPinnedKey(text)).toEqual(readPinnedKey(pem))
})

test.each<[string, string]>([
  ['a key with a compressed point, which is ambiguous', toPem('PUBLIC KEY', compressed())],
  ['a key with trailing bytes', toPem('PUBLIC KEY', Buffer.concat([spkiOf(ecPair('x').publicKey), Buffer.of(0)]))],
  ['an RSA key of 1,024 bits', publicPem(createKeys('RSA-1024'))],
  ['an Ed25519 key', publicPem(createKeys('Ed25519'))],
  ['a certificate request', toPem('CERTIFICATE REQUEST', spkiOf(ecPair('x').publicKey))],
  ['a public key that calls itself a certificate', toPem('CERTIFICATE', spkiOf(ecPair('x').publicKey))],
  ['a block without its end', publicPem(ecPair('x')).slice(0, -10)],
  ['an ID with a space after it', `${'ab'.repeat(32)} `],
  ['an ID with a colon', `sha256:${'ab'.repeat(32)}`],
  ['nothing', ''],
])('%s is refused', (_, text) => {
  expect(readPinnedKey(text)).toEqual({ problem: expect.any(String) })
})

/** The same point of P-256 in compressed form. */
function compressed(): Uint8Array {
  const point = spkiOf(ecPair('compressed').publicKey).subarray(-65)
  const short = ECDH.convertKey(point, 'prime256v1', undefined, undefined, 'compressed')
  return Buffer.concat([Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'), Buffer.from(short)])
}

test('any text gives an ID or a problem, and a damaged text never gives another key', () => {
  const pem = publicPem(ecPair('damaged'))
  const good = readPinnedKey(pem)
  const damaged = fc
    .tuple(fc.nat(pem.length - 1), fc.string({ minLength: 1, maxLength: 3 }))
    .map(([at, text]) => pem.slice(0, at) + text + pem.slice(at + 1))
  fc.assert(
    fc.property(fc.oneof(damaged, fc.string()), (text) => {
      const read = readPinnedKey(text)
      if (typeof read !== 'string') expect(read.problem).not.toBe('')
      else expect(read).toBe(good) // the damage was in white space
    }),
    { seed: 11, numRuns: 300 },
  )
})
