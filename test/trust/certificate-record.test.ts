/** What is on record of root certificates stands in for reading them, and for nothing else. */
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/bytes.js'
import { sha256Hex } from '../../src/crypto/hash.js'
import { createCertificate } from '../../src/testing/index.js'
import { anchorRoot } from '../../src/trust/anchor.js'
import { Budget } from '../../src/trust/budget.js'
import { type CertificateRecord, NOT_BEFORE_LEEWAY, onRecord, recordOf } from '../../src/trust/certificate-record.js'
import { NO_PINNING, type TrustPinning } from '../../src/trust/pinning.js'
import { readCertificates } from '../../src/trust/root-certificate.js'
import { RootChain } from '../../src/trust/root-chain.js'
import { decodeTrustRecord } from '../../src/trust/trust-record.js'
import { NOW, VALID } from '../crypto/certificate-surgery.js'
import { ecPair, type Signer, x509Signer } from '../crypto/made-keys.js'
import { GUN, rootDocument, signedFile } from '../metadata/documents.js'

const BEGIN = VALID.notBefore.getTime()
const END = VALID.notAfter.getTime()
const ONE = rootKey('one')
const CHAIN = chainOf([ONE])
const TODAY = { pinning: NO_PINNING, now: NOW }
const RECORD = recordOf(anchorRoot(CHAIN, readCertificates(CHAIN, NOW), { start: 'first-use', ...TODAY }))

function rootKey(seed: string): Signer {
  const keys = ecPair(seed)
  return x509Signer(keys, createCertificate({ ...VALID, subject: { cn: GUN }, keys }).pem)
}

function chainOf(keys: readonly Signer[]): RootChain {
  return RootChain.start(GUN, signedFile(rootDocument({ root: { keys, threshold: 1 } }), keys), new Budget())
}

test('a record has the root file, and from when until when each key is bound', () => {
  expect(RECORD.root).toMatch(/^[0-9a-f]{64}$/)
  expect([...RECORD.bound]).toEqual([[ONE.key.id, { notBefore: BEGIN, notAfter: END }]])
})

test('the same root is judged by it as by its certificates', () => {
  const certificates = onRecord(CHAIN, RECORD, TODAY)
  if (certificates === undefined) throw new Error('not on record')
  const judged = anchorRoot(CHAIN, certificates, { start: 'cached-root', ...TODAY })
  expect(judged).toMatchObject({ trust: 'cached-root', certificateExpires: END })
  expect(recordOf(judged)).toEqual(RECORD)
  const late = () => anchorRoot(CHAIN, certificates, { start: 'cached-root', ...TODAY, now: END + 1 })
  expect(late).toThrow(expect.objectContaining({ code: 'ERR_CERTIFICATE_EXPIRED' }))
})

test('a pinned certificate is held against the keys on record', () => {
  const pinnedTo = (id: string): TrustPinning => ({ ...NO_PINNING, certs: new Map([[GUN, [id]]]) })
  const certificates = onRecord(CHAIN, RECORD, { pinning: pinnedTo(ONE.key.id), now: NOW })
  if (certificates === undefined) throw new Error('not on record')
  const judged = (id: string) => anchorRoot(CHAIN, certificates, { start: 'cached-root', pinning: pinnedTo(id), now: NOW })
  expect(judged(ONE.key.id).trust).toBe('pinned-certificate')
  expect(() => judged('ab'.repeat(32))).toThrow(expect.objectContaining({ code: 'ERR_PIN_MISMATCH' }))
})

describe('the certificates are read', () => {
  const unless = (record: CertificateRecord | undefined, today: Partial<typeof TODAY> = {}, chain = CHAIN) =>
    onRecord(chain, record, { ...TODAY, ...today })

  test('when nothing is on record', () => expect(unless(undefined)).toBeUndefined())

  test('when another root is', () => {
    expect(unless(RECORD, {}, chainOf([rootKey('two')]))).toBeUndefined()
    expect(unless({ ...RECORD, root: RECORD.root.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')) })).toBeUndefined()
  })

  test('when a key is on record that did not sign', () => {
    const validity = { notBefore: BEGIN, notAfter: END }
    expect(unless({ ...RECORD, bound: new Map([...RECORD.bound, ['ab'.repeat(32), validity]]) })).toBeUndefined()
  })

  test('when a CA is pinned: no path is on record', () => {
    const pinning = { ...NO_PINNING, ca: new Map([['', [utf8('any')]]]) }
    expect(unless(RECORD, { pinning })).toBeUndefined()
    const certificates = onRecord(CHAIN, RECORD, TODAY)
    expect(certificates?.pathProblem(ONE.key.id, [], NOW)).toBe('its certificates are only on record')
  })

  test('when one has not begun, a day of leeway apart', () => {
    expect(unless(RECORD, { now: BEGIN - NOT_BEFORE_LEEWAY })).toBeDefined()
    expect(unless(RECORD, { now: BEGIN - NOT_BEFORE_LEEWAY - 1 })).toBeUndefined()
    expect(unless(RECORD, { now: Number.NaN })).toBeUndefined()
    const two = rootKey('two')
    const chain = chainOf([ONE, two])
    const [early, late] = [BEGIN, NOW + NOT_BEFORE_LEEWAY + 1].map((notBefore) => ({ notBefore, notAfter: END }))
    if (early === undefined || late === undefined) throw new Error('no validity')
    const both = {
      root: sha256Hex(chain.root.file),
      bound: new Map([
        [ONE.key.id, early],
        [two.key.id, early],
      ]),
    }
    expect(unless(both, {}, chain)?.problems).toEqual([])
    expect(unless({ ...both, bound: new Map([...both.bound, [two.key.id, late]]) }, {}, chain)).toBeUndefined()
  })
})

describe('what is written that is no record by the rules of today', () => {
  const KEY = { key: 'k', notBefore: 1, notAfter: 2 }
  const WRITTEN = { rules: 1, root: 'aa', keys: [KEY] }
  const read = (certificates: unknown) =>
    decodeTrustRecord(utf8(JSON.stringify({ format: 1, gun: GUN, roles: [], certificates })), GUN)

  test('a record', () => {
    expect(read(WRITTEN)?.certificates).toEqual({ root: 'aa', bound: new Map([['k', { notBefore: 1, notAfter: 2 }]]) })
  })

  test.each<[string, unknown]>([
    ['null', null],
    ['a list', [WRITTEN]],
    ['other rules', { ...WRITTEN, rules: 2 }],
    ['no rules', { ...WRITTEN, rules: undefined }],
    ['no root', { ...WRITTEN, root: undefined }],
    ['keys that are no list', { ...WRITTEN, keys: { k: KEY } }],
    ['a key of null', { ...WRITTEN, keys: [null] }],
    ['a key without ID', { ...WRITTEN, keys: [{ ...KEY, key: undefined }] }],
    ['a beginning of text', { ...WRITTEN, keys: [{ ...KEY, notBefore: '1' }] }],
    ['no end', { ...WRITTEN, keys: [{ ...KEY, notAfter: undefined }] }],
  ])('%s is passed over, and the floors still count', (_, certificates) => {
    expect(read(certificates)).toEqual({ gun: GUN, floors: new Map() })
  })
})
