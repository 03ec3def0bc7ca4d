/** Calls of one client for one collection share a refresh; the time in a queue is part of `timeout`. */
import { describe, expect, test } from 'vitest'
import { createMemoryStore, createTrustClient, type TrustClient, type VerifyOutcome } from '../../src/index.js'
import { createSimulatedTransport, createTrustCollection } from '../../src/testing/index.js'
import { refusalOf, SERVER, Story } from './story.js'

/** More than a client refreshes at a time. */
const MANY = 80

async function outcomesOf(client: TrustClient, references: readonly string[]): Promise<VerifyOutcome[]> {
  const outcomes: VerifyOutcome[] = []
  for await (const outcome of client.verifyTags(references)) outcomes.push(outcome)
  return outcomes
}

function tagged(): Story {
  const story = new Story()
  for (let n = 0; n < 4; n++) story.collection.sign(`v${n}`, `image ${n}`)
  story.collection.publish()
  return story
}

const timestamps = (story: Story): number => story.requests().filter((name) => name === 'timestamp').length

describe('one refresh answers', () => {
  test('verifyTag, several verifyTags, lookup of another tag, all at a time', async () => {
    const story = tagged()
    await using client = createTrustClient(story.options)
    const [first, second, third] = await Promise.all([
      outcomesOf(client, ['alpine:v0', 'alpine:v1']),
      outcomesOf(client, ['alpine:v2', 'alpine:v1', 'alpine:none']),
      client.verifyTag('alpine:v3'),
      client.listTags('alpine'),
    ])
    expect([...first, ...second].map((outcome) => ('result' in outcome ? outcome.result.status : outcome.error.code))).toEqual([
      ...Array<string>(4).fill('trusted'),
      'ERR_TAG_NOT_SIGNED',
    ])
    expect(third.status).toBe('trusted')
    expect(timestamps(story)).toBe(1)
  })

  test('calls under a policy whose rules ask the same of the server', async () => {
    const story = tagged()
    const rules = [
      { match: 'docker.io/library/*', maxAge: 5 },
      { match: 'docker.io/library/*:v3', action: 'warn', maxAge: 5 },
    ]
    await using client = createTrustClient({ ...story.options, policy: { version: 1, rules } })
    await Promise.all([
      outcomesOf(client, ['alpine:v0', 'alpine:v3']),
      outcomesOf(client, ['alpine:v1', 'alpine:v3']),
      client.verifyTag('alpine:v3'),
    ])
    expect(timestamps(story)).toBe(1)
  })

  test('no call that begins after it', async () => {
    const story = tagged()
    await using client = createTrustClient(story.options)
    await outcomesOf(client, ['alpine:v0'])
    await outcomesOf(client, ['alpine:v0'])
    expect(timestamps(story)).toBe(2)
  })

  test('a failure too, with an error object for each caller', async () => {
    const story = tagged()
    story.transport.faults.set('*', 'server-error')
    await using client = createTrustClient(story.options)
    const [[one], [other]] = await Promise.all([outcomesOf(client, ['alpine:v0']), outcomesOf(client, ['alpine:v1'])])
    if (one === undefined || other === undefined || !('error' in one) || !('error' in other)) throw new Error('no errors')
    expect(one.error.code).toBe(other.error.code)
    expect(one.error).not.toBe(other.error)
    expect(timestamps(story)).toBe(1)
  })
})

describe('the time of each caller', () => {
  test('is its own: a refresh that it joined late ran out of time, and it asks again', async () => {
    const story = tagged()
    story.transport.faults.set('*', 'silent')
    await using client = createTrustClient({ ...story.options, timeout: 600 })
    const first = refusalOf(client.verifyTag('alpine:v0'))
    await new Promise((resolve) => setTimeout(resolve, 300))
    const began = performance.now()
    const second = refusalOf(client.verifyTag('alpine:v0'))
    expect((await first).code).toBe('ERR_SERVER_UNREACHABLE')
    story.transport.faults.clear()
    story.transport.faults.set('timestamp', 'silent')
    expect((await second).code).toBe('ERR_SERVER_UNREACHABLE')
    expect(performance.now() - began).toBeGreaterThan(590)
    expect(timestamps(story)).toBe(2)
  })

  test('is its own: it gets the fresh answer, not the stale one of a refresh that ran out of time', async () => {
    const story = tagged()
    await story.verify('alpine:v0')
    story.transport.faults.set('timestamp', 'silent')
    await using client = createTrustClient({ ...story.options, timeout: 3000 })
    const first = client.verifyTag('alpine:v0')
    // What is left to the second is enough for a busy machine.
    await new Promise((resolve) => setTimeout(resolve, 1500))
    const second = client.verifyTag('alpine:v0')
    story.transport.faults.clear()
    expect(await first).toMatchObject({ freshness: 'stale' })
    expect(await second).toMatchObject({ freshness: 'fresh' })
  })

  test('holds the queue of verifyTags: when it is over, no reference waits for a silent server any more', async () => {
    const story = world()
    story.transport.faults.set('*', 'silent')
    await using client = createTrustClient({ ...story.options, timeout: 700 })
    const outcomes = await outcomesOf(client, story.references)
    expect(story.transport.requests.filter((name) => name === 'root')).toHaveLength(32)
    const messages = outcomes.map((outcome) => ('error' in outcome ? outcome.error.message : 'no error'))
    expect(new Set(outcomes.map((outcome) => 'error' in outcome && outcome.error.code))).toEqual(
      new Set(['ERR_SERVER_UNREACHABLE']),
    )
    const queued = outcomes.filter((outcome) => 'error' in outcome && /waited for other/.test(outcome.error.message))
    expect(queued).toHaveLength(MANY - 32)
    expect(messages[MANY - 1]).toContain('no answer within 0.7 s, 0.7 s of which it waited for other collections')
  })

  test('over without a queue does not blame other collections, however slow the process is', async () => {
    const story = tagged()
    story.transport.faults.set('*', 'silent')
    await using client = createTrustClient({ ...story.options, timeout: 700 })
    const outcomes = outcomesOf(client, ['alpine:v0'])
    const blocked = performance.now() + 250
    while (performance.now() < blocked);
    const [outcome] = await outcomes
    expect(outcome).toMatchObject({ error: { message: 'error contacting notary server: no answer within 0.7 s' } })
  })

  test('over in the queue leaves the stale fallback: what is kept answers', { timeout: 60_000 }, async () => {
    const story = world()
    await using client = createTrustClient(story.options)
    await outcomesOf(client, story.references)
    story.transport.faults.set('timestamp', 'silent')
    await using hasty = createTrustClient({ ...story.options, timeout: 500 })
    const outcomes = await outcomesOf(hasty, story.references)
    expect(
      new Set(outcomes.map((outcome) => 'result' in outcome && 'freshness' in outcome.result && outcome.result.freshness)),
    ).toEqual(new Set(['stale']))
  })
})

/** Many collections, and the options of a client for them. */
function world() {
  const all = Array.from({ length: MANY }, (_, n) => {
    const collection = createTrustCollection(`docker.io/team/app${n}`, { roles: { targets: { type: 'ed25519' } } })
    collection.sign('1', `app ${n}`)
    return collection.publish()
  })
  const transport = createSimulatedTransport(all)
  const now = () => new Date('2026-03-01T12:00:00Z')
  const store = createMemoryStore()
  const options = { env: {}, disableContentTrust: false, server: SERVER, transport, store, now }
  return { references: all.map((_, n) => `team/app${n}:1`), transport, options }
}
