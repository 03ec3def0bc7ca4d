import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { encodePem } from '../../src/crypto/certificate.js'
import { type CertificateOptions, createCertificate, der, type NameParts, toPem } from '../../src/testing/index.js'
import { rootCertificate } from '../../src/trust/root-certificate.js'
import { algorithm, basicConstraints, NOW, PSS_SHA1, remake, signPssSha1, VALID } from '../crypto/certificate-surgery.js'
import { ecPair, listed, rsaPair } from '../crypto/made-keys.js'

const { bitString, objectIdentifier, sequence, tlv } = der

const GUN = 'docker.com/notary'
const HOUR = 60 * 60 * 1000
const KEYS = ecPair('root certificate')
const RSA = rsaPair()
const LEAF = made()
const CA = made({ subject: { cn: 'CA' }, keys: ecPair('ca'), ca: true })
const ISSUED = made({ issuer: CA })

function made(options: Partial<CertificateOptions> = {}) {
  return createCertificate({ ...VALID, subject: { cn: GUN }, keys: KEYS, ...options })
}

/** `accepted`, or why the bundle does not bind a key to the collection. */
function verdictOn(pem: string, { type = 'ecdsa-x509', gun = GUN, now = NOW } = {}): string {
  const result = rootCertificate(listed(type, utf8(pem)), gun, now)
  return typeof result === 'string' ? result : 'accepted'
}

describe('the common name', () => {
  const named = (subject: NameParts, gun = GUN) => verdictOn(made({ subject }).pem, { gun })

  test.each<[string, NameParts, string]>([
    ['the GUN [CERT-01]', { cn: GUN }, GUN],
    ['a prefix and a star [CERT-03]', { cn: 'docker.com/*' }, GUN],
    ['a prefix inside a name, as in Notary [CERT-04]', { cn: 'docker.com/no*' }, GUN],
    ['all of the name and a star', { cn: `${GUN}*` }, GUN],
    ['a prefix and two stars, as in Notary [CERT-05]', { cn: 'docker.com/**' }, GUN],
    ['a literal star before the last', { cn: 'a/*/*' }, 'a/*/b'],
    ['other parts of the subject beside it', { o: 'CN=evil', ou: 'evil', cn: GUN }, GUN],
    ['PrintableString [CERT-11]', { cn: { text: GUN, type: 'printable' } }, GUN],
    ['IA5String [CERT-11]', { cn: { text: GUN, type: 'ia5' } }, GUN],
  ])('may be %s', (_, subject, gun) => {
    expect(named(subject, gun)).toBe('accepted')
  })

  test.each<[string, NameParts]>([
    ['another name [CERT-02]', { cn: 'docker.com/other' }],
    ['a part of the name', { cn: 'docker.com' }],
    ['a prefix without star', { cn: 'docker.com/' }],
    ['a longer name', { cn: `${GUN}/x` }],
    ['a longer prefix', { cn: `${GUN}x*` }],
    ['another case [CERT-02]', { cn: 'Docker.com/notary' }],
    ['empty [CERT-02]', { cn: '' }],
    ['absent [CERT-02]', {}],
    ['only an organisation', { o: GUN }],
    ['a star [CERT-05]', { cn: '*' }],
    ['stars [CERT-05]', { cn: '***' }],
    ['a star in front [CERT-06]', { cn: '*/notary' }],
    ['a star inside [CERT-06]', { cn: 'docker.com/*/*' }],
    ['two, the last one right [CERT-07]', { cn: ['evil', GUN] }],
    ['two, the first one right [CERT-07]', { cn: [GUN, 'evil'] }],
    ['two, both right [CERT-07]', { cn: [GUN, GUN] }],
    ['with a line break and the right name [CERT-09]', { cn: `evil\nCN=${GUN}` }],
    ['with a slash and the right name [CERT-09]', { cn: `evil/CN=${GUN}` }],
    ['with a comma and the right name [CERT-09]', { cn: `evil, CN=${GUN}` }],
    ['with NUL [CERT-10]', { cn: `${GUN}\u0000.evil` }],
    ['with a space', { cn: `${GUN} ` }],
    ['with letters that look the same', { cn: GUN.replace('o', '\u043e') }],
    ['BMPString [CERT-11]', { cn: { text: GUN, type: 'bmp' } }],
    ['TeletexString [CERT-11]', { cn: { text: GUN, type: 'teletex' } }],
    ['UniversalString [CERT-11]', { cn: { text: GUN, type: 'universal' } }],
  ])('may not be %s', (_, subject) => {
    expect(named(subject)).not.toBe('accepted')
  })

  test('an alternative name does not stand in for it [CERT-02]', () => {
    expect(verdictOn(made({ subject: { cn: 'other' }, san: ['docker.com'] }).pem, { gun: 'docker.com' })).toMatch(
      /is for "other"/,
    )
  })

  test('two names in one part of the subject are two [CERT-08]', () => {
    const attribute = (cn: string) => sequence(objectIdentifier('2.5.4.3'), tlv(0x0c, utf8(cn)))
    const subject = sequence(tlv(0x31, attribute('a-evil'), attribute(GUN)))
    const swapped = remake(ISSUED.der, CA.privateKey, { parts: { subject } })
    expect(verdictOn(toPem('CERTIFICATE', swapped))).toMatch(/one readable common name/)
  })

  test('thirty thousand stars are judged in no time', () => {
    const stars = made({ subject: { cn: `${'*'.repeat(30_000)}a*` } })
    const started = performance.now()
    expect(verdictOn(stars.pem)).not.toBe('accepted')
    expect(performance.now() - started).toBeLessThan(300)
  })
})

describe('validity', () => {
  test('may begin up to a day in the future [CERT-14]', () => {
    const begins = (from: number) => verdictOn(made({ notBefore: new Date(NOW + from) }).pem)
    expect(begins(23 * HOUR)).toBe('accepted')
    expect(begins(24 * HOUR)).toBe('accepted')
    expect(begins(24 * HOUR + 1000)).toMatch(/valid only from 2025-01-02T00:00:01.000Z/)
    expect(begins(25 * HOUR)).toMatch(/valid only from/)
  })

  test('may not end before it begins [CERT-15]', () => {
    expect(
      verdictOn(made({ notBefore: VALID.notAfter, notAfter: VALID.notBefore }).pem, { now: VALID.notAfter.getTime() }),
    ).toMatch(/ends before/)
  })

  test('that has ended is for the caller to judge', () => {
    expect(verdictOn(LEAF.pem, { now: VALID.notAfter.getTime() + HOUR })).toBe('accepted')
  })

  test('a clock that is no number refuses [VER-27]', () => {
    expect(verdictOn(LEAF.pem, { now: Number.NaN })).not.toBe('accepted')
  })
})

describe('the leaf', () => {
  test.each(['rsa', 'ecdsa', 'ed25519', 'x509', 'ecdsa-x509 '])('in a key of type %j binds nothing', (type) => {
    expect(verdictOn(LEAF.pem, { type })).toMatch(/must be an X.509 key/)
  })

  test('may be self-signed, or issued by anybody', () => {
    expect(verdictOn(LEAF.pem)).toBe('accepted')
    expect(verdictOn(ISSUED.pem)).toBe('accepted')
    expect(verdictOn(made({ keys: RSA }).pem, { type: 'rsa-x509' })).toBe('accepted')
  })

  test('that is self-signed must verify itself [CERT-18]', () => {
    const bent = Uint8Array.from(LEAF.der)
    bent[bent.length - 1] = (bent.at(-1) ?? 0) ^ 1
    expect(verdictOn(toPem('CERTIFICATE', bent))).toMatch(/does not verify itself/)
    expect(verdictOn(made({ issuer: { ...CA, subject: LEAF.subject } }).pem)).toMatch(/does not verify itself/)
  })

  test.each<[string, Partial<CertificateOptions>]>([
    ['SHA-1 [CERT-17]', { signatureAlgorithm: 'sha1' }],
    ['SHA-1 of an issuer [CERT-17]', { signatureAlgorithm: 'sha1', issuer: CA }],
    ['SHA-1 under RSA [CERT-17]', { signatureAlgorithm: 'sha1', keys: RSA }],
    ['MD5 [CERT-18]', { signatureAlgorithm: 'md5', keys: RSA }],
  ])('may not be signed with %s', (_, options) => {
    expect(verdictOn(made(options).pem)).toMatch(/MD5 or SHA-1/)
  })

  test.each([
    ['MD5 whose signature is wrong too [CERT-18]', { algorithm: algorithm('1.2.840.113549.1.1.4') }],
    ['MD5 under its OIW number [CERT-18]', { algorithm: algorithm('1.3.14.3.2.3') }],
    ['RSASSA-PSS with SHA-1 [CERT-17]', { algorithm: PSS_SHA1, sign: signPssSha1(RSA.privateKey) }],
    ['SHA-1, and SHA-256 is said outside [CERT-17]', { parts: { signature: algorithm('1.2.840.113549.1.1.5') } }],
  ])('may not be signed by an issuer with %s', (_, surgery) => {
    const leaf = made({ issuer: made({ subject: { cn: 'CA' }, keys: RSA, ca: true }) })
    expect(verdictOn(toPem('CERTIFICATE', remake(leaf.der, RSA.privateKey, surgery)))).not.toBe('accepted')
  })

  test('may not have a critical extension that is not understood [CERT-29]', () => {
    const extension = { oid: '1.2.3.4', value: tlv(0x05) }
    expect(verdictOn(made({ extensions: [{ ...extension, critical: true }] }).pem)).toMatch(/critical extension .*1\.2\.3\.4/)
    expect(verdictOn(made({ extensions: [extension] }).pem)).toBe('accepted')
    expect(verdictOn(made({ extensions: [{ ...extension, critical: true }, extension] }).pem)).not.toBe('accepted')
  })

  test('may have any key usage, purpose and alternative name: first use looks at the name alone', () => {
    expect(verdictOn(made({ keyUsage: ['keyEncipherment'], extendedKeyUsage: ['emailProtection'], san: ['x'] }).pem)).toBe(
      'accepted',
    )
  })

  test('is unreadable with an unknown key type, and nothing is thrown', () => {
    const publicKey = sequence(sequence(objectIdentifier('1.2.3.4')), bitString(Uint8Array.of(1)))
    const odd = remake(LEAF.der, KEYS.privateKey, { parts: { publicKey } })
    expect(verdictOn(toPem('CERTIFICATE', odd))).not.toBe('accepted')
  })
})

describe('the bundle', () => {
  const other = made({ subject: { cn: 'Other CA' }, keys: ecPair('other'), ca: true })

  test.each([
    ['the leaf alone', ISSUED.pem],
    ['leaf and CA', ISSUED.pem + CA.pem],
    ['leaf, CA and another CA [CERT-22]', ISSUED.pem + CA.pem + other.pem],
    ['CAs in another order [CERT-25]', ISSUED.pem + other.pem + CA.pem],
    [
      'a CA that has expired: intermediates do not matter here [CERT-26]',
      ISSUED.pem + made({ subject: { cn: 'CA' }, ca: true, notAfter: new Date(NOW - HOUR) }).pem,
    ],
  ])('may hold %s', (_, pem) => {
    expect(verdictOn(pem)).toBe('accepted')
  })

  test.each([
    ['only CAs [CERT-20]', CA.pem, /one leaf certificate, this one 0/],
    ['a CA of the right name only [CERT-20]', made({ ca: true }).pem, /one leaf certificate, this one 0/],
    ['a CA before the leaf [CERT-21]', CA.pem + ISSUED.pem, /must come first/],
    ['two leaves [CERT-23]', LEAF.pem + ISSUED.pem, /this one 2/],
    ['the leaf twice [CERT-23]', LEAF.pem + LEAF.pem, /this one 2/],
    ['a private key [CERT-24]', LEAF.pem + toPem('PRIVATE KEY', LEAF.der), /PEM as Notary writes it/],
    ['a private key first [CERT-28]', toPem('PRIVATE KEY', LEAF.der) + LEAF.pem, /PEM as Notary writes it/],
    ['no certificate', 'hello', /PEM as Notary writes it/],
    ['a block that is no certificate', LEAF.pem + toPem('CERTIFICATE', Uint8Array.of(1)), /not an X.509 certificate/],
    ['a certificate with a byte too many [CERT-28]', toPem('CERTIFICATE', Uint8Array.of(...LEAF.der, 0)), /bytes after/],
    ['a leaf that also says CA:TRUE', made({ extensions: [basicConstraints(true), basicConstraints(false)] }).pem, /./],
  ])('may not hold %s', (_, pem, problem) => {
    expect(verdictOn(pem)).not.toBe('accepted')
    expect(verdictOn(pem)).toMatch(problem)
  })

  test.each<[string, (pem: string) => string]>([
    ['CRLF', (pem) => pem.replaceAll('\n', '\r\n')],
    ['no line break at the end', (pem) => pem.trimEnd()],
    ['a blank line at the end', (pem) => `${pem}\n`],
    ['text in front', (pem) => `subject=CN\n${pem}`],
    ['text behind', (pem) => `${pem}trailing`],
    ['text between', (pem) => `${pem}# next\n${CA.pem}`],
    ['headers', (pem) => pem.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\n\n')],
    ['lines of 76 characters', (pem) => pem.replace(/\n(.{64})\n(.{12})/, '\n$1$2\n')],
    ['one long line', (pem) => pem.replace(/(?<=[A-Za-z0-9+/])\n(?=[A-Za-z0-9+/])/g, '')],
    [
      'bits left over in the last digit',
      (pem) =>
        pem.replace(
          /([A-Za-z0-9+/])(=+)\n-/,
          (_, digit: string, pad: string) => `${String.fromCharCode(digit.charCodeAt(0) + 1)}${pad}\n-`,
        ),
    ],
    ['a label of OpenSSL [CERT-28]', (pem) => pem.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE')],
  ])('is refused with %s: Notary would write it otherwise, under another ID [CERT-27]', (_, spoil) => {
    const padded = certificateWithPadding()
    const spoilt = spoil(padded)
    expect(spoilt).not.toBe(padded)
    expect(verdictOn(padded)).toBe('accepted')
    expect(verdictOn(spoilt)).not.toBe('accepted')
  })
})

/** A leaf whose base64 ends in padding. */
function certificateWithPadding(): string {
  for (let length = 1; length < 10; length++) {
    const { pem } = made({ subject: { cn: GUN, o: 'x'.repeat(length) }, issuer: CA })
    if (/[A-Za-y0-8]=+\n-/.test(pem)) return pem
  }
  throw new Error('no length gives padding')
}

test('no bundle makes it throw', () => {
  const change = fc.tuple(fc.nat(2000), fc.integer({ min: 0, max: 255 }))
  fc.assert(
    fc.property(
      fc.constantFrom(LEAF.der, ISSUED.der),
      fc.array(change, { maxLength: 3 }),
      fc.boolean(),
      (der, changes, inDer) => {
        const bytes = inDer ? Uint8Array.from(der) : utf8(encodePem([der, CA.der]))
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        const pem = inDer ? utf8(encodePem([bytes, CA.der])) : bytes
        const result = rootCertificate(listed('ecdsa-x509', pem), GUN, NOW)
        if (typeof result !== 'string') expect([...result.leaf.commonNames]).toEqual([GUN])
      },
    ),
    { seed: 3, numRuns: 300 },
  )
})
