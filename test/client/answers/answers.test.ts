/** Answers are the caller's own: whatever a caller does to one, no other answer and no verdict changes. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTrustClient, type TrustClient, type VerifyOutcome } from '../../../src/index.js'
import { GUN, Story } from '../story.js'

/** Everything that one client answers of one collection: from one refresh, and from a kept set. */
function story(): Story & { digest: string } {
  const made = Object.assign(new Story(), { digest: '' })
  for (const role of ['targets/releases', 'targets/alice'])
    made.digest = made.collection.delegate(role).sign('1.0', 'the app', { role, custom: { notes: ['a', { deep: [1] }] } })
  made.collection.publish()
  return made
}

async function outcomes(client: TrustClient, digest: string): Promise<unknown[]> {
  const list: unknown[] = []
  const references = ['alpine:1.0', 'alpine:1.0', 'alpine:3.19', `alpine@${digest}`, 'alpine:none', 'alpine:none']
  for await (const outcome of client.verifyTags(references)) list.push(outcome)
  return list
}

async function everyAnswer(client: TrustClient, digest: string): Promise<unknown[]> {
  const answers = await Promise.all([
    client.verifyTag('alpine:1.0'),
    client.verifyTag('alpine:1.0'),
    client.verifyTag(`alpine@${digest}`),
    client.lookup(GUN, '1.0', { roles: ['targets/alice', 'targets/releases'] }),
    client.listTags('alpine'),
    client.listTags('alpine'),
    client.inspect('alpine'),
    client.inspect('alpine'),
  ])
  return [...answers, ...(await outcomes(client, digest))]
}

/** Spoils everything that can be reached from a value, but for what is not ours: the cause of an error. */
function spoil(value: unknown, seen = new Set<unknown>()): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return
  seen.add(value)
  for (const key of Reflect.ownKeys(value).filter((name) => name !== 'length')) {
    if (key !== 'cause') spoil(Reflect.get(value, key), seen)
    Reflect.set(value, key, 'spoiled')
    Reflect.deleteProperty(value, key)
  }
  if (Array.isArray(value) && !Object.isFrozen(value)) value.push('spoiled')
}

function text(answer: unknown): string {
  return JSON.stringify(answer)
}

describe('changing an answer', () => {
  test('changes no other answer of the same refresh, and none that comes later', async () => {
    const made = story()
    const digest = made.digest
    await using client = createTrustClient(made.options)
    await client.verifyTag('alpine:1.0') // a first use is said once
    const expected = (await everyAnswer(client, digest)).map(text)
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: expected.length - 1 }), async (victim) => {
        const answers = await everyAnswer(client, digest)
        expect(answers.map(text)).toEqual(expected)
        spoil(answers[victim])
        expect(answers.map(text).filter((_, index) => index !== victim)).toEqual(expected.filter((_, index) => index !== victim))
        expect((await everyAnswer(client, digest)).map(text)).toEqual(expected)
      }),
      { numRuns: 30 },
    )
  })

  test('nor what is kept: a new client with the same store finds it', async () => {
    const made = story()
    await using client = createTrustClient(made.options)
    for (const answer of await everyAnswer(client, made.digest)) spoil(answer)
    expect((await made.verify('alpine:1.0')).rootTrust).toBe('cached-root')
  })

  test('each answer has its own warnings, and all of them tell the first use', async () => {
    const made = story()
    await using client = createTrustClient(made.options)
    const [first, second] = await Promise.all([client.inspect('alpine'), client.listTags('alpine')])
    spoil(first)
    expect(second.warnings.map(({ code }) => code)).toContain('WARN_FIRST_USE')
  })

  test('errors that several questions share too', async () => {
    const made = story()
    made.transport.faults.set('*', 'unreachable')
    await using client = createTrustClient(made.options)
    const failed: VerifyOutcome[] = []
    for await (const outcome of client.verifyTags(['alpine:1', 'alpine:2', 'alpine:3'])) failed.push(outcome)
    const expected = failed.map(text)
    expect(expected[0]).toContain('ERR_SERVER_UNREACHABLE')
    const [first] = failed
    if (first === undefined || !('error' in first)) throw new Error('not refused')
    spoil(first.error)
    expect(failed.slice(1).map(text)).toEqual(expected.slice(1))
  })
})
