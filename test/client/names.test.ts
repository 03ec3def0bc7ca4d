import { describe, expect, test } from 'vitest'
import { createTrustClient } from '../../src/index.js'
import { codeAndRole, Story } from './story.js'

describe('tags with odd names', () => {
  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '_', '0', '1e3', 'latest.', 'a'.repeat(128)])(
    '%s is a tag like any other (JSON-31, JSON-32)',
    async (tag) => {
      const story = new Story()
      const digest = story.collection.sign(tag, 'odd')
      story.collection.delegate('targets/releases').delegate('targets/alice').sign(tag, 'odd', { role: 'targets/alice' })
      story.collection.publish()
      expect(await story.verify(`alpine:${tag}`)).toMatchObject({ tag, digest, signers: ['alice'] })
      await using client = createTrustClient(story.options)
      expect((await client.listTags('alpine')).tags.map((listed) => listed.tag)).toContain(tag)
    },
  )

  test.each(['__proto__', 'constructor', 'toString', 'valueOf'])(
    '%s is not signed when nobody signed it (JSON-32)',
    async (tag) => {
      const story = new Story()
      await story.verify()
      expect((await story.refused(`alpine:${tag}`)).code).toBe('ERR_TAG_NOT_SIGNED')
    },
  )

  test('__proto__ as the name of everything that can be named changes nothing (JSON-31)', async () => {
    const story = new Story()
    const poison = JSON.parse(
      '{"__proto__":{"hashes":{"sha256":"AAAA"},"length":1},"constructor":{"hashes":{"sha256":"AAAA"},"length":1}}',
    ) as object
    story.collection.tamper('snapshot', {
      before: ({ meta }) => {
        for (const [name, value] of Object.entries(poison)) Object.defineProperty(meta, name, { value, enumerable: true })
      },
      after: (envelope) => void Object.defineProperty(envelope, '__proto__', { value: { x: 1 }, enumerable: true }),
    })
    story.collection.publish()
    expect((await story.refused()).code).toBe('ERR_METADATA_MALFORMED')
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })

  test('many tags, one after the other, each with its own digest', async () => {
    const story = new Story()
    const signed = new Map(Array.from({ length: 500 }, (_, n) => [`v${n}`, story.collection.sign(`v${n}`, `image ${n}`)]))
    story.collection.publish()
    for (const tag of ['v0', 'v250', 'v499']) expect((await story.verify(`alpine:${tag}`)).digest).toBe(signed.get(tag))
  })

  test('names that are no tags do not get in the way (DEL-38)', async () => {
    const story = new Story()
    for (const name of ['', 'a/../b', '../../etc/passwd', 'x y', '\u0000', '\u{1F600}', '<&>"\\'])
      story.collection.sign(name, 'odd')
    story.collection.publish()
    expect((await story.verify()).status).toBe('trusted')
  })
})

describe('null where Go writes an empty list or map', () => {
  test.each<[string, object]>([
    ['delegations', { delegations: null }],
    ['its keys and roles', { delegations: { keys: null, roles: null } }],
    [
      'its empty lists',
      { delegations: { keys: {}, roles: [{ name: 'targets/alice', keyids: null, paths: null, threshold: 1 }] } },
    ],
  ])('%s are accepted in targets', async (_, change) => {
    const story = new Story()
    story.collection.tamper('targets', { before: (signed) => void Object.assign(signed, change) }).publish()
    expect((await story.verify()).warnings.map(({ code }) => code)).toEqual(['WARN_FIRST_USE'])
  })

  test('targets is accepted in a delegation (JSON-35)', async () => {
    const story = new Story()
    story.collection
      .delegate('targets/releases')
      .tamper('targets/releases', { before: (signed) => void Object.assign(signed, { targets: null }) })
    story.collection.publish()
    expect((await story.verify()).role).toBe('targets')
  })

  test('but not for a role, a key, a file or a date (JSON-13)', async () => {
    for (const change of [
      { delegations: { keys: {}, roles: [null] } },
      { delegations: { keys: { ['a'.repeat(64)]: null }, roles: [] } },
      { targets: { x: null } },
      { expires: null },
      { version: null },
    ]) {
      const story = new Story()
      story.collection.tamper('targets', { before: (signed) => void Object.assign(signed, change) }).publish()
      expect(codeAndRole(await story.refused()), JSON.stringify(change)).toEqual({
        code: 'ERR_METADATA_MALFORMED',
        role: 'targets',
      })
    }
  })
})

describe('custom', () => {
  test.each<[string, unknown]>([
    ['an object', { a: [1, 2, { b: null }], 'v1-rc': 1, 'v1-RC': 2 }],
    ['a text', 'text'],
    ['a number', 0],
    ['false', false],
    ['a list', []],
  ])('that is %s comes as it was signed', async (_, custom) => {
    const story = new Story()
    story.collection.sign('3.20', 'x', { custom })
    story.collection.publish()
    const result = await story.verify('alpine:3.20')
    expect(JSON.parse(JSON.stringify(result.custom))).toEqual(custom)
    expect((await story.verifyDigest(result.digest)).custom).toEqual(result.custom)
  })

  test('that is absent is absent; null is absent too, never null', async () => {
    const story = new Story()
    expect('custom' in (await story.verify())).toBe(false)
    story.collection.sign('3.20', 'x', { custom: null })
    story.collection.publish()
    expect('custom' in (await story.verify('alpine:3.20'))).toBe(false)
  })

  test('with a number written as 1.0 or 1e0 gives the number', async () => {
    const story = new Story()
    story.collection.sign('3.20', 'x', { custom: { a: 1, b: [2] } })
    story.collection.tamper('targets', {
      bytes: (bytes) => Buffer.from(Buffer.from(bytes).toString().replace('"a":1', '"a":1.0').replace('[2]', '[2e0]')),
    })
    story.collection.publish()
    expect(JSON.stringify((await story.verify('alpine:3.20')).custom)).toBe('{"a":1,"b":[2]}')
  })

  test('with __proto__ among its names comes as it was signed, and sets no prototype (JSON-31)', async () => {
    const story = new Story()
    const custom = JSON.parse('{"__proto__":{"admin":true},"constructor":{"x":1},"a":[{"__proto__":null}]}') as unknown
    story.collection.sign('3.20', 'x', { custom })
    story.collection.publish()
    const { custom: answered } = await story.verify('alpine:3.20')
    expect(JSON.stringify(answered)).toBe('{"__proto__":{"admin":true},"a":[{"__proto__":null}],"constructor":{"x":1}}')
    expect(Object(answered).admin).toBeUndefined()
  })

  test('with control characters and astral names verifies', async () => {
    const story = new Story()
    const custom = { 'line\nbreak': 'tab\t', '\u{1F600}': 1, '\uFB33': 2, '<&>': '\u2028' }
    story.collection.sign('3.20', 'x', { custom })
    story.collection.publish()
    expect(JSON.parse(JSON.stringify((await story.verify('alpine:3.20')).custom))).toEqual(custom)
  })
})

describe('answers', () => {
  test('are plain JSON: no null, no undefined, ISO dates, lower-case digests', async () => {
    const story = new Story()
    const result = await story.verify()
    expect(JSON.parse(JSON.stringify(result))).toEqual(result)
    for (const value of Object.values(result)) expect(value ?? 'absent').not.toBe('absent')
    expect(result.expires).toBe(new Date(result.expires).toISOString())
    expect(result.digest).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  test('that are errors are plain JSON too, with code, kind, hint and collection', async () => {
    const story = new Story()
    await story.verify()
    const refusal = await story.refused('alpine:edge')
    expect(JSON.parse(JSON.stringify(refusal))).toEqual({
      name: 'UnsignedError',
      code: 'ERR_TAG_NOT_SIGNED',
      kind: 'unsigned',
      message: 'No valid trust data for edge',
      hint: expect.stringContaining('3.19'),
      retryable: false,
      gun: 'docker.io/library/alpine',
    })
  })
})
