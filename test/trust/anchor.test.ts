import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalKeyId } from '../../src/crypto/keys.js'
import { TrustError } from '../../src/errors.js'
import {
  type CertificateOptions,
  createCertificate,
  createKeys,
  type KeyPair,
  type MadeCertificate,
} from '../../src/testing/index.js'
import { type AnchorPolicy, anchorRoot } from '../../src/trust/anchor.js'
import { Budget } from '../../src/trust/budget.js'
import { NO_PINNING, type TrustPinning } from '../../src/trust/pinning.js'
import { readCertificates } from '../../src/trust/root-certificate.js'
import { RootChain } from '../../src/trust/root-chain.js'
import { NOW, VALID } from '../crypto/certificate-surgery.js'
import { ecdsaSigner, ecPair, ed25519Signer, rsaPair, type Signer, x509Signer } from '../crypto/made-keys.js'
import { EXPIRES, GUN, rootDocument, signedFile, spoilt } from '../metadata/documents.js'

const CA = ca('CA')
const OTHER_CA = ca('Other CA')
const ONE = rootKey('one')
const TWO = rootKey('two')

function ca(cn: string, options: Partial<CertificateOptions> = {}): MadeCertificate {
  return createCertificate({ ...VALID, subject: { cn }, keys: ecPair(cn), ca: true, ...options })
}

/** A root key in a certificate for the collection. */
function rootKey(seed: string, options: Partial<CertificateOptions> = {}, keys: KeyPair = ecPair(seed)): Signer {
  return x509Signer(keys, createCertificate({ ...VALID, subject: { cn: GUN }, keys, ...options }).pem)
}

interface Case {
  readonly keys: readonly Signer[]
  readonly threshold?: number
  /** Who signs; all keys when absent. */
  readonly signers?: readonly Signer[]
  readonly expires?: string
}

function anchor({ keys, threshold = 1, signers = keys, expires = EXPIRES }: Case, policy: Partial<AnchorPolicy> = {}) {
  const document = spoilt(rootDocument({ root: { keys, threshold } }), ['expires'], expires)
  const chain = RootChain.start(GUN, signedFile(document, signers), new Budget())
  const whole = { start: 'first-use', pinning: NO_PINNING, now: NOW, ...policy } as const
  return anchorRoot(chain, readCertificates(chain, whole.now), whole)
}

/** What a root is refused with. */
function refused(root: Case, policy: Partial<AnchorPolicy> = {}): TrustError {
  try {
    anchor(root, policy)
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    expect(error).toMatchObject({ gun: GUN, role: 'root' })
    expect(error.message).not.toMatch(/\p{Cc}/u)
    return error
  }
  throw new Error('the root was accepted')
}

/** Its code. */
function refusal(root: Case, policy: Partial<AnchorPolicy> = {}): string {
  return refused(root, policy).code
}

const pinned = (...signers: Signer[]): TrustPinning => ({
  ...NO_PINNING,
  certs: new Map([[GUN, signers.map(({ key }) => key.id)]]),
})
const pinnedCa = (...cas: MadeCertificate[]): TrustPinning => ({ ...NO_PINNING, ca: new Map([['', cas.map(({ der }) => der)]]) })
const NO_TOFU: TrustPinning = { ...NO_PINNING, disableTofu: true }

describe('without a pin', () => {
  test('a first root whose certificate names the collection is taken on trust [CERT-01]', () => {
    expect(anchor({ keys: [ONE] })).toMatchObject({ trust: 'first-use', certificateExpires: VALID.notAfter.getTime() })
    expect(anchor({ keys: [ONE] }, { start: 'cached-root' }).trust).toBe('cached-root')
    expect(anchor({ keys: [rootKey('rsa', {}, rsaPair())] }).trust).toBe('first-use')
  })

  test('a pin for another collection changes nothing [CERT-33]', () => {
    const pinning = { ...pinned(TWO), certs: new Map([['docker.io/library/nginx', [TWO.key.id]]]) }
    expect(anchor({ keys: [ONE] }, { pinning }).trust).toBe('first-use')
  })

  test.each<[string, Case]>([
    ['a certificate for another name [CERT-02]', { keys: [rootKey('x', { subject: { cn: 'other' } })] }],
    ['a hostile name', { keys: [rootKey('x', { subject: { cn: '\u001b[2J\nother' } })] }],
    ['a bare key', { keys: [ecdsaSigner(ecPair('bare'))] }],
    ['an Ed25519 key', { keys: [ed25519Signer('bare')] }],
    ['a CA for its leaf [CERT-20]', { keys: [rootKey('x', { ca: true })] }],
    ['SHA-1 [CERT-17]', { keys: [rootKey('x', { signatureAlgorithm: 'sha1' })] }],
    [
      'a certificate that begins the day after tomorrow [CERT-14]',
      { keys: [rootKey('x', { notBefore: new Date(NOW + 25 * 3600_000) })] },
    ],
    ['RSA of 1024 bits [CERT-19]', { keys: [rootKey('x', {}, createKeys('RSA-1024'))] }],
    ['no signature', { keys: [ONE], signers: [] }],
    ['the signature of another', { keys: [ONE], signers: [TWO] }],
    ['one signature of two', { keys: [ONE, TWO], threshold: 2, signers: [ONE] }],
    ['one good key of two that are asked', { keys: [ONE, rootKey('x', { subject: { cn: 'other' } })], threshold: 2 }],
    ['one key in two certificates for a threshold of 2', { keys: [ONE, rootKey('one', { serial: 2n })], threshold: 2 }],
  ])('a root with %s is refused', (_, root) => {
    expect(refusal(root)).toBe('ERR_ROOT_UNTRUSTED')
    expect(refusal(root, { start: 'cached-root' })).toBe('ERR_ROOT_UNTRUSTED')
  })

  test('a wrong certificate beside enough good ones does no harm', () => {
    const stranger = rootKey('x', { subject: { cn: 'other' } })
    expect(anchor({ keys: [stranger, ONE] }).trust).toBe('first-use')
    expect(anchor({ keys: [stranger, ONE, TWO], threshold: 2 }).trust).toBe('first-use')
  })

  test('a good certificate that did not sign does not vouch for a bad one that did', () => {
    const stranger = rootKey('x', { subject: { cn: 'other' } })
    expect(refusal({ keys: [stranger, ONE], signers: [stranger] })).toBe('ERR_ROOT_UNTRUSTED')
  })

  test('with first use switched off, a cached root is still trusted', () => {
    expect(refusal({ keys: [ONE] }, { pinning: NO_TOFU })).toBe('ERR_ROOT_UNTRUSTED')
    expect(anchor({ keys: [ONE] }, { pinning: NO_TOFU, start: 'cached-root' }).trust).toBe('cached-root')
  })
})

describe.each(['first-use', 'cached-root'] as const)('with a certificate pin, %s', (start) => {
  test('a pinned key is said, one of several is enough [CERT-30]', () => {
    expect(anchor({ keys: [ONE] }, { start, pinning: pinned(ONE) }).trust).toBe('pinned-certificate')
    expect(anchor({ keys: [ONE] }, { start, pinning: pinned(TWO, ONE) }).trust).toBe('pinned-certificate')
    expect(anchor({ keys: [ONE] }, { start, pinning: { ...pinned(ONE), disableTofu: true } }).trust).toBe('pinned-certificate')
  })

  test.each<[string, Case, TrustPinning]>([
    ['another key', { keys: [ONE] }, pinned(TWO)],
    ['no key', { keys: [ONE] }, pinned()],
    ['an ID in upper case', { keys: [ONE] }, { ...NO_PINNING, certs: new Map([[GUN, [ONE.key.id.toUpperCase()]]]) }],
    ['another certificate of the same key', { keys: [ONE] }, pinned(rootKey('one', { serial: 2n }))],
    ['only one of the two that are asked [CERT-35]', { keys: [ONE, TWO], threshold: 2 }, pinned(ONE)],
    ['a listed key that did not sign', { keys: [ONE, TWO], signers: [ONE] }, pinned(TWO)],
    [
      'a key while the CA is right: certificates win',
      { keys: [rootKey('x', { issuer: CA })] },
      { ...pinnedCa(CA), ...pinned(TWO), ca: pinnedCa(CA).ca },
    ],
  ])('that names %s, the root is refused', (_, root, pinning) => {
    expect(refusal(root, { start, pinning })).toBe('ERR_PIN_MISMATCH')
  })

  test('both keys of a threshold pinned', () => {
    expect(anchor({ keys: [ONE, TWO], threshold: 2 }, { start, pinning: pinned(ONE, TWO) }).trust).toBe('pinned-certificate')
  })

  test('the name must fit, pin or not', () => {
    const other = rootKey('x', { subject: { cn: 'other' } })
    expect(refusal({ keys: [other] }, { start, pinning: pinned(other) })).toBe('ERR_ROOT_UNTRUSTED')
  })
})

describe.each(['first-use', 'cached-root'] as const)('with a pin of the key by its canonical ID, %s', (start) => {
  const byKey = (...signers: Signer[]): TrustPinning => ({
    ...NO_PINNING,
    certs: new Map([[GUN, signers.map(({ key }) => canonicalKeyId(key) ?? '')]]),
  })
  const again = rootKey('one', { serial: 2n })

  test('any certificate of that key is met, and the key is said', () => {
    for (const key of [ONE, again]) expect(anchor({ keys: [key] }, { start, pinning: byKey(ONE) }).trust).toBe('pinned-key')
  })

  test('one key in two certificates counts once', () => {
    expect(refusal({ keys: [ONE, again, TWO], threshold: 2 }, { start, pinning: byKey(ONE) })).toBe('ERR_PIN_MISMATCH')
    expect(refusal({ keys: [ONE, again, TWO], threshold: 2 }, { start, pinning: pinned(ONE, again) })).toBe('ERR_PIN_MISMATCH')
  })

  test('a certificate that has ended is replaced by another of the same key', () => {
    const old = rootKey('one', { serial: 3n, notAfter: new Date(NOW - 1000) })
    expect(refusal({ keys: [old] }, { start, pinning: byKey(ONE) })).toBe('ERR_CERTIFICATE_EXPIRED')
    expect(anchor({ keys: [old, again] }, { start, pinning: byKey(ONE) }).trust).toBe('pinned-key')
  })

  test('a root is accepted exactly when enough different keys that signed are pinned, in whatever form', () => {
    const listed = [ONE, again, TWO, rootKey('three')]
    const canonical = (signer: Signer) => canonicalKeyId(signer.key) ?? ''
    const forms = listed.flatMap((signer) => [signer.key.id, canonical(signer)])
    const some = <Item>(items: readonly Item[], minLength: number) => fc.subarray([...items], { minLength })
    const cases = fc.tuple(some(forms, 1), some(listed, 1), fc.integer({ min: 1, max: 3 }))
    fc.assert(
      fc.property(cases, ([pins, signers, threshold]) => {
        const root = { keys: listed, threshold, signers }
        const pinning = { ...NO_PINNING, certs: new Map([[GUN, pins]]) }
        const keysOf = (those: readonly Signer[]) => new Set(those.map(canonical)).size
        const byCertificate = signers.filter(({ key }) => pins.includes(key.id))
        const either = signers.filter((signer) => pins.includes(signer.key.id) || pins.includes(canonical(signer)))
        if (keysOf(signers) < threshold) expect(refusal(root, { start, pinning })).toBe('ERR_ROOT_UNTRUSTED')
        else if (keysOf(either) < threshold) expect(refusal(root, { start, pinning })).toBe('ERR_PIN_MISMATCH')
        else {
          const trust = keysOf(byCertificate) < threshold ? 'pinned-key' : 'pinned-certificate'
          expect(anchor(root, { start, pinning }).trust).toBe(trust)
        }
      }),
      { seed: 5, numRuns: 150 },
    )
  })

  test('a bare key of that ID is no root key', () => {
    expect(refusal({ keys: [ecdsaSigner(ecPair('one'))] }, { start, pinning: byKey(ONE) })).toBe('ERR_ROOT_UNTRUSTED')
  })
})

describe.each(['first-use', 'cached-root'] as const)('with a CA pin, %s', (start) => {
  const issued = rootKey('issued', { issuer: CA })

  test('a root certificate of that CA is said', () => {
    expect(anchor({ keys: [issued] }, { start, pinning: pinnedCa(CA) }).trust).toBe('pinned-ca')
    expect(anchor({ keys: [issued] }, { start, pinning: pinnedCa(OTHER_CA, CA) }).trust).toBe('pinned-ca')
  })

  test('through the intermediate that came in the bundle', () => {
    const between = ca('Between', { issuer: CA })
    const keys = ecPair('chained')
    const leaf = createCertificate({ ...VALID, subject: { cn: GUN }, keys, issuer: between })
    expect(anchor({ keys: [x509Signer(keys, leaf.pem + between.pem)] }, { start, pinning: pinnedCa(CA) }).trust).toBe('pinned-ca')
    expect(refusal({ keys: [x509Signer(keys, leaf.pem)] }, { start, pinning: pinnedCa(CA) })).toBe('ERR_PIN_MISMATCH')
    const expired = ca('Between', { issuer: CA, notAfter: new Date(NOW - 1000) })
    expect(refusal({ keys: [x509Signer(keys, leaf.pem + expired.pem)] }, { start, pinning: pinnedCa(CA) })).toBe(
      'ERR_PIN_MISMATCH',
    )
    expect(anchor({ keys: [x509Signer(keys, leaf.pem + expired.pem)] }, { start }).trust).toBe(start) // CERT-26
  })

  test.each<[string, Case, TrustPinning]>([
    ['another CA', { keys: [issued] }, pinnedCa(OTHER_CA)],
    ['no CA', { keys: [issued] }, pinnedCa()],
    ['a self-signed certificate', { keys: [ONE] }, pinnedCa(CA)],
    [
      'a certificate in the name of the CA',
      { keys: [rootKey('x', { issuer: { ...ecPair('forger'), subject: CA.subject } })] },
      pinnedCa(CA),
    ],
    ['one of two', { keys: [issued, ONE], threshold: 2 }, pinnedCa(CA)],
    ['an expired CA [CERT-41]', { keys: [issued] }, pinnedCa(ca('CA', { notAfter: new Date(NOW - 1000) }))],
    [
      'a certificate for e-mail [CERT-37]',
      { keys: [rootKey('x', { issuer: CA, extendedKeyUsage: ['emailProtection'] })] },
      pinnedCa(CA),
    ],
  ])('%s: the root is refused', (_, root, pinning) => {
    expect(refusal(root, { start, pinning })).toBe('ERR_PIN_MISMATCH')
  })

  test('the leaf itself is no CA [CERT-42]', () => {
    const keys = ecPair('self')
    const leaf = createCertificate({ ...VALID, subject: { cn: GUN }, keys })
    expect(refusal({ keys: [x509Signer(keys, leaf.pem)] }, { start, pinning: pinnedCa(leaf) })).toBe('ERR_PIN_MISMATCH')
  })

  test('a bundle that cannot be read to the end is refused with a code, and nothing else is thrown', () => {
    const nameless = createCertificate({ ...VALID, subject: {}, keys: ecPair('nameless'), ca: true })
    const keys = ecPair('odd')
    const leaf = createCertificate({ ...VALID, subject: { cn: GUN }, keys, issuer: nameless })
    expect(refusal({ keys: [x509Signer(keys, leaf.pem + nameless.pem)] }, { start, pinning: pinnedCa(CA) })).toBe(
      'ERR_PIN_MISMATCH',
    )
  })
})

describe('what has ended', () => {
  const end = VALID.notAfter.getTime()
  const short = (seed: string, notAfter: Date) => rootKey(seed, { notAfter })

  test.each(['first-use', 'cached-root'] as const)('a certificate counts to its last second, %s', (start) => {
    const root = { keys: [ONE], expires: '2040-01-01T00:00:00Z' }
    expect(anchor(root, { start, now: end }).certificateExpires).toBe(end)
    expect(refusal(root, { start, now: end + 1 })).toBe('ERR_CERTIFICATE_EXPIRED')
    expect(refusal(root, { start, now: end + 1, pinning: pinned(ONE) })).toBe('ERR_CERTIFICATE_EXPIRED')
  })

  test('one current certificate of two is enough for a threshold of 1, not of 2', () => {
    const old = short('old', new Date(NOW - 1000))
    expect(anchor({ keys: [old, ONE] }).certificateExpires).toBe(end)
    expect(refusal({ keys: [old, ONE], threshold: 2 })).toBe('ERR_CERTIFICATE_EXPIRED')
  })

  test('a current certificate that is not pinned does not stand in for the pinned one', () => {
    const old = short('old', new Date(NOW - 1000))
    expect(refusal({ keys: [old, ONE] }, { pinning: pinned(old) })).toBe('ERR_CERTIFICATE_EXPIRED')
  })

  test('the earliest end among the certificates that count is reported', () => {
    const sooner = short('sooner', new Date(NOW + 3600_000))
    expect(anchor({ keys: [sooner, ONE], threshold: 2 }).certificateExpires).toBe(NOW + 3600_000)
  })

  test('the root itself, from its very moment on [VER-32]', () => {
    const moment = Date.parse('2026-01-01T00:00:00Z')
    const root = { keys: [ONE], expires: '2026-01-01T00:00:00Z' }
    expect(anchor(root, { now: moment - 1 }).trust).toBe('first-use')
    expect(refusal(root, { now: moment })).toBe('ERR_METADATA_EXPIRED')
    expect(refusal(root, { now: moment + 1 })).toBe('ERR_METADATA_EXPIRED')
  })

  test('a clock that is no number: refused [VER-27]', () => {
    expect(refusal({ keys: [ONE] }, { now: Number.NaN })).toBe('ERR_ROOT_UNTRUSTED')
  })

  test('an expired root is not expired first of all: a wrong pin is a wrong pin', () => {
    expect(refusal({ keys: [ONE], expires: '2020-01-01T00:00:00Z' }, { pinning: pinned(TWO) })).toBe('ERR_PIN_MISMATCH')
    expect(refusal({ keys: [rootKey('x', { subject: { cn: 'other' } })], expires: '2020-01-01T00:00:00Z' })).toBe(
      'ERR_ROOT_UNTRUSTED',
    )
  })
})

describe('why a root is refused', () => {
  const id = ONE.key.id
  /** A key as messages name it. */
  const named = ({ key }: Signer) => `${key.id} (canonical ID ${canonicalKeyId(key)})`

  test('what is wrong with the certificate of each key', () => {
    const other = rootKey('x', { subject: { cn: 'other' } })
    const { message, evidence } = refused({ keys: [other] })
    expect(message).toContain(`unable to retrieve valid leaf certificates (${named(other)}: its certificate is for "other")`)
    expect(evidence).toMatchObject({ validSignatures: 0, threshold: 1, signedBy: [] })
  })

  test('which pin, and why no key fits it', () => {
    const { message, evidence } = refused({ keys: [ONE] }, { pinning: pinned(TWO) })
    expect(message).toContain(`certificates of "${GUN}" (${named(ONE)}: not a pinned key)`)
    expect(evidence).toEqual({
      pin: GUN,
      pinned: [TWO.key.id],
      signedBy: [id],
      canonicalIds: [`${id}: ${canonicalKeyId(ONE.key)}`],
      problems: [`${named(ONE)}: not a pinned key`],
    })
  })

  test('which CA, and why no path leads to it', () => {
    const { evidence } = refused({ keys: [ONE] }, { pinning: pinnedCa(CA) })
    expect(evidence).toMatchObject({
      pin: '',
      signedBy: [id],
      problems: [expect.stringContaining(`${named(ONE)}: no pinned CA issued`)],
    })
  })

  test('only the keys that do not fit are named', () => {
    const { evidence } = refused({ keys: [ONE, TWO], threshold: 2 }, { pinning: pinned(ONE) })
    expect(evidence).toMatchObject({ problems: [`${named(TWO)}: not a pinned key`] })
  })

  test('which certificates ended when, under which version of the root', () => {
    const end = VALID.notAfter.getTime()
    const { message, evidence } = refused({ keys: [ONE] }, { now: end + 1 })
    const ended = `${named(ONE)} ended ${new Date(end).toISOString()}`
    expect(evidence).toEqual({ certificates: [ended], rootVersion: 1 })
    expect(message).toContain(`the certificate of root key ${ended} (root version 1, the newest that the server offers)`)
  })

  test('first use is switched off: which key was offered', () => {
    const { message, evidence } = refused({ keys: [ONE] }, { pinning: NO_TOFU })
    expect(message).toContain('trust on first use is disabled and no pin applies')
    expect(message).toContain(`signed by key ${named(ONE)}`)
    expect(evidence).toEqual({ signedBy: [id], canonicalIds: [`${id}: ${canonicalKeyId(ONE.key)}`] })
  })
})
