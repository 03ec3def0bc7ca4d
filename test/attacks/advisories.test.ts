/** What went wrong elsewhere, as published: each tried here once, through the public door. */
import { createHmac } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTrustClient, TrustError } from '../../src/index.js'
import { createSigningKey, type Envelope, type SnapshotDocument } from '../../src/testing/index.js'
import { bytesOf, codeAndRole, refusalOf, Story } from '../client/story.js'

const RELEASES = 'targets/releases'
const ALICE = 'targets/alice'

describe('signatures', () => {
  test.each(['rsapss', 'rsapkcs1v15', 'eddsa', 'none', 'hmac', 'hs256', ''])(
    'the key says how it is verified, not the method: %j (CVE-01)',
    async (method) => {
      const story = new Story()
      const [key] = story.collection.keys('timestamp')
      const mac = createHmac('sha256', key?.document.keyval.public ?? '')
        .update('x')
        .digest('base64')
      const after = ({ signatures: [first] }: Envelope<unknown>) => void Object.assign(first ?? {}, { method, sig: mac })
      story.collection.tamper('timestamp', { after }).publish()
      expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_SIGNATURE_THRESHOLD', role: 'timestamp' })
    },
  )

  test('one key, bare and in a certificate, is one key against a threshold of two (CVE-18)', async () => {
    const story = new Story()
    const bare = createSigningKey()
    const validity = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2036-01-01T00:00:00Z') }
    const wrapped = createSigningKey({ type: 'ecdsa-x509', pair: bare.pair, certificate: { subject: { cn: 'r' }, ...validity } })
    expect(wrapped.id).not.toBe(bare.id)
    story.collection.delegate(RELEASES, { keys: [bare, wrapped], threshold: 2 }).sign('3.19', 'x', { role: RELEASES })
    story.collection.publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_SIGNATURE_THRESHOLD', role: RELEASES })
  })
})

describe('root', () => {
  test('that has expired is refused, signed or not (CVE-02)', async () => {
    const story = new Story()
    story.collection.setExpiry('root', story.now).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_EXPIRED', role: 'root' })
  })

  test('new, with two keys of which one signs, is refused (CVE-07)', async () => {
    const story = new Story()
    await story.verify()
    story.collection.rotateRoot({ keys: 2, threshold: 2 })
    story.collection.tamper('root', { after: ({ signatures }) => void signatures.splice(1, 1) }).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_ROOT_ROTATION', role: 'root' })
  })

  test('that failed is never kept, and does not count the next time (CVE-13)', async () => {
    const story = new Story()
    await story.verify()
    const honest = story.replay()
    story.collection.rotateRoot({ signedByOld: false }).publish()
    expect((await story.refused()).code).toBe('ERR_ROOT_ROTATION')
    expect((await story.serve(honest).verify()).status).toBe('trusted')
    expect((await story.keptVersions())['root']).toBe(1)
  })

  test.each([1, 3, 4, 7])('asked for as 2.root and holding version %d is refused (CVE-22)', async (version) => {
    const story = new Story()
    await story.verify()
    story.collection.rotateRoot().setVersion('root', version).publish()
    story.transport.faults.set('2.root', story.collection.served('root') ?? 'missing')
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_ROOT_ROTATION', role: 'root' })
  })

  test('whose certificate spells the right name inside a wrong one is refused (CVE-30)', async () => {
    for (const cn of [
      'evil\nCN=docker.io/library/alpine',
      'evil, CN=docker.io/library/alpine',
      'docker.io/library/alpine\u0000.evil',
    ]) {
      const story = new Story({ roles: { root: { certificate: { subject: { cn } } } } })
      const refusal = await story.refused()
      expect(codeAndRole(refusal)).toEqual({ code: 'ERR_ROOT_UNTRUSTED', role: 'root' })
      expect(refusal.message).not.toMatch(/[\n\u0000]/)
    }
  })

  test('that is unknown can be refused: first use is a choice (CVE-32)', async () => {
    const story = new Story()
    const pinning = { disable_tofu: true }
    expect((await story.refused('alpine:3.19', { pinning })).code).toBe('ERR_ROOT_UNTRUSTED')
    const id = story.collection.keys('root')[0]?.id ?? ''
    const pinned = { ...pinning, certs: { 'docker.io/library/alpine': [id] } }
    expect((await story.verify('alpine:3.19', { pinning: pinned })).rootTrust).toBe('pinned-certificate')
  })

  test('that does not follow: the error names the expected version and keys (CVE-33)', async () => {
    const story = new Story()
    await story.verify()
    const old = story.collection.keys('root').map(({ id }) => id)
    story.collection.rotateRoot({ signedByOld: false }).publish()
    const { message, evidence } = await story.refused()
    expect(message).toContain('could not rotate trust to a new trusted root')
    expect(evidence).toMatchObject({ trusted: 1, offered: 2, asked: 2, threshold: 1, validSignatures: 0, listedKeys: old })
  })
})

describe('versions', () => {
  test('a stolen key and a huge version do not block users: a new key resets the version (CVE-03)', async () => {
    const story = new Story()
    story.collection.setVersion('snapshot', 2 ** 53 - 1).publish()
    await story.verify()
    story.collection.rotateKey('snapshot').setVersion('snapshot', 2).publish()
    expect((await story.verify()).status).toBe('trusted')
    story.collection.setVersion('snapshot', 1).publish()
    expect((await story.refused()).code).toBe('ERR_VERSION_ROLLBACK')
  })

  test('beyond 2^31 are distinguished (CVE-09)', async () => {
    const story = new Story()
    story.collection.setVersion('targets', 2 ** 32 + 2).publish()
    await story.verify()
    expect((await story.floors())['targets']).toBe(2 ** 32 + 2)
    story.collection.setVersion('targets', 2 ** 32 + 1).publish()
    expect((await story.refused()).code).toBe('ERR_VERSION_ROLLBACK')
    story.collection.setVersion('targets', 3).publish()
    expect((await story.refused()).code).toBe('ERR_VERSION_ROLLBACK')
  })
})

describe('an attacker with the keys of snapshot and timestamp (CVE-10)', () => {
  const change = (before: (signed: SnapshotDocument) => void) => async () => {
    const story = new Story()
    story.collection.delegate(RELEASES).sign('3.19', 'release', { role: RELEASES })
    story.collection.publish()
    await story.verify()
    story.collection.tamper('snapshot', { before }).publish()
    return story.refused()
  }

  test('cannot hide releases', async () => {
    expect((await change(({ meta }) => void delete meta[RELEASES])()).code).toBe('ERR_VERSION_ROLLBACK')
  })

  test('cannot hide targets', async () => {
    expect((await change(({ meta }) => void delete meta['targets'])()).code).toBe('ERR_METADATA_MALFORMED')
  })

  test('cannot serve one delegation for another', async () => {
    const story = new Story()
    story.collection.delegate(RELEASES).delegate(ALICE)
    for (const role of [RELEASES, ALICE]) story.collection.sign('3.19', `of ${role}`, { role })
    story.collection.publish()
    await story.verify()
    const before = ({ meta }: SnapshotDocument) => void Object.assign(meta, { [RELEASES]: meta[ALICE] })
    story.collection.tamper('snapshot', { before }).publish()
    story.transport.faults.set(RELEASES, story.collection.served(ALICE) ?? 'missing')
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_SIGNATURE_THRESHOLD', role: RELEASES })
  })
})

test('both hashes are held against the file, and the type is the one asked for (CVE-06)', async () => {
  const story = new Story()
  const wrong = Buffer.alloc(64, 1).toString('base64')
  story.collection.tamper('snapshot', {
    before: ({ meta }) => void Object.assign(meta['targets']?.hashes ?? {}, { sha512: wrong }),
  })
  story.collection.publish()
  expect((await story.refused()).code).toBe('ERR_HASH_MISMATCH')
  const key = createSigningKey()
  const same = new Story({ roles: { snapshot: { keys: [key] }, timestamp: { keys: [key] } } })
  same.transport.faults.set('timestamp', same.collection.served('snapshot') ?? 'missing')
  expect((await same.refused()).code).toBe('ERR_METADATA_MALFORMED')
})

test('a timestamp whose snapshot cannot be had is not kept: the old set stays whole, offline too (CVE-25)', async () => {
  const story = new Story()
  const { digest } = await story.verify()
  story.collection.sign('3.19', 'second')
  story.collection.publish()
  story.transport.faults.set('snapshot', 'missing')
  expect((await story.refused()).code).toBe('ERR_METADATA_MISSING')
  expect((await story.verify('alpine:3.19', { offline: true })).digest).toBe(digest)
})

describe('names from elsewhere (CVE-11, CVE-16)', () => {
  test.each(['../../../../x', '/etc/x', 'a/../../b', 'a//b', 'a/./b', '..', 'a\\..\\b', 'a%2f..%2fb'])(
    'the collection %j is refused, and nothing is asked or written',
    async (gun) => {
      const story = new Story()
      await using client = createTrustClient(story.options)
      expect((await refusalOf(client.lookup(gun, 'x'))).code).toBe('ERR_REFERENCE_INVALID')
      expect(story.requests()).toEqual([])
      expect((await story.kept()).files).toEqual({})
    },
  )

  test('roles of a snapshot without a delegation are not written as files', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dct-names-'))
    try {
      const story = new Story()
      story.collection.tamper('snapshot', {
        before: ({ meta }) => {
          for (const name of ['../../evil', '/tmp/evil', 'targets/../../evil', 'targets/x'])
            Object.assign(meta, { [name]: meta['targets'] })
        },
      })
      story.collection.publish()
      const { store: _, ...options } = story.options
      await using client = createTrustClient({ ...options, trustDirectory: folder })
      expect((await client.verifyTag('alpine:3.19')).status).toBe('trusted')
      const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
      expect(files.map(({ name }) => name).filter((name) => /evil|^x/.test(name))).toEqual([])
      expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(['root.json', 'targets.json']))
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

test('no JSON that a server can think of makes anything but a TrustError (CVE-20)', { timeout: 60_000 }, async () => {
  const story = new Story()
  const honest = JSON.parse(Buffer.from(story.collection.served('timestamp') ?? []).toString()) as {
    signed: object
    signatures: object
  }
  const anything = fc.jsonValue({ maxDepth: 3 })
  const documents = fc.oneof(
    anything,
    fc.record({ signed: anything, signatures: anything }),
    fc.record({ signed: anything }).map((part) => ({ ...honest, ...part })),
    fc
      .record({ meta: anything, version: anything, expires: anything }, { requiredKeys: [] })
      .map((part) => ({ ...honest, signed: { ...honest.signed, ...part } })),
    fc.record({ signatures: fc.array(anything) }).map((part) => ({ ...honest, ...part })),
  )
  const files = fc.constantFrom('timestamp', 'root', '2.root')
  const property = fc.asyncProperty(documents, files, async (document, name) => {
    story.transport.faults.clear()
    story.transport.faults.set(name, bytesOf(JSON.stringify(document)))
    await story.verify().catch((error: unknown) => {
      if (!(error instanceof TrustError)) throw error
    })
  })
  await fc.assert(property, { numRuns: 300 })
})
