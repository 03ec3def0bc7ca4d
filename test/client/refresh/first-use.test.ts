import { describe, expect, test } from 'vitest'
import { createMemoryStore } from '../../../src/index.js'
import { createSigningKey, createTrustCollection, type RoleRecipe } from '../../../src/testing/index.js'
import { bytesOf, codeAndRole, DAY, GUN, SERVER, Story } from '../story.js'

const digest = 'sha256:'.concat('0123456789abcdef'.repeat(4))

describe('first use', () => {
  test('a signed tag is trusted, and the answer says all that the contract promises (ROOT-01)', async () => {
    const story = new Story()
    story.collection.sign('3.20', digest, { size: 1638 })
    story.collection.publish()
    const result = await story.verify('alpine:3.20')
    const [rootKey] = story.collection.keys('root')
    expect(result).toStrictEqual({
      status: 'trusted',
      reference: 'alpine:3.20',
      gun: GUN,
      tag: '3.20',
      digest,
      size: 1638,
      canonicalReference: `${GUN}@${digest}`,
      role: 'targets',
      signers: [],
      rootTrust: 'first-use',
      freshness: 'fresh',
      checked: '2026-03-01T12:00:00.000Z',
      expires: '2026-03-15T12:00:00.000Z',
      server: SERVER,
      warnings: [{ code: 'WARN_FIRST_USE', message: expect.stringContaining(rootKey?.id ?? '?') }],
    })
  })

  test('all that was verified is kept, byte for byte, with its version floors', async () => {
    const story = new Story()
    story.collection.delegate('targets/releases')
    story.collection.sign('3.20', digest, { role: 'targets/releases' })
    story.collection.publish()
    await story.verify('alpine:3.20')
    const { metadata } = await story.store.read(GUN)
    for (const [role, bytes] of metadata) expect(bytes, role).toEqual(story.collection.served(role))
    const versions = { root: 1, timestamp: 2, snapshot: 2, targets: 2, 'targets/releases': 1 }
    expect(await story.keptVersions()).toEqual(versions)
    expect(await story.floors()).toEqual(versions)
    expect(await story.store.list()).toEqual([GUN])
  })

  test('a collection that begins at root 5 is accepted (ROOT-02)', async () => {
    const story = new Story()
    story.collection.setVersion('root', 5).publish()
    await story.verify()
    expect(story.requests()).toContain('6.root')
    expect((await story.keptVersions())['root']).toBe(5)
  })

  test('the tag of a reference without one is latest', async () => {
    const story = new Story()
    story.collection.sign('latest', digest)
    story.collection.publish()
    expect(await story.verify('alpine')).toMatchObject({ reference: 'alpine', tag: 'latest', digest })
  })

  test('a server port is kept as typed, a trailing slash is dropped', async () => {
    const story = new Story()
    expect((await story.verify('alpine:3.19', { server: 'https://notary.example:443/' })).server).toBe(
      'https://notary.example:443',
    )
  })
})

describe('keys', () => {
  const recipes: RoleRecipe[] = [
    { type: 'ecdsa', curve: 'P-224' },
    { type: 'ecdsa', curve: 'P-256' },
    { type: 'ecdsa', curve: 'P-384' },
    { type: 'ecdsa', curve: 'P-521' },
    { type: 'ed25519' },
    { type: 'rsa' },
    { type: 'rsa', rsaMethod: 'rsapkcs1v15' },
    { type: 'ecdsa-x509' },
    { type: 'rsa-x509' },
  ]
  test.each(recipes)(
    '$type $curve $rsaMethod keys sign any role but root (SIG-16, SIG-28, SIG-29, SIG-34, SIG-38)',
    async (recipe) => {
      const roles = { targets: recipe, snapshot: recipe, timestamp: recipe }
      const story = new Story({ roles })
      story.collection.delegate('targets/releases', recipe)
      story.collection.sign('3.20', digest, { role: 'targets/releases' })
      story.collection.publish()
      expect(await story.verify('alpine:3.20')).toMatchObject({ digest, role: 'targets/releases' })
    },
  )

  const rootRecipes: RoleRecipe[] = [
    { type: 'ecdsa-x509', curve: 'P-384' },
    { type: 'ecdsa-x509', curve: 'P-521' },
    { type: 'rsa-x509' },
    { type: 'rsa-x509', rsaMethod: 'rsapkcs1v15' },
  ]
  test.each(rootRecipes)('a root key of type $type $curve $rsaMethod is accepted', async (root) => {
    expect(await new Story({ roles: { root } }).verify()).toMatchObject({ rootTrust: 'first-use' })
  })

  test.each<RoleRecipe>([{ type: 'ecdsa' }, { type: 'ed25519' }, { type: 'rsa' }])(
    'a first root whose key is bare $type is refused: nothing binds it to the collection (ROOT-53)',
    async (root) => {
      const refusal = await new Story({ roles: { root } }).refused()
      expect(codeAndRole(refusal)).toEqual({ code: 'ERR_ROOT_UNTRUSTED', role: 'root' })
      expect(refusal.message).toContain('could not validate the path to a trusted root')
    },
  )

  test('pretty-printed files verify: the signature is over the canonical form', async () => {
    expect((await new Story({ wire: 'pretty' }).verify()).status).toBe('trusted')
  })
})

describe('the certificate of a first root', () => {
  const days = (count: number) => new Date(new Date('2026-03-01T12:00:00Z').getTime() + count * DAY)
  const untrusted = { code: 'ERR_ROOT_UNTRUSTED', role: 'root' }

  test.each([
    ['another name (CERT-02)', { subject: { cn: 'docker.io/library/nginx' } }],
    ['another case (CERT-02)', { subject: { cn: 'docker.io/library/Alpine' } }],
    ['no name, only an alternative one (CERT-02)', { subject: { o: 'alpine' }, san: [GUN] }],
    ['a bare star (CERT-05)', { subject: { cn: '*' } }],
    ['CA:TRUE (CERT-20)', { ca: true }],
    ['an SHA-1 signature (CERT-17)', { signatureAlgorithm: 'sha1' as const }],
    ['a beginning 25 hours ahead (CERT-14)', { notBefore: days(25 / 24) }],
    ['an end before its beginning (CERT-15)', { notBefore: days(0.5), notAfter: days(0.25) }],
    ['two names, the last one right (CERT-07)', { subject: { cn: ['docker.io/library/nginx', GUN] } }],
  ])('with %s is refused', async (_, certificate) => {
    const story = new Story({ roles: { root: { certificate } } })
    expect(codeAndRole(await story.refused())).toEqual(untrusted)
    expect(await story.kept()).toEqual({ files: {}, floors: undefined })
  })

  test.each([
    ['the name of the collection (CERT-01)', { subject: { cn: GUN } }],
    ['a prefix and a star (CERT-03)', { subject: { cn: 'docker.io/library/*' } }],
    ['a beginning 23 hours ahead (CERT-14)', { notBefore: days(23 / 24) }],
  ])('with %s is accepted', async (_, certificate) => {
    expect((await new Story({ roles: { root: { certificate } } }).verify()).rootTrust).toBe('first-use')
  })

  test('of a first root that has ended is refused as expired, and says when', async () => {
    const certificate = { notBefore: days(-10), notAfter: days(-1) }
    const refusal = await new Story({ roles: { root: { certificate } } }).refused()
    expect(codeAndRole(refusal)).toEqual({ code: 'ERR_CERTIFICATE_EXPIRED', role: 'root' })
    expect(refusal.message).toContain('2026-02-28T12:00:00.000Z')
  })

  test('counts to its last second', async () => {
    const story = new Story({ roles: { root: { certificate: { notAfter: days(1) } } } })
    story.now = days(1)
    expect((await story.verify()).status).toBe('trusted')
    story.now = new Date(days(1).getTime() + 1000)
    expect((await story.refused()).code).toBe('ERR_CERTIFICATE_EXPIRED')
  })
})

describe('a first use that fails', () => {
  test('without a root on the server there is no trust data, in the words of Docker (HTTP-01)', async () => {
    const story = new Story()
    const refusal = await story.refused('alpine:3.19', {
      transport: createTrustCollection('docker.io/library/nginx').transport(),
      server: 'https://container-trust.oci.oraclecloud.com:443',
    })
    expect(refusal).toMatchObject({ code: 'ERR_NO_TRUST_DATA', kind: 'unsigned', gun: GUN })
    expect(refusal.message).toBe(
      `remote trust data does not exist for alpine: container-trust.oci.oraclecloud.com:443 does not have trust data for ${GUN}`,
    )
  })

  test.each([
    ['timestamp', 'missing', 'ERR_METADATA_MISSING'],
    ['snapshot', 'missing', 'ERR_METADATA_MISSING'],
    ['targets', 'missing', 'ERR_METADATA_MISSING'],
    ['root', 'unreachable', 'ERR_SERVER_UNREACHABLE'],
    ['timestamp', 'unreachable', 'ERR_SERVER_UNREACHABLE'],
    ['2.root', 'unreachable', 'ERR_SERVER_UNREACHABLE'],
    ['snapshot', 'server-error', 'ERR_SERVER_RESPONSE'],
    ['targets', 'unauthorized', 'ERR_UNAUTHORIZED'],
    ['root', 'tls', 'ERR_TLS'],
  ] as const)('at %s (%s) keeps nothing, not even the root (ROOT-04)', async (name, fault, code) => {
    const story = new Story()
    story.transport.faults.set(name, fault)
    expect((await story.refused()).code).toBe(code)
    expect(await story.store.list()).toEqual([])
    story.transport.faults.clear()
    expect((await story.verify()).rootTrust).toBe('first-use')
  })

  test.each([
    ['nothing', ''],
    ['a login page', '<!DOCTYPE html><title>Sign in</title>'],
    ['a byte-order mark first', '\ufeff{"signed":{},"signatures":[]}'],
    ['null', 'null'],
    ['an object without signed', '{"signatures":[]}'],
    ['half a file', '{"signed":{"_type":"Timestamp"'],
  ])('because a 200 brings %s is malformed, for root and for timestamp (JSON-14, JSON-15, JSON-16, JSON-40)', async (_, body) => {
    for (const role of ['root', 'timestamp']) {
      const story = new Story()
      story.transport.faults.set(role, bytesOf(body))
      expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role })
    }
  })

  test('endless data at root or timestamp is cut off (ATK-26)', async () => {
    for (const role of ['root', 'timestamp']) {
      const story = new Story()
      story.transport.faults.set(role, new Uint8Array(4 * 1024 * 1024 + 1).fill(0x20))
      expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_TOO_LARGE', role })
    }
  })

  test('a root under its own threshold is refused (ROOT-26)', async () => {
    const story = new Story({ roles: { root: { keys: 2, threshold: 2 } } })
    story.collection.tamper('root', { after: ({ signatures }) => void signatures.pop() }).publish()
    story.transport.faults.set('1.root', 'missing')
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_ROOT_UNTRUSTED', role: 'root' })
  })

  test('two certificates of one key do not make two signatures (ROOT-50)', async () => {
    const validity = { notBefore: new Date('2026-03-01T00:00:00Z'), notAfter: new Date('2027-03-01T00:00:00Z') }
    const one = createSigningKey({ type: 'ecdsa-x509', certificate: { subject: { cn: GUN }, ...validity } })
    const two = createSigningKey({
      type: 'ecdsa-x509',
      certificate: { subject: { cn: GUN, o: 'again' }, ...validity },
      pair: one.pair,
    })
    expect(one.id).not.toBe(two.id)
    const refusal = await new Story({ roles: { root: { keys: [one, two], threshold: 2 } } }).refused()
    expect(codeAndRole(refusal)).toEqual({ code: 'ERR_ROOT_UNTRUSTED', role: 'root' })
    expect(refusal.evidence).toMatchObject({ threshold: 2, validSignatures: 1 })
    expect((await new Story({ roles: { root: { keys: [one, two], threshold: 1 } } }).verify()).status).toBe('trusted')
  })

  test('a root of another collection is refused here (CACHE-18)', async () => {
    const nginx = createTrustCollection('docker.io/library/nginx')
    nginx.sign('3.19', 'nginx')
    nginx.publish()
    const story = new Story().serve(nginx.files())
    expect((await story.refused()).code).toBe('ERR_ROOT_UNTRUSTED')
  })

  test('leaves a store of another collection alone', async () => {
    const store = createMemoryStore()
    const story = new Story({}, { store })
    await story.verify()
    const nginx = createTrustCollection('docker.io/library/nginx')
    await expect(story.verify('nginx:1', { transport: nginx.transport() })).rejects.toMatchObject({ code: 'ERR_NO_TRUST_DATA' })
    expect(await store.list()).toEqual([GUN])
  })
})
