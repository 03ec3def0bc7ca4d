/** A lock beside the server, the cache and the pins: it only tightens. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMemoryStore, createTrustClient, type TrustClientOptions, verifyTag } from '../../../src/index.js'
import { writeLockfile } from '../../../src/lockfile/write-lockfile.js'
import type { TrustCollection } from '../../../src/testing/index.js'
import { entryOf, lockOf } from '../../lockfile/locks.js'
import { codeAndRole, GUN, refusalOf, SERVER, Story } from '../story.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-lock-'))
})
afterEach(() => rm(folder, { recursive: true }))

type More = Parameters<typeof entryOf>[2]

function lockText(collection: TrustCollection, version = 1, more: More = {}): string {
  return writeLockfile(lockOf([GUN, entryOf(collection, version, more)]))
}

/** The option for a lock of this root version. */
function lock(collection: TrustCollection, version = 1, more: More = {}): Pick<TrustClientOptions, 'lockfile'> {
  return { lockfile: JSON.parse(lockText(collection, version, more)) as object }
}

/** The same collection, newly made by a stranger. */
const stranger = (): TrustCollection => new Story({ seed: 'a stranger' }).collection

function rotate(story: Story, times = 1): void {
  for (let time = 0; time < times; time++) {
    story.collection.rotateRoot()
    story.collection.publish()
  }
}

const kinds: [string, More][] = [
  ['with its bytes', {}],
  ['by its hash', { embedRoot: false }],
]

describe.each(kinds)('a root that is locked %s', (_, more) => {
  test('is no first use', async () => {
    const story = new Story()
    const result = await story.verify('alpine:3.19', { ...lock(story.collection, 1, more), frozen: true, firstUse: 'refuse' })
    expect(result).toMatchObject({ rootTrust: 'lockfile', freshness: 'fresh', warnings: [] })
  })

  test('leads to the newest root over five rotations, at first use and with a cache', async () => {
    const story = new Story()
    const locked = lock(story.collection, 1, more)
    rotate(story, 5)
    expect(await story.verify('alpine:3.19', locked)).toMatchObject({ rootTrust: 'lockfile' })
    expect(await story.keptVersions()).toMatchObject({ root: 6 })
    expect(await story.verify('alpine:3.19', locked)).toMatchObject({ rootTrust: 'lockfile' })
  })

  test('refuses a server whose root is unrelated, and names both keys', async () => {
    const story = new Story()
    const other = stranger()
    const error = await story.refused('alpine:3.19', { ...lock(story.collection, 1, more), transport: other.transport() })
    expect(error).toMatchObject({ code: 'ERR_LOCK_MISMATCH', kind: 'untrusted', role: 'root' })
    if (more?.embedRoot !== false) expect(error.hint).toMatch(/dct lock --update --expect SHA256:/)
  })

  test('refuses a cached root that is unrelated', async () => {
    const story = new Story()
    await story.verify()
    const locked = lock(stranger(), 1, { ...more, embedRoot: true })
    expect((await story.refused('alpine:3.19', locked)).code).toBe('ERR_LOCK_MISMATCH')
  })
})

describe('beside a cache', () => {
  test('a newer root is joined over the roots of the server, and refused where they cannot be asked for', async () => {
    const story = new Story()
    const locked = lock(story.collection)
    rotate(story, 3)
    await story.verify()
    expect(await story.verify('alpine:3.19', locked)).toMatchObject({ rootTrust: 'lockfile' })
    expect(await story.refused('alpine:3.19', { ...locked, offline: true })).toMatchObject({
      code: 'ERR_OFFLINE',
      hint: expect.stringContaining('dct lock --update'),
    })
    const newest = lock(story.collection, 4)
    expect(await story.verify('alpine:3.19', { ...newest, offline: true })).toMatchObject({
      rootTrust: 'lockfile',
      freshness: 'offline',
    })
  })

  test('an older root is led to the locked one', async () => {
    const story = new Story()
    await story.verify()
    rotate(story, 3)
    expect(await story.verify('alpine:3.19', lock(story.collection, 4))).toMatchObject({ rootTrust: 'lockfile' })
    expect(await story.keptVersions()).toMatchObject({ root: 4 })
  })

  test('a forged lock with a newer root does not take the place of the cached one', async () => {
    const story = new Story()
    await story.verify()
    const forged = new Story({ seed: 'a stranger' })
    rotate(forged, 2)
    expect((await story.refused('alpine:3.19', lock(forged.collection, 3))).code).toBe('ERR_LOCK_MISMATCH')
    const served = { ...lock(forged.collection, 3), transport: forged.collection.transport() }
    expect((await story.refused('alpine:3.19', served)).code).toBe('ERR_LOCK_MISMATCH')
  })

  test('a lock alone answers nothing offline', async () => {
    const story = new Story()
    expect((await story.refused('alpine:3.19', { ...lock(story.collection), offline: true })).code).toBe('ERR_OFFLINE')
  })
})

test('a pin holds beside a lock', async () => {
  const story = new Story()
  const wrong = { certs: { [GUN]: ['0'.repeat(64)] } }
  expect((await story.refused('alpine:3.19', { ...lock(story.collection), pinning: wrong })).code).toBe('ERR_PIN_MISMATCH')
  const pinning = { certs: { [GUN]: [entryOf(story.collection).root.keys[0]?.canonicalId ?? ''] } }
  expect(await story.verify('alpine:3.19', { ...lock(story.collection), pinning })).toMatchObject({ rootTrust: 'lockfile' })
  const other = { ...lock(stranger()), pinning }
  expect((await story.refused('alpine:3.19', other)).code).toBe('ERR_LOCK_MISMATCH')
})

test('a version below a locked floor is refused, and nothing of it is kept', async () => {
  const story = new Story()
  const floors = new Map([['targets', 2]])
  const locked = lock(story.collection, 1, { floors })
  expect(codeAndRole(await story.refused('alpine:3.19', locked))).toEqual({ code: 'ERR_LOCK_MISMATCH', role: 'targets' })
  story.collection.sign('3.20', 'more')
  story.collection.publish()
  expect(await story.verify('alpine:3.19', locked)).toMatchObject({ status: 'trusted' })
})

test('another server is refused before it is asked; another spelling of the same is not another server', async () => {
  const story = new Story()
  const moved = lock(story.collection, 1, { server: 'https://elsewhere.example' })
  const error = await story.refused('alpine:3.19', moved)
  expect(error).toMatchObject({ code: 'ERR_LOCK_MISMATCH', hint: expect.stringContaining('--server https://elsewhere.example') })
  expect(story.requests()).toEqual([])
  const spelled = lock(story.collection, 1, { server: `${SERVER.toUpperCase().replace('HTTPS', 'https')}.:443/` })
  expect(await story.verify('alpine:3.19', spelled)).toMatchObject({ rootTrust: 'lockfile' })
})

describe('a living client', () => {
  test('judges the lock at each call, and answers from memory', async () => {
    const story = new Story()
    await using client = createTrustClient({ ...story.options, ...lock(story.collection) })
    expect(await client.verifyTag('alpine:3.19')).toMatchObject({ rootTrust: 'lockfile' })
    story.requests()
    expect(await client.verifyTag('alpine:3.19')).toMatchObject({ rootTrust: 'lockfile' })
    expect(story.requests().sort()).toEqual(['2.root', 'timestamp'])
    rotate(story, 2)
    expect(await client.verifyTag('alpine:3.19')).toMatchObject({ rootTrust: 'lockfile' })
  })
})

describe('what is not known is refused', () => {
  test('frozen: a collection without an entry, before anything is asked', async () => {
    const story = new Story()
    await story.verify()
    story.requests()
    const lockfile = { version: 1, collections: {} }
    expect(await story.refused('alpine:3.19', { lockfile, frozen: true })).toMatchObject({
      code: 'ERR_NOT_LOCKED',
      kind: 'unsigned',
      hint: expect.stringContaining(`publisher: dct lock ${GUN}`),
    })
    const digest = `alpine@sha256:${'0'.repeat(64)}`
    const accept = { lockfile, frozen: true, digestReferences: 'accept' } as const
    expect((await refusalOf(story.verifyDigest(digest, accept))).code).toBe('ERR_REFERENCE_INVALID')
    expect((await refusalOf(story.verify(digest, accept))).code).toBe('ERR_NOT_LOCKED')
    expect(story.requests()).toEqual([])
    expect(await story.verify('alpine:3.19', { lockfile })).toMatchObject({ rootTrust: 'cached-root' })
  })

  test('frozen without a lockfile', async () => {
    expect(await new Story().refused('alpine:3.19', { frozen: true })).toMatchObject({ code: 'ERR_SETTINGS_INVALID' })
  })

  test('firstUse refuse: a collection that neither cache, pin nor lock knows', async () => {
    const story = new Story()
    expect(await story.refused('alpine:3.19', { firstUse: 'refuse' })).toMatchObject({
      code: 'ERR_ROOT_UNTRUSTED',
      hint: expect.stringMatching(/pin it .*dct lock/),
    })
    await story.verify()
    expect(await story.verify('alpine:3.19', { firstUse: 'refuse' })).toMatchObject({ rootTrust: 'cached-root' })
  })
})

describe('a broken lockfile is ERR_SETTINGS_INVALID', () => {
  const broken = async (lockfile: string | object) => (await new Story().refused('alpine:3.19', { lockfile })).code

  const entry = () =>
    JSON.parse(lockText(new Story().collection)) as { collections: Record<string, { root: Record<string, unknown> }> }
  test.each([
    ['version', 2],
    ['sha256', '0'.repeat(64)],
    ['threshold', 2],
    ['keys', [{ id: '0'.repeat(64), canonicalId: '0'.repeat(64), algorithm: 'ecdsa' }]],
    ['file', Buffer.from('{}').toString('base64')],
  ])('with another %s of the root', async (name, value) => {
    const edited = entry()
    const root = edited.collections[GUN]?.root ?? {}
    root[name] = value
    expect(await broken(edited)).toBe('ERR_SETTINGS_INVALID')
  })

  test('that is not there, no JSON, or a folder', async () => {
    expect(await broken(join(folder, 'none.json'))).toBe('ERR_SETTINGS_INVALID')
    expect(await broken(folder)).toBe('ERR_SETTINGS_INVALID')
    await writeFile(join(folder, 'lock.json'), 'no')
    expect(await broken(join(folder, 'lock.json'))).toBe('ERR_SETTINGS_INVALID')
    expect(await broken({ version: 1, collections: {}, more: 1 })).toBe('ERR_SETTINGS_INVALID')
  })
})

test('DCT_LOCKFILE names the file; the option wins', async () => {
  const story = new Story()
  const path = join(folder, 'lock.json')
  await writeFile(path, lockText(story.collection))
  const env = { DCT_LOCKFILE: path }
  expect(await story.verify('alpine:3.19', { env, store: createMemoryStore() })).toMatchObject({ rootTrust: 'lockfile' })
  const lockfile = { version: 1, collections: {} }
  expect(await story.verify('alpine:3.19', { env, lockfile, store: createMemoryStore() })).toMatchObject({
    rootTrust: 'first-use',
  })
  expect(await story.verify('alpine:3.19', { env: { DCT_LOCKFILE: '' } })).toMatchObject({ rootTrust: 'first-use' })
})

describe('a lock beside a policy: what the caller asks holds whatever a rule says', () => {
  const rule = (terms: object) => ({ policy: { version: 1, rules: [], default: terms } })

  test.each([['enforce'], ['warn'], ['skip']])('frozen, without an entry, under action %s', async (action) => {
    const story = new Story()
    const lockfile = { version: 1, collections: {} }
    const error = await story.refused('alpine:3.19', { lockfile, frozen: true, ...rule({ action }) })
    expect(error).toMatchObject({ code: 'ERR_NOT_LOCKED', kind: 'unsigned' })
    expect(story.requests()).toEqual([])
  })

  test.each([['enforce'], ['warn'], ['skip']])('no first use, under action %s', async (action) => {
    const error = await new Story().refused('alpine:3.19', { firstUse: 'refuse', ...rule({ action, firstUse: 'accept' }) })
    expect(error).toMatchObject({ code: 'ERR_ROOT_UNTRUSTED' })
  })

  test('a digest reference that a rule accepts is verified when frozen', async () => {
    const story = new Story()
    const reference = `alpine@sha256:${'a'.repeat(64)}`
    const accept = rule({ digestReferences: 'accept' })
    expect(await verifyTag(reference, { ...story.options, ...accept })).toMatchObject({ status: 'by-digest' })
    const error = await refusalOf(verifyTag(reference, { ...story.options, ...lock(story.collection), frozen: true, ...accept }))
    expect(error.code).toBe('ERR_DIGEST_NOT_SIGNED')
  })

  test('a locked collection answers with the rule and the lock', async () => {
    const story = new Story()
    const result = await story.verify('alpine:3.19', { ...lock(story.collection), frozen: true, ...rule({ firstUse: 'refuse' }) })
    expect(result).toMatchObject({ status: 'trusted', rootTrust: 'lockfile', policy: { match: 'default', action: 'enforce' } })
  })
})
