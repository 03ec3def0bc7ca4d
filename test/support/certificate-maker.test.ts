import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createCertificate, createKeys, type KeyKind } from '../../src/testing/index.js'

const dates = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2060-01-01T00:00:00Z') }

describe('createCertificate', () => {
  test.each<KeyKind>(['P-224', 'P-256', 'P-384', 'P-521', 'RSA-1024', 'RSA-2048', 'Ed25519'])('signs itself with %s', (kind) => {
    const keys = createKeys(kind)
    const read = new X509Certificate(createCertificate({ subject: { cn: 'x' }, keys, ...dates }).der)
    expect(read.verify(keys.publicKey)).toBe(true)
    expect(read.verify(createKeys(kind).publicKey)).toBe(false)
    expect(read.checkPrivateKey(keys.privateKey)).toBe(true)
  })

  test.each([
    ['RSA-2048', 'md5'],
    ['RSA-2048', 'sha1'],
    ['RSA-2048', 'sha512'],
    ['P-256', 'sha1'],
    ['P-256', 'sha384'],
  ] as const)('signs by %s with %s', (kind, signatureAlgorithm) => {
    const issuer = createCertificate({ subject: { cn: 'ca', o: 'o' }, keys: createKeys(kind), ca: true, ...dates })
    const read = new X509Certificate(createCertificate({ subject: { cn: 'x' }, issuer, signatureAlgorithm, ...dates }).pem)
    expect(read.verify(issuer.publicKey)).toBe(true)
    expect(read.issuer).toBe('O=o\nCN=ca')
    expect(read.checkIssued(new X509Certificate(issuer.pem))).toBe(true)
  })

  test('writes every option into the certificate', () => {
    const read = new X509Certificate(
      createCertificate({
        subject: {
          ou: 'unit',
          cn: ['one', { text: 'zwei', type: 'bmp' }, { text: 'trois', type: 'universal' }, { text: 'iv', type: 'printable' }],
        },
        serial: 0x80n,
        ca: true,
        pathLength: 0,
        san: ['host.example', '127.0.0.1', '::1', 'fe80::1:2'],
        extendedKeyUsage: ['serverAuth', '1.2.840.113635.100.6'],
        nameConstraints: { permitted: ['example'], excluded: ['evil.example'] },
        extensions: [{ oid: '1.2.3.4', critical: true, value: Uint8Array.of(5, 0) }],
        ...dates,
      }).der,
    )
    expect(read.subject).toBe('OU=unit\nCN=one\nCN=zwei\nCN=trois\nCN=iv')
    expect(read.serialNumber).toBe('80')
    expect(read.ca).toBe(true)
    expect(read.subjectAltName).toBe(
      'DNS:host.example, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:FE80:0:0:0:0:0:1:2',
    )
    expect(read.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.2.840.113635.100.6'])
    expect([read.validFrom, read.validTo]).toEqual(['Jan  1 00:00:00 2020 GMT', 'Jan  1 00:00:00 2060 GMT'])
  })

  test('signs with the key of a forged issuer under the name of the real one', () => {
    const authority = createCertificate({ subject: { cn: 'ca' }, ca: true, ...dates })
    const forged = createCertificate({ subject: { cn: 'x' }, issuer: { ...authority, ...createKeys() }, ...dates })
    const read = new X509Certificate(forged.der)
    expect(read.issuer).toBe('CN=ca')
    expect(read.verify(authority.publicKey)).toBe(false)
  })
})
