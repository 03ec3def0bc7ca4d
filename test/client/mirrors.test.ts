/** The option `mirrors`, alone and beside `servers`, a policy, a lock and pins. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMemoryStore, createTrustClient, type TrustClientOptions, verifyTag } from '../../src/index.js'
import { writeLockfile } from '../../src/lockfile/write-lockfile.js'
import { signedNameOf } from '../../src/policy/mirrors.js'
import { createTrustCollection } from '../../src/testing/index.js'
import { entryOf, lockOf } from '../lockfile/locks.js'
import { GUN, refusalOf, SERVER, Story } from './story.js'

const MIRRORS = { mirrors: { 'mirror.example': 'docker.io', 'registry.example/hub/': 'docker.io' } }
const MIRRORED = 'mirror.example/library/alpine'

const ask = (story: Story, reference: string, more: TrustClientOptions = {}) =>
  verifyTag(reference, { ...story.options, ...MIRRORS, ...more })
const policy = (rules: Readonly<Record<string, object>>, more: object = {}) => ({
  policy: { version: 1, rules: Object.entries(rules).map(([match, terms]) => ({ match, ...terms })), ...more },
})

describe('an image at a mirror', () => {
  test('is verified under the signed name, and the answer names it at the mirror by the signed digest', async () => {
    const story = new Story()
    const digest = story.collection.digest('3.19')
    expect(await ask(story, `${MIRRORED}:3.19`)).toMatchObject({
      status: 'trusted',
      reference: `${MIRRORED}:3.19`,
      gun: GUN,
      mirror: 'mirror.example',
      digest,
      canonicalReference: `${MIRRORED}@${digest}`,
    })
    expect(await ask(story, `${MIRRORED}@${digest}`)).toMatchObject({
      status: 'trusted-digest',
      canonicalReference: `${MIRRORED}@${digest}`,
      mirror: 'mirror.example',
    })
    expect(await ask(story, 'registry.example/hub/alpine:3.19')).toMatchObject({
      gun: GUN,
      mirror: 'registry.example',
      canonicalReference: `registry.example/hub/alpine@${digest}`,
    })
    expect(await story.store.list()).toEqual([GUN])
  })

  test('shares the collection in lists and inspections; a lookup takes the name as given', async () => {
    const story = new Story()
    await using client = createTrustClient({ ...story.options, ...MIRRORS })
    expect(await client.listTags(MIRRORED)).toMatchObject({ gun: GUN, mirror: 'mirror.example', tags: [{ tag: '3.19' }] })
    expect(await client.inspect(MIRRORED)).toMatchObject({ gun: GUN, mirror: 'mirror.example' })
    expect(await refusalOf(client.lookup(MIRRORED, '3.19'))).toMatchObject({ code: 'ERR_NO_TRUST_DATA', gun: MIRRORED })
  })

  test('is not signed when only the mirror has the tag', async () => {
    expect(await refusalOf(ask(new Story(), `${MIRRORED}:other`))).toMatchObject({ code: 'ERR_TAG_NOT_SIGNED', gun: GUN })
  })

  test.each(['Mirror.Example/library/alpine', 'mirror.example:443/library/alpine', 'mirror.example/alpine'])(
    'spelled as %s is the same collection, and keeps the spelling of the user',
    async (name) => {
      const story = new Story()
      const digest = story.collection.digest('3.19')
      expect(await ask(story, `${name}:3.19`)).toMatchObject({ gun: GUN, canonicalReference: `${name}@${digest}` })
    },
  )

  test.each([
    'mirror.example:5000/library/alpine:3.19',
    'mirror.example.evil.example/library/alpine:3.19',
    'evil-mirror.example/library/alpine:3.19',
    'registry.example/hubs/alpine:3.19',
    'registry.example/library/alpine:3.19',
  ])('attack: %s only looks like it', async (reference) => {
    const { code, gun } = await refusalOf(ask(new Story(), reference))
    expect(code).toBe('ERR_NO_TRUST_DATA')
    expect(reference.startsWith(gun ?? '-')).toBe(true)
  })
})

describe('which mirror', () => {
  test('the longest counts', async () => {
    const collection = createTrustCollection('registry.example/own/app', { tags: { 1: 'app' } }).publish()
    const story = new Story()
    const mirrors = { 'mirror.example': 'docker.io', 'mirror.example/own/': 'registry.example/own/' }
    const options = { ...story.options, mirrors, transport: collection.transport(), now: () => collection.now }
    expect(await verifyTag('mirror.example/own/app:1', options)).toMatchObject({ gun: 'registry.example/own/app' })
  })

  test('one step: the mirror of a mirror, and two that name each other, end at once', async () => {
    const story = new Story()
    const chain = { 'a.example': 'b.example', 'b.example': 'docker.io' }
    expect((await refusalOf(ask(story, 'a.example/library/alpine', { mirrors: chain }))).gun).toBe('b.example/library/alpine')
    expect(await ask(story, 'b.example/library/alpine:3.19', { mirrors: chain })).toMatchObject({ gun: GUN })
    const circle = { 'a.example': 'docker.io', 'docker.io': 'a.example' }
    expect(await ask(story, 'a.example/library/alpine:3.19', { mirrors: circle })).toMatchObject({ gun: GUN })
    expect((await refusalOf(ask(story, 'alpine', { mirrors: circle }))).gun).toBe('a.example/library/alpine')
  })

  test('whatever the mirrors are, the signed name is that of the longest prefix, or there is none', () => {
    const segment = fc.constantFrom('a', 'b', 'c')
    const prefix = fc
      .tuple(fc.constantFrom('one.example', 'two.example:5000', 'docker.io'), fc.array(segment, { maxLength: 3 }))
      .map(([host, path]) => [host, ...path, ''].join('/'))
    const mirrors = fc.uniqueArray(fc.record({ from: prefix, to: prefix }), { selector: ({ from }) => from, maxLength: 8 })
    const name = fc.tuple(prefix, segment).map(([one, last]) => one + last)
    fc.assert(
      fc.property(mirrors, name, (given, gun) => {
        const matching = given.filter(({ from }) => gun.startsWith(from)).map(({ from }) => from.length)
        const expected = given.find(({ from }) => gun.startsWith(from) && from.length === Math.max(...matching))
        const signed = expected === undefined ? undefined : expected.to + gun.slice(expected.from.length)
        expect(signedNameOf(given, gun)).toBe(signed?.replace(/^docker\.io\/([^/]+)$/, 'docker.io/library/$1'))
      }),
    )
  })
})

describe('mirrors that mean nothing are refused before anything is asked', () => {
  test.each<[string, unknown, RegExp]>([
    ['itself', { 'quay.io': 'quay.io' }, /a mirror of itself/],
    ['itself, with a slash', { 'quay.io': 'quay.io/' }, /a mirror of itself/],
    ['itself, by path', { 'quay.io/a/': 'quay.io/a/' }, /a mirror of itself/],
    ['twice, with and without a slash', { 'quay.io': 'docker.io', 'quay.io/': 'ghcr.io' }, /named twice/],
    ['a path without a slash', { 'quay.io/a': 'docker.io' }, /must end at a slash/],
    ['a target path without a slash', { 'quay.io': 'docker.io/library' }, /must end at a slash/],
    ['upper case', { 'Quay.io': 'docker.io' }, /spelling that hosts are compared in/],
    ['the default port', { 'quay.io:443': 'docker.io' }, /spelling that hosts are compared in/],
    ['a dot at the end', { 'quay.io.': 'docker.io' }, /spelling that hosts are compared in/],
    ['index.docker.io', { 'index.docker.io': 'quay.io' }, /spelling that hosts are compared in/],
    [
      'another address of Docker Hub as the signed name',
      { 'docker.io': 'registry-1.docker.io' },
      /no image is signed in the name/,
    ],
    ['a scheme', { 'https://quay.io': 'docker.io' }, /./],
    ['a tag', { 'quay.io/a:1/': 'docker.io' }, /segment that no image name has/],
    ['a parent folder', { 'quay.io/../': 'docker.io' }, /segment that no image name has/],
    ['no registry', { quay: 'docker.io' }, /names no registry/],
    ['an empty name', { '': 'docker.io' }, /names no registry/],
    ['an empty signed name', { 'quay.io': '' }, /names no registry/],
    ['a wildcard', { '*.example': 'docker.io' }, /names no registry/],
    ['__proto__', JSON.parse('{"__proto__": "docker.io"}'), /names no registry/],
    ['a list', [], /expected a plain object/],
    ['a Map', new Map([['quay.io', 'docker.io']]), /expected a plain object/],
    ['a text', 'quay.io', /expected a plain object/],
    ['a number', { 'quay.io': 1 }, /mirrors/],
    ['too many', Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`m${i}.example`, 'docker.io'])), /more than 1000/],
  ])('%s', async (_, mirrors, message) => {
    const story = new Story()
    const options: TrustClientOptions = Object.fromEntries([...Object.entries(story.options), ['mirrors', mirrors]])
    const error = await refusalOf(verifyTag('alpine:3.19', options))
    expect(error).toMatchObject({ code: 'ERR_SETTINGS_INVALID', message: expect.stringMatching(message) })
    expect(error.message).toMatch(/mirrors/)
    expect(story.requests()).toEqual([])
  })

  test('two names for one mirror, in option and policy', async () => {
    const story = new Story()
    const error = await refusalOf(ask(story, 'alpine', policy({}, { mirrors: { 'mirror.example': 'quay.io' } })))
    expect(error).toMatchObject({
      code: 'ERR_SETTINGS_INVALID',
      message: expect.stringContaining('and by the policy as quay.io/'),
    })
    expect(await ask(story, `${MIRRORED}:3.19`, policy({}, MIRRORS))).toMatchObject({ gun: GUN })
    expect(await ask(story, 'b.example/alpine:3.19', policy({}, { mirrors: { 'b.example': 'docker.io' } }))).toMatchObject({
      gun: GUN,
    })
  })
})

describe('which server', () => {
  test('that of the signed name, unless the mirror has one of its own', async () => {
    const { server: _, ...options } = new Story().options
    const of = async (more: TrustClientOptions) => {
      const result = await verifyTag(`${MIRRORED}:3.19`, { ...options, ...MIRRORS, ...more, store: createMemoryStore() })
      return 'server' in result ? result.server : result.status
    }
    const servers = { 'docker.io': 'https://hub.example' }
    expect(await of({})).toBe('https://notary.docker.io')
    expect(await of({ servers })).toBe('https://hub.example')
    expect(await of({ servers: { ...servers, 'mirror.example': 'https://own.example' } })).toBe('https://own.example')
    expect(await of(policy({ 'docker.io/**': { server: 'https://rule.example' } }))).toBe('https://rule.example')
    expect(await of({ servers, server: SERVER })).toBe(SERVER)
  })

  test('the built-in server of the signed name', async () => {
    const collection = createTrustCollection('container-registry.oracle.com/os/oraclelinux', { tags: { 9: 'ol' } }).publish()
    const options = { env: {}, disableContentTrust: false, transport: collection.transport(), store: createMemoryStore() }
    const mirrors = { 'mirror.example/oracle/': 'container-registry.oracle.com' }
    expect(
      await verifyTag('mirror.example/oracle/os/oraclelinux:9', { ...options, mirrors, now: () => collection.now }),
    ).toMatchObject({ gun: collection.gun, server: 'https://container-trust.oci.oraclecloud.com:443' })
  })
})

describe('attack: a mirror evades what binds the signed name', () => {
  test('its rule', async () => {
    const story = new Story()
    for (const rules of [
      { 'docker.io/**': { action: 'deny' }, 'mirror.example/**': { action: 'skip' } },
      { 'docker.io/**': { action: 'skip' }, 'mirror.example/**': { action: 'deny' } },
    ])
      expect((await refusalOf(ask(story, `${MIRRORED}:3.19`, policy(rules)))).code).toBe('ERR_POLICY_DENIED')
    expect(story.requests()).toEqual([])
  })

  test('its required signers', async () => {
    const rules = policy({ 'docker.io/library/alpine': { requireSigners: { any: ['alice'] } } })
    expect((await refusalOf(ask(new Story(), `${MIRRORED}:3.19`, rules))).code).toBe('ERR_SIGNER_MISSING')
  })

  test('its pin, and the pin of the mirror', async () => {
    for (const name of [GUN, MIRRORED]) {
      const pinning = { certs: { [name]: ['a'.repeat(64)] } }
      expect((await refusalOf(ask(new Story(), `${MIRRORED}:3.19`, { pinning }))).code).toBe('ERR_PIN_MISMATCH')
    }
  })

  test('its lock, also when frozen and when its server moved', async () => {
    const story = new Story()
    const lockfile = (...entries: Parameters<typeof lockOf>): object => JSON.parse(writeLockfile(lockOf(...entries)))
    const own = lockfile([GUN, entryOf(story.collection)])
    expect(await ask(story, `${MIRRORED}:3.19`, { lockfile: own, frozen: true })).toMatchObject({ rootTrust: 'lockfile' })
    const strange = lockfile([GUN, entryOf(createTrustCollection(GUN, { seed: 'another' }).publish())])
    expect((await refusalOf(ask(story, `${MIRRORED}:3.19`, { lockfile: strange }))).code).toBe('ERR_LOCK_MISMATCH')
    const underMirror = lockfile([MIRRORED, entryOf(story.collection)])
    expect((await refusalOf(ask(story, `${MIRRORED}:3.19`, { lockfile: underMirror, frozen: true }))).code).toBe('ERR_NOT_LOCKED')
    const moved = { lockfile: own, server: 'https://elsewhere.example' }
    expect((await refusalOf(ask(story, `${MIRRORED}:3.19`, moved))).code).toBe('ERR_LOCK_MISMATCH')
  })

  test('its version floors (rollback)', async () => {
    const story = new Story()
    const old = story.collection.files()
    story.collection.sign('3.19', 'newer')
    story.collection.publish()
    await story.verify()
    for (const [name, bytes] of old) story.transport.faults.set(name, bytes)
    expect((await refusalOf(ask(story, `${MIRRORED}:3.19`))).code).toBe('ERR_VERSION_ROLLBACK')
  })
})

test('the mirrors of the first call count: a caller that changes its object later sends no client elsewhere', async () => {
  const story = new Story()
  const mirrors: Record<string, string> = { ...MIRRORS.mirrors }
  await using client = createTrustClient({ ...story.options, mirrors })
  await client.verifyTag(`${MIRRORED}:3.19`)
  mirrors['mirror.example'] = 'quay.io'
  expect(await client.verifyTag(`${MIRRORED}:3.19`)).toMatchObject({ gun: GUN })
})
