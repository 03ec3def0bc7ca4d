import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TrustPinningOption } from '../../../src/index.js'
import {
  createCertificate,
  createKeys,
  createSigningKey,
  type MadeCertificate,
  type SigningKey,
  type TrustCollectionOptions,
} from '../../../src/testing/index.js'
import { canonicalId, codeAndRole, GUN, Story } from '../story.js'

const MISMATCH = { code: 'ERR_PIN_MISMATCH', role: 'root' }
const stranger = 'ab'.repeat(32)
const validity = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2036-01-01T00:00:00Z') }

/** A root key for this collection that is not the one of a story. */
function strangeKey(seed: string): SigningKey {
  return createSigningKey({ type: 'ecdsa-x509', seed, certificate: { ...validity, subject: { cn: GUN } } })
}

const ONE = strangeKey('one')
const TWO = strangeKey('two')

function rootId(story: Story): string {
  return story.collection.keys('root')[0]?.id ?? '?'
}

/** The PEM text of a key's public part, as `openssl pkey -pubout` writes it. */
function publicPem({ pair }: SigningKey): string {
  return pair.publicKey.export({ format: 'pem', type: 'spki' }).toString()
}

function rootKeys(story: Story): readonly SigningKey[] {
  return story.collection.keys('root')
}

describe('a certificate pin', () => {
  test.each([
    ['the GUN', GUN],
    ['a prefix', 'docker.io/library/*'],
    ['a star', '*'],
  ])('for %s that is met is said (CERT-30, CERT-34)', async (_, rule) => {
    const story = new Story()
    const pinning = { certs: { [rule]: [stranger, rootId(story)] } }
    const { rootTrust, warnings } = await story.verify('alpine:3.19', { pinning })
    expect(rootTrust).toBe('pinned-certificate')
    expect(warnings.map(({ code }) => code)).not.toContain('WARN_FIRST_USE')
    expect((await story.verify('alpine:3.19', { pinning })).rootTrust).toBe('pinned-certificate')
  })

  test('may be written in upper case (CERT-31)', async () => {
    const story = new Story()
    expect((await story.verify('alpine:3.19', { pinning: { certs: { [GUN]: [rootId(story).toUpperCase()] } } })).rootTrust).toBe(
      'pinned-certificate',
    )
  })

  test.each(['docker.io/library/alpine', 'docker.io/*', 'docker.io/library/alp*'])(
    'for %s that is not met is refused, and first use does not help',
    async (rule) => {
      const refusal = await new Story().refused('alpine:3.19', { pinning: { certs: { [rule]: [stranger] } } })
      expect(codeAndRole(refusal)).toEqual(MISMATCH)
      expect(refusal.kind).toBe('untrusted')
    },
  )

  test('for another collection says nothing here (CERT-33)', async () => {
    const pinning = { certs: { 'docker.io/library/nginx': [stranger], 'quay.io/*': [stranger] } }
    expect((await new Story().verify('alpine:3.19', { pinning })).rootTrust).toBe('first-use')
  })

  test('that is more specific wins: the GUN before a prefix, the longer prefix before the shorter (CERT-34)', async () => {
    const story = new Story()
    const good = [rootId(story)]
    for (const certs of [
      { '*': [stranger], [GUN]: good },
      { 'docker.io/*': [stranger], 'docker.io/library/*': good },
    ])
      expect((await story.verify('alpine:3.19', { pinning: { certs } })).rootTrust).toBe('pinned-certificate')
    for (const certs of [
      { '*': good, [GUN]: [stranger] },
      { 'docker.io/*': good, 'docker.io/library/*': [stranger] },
    ])
      expect((await story.refused('alpine:3.19', { pinning: { certs } })).code).toBe('ERR_PIN_MISMATCH')
  })

  test('whose prefix ends inside a name earns a warning', async () => {
    const story = new Story()
    const loose = await story.verify('alpine:3.19', { pinning: { certs: { 'docker.io/library/alp*': [rootId(story)] } } })
    expect(loose.warnings.map(({ code }) => code)).toEqual(['WARN_PIN_PREFIX'])
  })

  test('must cover the threshold: one pinned key of two is not enough (CERT-35)', async () => {
    const story = new Story({ roles: { root: { keys: 2, threshold: 2 } } })
    const ids = story.collection.keys('root').map(({ id }) => id)
    expect((await story.refused('alpine:3.19', { pinning: { certs: { [GUN]: ids.slice(0, 1) } } })).code).toBe('ERR_PIN_MISMATCH')
    expect((await story.verify('alpine:3.19', { pinning: { certs: { [GUN]: ids } } })).rootTrust).toBe('pinned-certificate')
  })

  test('that was added later and contradicts the cached root is refused (ROOT-08, ROOT-09)', async () => {
    const story = new Story()
    await story.verify()
    const pinning = { certs: { [GUN]: [stranger] } }
    expect((await story.refused('alpine:3.19', { pinning })).code).toBe('ERR_PIN_MISMATCH')
    expect((await story.refused('alpine:3.19', { pinning, offline: true })).code).toBe('ERR_PIN_MISMATCH')
    story.transport.faults.set('*', 'unreachable')
    expect((await story.refused('alpine:3.19', { pinning })).code).toBe('ERR_PIN_MISMATCH')
  })

  test('binds the root in the end of the chain, not those between', async () => {
    const story = new Story()
    const pinned = [rootId(story)]
    await story.verify()
    story.collection.rotateRoot().publish()
    expect((await story.refused('alpine:3.19', { pinning: { certs: { [GUN]: pinned } } })).code).toBe('ERR_PIN_MISMATCH')
    const pinning = { certs: { [GUN]: [rootId(story)] } }
    expect((await story.verify('alpine:3.19', { pinning })).rootTrust).toBe('pinned-certificate')
  })

  test('does not excuse a certificate for another name', async () => {
    const story = new Story({ roles: { root: { certificate: { subject: { cn: 'docker.io/library/nginx' } } } } })
    expect((await story.refused('alpine:3.19', { pinning: { certs: { [GUN]: [rootId(story)] } } })).code).toBe(
      'ERR_ROOT_UNTRUSTED',
    )
  })

  test('on __proto__ or constructor is no pin for anything', async () => {
    const certs = JSON.parse(`{"constructor":["${stranger}"]}`) as Record<string, string[]>
    expect((await new Story().verify('alpine:3.19', { pinning: { certs } })).rootTrust).toBe('first-use')
  })
})

describe('a pin of the key, whatever certificate wraps it', () => {
  const forms: [string, (key: SigningKey) => string][] = [
    ['its canonical ID', canonicalId],
    ['its canonical ID in upper case', (key) => canonicalId(key).toUpperCase()],
    ['PEM of the public key', publicPem],
    ['PEM of the public key with CRLF and blank lines around it', (key) => `\n${publicPem(key).replaceAll('\n', '\r\n')}\n`],
  ]
  const recipes: [string, TrustCollectionOptions][] = [
    ['EC', {}],
    ['RSA', { roles: { root: { type: 'rsa-x509' } } }],
  ]

  test.each(forms.flatMap(([form, pin]) => recipes.map(([kind, options]) => [form, kind, pin, options] as const)))(
    'by %s is met by that %s key, cached root or not, and said',
    async (_, __, pin, options) => {
      const story = new Story(options)
      const pinning = { certs: { [GUN]: rootKeys(story).map(pin) }, disable_tofu: true }
      for (const run of ['first', 'second'])
        expect((await story.verify('alpine:3.19', { pinning })).rootTrust, run).toBe('pinned-key')
      expect((await story.verify('alpine:3.19', { pinning, offline: true })).rootTrust).toBe('pinned-key')
    },
  )

  test.each(forms)('by %s of another key refuses, cached root or not', async (_, pin) => {
    const story = new Story()
    const pinning = { certs: { [GUN]: [pin(ONE)] } }
    expect(codeAndRole(await story.refused('alpine:3.19', { pinning }))).toEqual(MISMATCH)
    await story.verify()
    expect(codeAndRole(await story.refused('alpine:3.19', { pinning }))).toEqual(MISMATCH)
  })

  test('goes on matching when the certificate is renewed; a pin of the certificate does not', async () => {
    const story = new Story()
    const [old] = rootKeys(story)
    if (old === undefined) throw new Error('no root key')
    const renewed = createSigningKey({
      type: 'ecdsa-x509',
      pair: old.pair,
      certificate: { ...validity, subject: { cn: GUN }, serial: 2n },
    })
    const byKey = { certs: { [GUN]: [canonicalId(old)] } }
    const byCertificate = { certs: { [GUN]: [old.id] } }
    await story.verify('alpine:3.19', { pinning: byCertificate })
    story.collection.rotateRoot({ keys: [renewed] }).publish()
    expect((await story.verify('alpine:3.19', { pinning: byKey })).rootTrust).toBe('pinned-key')
    expect((await story.refused('alpine:3.19', { pinning: byCertificate })).code).toBe('ERR_PIN_MISMATCH')
  })

  test('must cover the threshold with different keys, however each is pinned', async () => {
    const story = new Story({ roles: { root: { keys: 2, threshold: 2 } } })
    const [one, two] = rootKeys(story)
    if (one === undefined || two === undefined) throw new Error('no root keys')
    const twice = { certs: { [GUN]: [one.id, canonicalId(one), publicPem(one)] } }
    expect((await story.refused('alpine:3.19', { pinning: twice })).code).toBe('ERR_PIN_MISMATCH')
    const both = { certs: { [GUN]: [one.id, publicPem(two)] } }
    expect((await story.verify('alpine:3.19', { pinning: both })).rootTrust).toBe('pinned-key')
    const all = { certs: { [GUN]: [one.id, two.id, publicPem(two)] } }
    expect((await story.verify('alpine:3.19', { pinning: all })).rootTrust).toBe('pinned-certificate')
  })

  test('does not excuse a certificate for another name', async () => {
    const story = new Story({ roles: { root: { certificate: { subject: { cn: 'docker.io/library/nginx' } } } } })
    const pinning = { certs: { [GUN]: rootKeys(story).map(canonicalId) } }
    expect((await story.refused('alpine:3.19', { pinning })).code).toBe('ERR_ROOT_UNTRUSTED')
  })

  test('by PEM of the certificate binds that certificate, as its ID does', async () => {
    const story = new Story()
    const [key] = rootKeys(story)
    const pinning = { certs: { [GUN]: [(key?.certificate?.pem ?? '').replaceAll('\n', '\r\n')] } }
    expect((await story.verify('alpine:3.19', { pinning })).rootTrust).toBe('pinned-certificate')
    const other = createCertificate({
      ...validity,
      subject: { cn: GUN },
      ...(key === undefined ? {} : { keys: key.pair }),
      serial: 2n,
    })
    expect((await story.refused('alpine:3.19', { pinning: { certs: { [GUN]: [other.pem] } } })).code).toBe('ERR_PIN_MISMATCH')
  })

  test('that is not met is refused with both IDs of each key that signed', async () => {
    const story = new Story()
    const [key] = rootKeys(story)
    if (key === undefined) throw new Error('no root key')
    const { message, evidence } = await story.refused('alpine:3.19', { pinning: { certs: { [GUN]: [stranger] } } })
    expect(message).toContain(`${key.id} (canonical ID ${canonicalId(key)}): not a pinned key`)
    expect(evidence).toMatchObject({ canonicalIds: [`${key.id}: ${canonicalId(key)}`], pinned: [stranger] })
  })
})

describe('a CA pin', () => {
  let folder: string
  const authority = createCertificate({ subject: { cn: 'signing CA' }, ca: true, ...validity })
  const otherAuthority = createCertificate({ subject: { cn: 'other CA' }, ca: true, ...validity })
  const intermediate = createCertificate({ subject: { cn: 'intermediate' }, ca: true, issuer: authority, ...validity })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dct-pins-'))
    await writeFile(join(folder, 'ca.pem'), authority.pem)
    await writeFile(join(folder, 'other.pem'), otherAuthority.pem)
    await writeFile(join(folder, 'both.pem'), otherAuthority.pem + authority.pem)
    await writeFile(join(folder, 'empty.pem'), 'no certificate')
  })
  afterAll(() => rm(folder, { recursive: true }))

  const pin = (file: string, prefix = 'docker.io/library/'): TrustPinningOption => ({ ca: { [prefix]: join(folder, file) } })
  const issuedBy = (issuer: MadeCertificate, bundle: readonly MadeCertificate[] = []) =>
    new Story({ roles: { root: { certificate: { issuer }, bundle } } })

  test('is met by a leaf that the CA issued, and said, cached root or not (CERT-37, CERT-39)', async () => {
    const story = issuedBy(authority)
    for (const _ of [1, 2]) expect((await story.verify('alpine:3.19', { pinning: pin('ca.pem') })).rootTrust).toBe('pinned-ca')
    expect((await story.verify('alpine:3.19', { pinning: pin('both.pem') })).rootTrust).toBe('pinned-ca')
  })

  test('is met through an intermediate in the bundle (CERT-22)', async () => {
    const story = issuedBy(intermediate, [intermediate])
    expect((await story.verify('alpine:3.19', { pinning: pin('ca.pem') })).rootTrust).toBe('pinned-ca')
  })

  test('is not met by a leaf of another CA, a self-signed one, or without the intermediate', async () => {
    for (const story of [issuedBy(otherAuthority), new Story(), issuedBy(intermediate)])
      expect(codeAndRole(await story.refused('alpine:3.19', { pinning: pin('ca.pem') }))).toEqual(MISMATCH)
  })

  test('is not met by a CA of the same name with another key', async () => {
    const forged = createCertificate({ subject: { cn: 'signing CA' }, ca: true, ...validity })
    expect((await issuedBy(forged, [forged]).refused('alpine:3.19', { pinning: pin('ca.pem') })).code).toBe('ERR_PIN_MISMATCH')
  })

  test('is not met through an intermediate that is no CA', async () => {
    const leaf = createCertificate({ subject: { cn: GUN }, ca: false, issuer: authority, ...validity })
    expect((await issuedBy(leaf, [leaf]).refused('alpine:3.19', { pinning: pin('ca.pem') })).kind).toBe('untrusted')
  })

  test('with the self-signed leaf itself is not met (CERT-42)', async () => {
    const story = new Story()
    await writeFile(join(folder, 'leaf.pem'), story.collection.keys('root')[0]?.certificate?.pem ?? '')
    expect((await story.refused('alpine:3.19', { pinning: pin('leaf.pem') })).code).toBe('ERR_PIN_MISMATCH')
  })

  test('of the longest prefix wins', async () => {
    const story = issuedBy(authority)
    const ca = { 'docker.io/': join(folder, 'other.pem'), 'docker.io/library/': join(folder, 'ca.pem') }
    expect((await story.verify('alpine:3.19', { pinning: { ca } })).rootTrust).toBe('pinned-ca')
  })

  test('gives way to a certificate pin, met or not', async () => {
    const story = issuedBy(authority)
    const { ca } = pin('ca.pem')
    const certs = { [GUN]: [rootId(story)] }
    expect((await story.verify('alpine:3.19', { pinning: { ...(ca === undefined ? {} : { ca }), certs } })).rootTrust).toBe(
      'pinned-certificate',
    )
    const wrong = { ...(ca === undefined ? {} : { ca }), certs: { [GUN]: [stranger] } }
    expect((await story.refused('alpine:3.19', { pinning: wrong })).code).toBe('ERR_PIN_MISMATCH')
  })

  test('binds a rotated root as well (CERT-43)', async () => {
    const story = issuedBy(authority)
    await story.verify('alpine:3.19', { pinning: pin('ca.pem') })
    const elsewhere = createSigningKey({
      type: 'ecdsa-x509',
      certificate: { subject: { cn: GUN }, issuer: otherAuthority, ...validity },
    })
    story.collection.rotateRoot({ keys: [elsewhere] }).publish()
    expect((await story.refused('alpine:3.19', { pinning: pin('ca.pem') })).code).toBe('ERR_PIN_MISMATCH')
    expect((await story.verify('alpine:3.19', { pinning: pin('other.pem') })).rootTrust).toBe('pinned-ca')
  })

  test.each(['empty.pem', 'not-there.pem'])(
    'with the file %s is a usage error, before anything is asked (CERT-40)',
    async (file) => {
      const story = new Story()
      const refusal = await story.refused('alpine:3.19', { pinning: pin(file) })
      expect(refusal).toMatchObject({ code: 'ERR_SETTINGS_INVALID', kind: 'usage' })
      expect(refusal.message).toContain('could not load root cert from CA path')
      expect(story.requests()).toEqual([])
    },
  )
})

describe('disable_tofu', () => {
  const pinning = { disable_tofu: true }

  test('refuses a collection that was never seen and that no pin names (ROOT-06)', async () => {
    const refusal = await new Story().refused('alpine:3.19', { pinning })
    expect(codeAndRole(refusal)).toEqual({ code: 'ERR_ROOT_UNTRUSTED', role: 'root' })
    expect(refusal.message).toContain('invalid trust pinning specified')
  })

  test('says both IDs of the root key that was offered', async () => {
    const story = new Story()
    const [key] = rootKeys(story)
    const { message, evidence, hint } = await story.refused('alpine:3.19', { pinning })
    const both = `${key?.id} (canonical ID ${key === undefined ? '' : canonicalId(key)})`
    expect(message).toContain(`the root that is offered was signed by key ${both}`)
    expect(evidence).toMatchObject({
      signedBy: [key?.id],
      canonicalIds: [`${key?.id}: ${key === undefined ? '' : canonicalId(key)}`],
    })
    expect(hint).toContain('publisher')
    expect(message).not.toContain('come close')
  })

  test('names pins that come close to the collection', async () => {
    const certs = { alpine: [stranger], 'docker.io/library': [stranger], 'quay.io/*': [stranger] }
    const { code, message, evidence } = await new Story().refused('alpine:3.19', { pinning: { ...pinning, certs } })
    expect(code).toBe('ERR_ROOT_UNTRUSTED')
    expect(message).toContain(`pins that come close: "alpine", "docker.io/library"; the name of this collection is ${GUN}`)
    expect(evidence).toMatchObject({ pinsThatComeClose: ['alpine', 'docker.io/library'] })
  })

  test('where first use is allowed, its warning names them too', async () => {
    const { warnings } = await new Story().verify('alpine:3.19', { pinning: { certs: { 'library/alpine': [stranger] } } })
    expect(warnings.find(({ code }) => code === 'WARN_FIRST_USE')?.message).toContain('pins that come close: "library/alpine"')
  })

  test('accepts one that a pin names', async () => {
    const story = new Story()
    const certs = { [GUN]: [rootId(story)] }
    expect((await story.verify('alpine:3.19', { pinning: { ...pinning, certs } })).rootTrust).toBe('pinned-certificate')
  })

  test('accepts one whose root is cached (ROOT-07)', async () => {
    const story = new Story()
    await story.verify()
    expect((await story.verify('alpine:3.19', { pinning })).rootTrust).toBe('cached-root')
  })
})

describe('pins that are no pins', () => {
  test('not even where every object has an id', async () => {
    Object.defineProperty(Object.prototype, 'id', { value: 'ab'.repeat(32), configurable: true })
    try {
      const refusal = await new Story().refused('alpine:3.19', { pinning: { certs: { [GUN]: ['abc'] } } })
      expect(refusal.code).toBe('ERR_SETTINGS_INVALID')
    } finally {
      Reflect.deleteProperty(Object.prototype, 'id')
    }
  })

  test('a private key is not repeated in the message', async () => {
    const pem = ONE.pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
    const { message } = await new Story().refused('alpine:3.19', { pinning: { certs: { [GUN]: [pem] } } })
    expect(message).toContain('private key')
    expect(message).not.toContain(pem.split('\n')[1])
  })

  test.each<[string, unknown]>([
    ['an empty list (CERT-32)', { certs: { [GUN]: [] } }],
    ['null for a list (CERT-32)', { certs: { 'docker.io/*': null } }],
    ['an ID that is none', { certs: { [GUN]: ['abc'] } }],
    ['a PEM without content', { certs: { [GUN]: ['-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n'] } }],
    ['PEM of an Ed25519 key, which no root has', { certs: { [GUN]: [publicPem(createSigningKey({ type: 'ed25519' }))] } }],
    ['two public keys in one text', { certs: { [GUN]: [publicPem(ONE) + publicPem(TWO)] } }],
    ['a public key and a certificate in one text', { certs: { [GUN]: [publicPem(ONE) + (ONE.certificate?.pem ?? '')] } }],
    ['text beside a PEM', { certs: { [GUN]: [`${'ab'.repeat(32)}\n${publicPem(ONE)}`] } }],
    ['a cut PEM beside a whole one', { certs: { [GUN]: [publicPem(ONE) + publicPem(TWO).slice(0, -9)] } }],
    ['a private key', { certs: { [GUN]: [ONE.pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()] } }],
    ['the certificate of a CA', { certs: { [GUN]: [createCertificate({ subject: { cn: GUN }, ca: true, ...validity }).pem] } }],
    [
      'an RSA key of 1,024 bits',
      { certs: { [GUN]: [createKeys('RSA-1024').publicKey.export({ format: 'pem', type: 'spki' }).toString()] } },
    ],
    ['an unknown field', { disableTofu: true }],
    ['a text for disable_tofu', { disable_tofu: 'yes' }],
    ['a list of pins', []],
  ])('are usage errors, never ignored: %s', async (_, pinning) => {
    const story = new Story()
    const refusal = await story.refused('alpine:3.19', { pinning: pinning as TrustPinningOption })
    expect(refusal.code).toBe('ERR_SETTINGS_INVALID')
    expect(story.requests()).toEqual([])
  })
})
