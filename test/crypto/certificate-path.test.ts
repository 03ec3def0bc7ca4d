import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { checkPath } from '../../src/crypto/certificate-path.js'
import {
  type CertificateOptions,
  createCertificate,
  createKeys,
  der,
  encodeName,
  type MadeCertificate,
} from '../../src/testing/index.js'
import {
  algorithm,
  basicConstraints,
  inspect,
  NOW,
  PSS_SHA1,
  PSS_SHA256,
  remake,
  signPssSha1,
  signPssSha256,
  VALID,
} from './certificate-surgery.js'
import { ecPair, rsaPair, spkiOf } from './made-keys.js'

const { bitString, objectIdentifier, sequence, tlv } = der

type Parts = Partial<CertificateOptions>

const ROOT = ca('Root')
const RSA_ROOT = ca('RSA Root', { keys: rsaPair() })

/** A CA certificate; self-signed unless it has an issuer. */
function ca(cn: string, parts: Parts = {}): MadeCertificate {
  return createCertificate({ ...VALID, subject: { cn }, keys: ecPair(cn), ca: true, ...parts })
}

function leafOf(issuer: MadeCertificate, parts: Parts = {}): MadeCertificate {
  return createCertificate({ ...VALID, subject: { cn: 'registry.example/app' }, keys: ecPair('leaf'), issuer, ...parts })
}

/** Undefined when a path leads to one of the anchors (ROOT unless told). */
function path(leaf: MadeCertificate | Uint8Array, bundle: readonly (MadeCertificate | Uint8Array)[] = [], anchors = [ROOT.der]) {
  return checkPath(inspect(leaf), bundle.map(inspect), anchors, NOW)
}

/** The result with one CA between ROOT and leaf. */
function through(parts: Parts, leafParts: Parts = {}) {
  const between = ca('Intermediate', { issuer: ROOT, ...parts })
  return path(leafOf(between, leafParts), [between])
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a path that leads to a pinned CA', () => {
  test('straight to the anchor', () => {
    expect(path(leafOf(ROOT))).toBeUndefined()
    expect(path(leafOf(RSA_ROOT), [], [RSA_ROOT.der])).toBeUndefined()
  })

  test('through intermediates in any order, among unrelated certificates [CERT-22, CERT-25]', () => {
    const one = ca('One', { issuer: ROOT })
    const two = ca('Two', { issuer: one })
    const leaf = leafOf(two)
    const stranger = ca('Stranger')
    for (const bundle of [
      [one, two],
      [two, one],
      [stranger, two, ROOT, one],
    ])
      expect(path(leaf, [leaf, ...bundle])).toBeUndefined()
    expect(path(leaf, [two])).toMatch(/no pinned CA issued/)
    expect(path(leaf, [one])).toMatch(/no pinned CA issued/)
  })

  test('to an intermediate that is itself the anchor', () => {
    const one = ca('One', { issuer: ROOT })
    expect(path(leafOf(one), [], [one.der])).toBeUndefined()
  })

  test('one good anchor among expired and unreadable ones is enough; expired ones alone are not [CERT-41]', () => {
    const expired = ca('Root', { notAfter: new Date(NOW - 1000) })
    const leaf = leafOf(ROOT)
    expect(path(leaf, [], [Uint8Array.of(1), expired.der, ROOT.der])).toBeUndefined()
    expect(path(leaf, [], [expired.der])).toMatch(/not valid now/)
    expect(path(leaf, [], [])).toMatch(/no pinned CA issued/)
  })

  test('through a CA in the first and in the last instant of its validity', () => {
    expect(through({ notBefore: new Date(NOW) })).toBeUndefined()
    expect(through({ notAfter: new Date(NOW) })).toBeUndefined()
  })

  test('from a leaf with alternative names, without name constraints', () => {
    expect(through({}, { san: ['example.com'] })).toBeUndefined()
  })

  test('as long as the limit allows, and no longer', () => {
    const chain = (length: number) => {
      const cas = [ROOT]
      for (let at = 1; at < length; at++) cas.unshift(ca(`Level ${at}`, { issuer: cas[0] ?? ROOT }))
      return path(leafOf(cas[0] ?? ROOT), cas.slice(0, -1))
    }
    expect(chain(7)).toBeUndefined() // eight certificates, leaf and anchor included
    expect(chain(8)).toMatch(/more than 8/)
  })

  test.each([
    ['code signing, as Notary writes it [CERT-37]', ['codeSigning']],
    ['server authentication [CERT-39]', ['serverAuth']],
    ['any purpose [CERT-39]', ['2.5.29.37.0']],
    ['code signing among others', ['emailProtection', 'codeSigning']],
  ])('the leaf may be for %s', (_, extendedKeyUsage) => {
    expect(path(leafOf(ROOT, { extendedKeyUsage }))).toBeUndefined()
  })
})

describe('a path that is refused', () => {
  test.each([
    ['e-mail', ['emailProtection']],
    ['client authentication', ['clientAuth']],
    ['nothing known', ['1.2.3.4']],
  ])('the leaf is only for %s [CERT-37]', (_, extendedKeyUsage) => {
    expect(path(leafOf(ROOT, { extendedKeyUsage }))).toMatch(/other purposes/)
  })

  test('the anchor is the self-signed leaf itself [CERT-42]', () => {
    const leaf = createCertificate({ ...VALID, subject: { cn: 'registry.example/app' }, keys: ecPair('leaf') })
    expect(path(leaf, [leaf], [leaf.der])).toBeTypeOf('string')
  })

  test.each<[string, Parts]>([
    ['is no CA', { ca: false }],
    ['has no basic constraints, as version 1 certificates', { ca: undefined } as unknown as Parts],
    ['may not sign certificates', { keyUsage: ['digitalSignature'] }],
    ['may sign revocation lists only', { keyUsage: ['cRLSign'] }],
    ['has expired', { notAfter: new Date(NOW - 1) }],
    ['is not valid yet', { notBefore: new Date(NOW + 1000) }],
    ['has a critical extension that is not understood', { extensions: [{ oid: '1.2.3.4', critical: true, value: tlv(0x05) }] }],
    ['was signed with SHA-1', { signatureAlgorithm: 'sha1' }],
    ['has an RSA key of 1024 bits', { keys: createKeys('RSA-1024') }],
    ['is for e-mail only', { extendedKeyUsage: ['emailProtection'] }],
    ['was issued by another CA with the name of the anchor', { issuer: ca('Root', { keys: ecPair('forger') }) }],
    ['was issued in the name of the anchor by its own key', { issuer: { ...ecPair('Intermediate'), subject: ROOT.subject } }],
  ])('a CA on the way %s [CERT-44]', (_, parts) => {
    expect(through(parts)).toBeTypeOf('string')
    expect(through({})).toBeUndefined()
  })

  test('the anchor must meet the same rules [CERT-44]', () => {
    const anchored = (parts: Parts) => {
      const anchor = ca('Anchor', parts)
      return path(leafOf(anchor), [], [anchor.der])
    }
    expect(anchored({})).toBeUndefined()
    expect(anchored({ ca: false })).toMatch(/not a CA/)
    expect(anchored({ keyUsage: ['digitalSignature'] })).toBeTypeOf('string')
    expect(anchored({ notAfter: new Date(NOW - 1) })).toMatch(/not valid now/)
    expect(anchored({ notBefore: new Date(NOW + 1000) })).toMatch(/not valid now/)
  })

  test('more CAs follow than a path length allows [CERT-44]', () => {
    const chain = (pathLength: number) => {
      const top = ca('Top', { issuer: ROOT, pathLength })
      const below = ca('Below', { issuer: top })
      return [path(leafOf(top), [top]), path(leafOf(below), [below, top])]
    }
    expect(chain(0)).toEqual([undefined, expect.stringMatching(/allows a path of 0/)])
    expect(chain(1)).toEqual([undefined, undefined])
    const anchor = ca('Anchor', { pathLength: 0 })
    const below = ca('Below', { issuer: anchor })
    expect(path(leafOf(below), [below], [anchor.der])).toMatch(/allows a path of 0/)
  })

  test('the reason names the CA', () => {
    expect(through({ ca: false })).toBe('CN=Intermediate is not a CA')
  })

  test('a CA constrains names, and the leaf has alternative names [CERT-44]', () => {
    const nameConstraints = { permitted: ['example.com'] }
    expect(through({ nameConstraints })).toBeUndefined()
    expect(through({ nameConstraints }, { san: ['example.com'] })).toMatch(/constrains names/)
    const directory = tlv(0xa4, encodeName({ o: 'Example' }))
    const extensions = [{ oid: '2.5.29.30', critical: true, value: sequence(tlv(0xa0, sequence(directory))) }]
    expect(through({ extensions })).toMatch(/constrains directory names/)
    const dns = sequence(tlv(0x82, Buffer.from('example.com')))
    const mixed = tlv(0xa0, Buffer.concat([dns, sequence(directory)]))
    for (const value of [sequence(mixed), sequence(tlv(0xa0, dns), tlv(0xa1, sequence(directory)))])
      expect(through({ extensions: [{ oid: '2.5.29.30', critical: true, value }] })).toMatch(/constrains directory names/)
  })

  test('the leaf was signed with SHA-1 or MD5 [CERT-17, CERT-18]', () => {
    expect(path(leafOf(ROOT, { signatureAlgorithm: 'sha1' }))).toBeTypeOf('string')
    expect(path(leafOf(RSA_ROOT, { signatureAlgorithm: 'md5' }), [], [RSA_ROOT.der])).toBeTypeOf('string')
  })

  test.each([
    ['RSASSA-PSS with SHA-1', { algorithm: PSS_SHA1, sign: signPssSha1(RSA_ROOT.privateKey) }],
    ['SHA-1 inside, SHA-256 outside', { parts: { signature: algorithm('1.2.840.113549.1.1.5') } }],
  ])('the leaf was signed with %s [CERT-17]', (_, surgery) => {
    const der = remake(leafOf(RSA_ROOT).der, RSA_ROOT.privateKey, surgery)
    let verdict: string | undefined
    expect(() => {
      verdict = path(der, [], [RSA_ROOT.der])
    }).not.toThrow()
    expect(verdict).toBeTypeOf('string')
  })

  test('RSASSA-PSS with SHA-256 is accepted like PKCS#1, but not with a key of 1024 bits [CERT-19]', () => {
    const sign = (key: KeyObject) => ({ algorithm: PSS_SHA256, sign: signPssSha256(key) })
    expect(path(remake(leafOf(RSA_ROOT).der, RSA_ROOT.privateKey, sign(RSA_ROOT.privateKey)), [], [RSA_ROOT.der])).toBeUndefined()
    const throughPss = (modulusLength: number) => {
      const keys = generateKeyPairSync('rsa-pss', { modulusLength })
      const plain = ca('Intermediate', { issuer: ROOT })
      const between = remake(plain.der, ROOT.privateKey, { parts: { publicKey: spkiOf(keys.publicKey) } })
      return path(remake(leafOf(plain).der, keys.privateKey, sign(keys.privateKey)), [between])
    }
    expect(throughPss(2048)).toBeUndefined()
    expect(throughPss(1024)).toBeTypeOf('string')
  })

  test('the issuer that the leaf names did not sign it', () => {
    const forged = leafOf(ROOT, { issuer: { ...ecPair('forger'), subject: ROOT.subject } })
    expect(path(forged)).toMatch(/no pinned CA issued/)
    const bent = Uint8Array.from(leafOf(ROOT).der)
    bent[bent.length - 1] = (bent.at(-1) ?? 0) ^ 1
    expect(path(bent)).toBeTypeOf('string')
  })

  test('CA:FALSE and CA:TRUE in one certificate do not make a CA [CERT-44]', () => {
    const both = (extensions: ReturnType<typeof basicConstraints>[]) =>
      createCertificate({ ...VALID, subject: { cn: 'Both' }, keys: ecPair('Both'), issuer: ROOT, extensions })
    for (const order of [
      [true, false],
      [false, true],
    ]) {
      const odd = both(order.map(basicConstraints))
      expect(() => path(leafOf(odd), [odd])).toThrow() // `inspect` of these tests: unreadable
    }
  })
})

describe('an untrusted bundle cannot make the search slow or throw', () => {
  /** CAs with one name and one key, so that each has issued every other. */
  function mesh(size: number): { leaf: MadeCertificate; bundle: MadeCertificate[] } {
    const self = { ...ecPair('mesh'), subject: encodeName({ cn: 'Mesh' }) }
    const bundle = Array.from({ length: size }, (_, at) => ca('Mesh', { keys: self, issuer: self, serial: BigInt(at + 1) }))
    return { leaf: leafOf(bundle[0] ?? ROOT), bundle }
  }

  test('the search does not try every order of CAs that issued each other', () => {
    const verify = vi.spyOn(X509Certificate.prototype, 'verify')
    const { leaf, bundle } = mesh(6)
    expect(path(leaf, bundle)).toBeTypeOf('string')
    // Seven certificates make 42 pairs. Every order of six would be 1,957 paths, and of forty it would never end.
    expect(verify.mock.calls.length).toBeLessThan(200)
  })

  test('the search does not try every pair of them and of other CAs with their name', () => {
    const verify = vi.spyOn(X509Certificate.prototype, 'verify')
    const { leaf, bundle } = mesh(6) // with more, a search of every order would not end
    const strangers = Array.from({ length: 35 }, (_, at) => ca('Mesh', { keys: ecPair(`stranger ${at}`) }))
    expect(path(leaf, [...bundle, ...strangers])).toBeTypeOf('string')
    expect(verify.mock.calls.length).toBeLessThan(200)
  })

  test('a path through such CAs is still found', () => {
    const { leaf, bundle } = mesh(4)
    const cross = ca('Mesh', { keys: ecPair('mesh'), issuer: ROOT })
    expect(path(leaf, [...bundle, cross])).toBeUndefined()
  })

  test('a CA without a name is refused like any unknown CA', () => {
    const nameless = createCertificate({ ...VALID, subject: {}, keys: ecPair('nameless'), ca: true })
    expect(path(leafOf(nameless), [nameless])).toBeTypeOf('string')
  })

  test.each([
    ['of an unknown algorithm', sequence(sequence(objectIdentifier('1.2.3.4')), bitString(Uint8Array.of(1, 2, 3)))],
    [
      'off its curve',
      sequence(
        sequence(objectIdentifier('1.2.840.10045.2.1'), objectIdentifier('1.2.840.10045.3.1.7')),
        bitString(Uint8Array.of(4, ...new Uint8Array(64).fill(1))),
      ),
    ],
    ['that is empty', sequence(sequence(objectIdentifier('1.2.840.113549.1.1.1'), tlv(0x05)), bitString(new Uint8Array()))],
  ])('a CA with a key %s issues nothing', (_, publicKey) => {
    const between = ca('Intermediate', { issuer: ROOT })
    const odd = remake(between.der, ROOT.privateKey, { parts: { publicKey } })
    expect(path(leafOf(between), [odd])).toBeTypeOf('string')
    expect(path(leafOf(between), [odd, between])).toBeUndefined()
  })

  test('no modified bundle makes checkPath throw or find a path', () => {
    const stranger = ca('Stranger')
    const between = ca('Intermediate', { issuer: stranger })
    const leaf = leafOf(between)
    const change = fc.tuple(fc.nat(2000), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.array(change, { maxLength: 2 }), fc.constantFrom(between, stranger), (changes, bent) => {
        const copy = Uint8Array.from(bent.der)
        for (const [at, value] of changes) copy[at % copy.length] = value
        const bundle = [between.der, stranger.der, copy].flatMap((der) => {
          try {
            return [inspect(der)]
          } catch {
            return []
          }
        })
        expect(checkPath(inspect(leaf), bundle, [ROOT.der], NOW)).toBeTypeOf('string')
      }),
      { seed: 1, numRuns: 100 },
    )
  })
})
