/** `maxAge`: a client answers from what it verified before, and judges everything but the server's newest timestamp again. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createTrustClient, type TrustClient, type TrustClientOptions, type TrustedResult } from '../../src/index.js'
import { writeLockfile } from '../../src/lockfile/write-lockfile.js'
import { entryOf, lockOf } from '../lockfile/locks.js'
import { DAY, GUN, refusalOf, Story } from './story.js'

const MINUTE = 60_000

/** A client that answered `alpine:3.19` once, from the server; what it asks later is counted from then on. */
async function living(story: Story, options: TrustClientOptions): Promise<TrustClient> {
  const client = createTrustClient({ ...story.options, ...options })
  await trusted(client)
  story.requests()
  return client
}

async function trusted(client: TrustClient, reference = 'alpine:3.19'): Promise<TrustedResult> {
  const result = await client.verifyTag(reference)
  if (result.status !== 'trusted') throw new Error(`status ${result.status}`)
  return result
}

const later = (story: Story, ms: number): void => {
  story.now = new Date(story.now.getTime() + ms)
}

const policy = (...rules: readonly object[]) => ({ policy: { version: 1, rules } })

afterEach(() => void vi.restoreAllMocks())

describe('within maxAge', () => {
  test('nothing is asked; checked says when the server was asked last', async () => {
    const story = new Story()
    const asked = story.now.toISOString()
    await using client = await living(story, { maxAge: MINUTE })
    later(story, MINUTE - 1)
    expect(await trusted(client)).toMatchObject({ freshness: 'fresh', checked: asked, rootTrust: 'cached-root' })
    expect((await client.listTags('alpine')).checked).toBe(asked)
    expect(story.requests()).toEqual([])
    later(story, 1)
    expect((await trusted(client)).checked).toBe(story.now.toISOString())
    expect(story.requests()).toEqual(['timestamp', '2.root'])
  })

  test('answers of the server count from the last time that it was asked, not from the last answer', async () => {
    const story = new Story()
    await using client = await living(story, { maxAge: MINUTE })
    for (let seconds = 0; seconds < 59; seconds += 20) {
      later(story, 20_000)
      await trusted(client)
    }
    expect(story.requests()).toEqual(['timestamp', '2.root'])
  })

  test('the default asks each time, and other clients do too: no cache keeps the age', async () => {
    const story = new Story()
    await using asking = await living(story, {})
    await trusted(asking)
    expect(story.requests()).toEqual(['timestamp', '2.root'])
    expect((await story.verify('alpine:3.19', { maxAge: MINUTE })).checked).toBe(story.now.toISOString())
    expect(story.requests()).toEqual(['timestamp', '2.root'])
  })

  test.each([1, MINUTE / 2, DAY])('a clock that was set back since, by %d ms, asks the server', async (back) => {
    const story = new Story().wait(2)
    await using client = await living(story, { maxAge: MINUTE })
    later(story, -back)
    expect((await trusted(client)).checked).toBe(story.now.toISOString())
    expect(story.requests()).toContain('timestamp')
  })

  test('a clock that is set back again and again lengthens nothing: the time of the process counts too', async () => {
    const story = new Story()
    await using client = await living(story, { maxAge: MINUTE })
    const ticks = performance.now()
    vi.spyOn(performance, 'now').mockImplementation(() => ticks + MINUTE)
    await trusted(client)
    expect(story.requests()).toEqual(['timestamp', '2.root'])
  })

  test('a newer tag is seen when the time is over, and not before', async () => {
    const story = new Story()
    await using client = await living(story, { maxAge: MINUTE })
    const old = story.collection.digest('3.19')
    story.collection.sign('3.19', 'newer')
    story.collection.publish()
    expect((await trusted(client)).digest).toBe(old)
    later(story, MINUTE)
    expect((await trusted(client)).digest).toBe(story.collection.digest('3.19'))
  })

  test('a server that is away afterwards: stale, and checked stays at the last success', async () => {
    const story = new Story()
    const asked = story.now.toISOString()
    await using client = await living(story, { maxAge: MINUTE })
    story.transport.faults.set('*', 'unreachable')
    later(story, MINUTE)
    expect(await trusted(client)).toMatchObject({ freshness: 'stale', checked: asked })
    expect((await story.verify('alpine:3.19', { offline: true })).checked).toBeUndefined()
  })
})

describe('within maxAge is judged all the same', () => {
  test('expiry: what expired meanwhile is asked for again, and refused when the server has nothing newer', async () => {
    const story = new Story()
    await using client = await living(story, { maxAge: 20 * DAY })
    later(story, 15 * DAY)
    const refusal = await refusalOf(client.verifyTag('alpine:3.19'))
    expect(refusal).toMatchObject({ code: 'ERR_METADATA_EXPIRED', role: 'timestamp' })
    expect(story.requests()).toContain('timestamp')
  })

  test('floors and root: another client accepted something newer in the same cache', async () => {
    const story = new Story()
    await using client = await living(story, { maxAge: MINUTE })
    story.collection.sign('3.19', 'newer')
    story.collection.publish()
    await story.verify()
    story.requests()
    expect((await trusted(client)).digest).toBe(story.collection.digest('3.19'))
    expect(story.requests()).toContain('timestamp')
  })

  test('a cache that was forgotten answers nothing', async () => {
    const story = new Story()
    await using client = await living(story, { maxAge: MINUTE })
    await story.store.forget(GUN)
    expect((await trusted(client)).rootTrust).toBe('first-use')
    expect(story.requests()).toContain('timestamp')
  })

  test('another server of the same collection is asked: its rule names it', async () => {
    const story = new Story()
    story.collection.sign('3.20', 'alpine 3.20')
    story.collection.publish()
    const { server: _, ...options } = story.options
    const rules = policy({ match: 'docker.io/**' }, { match: 'docker.io/library/alpine:3.20', server: 'https://other.example' })
    await using client = createTrustClient({
      ...options,
      servers: { 'docker.io': 'https://notary.example' },
      maxAge: MINUTE,
      ...rules,
    })
    await trusted(client)
    story.requests()
    expect((await trusted(client, 'alpine:3.20')).server).toBe('https://other.example')
    expect(story.requests()).toContain('timestamp')
  })

  test('pins of a rule: they bind a set that was verified without them', async () => {
    const story = new Story()
    story.collection.sign('3.20', 'alpine 3.20')
    story.collection.publish()
    const pins = { certs: { [GUN]: ['a'.repeat(64)] } }
    const rules = policy({ match: 'docker.io/**' }, { match: 'docker.io/library/alpine:3.20', pinning: pins })
    await using client = await living(story, { maxAge: MINUTE, ...rules })
    expect((await refusalOf(client.verifyTag('alpine:3.20'))).code).toBe('ERR_PIN_MISMATCH')
    expect((await trusted(client)).status).toBe('trusted')
  })

  test('required signers and deny of the rule of each tag', async () => {
    const story = new Story()
    story.collection.sign('3.20', 'alpine 3.20')
    story.collection.sign('3.21', 'alpine 3.21')
    story.collection.publish()
    const rules = policy(
      { match: 'docker.io/**' },
      { match: 'docker.io/library/alpine:3.20', requireSigners: { all: ['alice'] } },
      { match: 'docker.io/library/alpine:3.21', action: 'deny' },
    )
    await using client = await living(story, { maxAge: MINUTE, ...rules })
    expect((await refusalOf(client.verifyTag('alpine:3.20'))).code).toBe('ERR_SIGNER_MISSING')
    expect((await refusalOf(client.verifyTag('alpine:3.21'))).code).toBe('ERR_POLICY_DENIED')
    expect(story.requests()).toEqual([])
  })
})

describe('option and rule', () => {
  test.each([
    [{ maxAge: 10 * MINUTE }, MINUTE, MINUTE],
    [{ maxAge: MINUTE }, 10 * MINUTE, MINUTE],
    [{ maxAge: 0 }, MINUTE, 0],
    [{}, MINUTE, MINUTE],
    [{ maxAge: MINUTE }, undefined, MINUTE],
    [{}, undefined, 0],
  ])('of %o and the rule %s, %s ms count', async (options, rule, counted) => {
    const story = new Story()
    const rules = policy({ match: 'docker.io/**', ...(rule === undefined ? {} : { maxAge: rule }) })
    await using client = await living(story, { ...options, ...rules })
    later(story, Math.max(0, counted - 1))
    await trusted(client)
    expect(story.requests()).toEqual(counted === 0 ? ['timestamp', '2.root'] : [])
    later(story, 1)
    await trusted(client)
    expect(story.requests()).toEqual(['timestamp', '2.root'])
  })

  test('a call that wants the server asked does not get the answer of one that does not', async () => {
    const story = new Story()
    story.collection.sign('3.20', 'alpine 3.20')
    story.collection.publish()
    const rules = policy({ match: 'docker.io/**', maxAge: MINUTE }, { match: 'docker.io/library/alpine:3.20', maxAge: 0 })
    await using client = await living(story, rules)
    await Promise.all([trusted(client), trusted(client, 'alpine:3.20')])
    expect(story.requests()).toEqual(['timestamp', '2.root'])
  })

  test.each([-1, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY, '5', null])('maxAge %s is a usage error', async (maxAge) => {
    expect((await new Story().refused('alpine:3.19', { maxAge: maxAge as number })).code).toBe('ERR_SETTINGS_INVALID')
  })
})

test('a lock is judged within maxAge too', async () => {
  const story = new Story()
  const lockfile = JSON.parse(writeLockfile(lockOf([GUN, entryOf(story.collection)]))) as object
  await using client = await living(story, { maxAge: MINUTE, lockfile, frozen: true })
  expect((await trusted(client)).rootTrust).toBe('lockfile')
  expect(story.requests()).toEqual([])
})
