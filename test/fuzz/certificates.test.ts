/** Certificates and keys of real collections with changes to DER lengths, tags and elements. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodePem, firstCertificateKey, pemCertificates } from '../../src/crypto/certificate.js'
import { inspectCertificate } from '../../src/crypto/certificate-details.js'
import { checkPath } from '../../src/crypto/certificate-path.js'
import { canonicalKeyId, importKey, keyId } from '../../src/crypto/keys.js'
import { verifySignature } from '../../src/crypto/verify-signature.js'
import { createCertificate, createKeys } from '../../src/testing/index.js'
import { rootCertificate } from '../../src/trust/root-certificate.js'
import { growth, LINEAR, PATIENCE, REAL_FILES, runs } from './fuzz.js'

const GUN = 'registry.example/x'
const NOW = Date.parse('2026-11-24T00:00:00Z')
const dates = { notBefore: new Date(NOW - 86_400_000), notAfter: new Date(NOW + 86_400_000) }

interface ListedKey {
  readonly keytype: string
  readonly bytes: Uint8Array
}

/** Every key that the real files list. */
const KEYS: readonly ListedKey[] = REAL_FILES.flatMap(({ bytes }) => {
  const { signed } = JSON.parse(Buffer.from(bytes).toString())
  const listed: { keytype: string; keyval: { public: string } }[] = Object.values(signed.keys ?? signed.delegations?.keys ?? {})
  return listed.map(({ keytype, keyval }) => ({ keytype, bytes: new Uint8Array(Buffer.from(keyval.public, 'base64')) }))
})

const CA = createCertificate({ subject: { cn: 'CA' }, ca: true, ...dates })
const RICH = createCertificate({
  subject: { cn: GUN, o: 'O', ou: ['A', 'B'] },
  issuer: CA,
  san: ['a.example', '10.0.0.1', '::1'],
  keyUsage: ['digitalSignature'],
  extendedKeyUsage: ['codeSigning'],
  nameConstraints: { permitted: ['a.example'], excluded: ['b.example'] },
  ...dates,
})
const CERTIFICATES = [...KEYS.flatMap(({ bytes }) => pemCertificates(bytes) ?? []), CA.der, RICH.der]

/** Elements of a DER text: where each begins, and how long its tag and length are. */
function elementsOf(der: Uint8Array, from = 0, to = der.length): { at: number; head: number; end: number }[] {
  const found: { at: number; head: number; end: number }[] = []
  for (let at = from; at + 1 < to; ) {
    const first = der[at + 1] ?? 0
    const more = first >= 0x80 ? first & 0x7f : 0
    if (more > 3) break
    const length =
      more === 0 ? first : Number.parseInt(Buffer.from(der.subarray(at + 2, at + 2 + more)).toString('hex') || '0', 16)
    const [head, end] = [2 + more, at + 2 + more + length]
    if (end > to) break
    found.push({ at, head, end })
    if (((der[at] ?? 0) & 0x20) !== 0 || der[at] === 0x04) found.push(...elementsOf(der, at + head, end))
    at = end
  }
  return found
}

/** One or two elements with another tag or length, twice, gone, emptied, or grown. The lengths around them stay as they were, or are mended. */
const bentDer: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.constantFrom(...CERTIFICATES),
    fc.array(fc.tuple(fc.nat(), fc.nat(5), fc.nat(255)), { minLength: 1, maxLength: 2 }),
    fc.boolean(),
  )
  .map(([original, changes, mend]) =>
    changes.reduce<Uint8Array>((der, [which, how, value]) => {
      const elements = elementsOf(der)
      const element = elements[which % Math.max(1, elements.length)]
      if (element === undefined) return der
      const whole = Buffer.from(der.subarray(element.at, element.end))
      const content = whole.subarray(element.head)
      const changed = [
        () => Buffer.concat([Buffer.of(value), whole.subarray(1)]),
        () => Buffer.concat([whole.subarray(0, 1), Buffer.of(value), whole.subarray(2)]),
        () => Buffer.concat([whole, whole]),
        () => Buffer.alloc(0),
        () => Buffer.of(whole[0] ?? 0, 0),
        () => tlv(whole[0] ?? 0, Buffer.concat([content, Buffer.alloc(value, value)])),
      ][how]?.()
      return replaced(der, elements, element, changed ?? whole, mend)
    }, original),
  )

function replaced(
  der: Uint8Array,
  elements: readonly { at: number; head: number; end: number }[],
  { at, end }: { at: number; end: number },
  by: Buffer,
  mend: boolean,
): Uint8Array {
  const around = mend ? elements.filter((one) => one.at < at && one.end >= end).sort((a, b) => b.at - a.at) : []
  let [inner, from, to] = [by, at, end]
  for (const outer of around) {
    const content = Buffer.concat([der.subarray(outer.at + outer.head, from), inner, der.subarray(to, outer.end)])
    inner = tlv(der[outer.at] ?? 0, content)
    ;[from, to] = [outer.at, outer.end]
  }
  return new Uint8Array(Buffer.concat([der.subarray(0, from), inner, der.subarray(to)]))
}

function tlv(tag: number, content: Buffer): Buffer {
  const size = content.length
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, (size >> 8) & 0xff, size & 0xff]
  return Buffer.concat([Buffer.of(tag, ...length), content])
}

describe('changed certificates', { timeout: PATIENCE }, () => {
  test('are parsed or refused with a reason, wherever a certificate may occur', () => {
    fc.assert(
      fc.property(bentDer, fc.constantFrom('ecdsa-x509', 'rsa-x509'), (der, type) => {
        const details = inspectCertificate(der)
        const pem = new Uint8Array(Buffer.from(encodePem([der, CA.der])))
        const key = { id: keyId(type, pem), type, bytes: pem }
        firstCertificateKey(pem)
        canonicalKeyId(key)
        rootCertificate(key, GUN, NOW)
        const imported = importKey(key)
        if (imported.kind !== 'unusable') expect(verifySignature(imported, 'ecdsa', pem, pem.subarray(0, 64))).toBe(false)
        if (typeof details === 'string') return
        expect(Buffer.from(details.x509.raw)).toEqual(Buffer.from(der))
        checkPath(details, [details], [der, CA.der], NOW)
      }),
      runs(150),
    )
  })

  test('of a chain never make a path where the issuer did not sign', () => {
    const stranger = createCertificate({ subject: { cn: 'CA' }, ca: true, keys: createKeys(), ...dates })
    const leaf = createCertificate({ subject: { cn: GUN }, issuer: stranger, ...dates })
    const inspected = inspectCertificate(leaf.der)
    if (typeof inspected === 'string') throw new Error(inspected)
    fc.assert(
      fc.property(bentDer, (der) => {
        const bundle = [der].map(inspectCertificate).flatMap((details) => (typeof details === 'string' ? [] : [details]))
        expect(checkPath(inspected, [inspected, ...bundle], [CA.der], NOW)).toBeTypeOf('string')
      }),
      runs(60),
    )
  })
})

test('PEM is read in a time that grows with its size alone', { retry: 3, timeout: PATIENCE }, () => {
  const pems: ((size: number) => string)[] = [
    (size) => '-----BEGIN CERTIFICATE-----\n'.repeat(size),
    (size) => `-----BEGIN CERTIFICATE-----\n${'A'.repeat(64 * size)}`,
    (size) => '-'.repeat(40 * size),
    (size) => CA.pem.repeat(size),
    (size) => `${CA.pem}${' \n'.repeat(20 * size)}`,
  ]
  for (const make of pems) {
    const input = (size: number): Uint8Array => new Uint8Array(Buffer.from(make(size)))
    expect(growth(input, pemCertificates, 300)).toBeLessThan(LINEAR)
  }
})
