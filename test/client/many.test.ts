import { describe, expect, test } from 'vitest'
import {
  createMemoryStore,
  createTrustClient,
  type TrustClientOptions,
  UnavailableError,
  type VerifyOutcome,
  verifyTag,
} from '../../src/index.js'
import { createSimulatedTransport, createTrustCollection, type TrustCollection } from '../../src/testing/index.js'
import { GUN, refusalOf, SERVER, STALE_SENTENCE, Story } from './story.js'

function collections(count: number): TrustCollection[] {
  return Array.from({ length: count }, (_, n) => {
    const collection = createTrustCollection(`docker.io/team/app${n}`, { roles: { targets: { type: 'ed25519' } } })
    collection.sign('1', `app ${n}`)
    return collection.publish()
  })
}

function optionsFor(
  all: readonly TrustCollection[],
): TrustClientOptions & { transport: ReturnType<typeof createSimulatedTransport> } {
  const transport = createSimulatedTransport(all)
  return {
    env: {},
    disableContentTrust: false,
    server: SERVER,
    transport,
    store: createMemoryStore(),
    now: () => new Date('2026-03-01T12:00:00Z'),
  }
}

async function collect(outcomes: AsyncIterable<VerifyOutcome>): Promise<string[]> {
  const list: string[] = []
  for await (const outcome of outcomes) {
    list.push(`${outcome.reference} ${'result' in outcome ? outcome.result.status : outcome.error.code}`)
  }
  return list
}

describe('verifyTags', () => {
  test('answers in input order, a failure where it stands, a duplicate twice', async () => {
    const all = collections(20)
    await using client = createTrustClient(optionsFor(all))
    const references = [
      'team/app3:1',
      'Not valid',
      ...all.map((_, n) => `team/app${19 - n}:1`),
      'team/app3:2',
      'team/app3:1',
      'team/none:1',
    ]
    expect(await collect(client.verifyTags(references))).toEqual([
      'team/app3:1 trusted',
      'Not valid ERR_REFERENCE_INVALID',
      ...all.map((_, n) => `team/app${19 - n}:1 trusted`),
      'team/app3:2 ERR_TAG_NOT_SIGNED',
      'team/app3:1 trusted',
      'team/none:1 ERR_NO_TRUST_DATA',
    ])
  })

  test('asks a server once for all tags of one collection', async () => {
    const story = new Story()
    for (let n = 0; n < 30; n++) story.collection.sign(`v${n}`, `image ${n}`)
    story.collection.publish()
    await using client = createTrustClient(story.options)
    const references = Array.from({ length: 30 }, (_, n) => `alpine:v${n}`)
    expect(await collect(client.verifyTags(references))).toEqual(references.map((reference) => `${reference} trusted`))
    expect(story.requests().filter((name) => name === 'timestamp')).toHaveLength(1)
  })

  test('of nothing answers nothing, and needs no settings', async () => {
    await using client = createTrustClient({ server: 'not a server' })
    expect(await collect(client.verifyTags([]))).toEqual([])
  })

  test('answers by-digest and disabled too', async () => {
    const story = new Story()
    await using client = createTrustClient({ ...story.options, disableContentTrust: true })
    expect(await collect(client.verifyTags(['alpine:3.19', 'Bad']))).toEqual([
      'alpine:3.19 disabled',
      'Bad ERR_REFERENCE_INVALID',
    ])
    expect(story.requests()).toEqual([])
  })

  test('a consumer who is slow, or leaves early, misses nothing and breaks nothing', async () => {
    const all = collections(12)
    await using client = createTrustClient(optionsFor(all))
    for await (const outcome of client.verifyTags(all.map((_, n) => `team/app${n}:1`))) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      if (outcome.reference === 'team/app2:1') break
    }
  })

  test('one collection whose server is silent does not hold up the rest', async () => {
    const all = collections(30)
    const options = optionsFor(all)
    const { fetchMetadata } = options.transport
    const asked = new Set<string>()
    options.transport.fetchMetadata = (request) => {
      asked.add(request.gun)
      if (request.gun !== 'docker.io/team/app0') return fetchMetadata.call(options.transport, request)
      return new Promise((_, reject) => request.signal.addEventListener('abort', () => reject(request.signal.reason)))
    }
    await using client = createTrustClient({ ...options, timeout: 4_000 })
    const outcomes = client.verifyTags(all.map((_, n) => `team/app${n}:1`))
    const first = outcomes.next()
    await expect.poll(() => asked.size, { timeout: 10_000 }).toBe(30)
    expect((await first).value).toMatchObject({ error: { code: 'ERR_SERVER_UNREACHABLE' } })
    expect(new Set((await collect(outcomes)).map((line) => line.split(' ')[1]))).toEqual(new Set(['trusted']))
  })

  test('refreshes 32 collections at a time, and begins none that nobody waits for', async () => {
    const all = collections(60)
    const options = optionsFor(all)
    const { fetchMetadata } = options.transport
    const asked = new Set<string>()
    const answers: (() => void)[] = []
    options.transport.fetchMetadata = async (request) => {
      asked.add(request.gun)
      await new Promise<void>((resolve) => answers.push(resolve))
      return fetchMetadata.call(options.transport, request)
    }
    await using client = createTrustClient(options)
    const outcomes = client.verifyTags(all.map((_, n) => `team/app${n}:1`))
    const first = outcomes.next()
    await expect.poll(() => answers.length).toBe(32 * 6)
    expect(asked.size).toBe(32)
    const answering = setInterval(() => answers.splice(0, 20).map((answer) => answer()), 1)
    try {
      await first
      await outcomes.return?.()
      const begun = asked.size
      const left = async (): Promise<number> => {
        await new Promise((resolve) => setTimeout(resolve, 1_000))
        return answers.length
      }
      await expect.poll(left, { timeout: 20_000, message: 'what had begun has come to its end' }).toBe(0)
      expect(asked.size).toBeLessThanOrEqual(begun + 1)
    } finally {
      clearInterval(answering)
    }
  })

  test('rejects with signal.reason when it is aborted, and nothing is left unhandled', async () => {
    const all = collections(12)
    const options = optionsFor(all)
    options.transport.faults.set('*', 'silent')
    const controller = new AbortController()
    const unhandled: unknown[] = []
    const listen = (cause: unknown) => void unhandled.push(cause)
    process.on('unhandledRejection', listen)
    try {
      await using client = createTrustClient({ ...options, signal: controller.signal })
      const reason = new Error('enough')
      setTimeout(() => controller.abort(reason), 30)
      const outcome = await collect(client.verifyTags(all.map((_, n) => `team/app${n}:1`))).catch((cause: unknown) => cause)
      expect(outcome).toBe(reason)
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(unhandled).toEqual([])
    } finally {
      process.off('unhandledRejection', listen)
    }
  })
})

describe('the deadline', () => {
  test('ends a silent server: unreachable, at once (ATK-29)', async () => {
    const story = new Story()
    story.transport.faults.set('*', 'silent')
    const began = performance.now()
    const refusal = await story.refused('alpine:3.19', { timeout: 60 })
    expect(refusal.code).toBe('ERR_SERVER_UNREACHABLE')
    expect(refusal.message).toContain('0.06 s')
    expect(performance.now() - began).toBeLessThan(2000)
  })

  test('does not end the stale fallback', async () => {
    const story = new Story()
    await story.verify()
    story.transport.faults.set('timestamp', 'silent')
    const { freshness, warnings } = await story.verify('alpine:3.19', { timeout: 60 })
    expect(freshness).toBe('stale')
    expect(warnings[0]?.message.startsWith(STALE_SENTENCE)).toBe(true)
  })

  test('does not let a silent snapshot fall back: the timestamp had been answered', async () => {
    const story = new Story()
    await story.verify()
    story.collection.sign('3.19', 'newer')
    story.collection.publish()
    story.transport.faults.set('snapshot', 'silent')
    expect((await story.refused('alpine:3.19', { timeout: 1_000 })).code).toBe('ERR_SERVER_UNREACHABLE')
  })

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])('of %d milliseconds is a usage error', async (timeout) => {
    expect((await new Story().refused('alpine:3.19', { timeout })).code).toBe('ERR_SETTINGS_INVALID')
  })
})

describe('an aborted signal', () => {
  test('rejects with its reason and asks nothing, when it was aborted before', async () => {
    const story = new Story()
    const reason = new Error('never mind')
    await expect(verifyTag('alpine:3.19', { ...story.options, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(story.requests()).toEqual([])
  })

  test.each(['timestamp', '2.root', 'snapshot', 'targets'])(
    'rejects with its reason in the middle of %s, never with a fallback',
    async (name) => {
      const story = new Story()
      await story.verify()
      story.collection.sign('3.19', 'newer')
      story.collection.publish()
      const before = await story.kept()
      const controller = new AbortController()
      const reason = new Error('enough')
      story.transport.faults.set(name, (bytes) => {
        controller.abort(reason)
        return bytes
      })
      await expect(verifyTag('alpine:3.19', { ...story.options, signal: controller.signal })).rejects.toBe(reason)
      expect(await story.kept()).toEqual(before)
    },
  )

  test('rejects with a reason that is no error, or one of ours, just the same', async () => {
    for (const reason of ['text', 0, await new Story().refused('Bad')]) {
      const story = new Story()
      await story.verify()
      const controller = new AbortController()
      story.transport.faults.set('timestamp', 'silent')
      setTimeout(() => controller.abort(reason), 20)
      const outcome = await verifyTag('alpine:3.19', { ...story.options, signal: controller.signal }).catch(
        (cause: unknown) => cause,
      )
      expect(outcome).toBe(reason)
    }
  })
})

test('a signal aborted with one of our own errors is no network failure: no fallback, not even one that fails', async () => {
  for (const days of [0, 20]) {
    const story = new Story()
    await story.verify()
    story.wait(days)
    const reason = new UnavailableError('ERR_SERVER_UNREACHABLE', 'the caller says so')
    const controller = new AbortController()
    story.transport.faults.set('timestamp', 'silent')
    setTimeout(() => controller.abort(reason), 20)
    await expect(verifyTag('alpine:3.19', { ...story.options, signal: controller.signal })).rejects.toBe(reason)
  }
})

describe('settings', () => {
  test.each<[string, TrustClientOptions]>([
    ['http', { server: 'http://notary.example' }],
    ['no URL', { server: 'notary.example' }],
    ['a password', { server: 'https://user:secret@notary.example' }],
    ['a query', { server: 'https://notary.example?x=1' }],
    ['an odd staleFallback', { staleFallback: 'no' as 'warn' }],
    ['an odd digestReferences', { digestReferences: 'yes' as 'accept' }],
    ['a store that is none', { store: Object() as never }],
    ['a CA that is none', { ca: 'not PEM' }],
    ['a clock that gives no date', { now: () => new Date(Number.NaN) }],
    ['a clock that gives a number', { now: () => 5 as never }],
    ['servers in a Map', { servers: new Map([['docker.io', 'https://mapped.example']]) as never }],
    ['servers in a list', { servers: ['https://mapped.example'] as never }],
  ])('with %s are a usage error, and nothing is asked', async (_, more) => {
    const story = new Story()
    const refusal = await refusalOf(verifyTag('alpine:3.19', { ...story.options, ...more }))
    expect(refusal).toMatchObject({ code: 'ERR_SETTINGS_INVALID', kind: 'usage' })
    expect(refusal.message).not.toContain('secret')
    expect(story.requests()).toEqual([])
  })

  test.each<[string, unknown]>([
    ['null', null],
    ['a text', 'alpine'],
    ['an environment that is null', { env: null }],
  ])('that are %s are a usage error whether content trust is on or not', async (_, options) => {
    const refusal = await refusalOf(verifyTag('alpine:3.19', options as TrustClientOptions))
    expect(refusal).toMatchObject({ code: 'ERR_SETTINGS_INVALID', kind: 'usage' })
  })

  test('choose the server: the option, then the map, then the environment, then the registry itself', async () => {
    const story = new Story()
    const { server: _, ...bare } = story.options
    const env = { DOCKER_CONTENT_TRUST_SERVER: 'https://environment.example' }
    const servers = { 'docker.io': 'https://mapped.example' }
    const serverOf = async (more: TrustClientOptions) => {
      const result = await verifyTag('alpine:3.19', { ...bare, ...more })
      return 'server' in result ? result.server : result.status
    }
    expect(await serverOf({ env, servers, server: 'https://option.example' })).toBe('https://option.example')
    expect(await serverOf({ env, servers })).toBe('https://mapped.example')
    expect(await serverOf({ env, servers: { 'quay.io': 'https://quay.example' } })).toBe('https://environment.example')
    expect(await serverOf({ env: { DOCKER_CONTENT_TRUST_SERVER: '' } })).toBe('https://notary.docker.io')
    const elsewhere = createTrustCollection('registry.example:5000/app')
    elsewhere.sign('1', 'x')
    elsewhere.publish()
    const result = await verifyTag('registry.example:5000/app:1', { ...bare, transport: elsewhere.transport() })
    expect(result).toMatchObject({ server: 'https://registry.example:5000' })
  })

  test('one clock value judges the whole run (VER-29)', async () => {
    const story = new Story()
    let asked = 0
    const now = () => new Date(story.now.getTime() + (asked++ === 0 ? 0 : 1e13))
    expect((await story.verify('alpine:3.19', { now })).status).toBe('trusted')
    expect(asked).toBe(1)
  })

  test('of one collection do not reach another: the store is kept by GUN', async () => {
    const all = collections(2)
    const options = optionsFor(all)
    await verifyTag('team/app0:1', options)
    expect(await options.store?.list()).toEqual(['docker.io/team/app0'])
    await verifyTag('team/app1:1', options)
    expect(await options.store?.list()).toEqual(['docker.io/team/app0', 'docker.io/team/app1'])
    expect(GUN).not.toBe('docker.io/team/app0')
  })
})
