/** JavaScript callers may pass anything: every public method throws a TrustError, never a raw error. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contentTrustEnabled, createTrustClient, type TrustClient, TrustError, verifyTag } from '../../../src/index.js'
import { GUN, refusalOf, Story } from '../story.js'

const METHODS = ['verifyTag', 'lookup', 'listTags', 'inspect'] as const

/** As JavaScript would call it. */
const call = (client: TrustClient, method: (typeof METHODS)[number], ...args: unknown[]): Promise<unknown> =>
  Reflect.apply(client[method], client, args)

async function yielded(client: TrustClient, references: unknown): Promise<unknown[]> {
  const list: unknown[] = []
  const outcomes: AsyncIterable<unknown> = Reflect.apply(client.verifyTags, client, [references])
  for await (const outcome of outcomes) list.push(outcome)
  return list
}

describe('is a usage error', () => {
  test.each<[(typeof METHODS)[number], unknown[], string]>([
    ['lookup', [GUN, 1], 'ERR_REFERENCE_INVALID'],
    ['lookup', [GUN, ''], 'ERR_REFERENCE_INVALID'],
    ['lookup', [GUN], 'ERR_REFERENCE_INVALID'],
    ['lookup', [1, '3.19'], 'ERR_REFERENCE_INVALID'],
    ['lookup', [GUN, '3.19', { roles: 'targets' }], 'ERR_SETTINGS_INVALID'],
    ['lookup', [GUN, '3.19', { roles: [1] }], 'ERR_SETTINGS_INVALID'],
    ['lookup', [GUN, '3.19', { roles: [''] }], 'ERR_SETTINGS_INVALID'],
    ['lookup', [GUN, '3.19', { roles: [] }], 'ERR_SETTINGS_INVALID'],
    ['lookup', [GUN, '3.19', { roles: null }], 'ERR_SETTINGS_INVALID'],
    ['verifyTag', [undefined], 'ERR_REFERENCE_INVALID'],
    ['listTags', [{}], 'ERR_REFERENCE_INVALID'],
    ['inspect', [['alpine']], 'ERR_REFERENCE_INVALID'],
  ])('%s with %j: %s', async (method, args, code) => {
    const story = new Story()
    await using client = createTrustClient(story.options)
    expect(await refusalOf(call(client, method, ...args))).toMatchObject({ kind: 'usage', code })
    expect(story.requests()).toEqual([])
  })

  test.each([
    ['a text', 'alpine'],
    ['a boxed text', Object('alpine')],
    ['null', null],
    ['nothing', undefined],
    ['a number', 1],
    ['no list', {}],
  ])('verifyTags of %s, which is no list of references', async (_what, references) => {
    await using client = createTrustClient(new Story().options)
    expect(await refusalOf(yielded(client, references))).toMatchObject({ code: 'ERR_SETTINGS_INVALID' })
  })

  test('an item of verifyTags that is no text fails by itself; the others are answered', async () => {
    await using client = createTrustClient(new Story().options)
    expect(await yielded(client, [1, 'alpine:3.19', null, Symbol.iterator])).toMatchObject([
      { reference: 1, error: { code: 'ERR_REFERENCE_INVALID' } },
      { result: { status: 'trusted' } },
      { error: { code: 'ERR_REFERENCE_INVALID' } },
      { error: { code: 'ERR_REFERENCE_INVALID' } },
    ])
  })

  test('any call of a closed client; closing twice, or during a call, is allowed', async () => {
    const story = new Story()
    const client = createTrustClient(story.options)
    const working = client.verifyTag('alpine:3.19').catch((error: unknown) => error)
    await client.close()
    await client.close()
    const ended = await working
    expect(ended instanceof TrustError || Reflect.get(Object(ended), 'status') === 'trusted').toBe(true)
    for (const method of METHODS) {
      const args = method === 'lookup' ? [GUN, '3.19'] : ['alpine']
      expect(await refusalOf(call(client, method, ...args)), method).toMatchObject({ code: 'ERR_SETTINGS_INVALID' })
    }
    expect(await yielded(client, ['alpine'])).toMatchObject([{ error: { message: 'the client is closed' } }])
  })

  test('a clock that throws', async () => {
    const now = () => {
      throw new Error('no clock here')
    }
    expect(await refusalOf(verifyTag('alpine', { ...new Story().options, now }))).toMatchObject({ code: 'ERR_SETTINGS_INVALID' })
  })
})

describe('any value', () => {
  const anything = fc.oneof(
    fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSet: true,
      withBoxedValues: true,
      withTypedArray: true,
      withSparseArray: true,
    }),
    fc.constantFrom(Symbol('s'), () => 'alpine', new Proxy({}, {}), Proxy.revocable({}, {}).proxy, Object.create(null)),
  )
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()

  /** An answer, or a TrustError; anything else fails the test. */
  async function settles(answer: Promise<unknown>): Promise<void> {
    const error: unknown = await answer.then(
      () => undefined,
      (cause: unknown) => cause,
    )
    if (error !== undefined && !(error instanceof TrustError)) throw error
  }

  test('methods answer or throw a TrustError', async () => {
    await using client = createTrustClient(new Story().options)
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...METHODS), fc.array(anything, { maxLength: 3 }), async (method, args) => {
        await settles(call(client, method, ...args))
        await settles(call(client, 'lookup', GUN, ...args))
        await settles(call(client, 'lookup', GUN, '3.19', ...args))
        await settles(yielded(client, args[0]))
        await settles(yielded(client, args))
      }),
      { numRuns: 100 },
    )
    await settles(call(client, 'lookup', GUN, '3.19', revoked.proxy))
  })

  test('options are accepted, or refused with a TrustError', async () => {
    const story = new Story()
    const names = fc.constantFrom(...Object.keys(story.options), 'servers', 'pinning', 'credentials', 'ca', 'timeout', 'onEvent')
    const verify = (options: unknown): Promise<unknown> => Reflect.apply(verifyTag, undefined, ['alpine:3.19', options])
    await fc.assert(
      fc.asyncProperty(names, anything, async (name, value) => {
        await settles(verify(value))
        await settles(verify({ ...story.options, [name]: value }))
        await settles(verify({ ...story.options, pinning: { [name]: value, certs: value } }))
        await settles((async () => Reflect.apply(contentTrustEnabled, undefined, [value]))())
      }),
      { numRuns: 100 },
    )
    await settles(verify(revoked.proxy))
    await settles(verify({ ...story.options, servers: revoked.proxy, pinning: revoked.proxy }))
  })
})
