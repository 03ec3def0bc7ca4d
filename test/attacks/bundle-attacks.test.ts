/** Bundles from a stranger's hands: what is known of a collection is never weakened, and nothing is written. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type TrustClientOptions, TrustError, type VerifyResult, verifyTag } from '../../src/index.js'
import { writeLockfile } from '../../src/lockfile/write-lockfile.js'
import { createBundle, createTrustCollection, type TrustCollection } from '../../src/testing/index.js'
import { codeAndRole, DAY, GUN, refusalOf, Story } from '../client/story.js'
import { entryOf, lockOf } from '../lockfile/locks.js'

const ACCEPTED: TrustClientOptions = { acceptBundleRoot: true }

/** Verifies from a bundle, beside the story's store and clock. */
function verifyFrom(story: Story, bundle: string | Uint8Array, more: TrustClientOptions = {}): Promise<VerifyResult> {
  const { transport: _, ...options } = story.options
  return verifyTag('alpine:3.19', { ...options, bundle, ...more })
}

/** The code and role of the refusal; nothing may be written. */
async function refused(story: Story, bundle: string | Uint8Array, more: TrustClientOptions = {}) {
  const before = await story.kept()
  const error = await refusalOf(verifyFrom(story, bundle, more))
  expect(await story.kept()).toEqual(before)
  return codeAndRole(error)
}

const bundleOf = (collection: TrustCollection) => createBundle([collection])
const stranger = () => new Story({ seed: 'a stranger' }).collection
const lock = (...entry: Parameters<typeof entryOf>): TrustClientOptions => ({
  lockfile: JSON.parse(writeLockfile(lockOf([GUN, entryOf(...entry)]))) as object,
})

/** Each way to ask less of a bundle. */
const LENIENT: [string, (story: Story) => TrustClientOptions][] = [
  ['accepting its root', () => ACCEPTED],
  ['accepting that it expired', () => ({ ...ACCEPTED, acceptExpiredBundle: 3650 })],
  ['judging it as of its day', (story) => ({ ...ACCEPTED, judgeAsOf: new Date(story.now.getTime() - DAY) })],
]

describe.each(LENIENT)('what is known holds when %s', (_, lenient) => {
  test('an older bundle beside newer floors is refused', async () => {
    const story = new Story()
    const old = bundleOf(story.collection)
    story.wait(2).collection.sign('3.20', 'newer')
    story.collection.publish()
    await story.verify()
    expect(await refused(story, old, lenient(story))).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: 'timestamp' })
  })

  test('a bundle of an older root is refused, also when every key was replaced since', async () => {
    const story = new Story()
    const old = bundleOf(story.collection)
    for (const role of ['timestamp', 'snapshot', 'targets']) story.wait(1).collection.rotateKey(role)
    story.collection.rotateRoot().publish()
    await story.verify()
    expect(await refused(story, old, lenient(story))).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: 'root' })
  })

  test('the collection of a stranger is refused beside a cache, a lock and a pin', async () => {
    const story = new Story().wait(2)
    const foreign = bundleOf(stranger())
    const options = lenient(story)
    const pinning = { certs: { [GUN]: [story.collection.keys('root')[0]?.id ?? ''] } }
    expect(await refused(story, foreign, { ...options, ...lock(story.collection) })).toMatchObject({ code: 'ERR_LOCK_MISMATCH' })
    expect(await refused(story, foreign, { ...options, pinning })).toEqual({ code: 'ERR_PIN_MISMATCH', role: 'root' })
    expect(await refused(story, foreign, { ...options, pinning: { disable_tofu: true } })).toMatchObject({
      code: 'ERR_ROOT_UNTRUSTED',
    })
    await story.verify()
    expect(await refused(story, foreign, options)).toMatchObject({ code: expect.stringMatching(/^ERR_(ROOT_ROTATION|SIG)/) })
  })

  test('locked floors, a newer locked root and the locked server hold', async () => {
    const story = new Story().wait(2)
    const { collection } = story
    const bundle = bundleOf(collection)
    const options = lenient(story)
    const floors = new Map([['targets', 2]])
    expect(await refused(story, bundle, { ...options, ...lock(collection, 1, { floors }) })).toMatchObject({
      code: 'ERR_LOCK_MISMATCH',
    })
    const elsewhere = lock(collection, 1, { server: 'https://other.example' })
    expect(await refused(story, bundle, { ...options, ...elsewhere })).toMatchObject({ code: 'ERR_LOCK_MISMATCH' })
    collection.rotateRoot().publish()
    expect((await refused(story, bundle, { ...options, ...lock(collection, 2) })).code).toMatch(/^ERR_/)
  })
})

test('a bundle from another server than that of the lock is named, with what to do', async () => {
  const story = new Story()
  const { transport: _, ...options } = story.options
  const locked = lock(story.collection, 1, { server: 'https://other.example' })
  const error = await refusalOf(verifyTag('alpine:3.19', { ...options, bundle: bundleOf(story.collection), ...locked }))
  expect(error).toMatchObject({ code: 'ERR_LOCK_MISMATCH', evidence: { bundle: 'option bundle' } })
  expect(error.hint).toContain(`dct export --server https://other.example --out FILE ${GUN}`)
  // The lock is an object: there is no file to name.
  expect(error.hint).toMatch(new RegExp(`dct lock --update ${GUN}$`))
})

test('the same version with other content is refused beside the floors of the cache', async () => {
  const story = new Story()
  await story.verify()
  const twin = new Story()
  twin.collection.sign('3.20', 'other')
  twin.collection.setVersion('targets', 1).setVersion('snapshot', 1).setVersion('timestamp', 1).publish()
  expect(await refused(story, bundleOf(twin.collection))).toMatchObject({ code: 'ERR_EQUIVOCATION' })
})

test('a root from the bundle alone is refused, also when a policy accepts first use', async () => {
  const story = new Story()
  const bundle = bundleOf(story.collection)
  const policy = { version: 1, default: { firstUse: 'accept' }, rules: [] }
  for (const more of [{}, { policy }, { firstUse: 'accept' } as const, { acceptBundleRoot: false }])
    expect(await refused(story, bundle, more)).toEqual({ code: 'ERR_ROOT_UNTRUSTED', role: 'root' })
  expect(
    await refused(story, bundle, { ...ACCEPTED, policy: { version: 1, default: { firstUse: 'refuse' }, rules: [] } }),
  ).toMatchObject({
    code: 'ERR_ROOT_UNTRUSTED',
  })
})

test('a lock or a cache of each root in a bundle leads to its newest', async () => {
  for (const version of [1, 2, 3]) {
    const story = new Story()
    for (let rotated = 1; rotated < version; rotated++) story.collection.rotateRoot().publish()
    await story.verify()
    for (let rotated = version; rotated < 3; rotated++) story.collection.rotateRoot().publish()
    const bundle = bundleOf(story.collection)
    expect(await verifyFrom(story, bundle)).toMatchObject({ status: 'trusted', rootTrust: 'cached-root' })
    for (const embedRoot of [true, false]) {
      const locked = lock(story.collection, version, { embedRoot })
      expect(await verifyFrom(story, bundle, { ...locked, frozen: true })).toMatchObject({ rootTrust: 'lockfile' })
    }
  }
})

test('an accepted root leaves nothing behind, and asks no server', async () => {
  const story = new Story()
  const events: string[] = []
  const bundle = bundleOf(story.collection)
  for (let runs = 0; runs < 2; runs++)
    expect(await verifyFrom(story, bundle, { ...ACCEPTED, onEvent: ({ type }) => void events.push(type) })).toMatchObject({
      status: 'trusted',
      rootTrust: 'first-use',
      freshness: 'offline',
    })
  expect(await story.store.list()).toEqual([])
  expect(events.filter((type) => ['request', 'retry', 'auth'].includes(type))).toEqual([])
  await story.verify()
  story.collection.sign('3.20', 'newer')
  story.collection.publish()
  const before = await story.kept()
  expect(await verifyFrom(story, bundleOf(story.collection))).toMatchObject({ status: 'trusted', rootTrust: 'cached-root' })
  expect(await story.kept()).toEqual(before)
})

test('expiry: as many days as were accepted, and never more', async () => {
  const story = new Story()
  const bundle = bundleOf(story.collection)
  const expires = (await verifyFrom(story, bundle, ACCEPTED)) as { expires: string }
  const end = Date.parse(expires.expires)
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 0.01, max: 500, noNaN: true }),
      fc.double({ min: 0.9, max: 1.1, noNaN: true }),
      async (days, part) => {
        story.now = new Date(end + days * part * DAY)
        const judged = verifyFrom(story, bundle, { ...ACCEPTED, acceptExpiredBundle: days })
        if (story.now.getTime() - end < days * DAY)
          expect(await judged).toMatchObject({
            status: 'trusted',
            freshness: 'offline',
            warnings: expect.arrayContaining([expect.objectContaining({ code: 'WARN_EXPIRED_BUNDLE' })]),
          })
        else expect(await refusalOf(judged)).toMatchObject({ code: 'ERR_METADATA_EXPIRED' })
      },
    ),
    { numRuns: 30 },
  )
})

test('a bent bundle gives the signed digest or a TrustError, never another answer', async () => {
  const story = new Story()
  const good = bundleOf(story.collection)
  const { digest } = (await verifyFrom(story, good, ACCEPTED)) as { digest: string }
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), fc.boolean(), async (at, byte, cut) => {
      const bent = cut ? good.slice(0, at) : good.map((one, index) => (index === at ? byte : one))
      try {
        expect(await verifyFrom(story, bent, ACCEPTED)).toMatchObject({ status: 'trusted', digest })
      } catch (cause) {
        if (!(cause instanceof TrustError)) throw cause
      }
    }),
    { numRuns: 150 },
  )
})

describe('hostile files end typed and fast', () => {
  const [line = '', collectionLine = ''] = Buffer.from(bundleOf(new Story().collection)).toString().split('\n')
  const TEN_MB = 10 * 1024 * 1024
  const cases: [string, () => string][] = [
    ['10 MB of zeros', () => '\0'.repeat(TEN_MB)],
    ['10 MB of brackets', () => `${line}\n${'['.repeat(TEN_MB)}\n`],
    ['10 MB of nested objects', () => `${line}\n${'{"a":'.repeat(TEN_MB / 5)}\n`],
    ['10 MB of values', () => `${line}\n[${'0,'.repeat(TEN_MB / 2)}0]\n`],
    ['10 MB of empty lines', () => `${line}\n${'\n'.repeat(TEN_MB)}`],
    ['10 MB of collections', () => `${line}\n${`${collectionLine}\n`.repeat(TEN_MB / collectionLine.length)}`],
    ['a file of 10 MB', () => `${line}\n${collectionLine.replace(/"targets":"[^"]+"/, `"targets":"${'A'.repeat(TEN_MB)}"`)}\n`],
    ['a name of 10 MB', () => `${line}\n${collectionLine.replace('"targets"', `"${'a'.repeat(TEN_MB)}"`)}\n`],
    ['70 MB', () => `${line}\n${'x'.repeat(70 * 1024 * 1024)}`],
    ['an address that is no server', () => `${line}\n${collectionLine.replace('https://', 'http://')}\n`],
  ]
  test.each(cases)('%s', async (_, content) => {
    const folder = await mkdtemp(join(tmpdir(), 'dct-bundle-'))
    try {
      const story = new Story()
      await writeFile(join(folder, 'b'), content())
      const started = performance.now()
      const { code } = await refused(story, join(folder, 'b'), ACCEPTED)
      expect(performance.now() - started).toBeLessThan(5000)
      expect(code).toMatch(/^ERR_(SETTINGS_INVALID|HASH_MISMATCH|METADATA)/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('a bundle without a delegation that its snapshot names', async () => {
    const collection = createTrustCollection(GUN, {
      tags: { '3.19': 'x' },
      delegations: { 'targets/releases': { tags: { '3.20': 'y' } } },
    }).publish()
    const text = Buffer.from(bundleOf(collection))
      .toString()
      .replace(/,"targets\/releases":"[^"]+"/, '')
    expect(await refused(new Story(), Buffer.from(text), ACCEPTED)).toMatchObject({ code: 'ERR_METADATA_MISSING' })
  })
})
