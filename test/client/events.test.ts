import diagnostics from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTrustClient, type TrustEvent } from '../../src/index.js'
import { DAY, GUN, Story } from './story.js'

/** What a run tells, less what is long. */
async function told(story: Story, reference = 'alpine:3.19'): Promise<TrustEvent[]> {
  const events: TrustEvent[] = []
  await story.verify(reference, { onEvent: (event) => events.push(event) }).catch(() => undefined)
  return events
}

const types = (events: readonly TrustEvent[]): string[] => [...new Set(events.map(({ type }) => type))]

describe('onEvent', () => {
  test('tells of a first use: an empty cache, every role, what was written, the warning', async () => {
    const story = new Story()
    const events = await told(story)
    expect(events[0]).toEqual({ type: 'cache', gun: GUN, action: 'read', roles: [] })
    expect(events.filter(({ type }) => type === 'role-loaded')).toEqual(
      ['root', 'timestamp', 'snapshot', 'targets'].map((role) => ({
        type: 'role-loaded',
        gun: GUN,
        role,
        version: story.collection.version(role),
        expires: expect.stringMatching(/^20..-..-..T.*Z$/),
        from: 'server',
      })),
    )
    expect(events.find((event) => event.type === 'cache' && event.action === 'written')).toEqual({
      type: 'cache',
      gun: GUN,
      action: 'written',
      roles: ['root', 'timestamp', 'snapshot', 'targets'],
    })
    expect(events.at(-1)).toMatchObject({ type: 'warning', gun: GUN, code: 'WARN_FIRST_USE' })
  })

  test('tells where each file came from', async () => {
    const story = new Story()
    await story.verify()
    story.collection.sign('3.20', 'alpine 3.20')
    story.collection.publish()
    const events = await told(story)
    expect(events.flatMap((event) => (event.type === 'role-loaded' ? [`${event.role} ${event.from}`] : []))).toEqual([
      'root cache',
      'timestamp server',
      'snapshot server',
      'targets server',
    ])
  })

  test('tells of every rotation of root on the way', async () => {
    const story = new Story()
    await story.verify()
    story.collection.rotateRoot()
    story.collection.publish()
    story.collection.rotateRoot()
    story.collection.publish()
    expect((await told(story)).filter(({ type }) => type === 'root-rotated')).toEqual([
      { type: 'root-rotated', gun: GUN, from: 1, to: 2 },
      { type: 'root-rotated', gun: GUN, from: 2, to: 3 },
    ])
  })

  test('tells that the cache stands in, and why', async () => {
    const story = new Story()
    await story.verify()
    story.transport.faults.set('timestamp', 'unreachable')
    const events = await told(story)
    expect(types(events)).toEqual(expect.arrayContaining(['stale', 'warning']))
    expect(events.find(({ type }) => type === 'stale')).toMatchObject({ gun: GUN, reason: expect.stringContaining('contacting') })
  })

  test('tells as far as it got when the answer is a refusal', async () => {
    const story = new Story()
    await story.verify()
    story.now = new Date(story.now.getTime() + 60 * DAY)
    const events = await told(story)
    expect(types(events)).toEqual(['cache', 'role-loaded'])
  })

  test('cannot change a verdict by throwing', async () => {
    const story = new Story()
    const onEvent = () => {
      throw new Error('a listener with a fault')
    }
    expect((await story.verify('alpine:3.19', { onEvent })).status).toBe('trusted')
  })
})

/** What `await` would follow. */
const thenable = (then: (resolve: unknown, reject: (cause: Error) => void) => void, base: object = {}): object =>
  Object.defineProperty(base, 'then', { value: then })

const fail = (): never => {
  throw new Error('another fault')
}

describe('a listener that fails later', () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  beforeEach(() => void process.on('unhandledRejection', note).on('uncaughtException', note))
  afterEach(() => {
    process.off('unhandledRejection', note).off('uncaughtException', note)
    unhandled.splice(0)
  })

  test.each<[string, () => unknown]>([
    ['an async function that rejects', () => Promise.reject(new Error('a fault'))],
    ['an object whose then throws', () => thenable(fail)],
    ['a getter of then that throws', () => Object.defineProperty({}, 'then', { get: fail })],
    ['a promise that cannot be followed', () => Object.defineProperty(Promise.resolve(), 'constructor', { get: fail })],
    [
      'a then that rejects and throws',
      () =>
        thenable((_, reject) => {
          reject(new Error('a fault'))
          fail()
        }),
    ],
    [
      'a function that can be awaited',
      () =>
        thenable(
          (_, reject) => reject(new Error('a fault')),
          () => undefined,
        ),
    ],
  ])('%s: neither the verdict nor the process minds', async (_what, onEvent) => {
    const story = new Story()
    await using client = createTrustClient({ ...story.options, onEvent })
    expect((await client.verifyTag('alpine:3.19')).status).toBe('trusted')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(unhandled).toEqual([])
  })
})

describe('the diagnostics channel', () => {
  test('carries the same events of every client, and no listener is needed', async () => {
    const story = new Story()
    const published: unknown[] = []
    const listen = (event: unknown): void => void published.push(event)
    diagnostics.subscribe('docker-content-trust', listen)
    try {
      const events = await told(story)
      expect(published).toEqual(events)
      await using client = createTrustClient(story.options)
      await client.verifyTag('alpine:3.19')
      expect(published.length).toBeGreaterThan(events.length)
    } finally {
      diagnostics.unsubscribe('docker-content-trust', listen)
    }
    const before = published.length
    await story.verify()
    expect(published).toHaveLength(before)
  })
})
