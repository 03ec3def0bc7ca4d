import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { encodePem, firstCertificateKey, pemCertificates } from '../../src/crypto/certificate.js'
import { inspectCertificate } from '../../src/crypto/certificate-details.js'
import { createCertificate, createKeys, der, toPem } from '../../src/testing/index.js'
import { algorithm, basicConstraints, inspect, PSS_SHA1, remake, signPssSha1, VALID } from './certificate-surgery.js'
import { ecPair, rsaPair, spkiOf } from './made-keys.js'

const { bitString, sequence, time, tlv } = der

const KEYS = ecPair('certificate')
const LEAF = createCertificate({ ...VALID, subject: { cn: 'registry.example/app' }, keys: KEYS })
const OTHER = createCertificate({ ...VALID, subject: { cn: 'other' }, keys: ecPair('other') })
const RSA_LEAF = createCertificate({ ...VALID, subject: { cn: 'registry.example/app' }, keys: rsaPair() })

describe('PEM bundles', () => {
  test('give their certificates in order [CERT-22]', () => {
    expect(pemCertificates(utf8(LEAF.pem + OTHER.pem))).toEqual([LEAF.der, OTHER.der])
  })

  test('are written as Notary writes them, and read back unchanged', () => {
    expect(encodePem([LEAF.der, OTHER.der])).toBe(LEAF.pem + OTHER.pem)
    const der = fc.uint8Array({ minLength: 1, maxLength: 300 })
    fc.assert(
      fc.property(fc.array(der, { minLength: 1, maxLength: 3 }), (ders) => {
        const pem = encodePem(ders)
        expect(pem).toMatch(/^(-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/=]{1,64}\n)+-----END CERTIFICATE-----\n)+$/)
        expect(pemCertificates(utf8(pem))).toEqual(ders)
      }),
      { seed: 1, numRuns: 100 },
    )
  })

  test.each([
    ['nothing', ''],
    ['text without a block', 'hello'],
    ['a private key first [CERT-28]', toPem('PRIVATE KEY', LEAF.der) + LEAF.pem],
    ['a private key last [CERT-24]', LEAF.pem + toPem('EC PRIVATE KEY', LEAF.der)],
    ['OpenSSL trusted certificates [CERT-28]', toPem('TRUSTED CERTIFICATE', LEAF.der)],
    ['old labels [CERT-28]', toPem('X509 CERTIFICATE', LEAF.der)],
    ['a block that ends under another label', LEAF.pem.replace('END CERTIFICATE', 'END PRIVATE KEY')],
    ['a block without end', LEAF.pem.replace(/-----END.*/, '')],
    ['a block cut in its base64', LEAF.pem.replace(/..\n-----END/, '\n-----END')],
    ['DER', LEAF.der],
  ])('%s is not a bundle', (_, pem) => {
    expect(pemCertificates(typeof pem === 'string' ? utf8(pem) : pem)).toBeUndefined()
  })

  test('a hostile text of a megabyte is parsed quickly', () => {
    const started = performance.now()
    const begin = '-----BEGIN CERTIFICATE-----\n'
    for (const text of [begin.repeat(40_000), `${begin}${'A'.repeat(1_000_000)}`, `${begin}${'\n'.repeat(1_000_000)}`]) {
      expect(pemCertificates(utf8(text))).toBeUndefined()
    }
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

describe('the key of a bundle', () => {
  test('is that of the first certificate [SIG-38]', () => {
    const key = firstCertificateKey(utf8(LEAF.pem + OTHER.pem))
    expect(typeof key === 'string' ? key : spkiOf(key)).toEqual(spkiOf(KEYS.publicKey))
  })

  test.each([
    ['no certificate', utf8('hello')],
    ['a block that holds no certificate', utf8(toPem('CERTIFICATE', Uint8Array.of(0x30, 0)))],
    ['bytes that are no text', Uint8Array.of(0xff)],
  ])('%s: the result says why there is no key', (_, pem) => {
    expect(firstCertificateKey(pem)).toMatch(/^not (a PEM bundle of certificates|an X\.509 certificate \(.+\))$/)
  })
})

test('a certificate with an unknown kind of key has no readable key', () => {
  const publicKey = sequence(algorithm('1.2.3.4'), bitString(Uint8Array.of(1, 2, 3)))
  const odd = remake(LEAF.der, KEYS.privateKey, { parts: { publicKey } })
  expect(firstCertificateKey(utf8(toPem('CERTIFICATE', odd)))).toMatch(/^a certificate without a readable key \(.+\)$/)
})

describe('the content of a certificate', () => {
  test('names, validity and extensions', () => {
    const { commonNames, ...details } = inspect(LEAF)
    expect([...commonNames]).toEqual(['registry.example/app'])
    expect(details).toMatchObject({
      der: LEAF.der,
      notBefore: VALID.notBefore.getTime(),
      notAfter: VALID.notAfter.getTime(),
      isCa: false,
      maySignCertificates: true,
      hasAlternativeNames: false,
      unknownCritical: [],
      weakSignature: false,
      selfIssued: true,
    })
    expect(details).not.toHaveProperty('pathLength')
    expect(details).not.toHaveProperty('purposes')
    expect(details).not.toHaveProperty('nameConstraints')
    const full = createCertificate({
      ...VALID,
      notAfter: new Date('2051-02-03T04:05:06Z'),
      subject: { cn: 'x', o: 'y' },
      issuer: LEAF,
      ca: true,
      pathLength: 0,
      san: ['example.com', '::1', '127.0.0.1'],
      extendedKeyUsage: ['codeSigning', '1.2.3'],
      nameConstraints: { permitted: ['example.com'] },
    })
    expect(inspect(full)).toMatchObject({
      notAfter: Date.parse('2051-02-03T04:05:06Z'),
      isCa: true,
      pathLength: 0,
      purposes: ['1.3.6.1.5.5.7.3.3', '1.2.3'],
      hasAlternativeNames: true,
      nameConstraints: 'other-names',
      selfIssued: false,
    })
  })

  test.each([
    ['two common names [CERT-07]', { cn: ['evil', 'gun'] }, ['evil', 'gun']],
    ['a common name with a line break [CERT-09]', { cn: 'evil\nCN=gun' }, ['evil\nCN=gun']],
    ['a common name with another inside [CERT-09]', { cn: 'evil/CN=gun, CN=gun' }, ['evil/CN=gun, CN=gun']],
    ['a common name with NUL [CERT-10]', { cn: 'gun\u0000.evil' }, ['gun\u0000.evil']],
    ['an organisation that looks like one [CERT-09]', { o: 'CN=gun' }, []],
    ['no common name [CERT-02]', {}, []],
    ['PrintableString [CERT-11]', { cn: { text: 'gun', type: 'printable' } }, ['gun']],
    ['IA5String [CERT-11]', { cn: { text: 'gun', type: 'ia5' } }, ['gun']],
    ['BMPString [CERT-11]', { cn: { text: 'gun', type: 'bmp' } }, [undefined]],
    ['TeletexString [CERT-11]', { cn: { text: 'gun', type: 'teletex' } }, [undefined]],
    ['UniversalString [CERT-11]', { cn: { text: 'gun', type: 'universal' } }, [undefined]],
  ] as const)('%s is told as it stands', (_, subject, names) => {
    expect([...inspect(createCertificate({ ...VALID, subject, keys: KEYS })).commonNames]).toEqual(names)
  })

  test.each([
    [[], false],
    [['keyCertSign'], true],
    [['digitalSignature'], false],
    [['nonRepudiation'], false],
    [['keyEncipherment'], false],
    [['dataEncipherment'], false],
    [['keyAgreement'], false],
    [['cRLSign'], false],
    [['digitalSignature', 'keyCertSign', 'cRLSign'], true],
  ] as const)('key usage %j: may sign certificates is %s [CERT-44]', (keyUsage, may) => {
    const certificate = createCertificate({ ...VALID, subject: { cn: 'x' }, keys: KEYS, ca: true, keyUsage })
    expect(inspect(certificate).maySignCertificates).toBe(may)
  })

  test.each([
    // BIT STRING of key usage: unused bits first. keyCertSign is 0x04 of the first byte, whatever is said to be unused.
    ['0000', '80', false],
    ['0000', '04', true],
    ['0002', '04', true],
    ['0000', '20', false],
    ['0007', '0080', false],
    ['0007', '8480', true],
    ['0000', '0400', true],
  ])('key usage with %s unused bits and content %s: may sign certificates is %s', (unused, usage, may) => {
    const value = tlv(0x03, Buffer.from(unused.slice(2) + usage, 'hex'))
    const extensions = [{ oid: '2.5.29.15', critical: true, value }]
    expect(inspect(createCertificate({ ...VALID, subject: { cn: 'x' }, keys: KEYS, extensions })).maySignCertificates).toBe(may)
  })

  test('unknown critical extensions are listed [CERT-29]', () => {
    const extensions = [
      { oid: '1.2.3.4', critical: true, value: tlv(0x05) },
      { oid: '1.2.3.5', value: tlv(0x05) },
    ]
    expect(inspect(createCertificate({ ...VALID, subject: {}, keys: KEYS, extensions })).unknownCritical).toEqual(['1.2.3.4'])
  })

  test.each([
    ['CA:FALSE after CA:TRUE', [basicConstraints(true), basicConstraints(false)]],
    ['CA:TRUE after CA:FALSE', [basicConstraints(false), basicConstraints(true)]],
    [
      'an unknown one, critical and then not',
      [
        { oid: '1.2.3.4', critical: true, value: tlv(0x05) },
        { oid: '1.2.3.4', value: tlv(0x05) },
      ],
    ],
  ])('a certificate with a repeated extension is unreadable: %s (RFC 5280 section 4.2)', (_, extensions) => {
    const certificate = createCertificate({ ...VALID, subject: { cn: 'x' }, keys: KEYS, extensions })
    expect(inspectCertificate(certificate.der)).toBeTypeOf('string')
  })

  test.each(['md5', 'sha1'] as const)('a signature with %s is weak [CERT-17, CERT-18]', (signatureAlgorithm) => {
    const certificate = createCertificate({ ...VALID, subject: { cn: 'x' }, issuer: RSA_LEAF, signatureAlgorithm })
    expect(inspect(certificate).weakSignature).toBe(true)
    if (signatureAlgorithm === 'md5') return
    expect(inspect(createCertificate({ ...VALID, subject: { cn: 'x' }, issuer: LEAF, signatureAlgorithm })).weakSignature).toBe(
      true,
    )
  })

  test.each([
    ['MD2', algorithm('1.2.840.113549.1.1.2')],
    ['MD4', algorithm('1.2.840.113549.1.1.3')],
    ['MD5 under its OIW number', algorithm('1.3.14.3.2.3')],
    ['SHA-0', algorithm('1.3.14.3.2.15')],
    ['SHA-1 under its OIW number', algorithm('1.3.14.3.2.29')],
    ['DSA with SHA-1 under its OIW number', algorithm('1.3.14.3.2.27')],
    ['RIPEMD-160', algorithm('1.3.36.3.3.1.2')],
    ['RSASSA-PSS with SHA-1', PSS_SHA1],
  ])('a signature with %s is weak [CERT-17, CERT-18]', (_, weak) => {
    const der = remake(RSA_LEAF.der, RSA_LEAF.privateKey, { algorithm: weak, sign: signPssSha1(RSA_LEAF.privateKey) })
    expect(inspect(der).weakSignature).toBe(true)
  })

  test('SHA-1 in one of the two algorithm fields is weak [CERT-17]', () => {
    const [sha1, sha256] = [algorithm('1.2.840.113549.1.1.5'), algorithm('1.2.840.113549.1.1.11')]
    for (const [outside, signature] of [
      [sha256, sha1],
      [sha1, sha256],
    ] as const) {
      const der = remake(RSA_LEAF.der, RSA_LEAF.privateKey, { algorithm: outside, parts: { signature } })
      const details = inspectCertificate(der)
      expect(typeof details === 'string' || details.weakSignature).toBe(true)
    }
  })

  test.each(['sha256', 'sha384', 'sha512'] as const)('%s is not weak, under RSA, ECDSA and Ed25519', (signatureAlgorithm) => {
    for (const issuer of [LEAF, RSA_LEAF, { ...createKeys('Ed25519'), subject: LEAF.subject }]) {
      const certificate = createCertificate({ ...VALID, subject: { cn: 'x' }, keys: KEYS, issuer, signatureAlgorithm })
      expect(inspect(certificate).weakSignature).toBe(false)
    }
  })
})

describe('a certificate with a date that RFC 5280 does not allow is unreadable, because parsers differ', () => {
  const dated = (tag: number, text: string) =>
    remake(LEAF.der, KEYS.privateKey, {
      parts: { validity: sequence(time(VALID.notBefore), tlv(tag, Buffer.from(text))) },
    })
  const begun = (tag: number, text: string) =>
    remake(LEAF.der, KEYS.privateKey, {
      parts: { validity: sequence(tlv(tag, Buffer.from(text)), time(new Date('2040-01-01T00:00:00Z'))) },
    })

  test.each([
    ['GeneralizedTime without a zone', 0x18, '20340101000000'],
    ['UTCTime without a zone', 0x17, '340101000000'],
    ['UTCTime with an offset', 0x17, '340101000000+0100'],
    ['UTCTime without seconds', 0x17, '3401010000Z'],
    ['30 February', 0x18, '20340230000000Z'],
    ['30 February as UTCTime', 0x17, '340230000000Z'],
    ['month 13', 0x17, '341301000000Z'],
    ['nines', 0x18, '99999999999999Z'],
    ['letters', 0x17, 'abcdefghijklZ'],
    ['nothing', 0x17, ''],
  ])('%s', (_, tag, text) => {
    expect(inspectCertificate(dated(tag, text))).toBeTypeOf('string')
    expect(inspectCertificate(begun(tag, text))).toBeTypeOf('string')
  })

  test('both forms of RFC 5280 are read, in any time zone', () => {
    for (const [tag, text] of [
      [0x17, '340101000000Z'],
      [0x18, '20340101000000Z'],
    ] as const) {
      expect(inspect(dated(tag, text)).notAfter).toBe(Date.parse('2034-01-01T00:00:00Z'))
      expect(inspect(begun(tag, text)).notBefore).toBe(Date.parse('2034-01-01T00:00:00Z'))
    }
    expect(inspect(dated(0x17, '500101000000Z')).notAfter).toBe(Date.parse('1950-01-01T00:00:00Z'))
    expect(inspect(dated(0x17, '491231235959Z')).notAfter).toBe(Date.parse('2049-12-31T23:59:59Z'))
  })
})

describe('an invalid certificate', () => {
  test.each([
    ['nothing', new Uint8Array()],
    ['a trailing byte [CERT-28]', Uint8Array.of(...LEAF.der, 0)],
    ['a second certificate after the first', Uint8Array.of(...LEAF.der, ...OTHER.der)],
    ['a certificate cut short', LEAF.der.subarray(0, -1)],
    ['PEM, which Node would accept', utf8(LEAF.pem)],
    ['a BER length', Uint8Array.of(0x30, 0x83, 0, ...LEAF.der.subarray(2))],
    ['an indefinite length', Uint8Array.of(0x30, 0x80, ...LEAF.der.subarray(4), 0, 0)],
    ['a bare key', sequence(bitString(Uint8Array.of(1)))],
  ])('%s is refused', (_, der) => {
    expect(inspectCertificate(der)).toBeTypeOf('string')
  })

  test('no bytes make inspectCertificate throw', () => {
    const change = fc.tuple(fc.nat(2000), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.constantFrom(LEAF.der, RSA_LEAF.der), fc.array(change, { minLength: 1, maxLength: 3 }), (der, changes) => {
        const copy = Uint8Array.from(der)
        for (const [at, value] of changes) copy[at % copy.length] = value
        const details = inspectCertificate(copy)
        if (typeof details !== 'string') expect(details.x509.raw.length).toBe(copy.length)
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})
