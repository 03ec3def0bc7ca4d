import { createHash, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createSigningKey, createTrustCollection } from '../../../src/testing/index.js'
import { bytesOf, codeAndRole, DAY, GUN, refusalOf, Story, storeWith } from '../story.js'

const ROTATION = { code: 'ERR_ROOT_ROTATION', role: 'root' }

/** A client that trusts root 1. */
async function known(...options: ConstructorParameters<typeof Story>): Promise<Story> {
  const story = new Story(...options)
  await story.verify()
  story.requests()
  return story
}

describe('a rotated root', () => {
  test('signed by the old and the new key is followed (ROOT-12)', async () => {
    const story = await known()
    story.collection.rotateRoot().publish()
    expect(await story.verify()).toMatchObject({ rootTrust: 'cached-root', freshness: 'fresh', warnings: [] })
    expect(story.requests().slice(0, 3).sort()).toEqual(['2.root', '3.root', 'timestamp'])
    expect((await story.keptVersions())['root']).toBe(2)
    const { metadata } = await story.store.read(GUN)
    expect(metadata.get('root')).toEqual(story.collection.served('2.root'))
  })

  test('is followed over several versions, one at a time (ROOT-15)', async () => {
    const story = await known()
    for (let n = 0; n < 4; n++) story.collection.rotateRoot()
    story.collection.publish()
    await story.verify()
    expect(story.requests().filter((name) => name.endsWith('.root'))).toEqual(['2.root', '3.root', '4.root', '5.root', '6.root'])
    expect((await story.floors())['root']).toBe(5)
  })

  test('is followed on first use too, when root.json lags behind', async () => {
    const story = new Story()
    const [first] = [story.collection.served('root')]
    story.collection.rotateRoot().publish()
    story.transport.faults.set('root', first ?? 'missing')
    expect(await story.verify()).toMatchObject({ rootTrust: 'first-use' })
    expect((await story.keptVersions())['root']).toBe(2)
  })

  test('is asked for on every refresh, though all else verifies: keys that it revokes are revoked (ATK-24)', async () => {
    const story = await known()
    const before = story.replay()
    story.collection.rotateKey('timestamp').rotateKey('snapshot').rotateKey('targets').publish()
    // Somebody with the revoked keys goes on serving the old files beside the new roots.
    for (const name of ['timestamp', 'snapshot', 'targets']) story.transport.faults.set(name, before.get(name) ?? 'missing')
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_SIGNATURE_THRESHOLD', role: 'timestamp' })
  })

  test('with an intermediate that has expired is followed (ROOT-19)', async () => {
    const story = await known()
    story.collection
      .rotateRoot()
      .setExpiry('root', new Date(story.now.getTime() - DAY))
      .rotateRoot()
      .publish()
    expect((await story.verify()).status).toBe('trusted')
    expect((await story.keptVersions())['root']).toBe(3)
  })

  test.each([
    ['from one key to two', 1, 2],
    ['from two keys to one', 2, 1],
  ])('may change its threshold %s when enough keys sign (ROOT-25, ROOT-27)', async (_, from, to) => {
    const story = await known({ roles: { root: { keys: from, threshold: from } } })
    story.collection.rotateRoot({ keys: to, threshold: to }).publish()
    expect((await story.verify()).status).toBe('trusted')
  })

  test('for other online keys is followed (root keys unchanged)', async () => {
    const story = await known()
    for (const role of ['timestamp', 'snapshot', 'targets']) story.collection.rotateKey(role)
    story.collection.publish()
    expect((await story.verify()).status).toBe('trusted')
    expect(await story.keptVersions()).toEqual({ root: 4, timestamp: 2, snapshot: 2, targets: 2 })
  })
})

describe('a next root is refused', () => {
  test('that the old key did not sign (ROOT-14)', async () => {
    const story = await known()
    story.collection.rotateRoot({ signedByOld: false }).publish()
    const refusal = await story.refused()
    expect(codeAndRole(refusal)).toEqual(ROTATION)
    expect(refusal.message).toContain('could not rotate trust to a new trusted root')
    expect(refusal.hint).toContain(`dct cache forget ${GUN}`)
  })

  test('that its own key did not sign', async () => {
    const story = await known()
    const [old] = story.collection.keys('root')
    story.collection.rotateRoot().tamper('root', {
      after: (envelope) =>
        void Object.assign(envelope, { signatures: envelope.signatures.filter(({ keyid }) => keyid === old?.id) }),
    })
    story.collection.publish()
    expect(codeAndRole(await story.refused())).toEqual(ROTATION)
  })

  test('that one of two old keys signed, threshold two (ROOT-24)', async () => {
    const story = await known({ roles: { root: { keys: 2, threshold: 2 } } })
    const [first] = story.collection.keys('root')
    story.collection.rotateRoot({ keys: 1, threshold: 1 }).tamper('root', {
      after: (envelope) =>
        void Object.assign(envelope, { signatures: envelope.signatures.filter(({ keyid }) => keyid !== first?.id) }),
    })
    story.collection.publish()
    expect(codeAndRole(await story.refused())).toEqual(ROTATION)
  })

  test.each([1, 7])('whose number is %d instead of 2 (ROOT-20, ROOT-21)', async (version) => {
    const story = await known()
    story.collection
      .rotateRoot()
      .tamper('root', { before: (signed) => void Object.assign(signed, { version }) })
      .publish()
    const refusal = await story.refused()
    expect(codeAndRole(refusal)).toEqual(ROTATION)
    expect(refusal.evidence).toMatchObject({ asked: 2, found: version })
  })

  test.each([
    ['garbage', bytesOf('<html>')],
    ['nothing at all', bytesOf('')],
  ])('that is %s: malformed, and never an end of the chain (ROOT-17)', async (_, bytes) => {
    const story = await known()
    story.collection.rotateRoot().publish()
    story.transport.faults.set('2.root', bytes)
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'root' })
  })

  test('in the middle of the chain, also when valid roots follow (ROOT-18)', async () => {
    const story = await known()
    story.collection.rotateRoot({ signedByOld: false }).rotateRoot().publish()
    expect(codeAndRole(await story.refused())).toEqual(ROTATION)
  })

  test('that is expired, when it is the newest; the old one is kept (ROOT-22)', async () => {
    const story = await known()
    story.collection
      .rotateRoot()
      .setExpiry('root', new Date(story.now.getTime() - DAY))
      .publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_EXPIRED', role: 'root' })
  })

  test('after 256 others in one run (ROOT-31)', { timeout: 60_000 }, async () => {
    const story = await known()
    for (let version = 2; version <= 258; version++) story.collection.rotateKey('timestamp')
    story.collection.publish()
    expect(codeAndRole(await story.refused())).toEqual(ROTATION)
    expect(story.requests().filter((name) => name.endsWith('.root')).length).toBeLessThanOrEqual(257)
  })
})

describe('a server that keeps no old roots', () => {
  test('may leave a gap that the old keys bridge, with a warning (BEHAVIOUR 5)', async () => {
    const story = await known()
    const old = story.collection.keys('root')
    story.collection.rotateRoot().rotateRoot({ alsoSignedBy: old }).publish()
    for (const name of ['2.root', '3.root']) story.transport.faults.set(name, 'missing')
    const { warnings } = await story.verify()
    expect(warnings.map(({ code }) => code)).toEqual(['WARN_LEGACY_ROOT'])
    expect((await story.keptVersions())['root']).toBe(3)
    expect((await story.verify()).warnings).toEqual([])
  })

  test('may leave one where only online keys changed', async () => {
    const story = await known()
    story.collection.rotateKey('timestamp').rotateKey('snapshot').publish()
    for (const name of ['2.root', '3.root']) story.transport.faults.set(name, 'missing')
    expect((await story.verify()).warnings.map(({ code }) => code)).toEqual(['WARN_LEGACY_ROOT'])
    expect(story.requests().filter((name) => name === 'root')).toHaveLength(1)
  })

  test('may not leave one that the old keys do not bridge (ROOT-16, ATK-41)', async () => {
    const story = await known()
    story.collection.rotateRoot().rotateRoot().publish()
    story.transport.faults.set('2.root', 'missing')
    expect(codeAndRole(await story.refused())).toEqual(ROTATION)
  })

  test('may not have the collection made anew (ROOT-05)', async () => {
    const story = await known()
    const anew = createTrustCollection(GUN, { seed: 'anew' })
    anew.sign('3.19', 'other')
    anew.publish()
    story.serve(anew.files())
    const refusal = await story.refused()
    expect(codeAndRole(refusal)).toEqual(ROTATION)
    expect(refusal.hint).toMatch(new RegExp(`dct cache forget ${GUN}$`))
    const [[trusted], [offered]] = [story.collection.keys('root'), anew.keys('root')]
    const canonical = '[0-9a-f]{64}'
    expect(refusal.message).toMatch(
      new RegExp(
        `trusted is root key ${trusted?.id} \\(canonical ID ${canonical}\\), offered is root key ${offered?.id} \\(canonical ID ${canonical}\\)`,
      ),
    )
    expect(refusal.evidence).toMatchObject({
      trustedRootKeys: [expect.stringMatching(`^${trusted?.id} `)],
      offeredRootKeys: [expect.stringMatching(`^${offered?.id} `)],
    })
  })

  test('may not have the collection made anew with a higher number and a chain of its own', async () => {
    const story = await known()
    const anew = createTrustCollection(GUN, { seed: 'anew' })
    anew.sign('3.19', 'other')
    anew.rotateRoot().rotateRoot().publish()
    story.serve(anew.files())
    expect(codeAndRole(await story.refused())).toEqual(ROTATION)
  })

  test('with the same root and broken files below gives the first error', async () => {
    const story = await known()
    story.collection.tamper('timestamp', { after: (envelope) => void Object.assign(envelope, { signatures: [] }) }).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_SIGNATURE_THRESHOLD', role: 'timestamp' })
    expect(story.requests().filter((name) => name === 'root')).toHaveLength(1)
  })

  test('may sign the same root afresh: the content is what counts', async () => {
    const story = await known()
    const [key] = story.collection.keys('root')
    const envelope = JSON.parse(Buffer.from(story.collection.served('root') ?? '').toString()) as {
      signatures: { sig: string }[]
    }
    const canonical = Buffer.from(story.collection.served('root') ?? '')
      .toString()
      .replace(/^\{"signed":(\{.*\}),"signatures":.*$/, '$1')
    const [signature] = envelope.signatures
    // OpenSSL's own signatures are never the same twice; the kit's are.
    if (signature !== undefined && key !== undefined)
      signature.sig = sign('sha256', Buffer.from(canonical), { key: key.pair.privateKey, dsaEncoding: 'ieee-p1363' }).toString(
        'base64',
      )
    const afresh = bytesOf(`{"signed":${canonical},"signatures":${JSON.stringify(envelope.signatures)}}`)
    story.collection.tamper('snapshot', {
      before: ({ meta }) => {
        meta['root'] = { hashes: { sha256: createHash('sha256').update(afresh).digest('base64') }, length: afresh.length }
      },
    })
    story.collection.publish()
    story.transport.faults.set('root', afresh)
    expect((await story.verify()).warnings).toEqual([])
    const { metadata } = await story.store.read(GUN)
    expect(metadata.get('root')).toEqual(afresh)
  })

  test('may not give the same number other content, though the right keys signed it (ROOT-23)', async () => {
    const story = await known()
    story.collection.setVersion('root', 1).setExpiry('root', new Date('2040-01-01T00:00:00Z')).publish()
    expect((await story.refused()).code).toBe('ERR_EQUIVOCATION')
  })

  test('may not go back to a root before, even when the cached root was put back too (ROOT-15, ATK-15)', async () => {
    const story = new Story()
    const before = story.collection.served('root') ?? new Uint8Array()
    await story.verify()
    story.collection.rotateRoot().publish()
    await story.verify()
    const store = await storeWith(({ metadata }) => metadata.set('root', before), story.store)
    story.transport.faults.set('2.root', 'missing').set('root', before)
    expect(codeAndRole(await refusalOf(story.verify('alpine:3.19', { store })))).toEqual({
      code: 'ERR_VERSION_ROLLBACK',
      role: 'root',
    })
  })
})

describe('the document of a root', () => {
  test.each<[string, (signed: Record<string, unknown>) => void]>([
    ['without timestamp among its roles (ROOT-42)', ({ roles }) => void Reflect.deleteProperty(Object(roles), 'timestamp')],
    ['with a threshold of 0 (CVE-21)', ({ roles }) => void Object.assign(Object(roles).root, { threshold: 0 })],
    ['with a threshold above its keys (ROOT-28)', ({ roles }) => void Object.assign(Object(roles).snapshot, { threshold: 2 })],
    ['with a threshold in quotes (ROOT-30)', ({ roles }) => void Object.assign(Object(roles).snapshot, { threshold: '1' })],
    ['with a role without keys (ROOT-46)', ({ roles }) => void Object.assign(Object(roles).targets, { keyids: [] })],
    ['with a key ID that is not listed', ({ roles }) => void Object.assign(Object(roles).targets, { keyids: ['a'.repeat(64)] })],
    ['of _type root in lower case (ROOT-55)', (signed) => void Object.assign(signed, { _type: 'root' })],
    ['of version 0 (VER-01)', (signed) => void Object.assign(signed, { version: 0 })],
    ['without expiry (VER-09)', (signed) => void Reflect.deleteProperty(signed, 'expires')],
    ['whose expiry is 30 February (VER-20)', (signed) => void Object.assign(signed, { expires: '2036-02-30T00:00:00Z' })],
    [
      'with a key that is not its ID (ROOT-48)',
      ({ keys, roles }) => {
        const [id = ''] = Object(roles).timestamp.keyids
        Object.assign(Object(keys), { ['f'.repeat(64)]: Object(keys)[id] })
      },
    ],
  ])('%s is refused as malformed', async (_, change) => {
    const story = new Story()
    story.collection.tamper('root', { before: (signed) => change(signed as unknown as Record<string, unknown>) }).publish()
    story.transport.faults.set('1.root', 'missing')
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'root' })
  })

  test('may hold unknown fields, unknown roles and unused keys of unknown types (ROOT-43, ROOT-45)', async () => {
    const story = new Story()
    const stranger = createSigningKey()
    story.collection.tamper('root', {
      before: (signed) => {
        Object.assign(signed, { comment: 'x', spec_version: '0' })
        Object.assign(signed.roles, { mirrors: null, 'root.1': { keyids: [], threshold: 0 } })
        signed.keys[stranger.id] = stranger.document
      },
    })
    story.collection.publish()
    expect((await story.verify()).status).toBe('trusted')
  })

  test('may list one key for all four roles (ROOT-51, ROOT-52)', async () => {
    const [key] = createTrustCollection(GUN).keys('root')
    const same = { keys: key === undefined ? [] : [key] }
    expect((await new Story({ roles: { root: same, targets: same, snapshot: same, timestamp: same } }).verify()).status).toBe(
      'trusted',
    )
  })
})
