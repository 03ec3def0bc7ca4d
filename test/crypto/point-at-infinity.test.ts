/**
 * These tests have a file of their own, because reading the curve of such a key aborts the process in Node 20
 * (node::crypto::GetEcKeyDetail, "Assertion failed: (ec) != nullptr"), and would end other tests with it.
 */
import { hexToBytes } from '@noble/hashes/utils.js'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { checkPath } from '../../src/crypto/certificate-path.js'
import { canonicalKeyId, importKey } from '../../src/crypto/keys.js'
import { createCertificate, encodeName, toPem } from '../../src/testing/index.js'
import { inspect, NOW, remake, VALID } from './certificate-surgery.js'
import { ecPair, listed } from './made-keys.js'

const CURVES = [
  ['P-224', '3016301006072a8648ce3d020106052b8104002103020000'],
  ['P-256', '3019301306072a8648ce3d020106082a8648ce3d03010703020000'],
  ['P-384', '3016301006072a8648ce3d020106052b8104002203020000'],
  ['P-521', '3016301006072a8648ce3d020106052b8104002303020000'],
  ['secp256k1', '3016301006072a8648ce3d020106052b8104000a03020000'],
] as const

describe.each(CURVES)('the point at infinity of %s', (_, text) => {
  const publicKey = hexToBytes(text)
  const root = createCertificate({ ...VALID, subject: { cn: 'Root' }, keys: ecPair('root'), ca: true })

  test('is an unusable key, and does not end the process', () => {
    expect(importKey(listed('ecdsa', publicKey))).toMatchObject({ kind: 'unusable' })
  })

  test('in a certificate is an unusable key', () => {
    const plain = createCertificate({ ...VALID, subject: { cn: 'x' }, issuer: root })
    const der = remake(plain.der, root.privateKey, { parts: { publicKey } })
    const key = listed('ecdsa-x509', utf8(toPem('CERTIFICATE', der)))
    expect(importKey(key)).toMatchObject({ kind: 'unusable' })
    canonicalKeyId(key)
  })

  test('issues nothing', () => {
    const plain = createCertificate({ ...VALID, subject: { cn: 'Odd' }, issuer: root, ca: true })
    const odd = inspect(remake(plain.der, root.privateKey, { parts: { publicKey } }))
    const leaf = createCertificate({
      ...VALID,
      subject: { cn: 'x' },
      issuer: { ...ecPair('forger'), subject: encodeName({ cn: 'Odd' }) },
    })
    expect(checkPath(inspect(leaf), [odd], [root.der], NOW)).toBeTypeOf('string')
  })
})
