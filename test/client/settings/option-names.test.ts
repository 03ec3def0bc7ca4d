/** No option is ignored without an error: a misspelt pin, or one in a Map, would be no pin. */
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { contentTrustEnabled, createTrustClient, UsageError, verifyTag } from '../../../src/index.js'
import { GUN, refusalOf, SERVER, Story } from '../story.js'

const KEY = 'a'.repeat(64)
const NAMES = [
  ...['env', 'disableContentTrust', 'server', 'servers', 'trustDirectory', 'dockerConfig', 'store', 'transport', 'pinning'],
  ...['digestReferences', 'staleFallback', 'offline', 'credentials', 'ca', 'timeout', 'signal', 'now', 'onEvent'],
]
/** Planned and not built yet: a caller that sets one gets an error. */
const NOT_BUILT = ['policy', 'lockfile', 'frozen', 'requireSigners', 'firstUse', 'maxAge', 'connections']

/** As JavaScript would call it. */
const verify = (options: unknown): Promise<unknown> => Reflect.apply(verifyTag, undefined, ['alpine:3.19', options])

async function refused(more: object | ((options: object) => unknown)): Promise<UsageError> {
  const story = new Story()
  const options = typeof more === 'function' ? more(story.options) : { ...story.options, ...more }
  const error = await refusalOf(verify(options))
  expect(error).toMatchObject({ code: 'ERR_SETTINGS_INVALID' })
  expect(story.requests(), 'nothing was asked').toEqual([])
  if (!(error instanceof UsageError)) throw error
  return error
}

class Pins {
  readonly certs = { [GUN]: [KEY] }
}

describe('refused, with nothing asked', () => {
  test.each([
    ['pinnig', 'Did you mean pinning?'],
    ['Pinning', 'Did you mean pinning?'],
    ['timeOut', 'Did you mean timeout?'],
    ['trustDir', 'Known are'],
    ['disableContenttrust', 'Did you mean disableContentTrust?'],
    ['__proto_', 'Known are'],
  ])('the option %s: the hint says %j', async (name, hint) => {
    const { message, hint: said } = await refused({ [name]: undefined })
    expect(message).toBe(`${JSON.stringify(name)} is not an option`)
    expect(said).toContain(hint)
  })

  test.each(NOT_BUILT)('the option %s, which does not exist yet', async (name) => {
    expect((await refused({ [name]: 'x' })).message).toContain(name)
  })

  test('refuses a misspelt disableContentTrust also when content trust is off', async () => {
    const error = await refusalOf(verify({ env: {}, disableContentTrst: false }))
    expect(error).toMatchObject({ code: 'ERR_SETTINGS_INVALID', hint: 'Did you mean disableContentTrust?' })
  })

  test.each<[string, (options: object) => unknown]>([
    ['a Map', (options) => new Map(Object.entries(options))],
    ['a list', (options) => Object.entries(options)],
    ['on a prototype', (options) => Object.create(options)],
    ['on a prototype without one', (options) => Object.create(Object.assign(Object.create(null), options))],
    ['an instance', (options) => Object.assign(new Pins(), options)],
    ['hidden', (options) => Object.defineProperty(options, 'pinning', { value: {}, enumerable: false })],
    ['under a symbol', (options) => ({ ...options, [Symbol('pinning')]: {} })],
    [
      'behind a getter that throws',
      (options) =>
        Object.defineProperty(options, 'server', {
          get: () => {
            throw new Error('no')
          },
          enumerable: true,
        }),
    ],
    ['null', () => null],
  ])('options that are %s', async (_what, change) => {
    await refused(change)
  })

  test.each<[string, object]>([
    ['pinning in a Map', { pinning: new Map([['certs', { [GUN]: [KEY] }]]) }],
    ['pinning of a class', { pinning: new Pins() }],
    ['pinning on a prototype', { pinning: Object.create({ certs: { [GUN]: [KEY] } }) }],
    ['certs in a Map', { pinning: { certs: new Map([[GUN, [KEY]]]) } }],
    ['certs on a prototype', { pinning: { certs: Object.create({ [GUN]: [KEY] }) } }],
    ['ca in a Map', { pinning: { ca: new Map([[GUN, '/ca.pem']]) } }],
    ['ca on a prototype', { pinning: { ca: Object.create({ [GUN]: '/ca.pem' }) } }],
    ['a misspelt field of pinning', { pinning: { cert: {} } }],
    ['servers in a Map', { servers: new Map([['docker.io', 'https://x.example']]) }],
    ['servers on a prototype', { servers: Object.create({ 'docker.io': 'https://x.example' }) }],
    ['servers by address', { servers: { 'https://docker.io': 'https://x.example' } }],
    ['credentials in a Map', { credentials: new Map([['docker.io', { username: 'u', password: 'p' }]]) }],
    ['credentials of a class', { credentials: Object.assign(new Pins(), { username: 'u', password: 'p' }) }],
    ['env in a Map', { env: new Map([['DOCKER_CONTENT_TRUST', '1']]) }],
    ['env on a prototype', { env: Object.create({ DOCKER_CONTENT_TRUST: '1' }) }],
    ['env that is no text', { env: { DOCKER_CONTENT_TRUST: 0 } }],
    ['disableContentTrust that is no boolean', { disableContentTrust: Object.create(null) }],
  ])('%s', async (_what, more) => {
    await refused(more)
  })

  test('names the nearest field for a misspelt field of pinning', async () => {
    expect((await refused({ pinning: { cert: {} } })).hint).toBe('Did you mean certs?')
  })

  test('refuses the same in options of contentTrustEnabled and lookup', async () => {
    const enabled = (options: unknown) => () => Reflect.apply(contentTrustEnabled, undefined, [options])
    expect(enabled({ enf: {} })).toThrow(UsageError)
    expect(enabled(new Map())).toThrow(UsageError)
    expect(enabled({ env: { DOCKER_CONTENT_TRUST: '1' }, server: 'https://x.example' })(), 'options of a client').toBe(true)
    await using client = createTrustClient(new Story().options)
    const lookup = (options: unknown): Promise<unknown> => Reflect.apply(client.lookup, client, [GUN, '3.19', options])
    for (const options of [{ role: ['targets'] }, new Map(), null, Object.create({ roles: ['targets'] }), 'targets'])
      expect(await refusalOf(lookup(options)), String(options)).toMatchObject({ code: 'ERR_SETTINGS_INVALID' })
  })
})

describe('accepted', () => {
  test('undefined values, objects without a prototype, objects of another realm', async () => {
    const story = new Story()
    const nothing = Object.fromEntries(NAMES.map((name) => [name, undefined]))
    expect(await verify({ ...nothing, ...story.options, pinning: { certs: undefined } })).toMatchObject({ status: 'trusted' })
    expect(await verify(Object.assign(Object.create(null), story.options))).toMatchObject({ status: 'trusted' })
    const foreign: unknown = runInNewContext('({ certs: {}, disable_tofu: false })')
    expect(await verify({ ...story.options, pinning: foreign })).toMatchObject({ status: 'trusted' })
    expect(await verify({ ...story.options, env: process.env })).toMatchObject({ status: 'trusted' })
    expect(await verify({ ...story.options, env: { ...process.env } })).toMatchObject({ status: 'trusted' })
  })
})

test('any object with a name outside the table is refused', async () => {
  const names = fc.oneof(
    fc.string(),
    fc.constantFrom(...NAMES, ...NOT_BUILT).map((name) => `${name}s`),
    fc.constantFrom('__proto__', 'constructor'),
  )
  await fc.assert(
    fc.asyncProperty(
      names.filter((name) => !NAMES.includes(name)),
      fc.anything(),
      async (name, value) => {
        const options = { ...new Story().options }
        Object.defineProperty(options, name, { value, enumerable: true })
        expect((await refusalOf(verify(options))).code).toBe('ERR_SETTINGS_INVALID')
      },
    ),
    { numRuns: 60 },
  )
})

describe('a member that a library added to Object.prototype', () => {
  const polluted: string[] = []
  afterEach(() => {
    for (const name of polluted.splice(0)) Reflect.deleteProperty(Object.prototype, name)
  })
  const pollute = (name: string, value: unknown): void => {
    polluted.push(name)
    Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: true, writable: true })
  }
  /** Known already: the libraries for schemas and certificates, which cannot stand such a machine, have done their part. */
  const known = async (): Promise<Story> => {
    const story = new Story()
    await story.verify()
    return story
  }

  test.each<[string, unknown]>([
    ['server', 'http://nowhere'],
    ['servers', { 'docker.io': 'http://nowhere' }],
    ['docker.io', 'http://nowhere'],
    ['pinning', { certs: { [GUN]: [KEY] } }],
    ['certs', { [GUN]: [KEY] }],
    ['disable_tofu', true],
    [GUN, [KEY]],
    ['offline', true],
    ['disableContentTrust', true],
    ['digestReferences', 'accept'],
    ['DOCKER_CONTENT_TRUST', '0'],
    ['DOCKER_CONTENT_TRUST_SERVER', 'http://nowhere'],
    ['roles', []],
    ['pinnig', {}],
    ['mirror', 'nowhere.example'],
  ])('%s: changes nothing', async (name, value) => {
    const story = await known()
    const { server: _server, disableContentTrust: _, ...rest } = story.options
    const options = { ...rest, servers: { 'docker.io': SERVER }, pinning: {}, env: { DOCKER_CONTENT_TRUST: '1' } }
    pollute(name, value)
    const { status, ...answer } = await verifyTag('alpine:3.19', options)
    expect({ status, server: Reflect.get(answer, 'server') }).toEqual({ status: 'trusted', server: SERVER })
    expect(Object.hasOwn(answer, 'mirror')).toBe(false)
    await using client = createTrustClient({ ...story.options })
    expect((await client.lookup(GUN, '3.19')).role).toBe('targets')
  })

  test('with any other name changes nothing', async () => {
    const story = await known()
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...NAMES, 'certs', 'ca', 'disable_tofu', 'roles'), fc.anything(), async (name, value) => {
        const { options } = story
        pollute(name, value)
        try {
          expect((await verifyTag('alpine:3.19', { ...options, pinning: {} })).status).toBe('trusted')
        } finally {
          Reflect.deleteProperty(Object.prototype, name)
        }
      }),
      { numRuns: 60 },
    )
  })
})
