/** The rows of the catalogue about references, one by one. The grammar itself is tried in test/reference. */
import { describe, expect, test } from 'vitest'
import { verifyTag } from '../../src/index.js'
import { parseReference } from '../../src/reference/reference.js'
import { createTrustCollection } from '../../src/testing/index.js'
import { refusalOf, Story } from '../client/story.js'

describe('which collection a reference means (REF-01, REF-03, REF-04, REF-08, REF-11, REF-12, REF-30, REF-31, REF-32)', () => {
  test.each([
    ['alpine', 'docker.io/library/alpine', 'REF-01'],
    ['library/alpine', 'docker.io/library/alpine', 'REF-01'],
    ['docker.io/alpine', 'docker.io/library/alpine', 'REF-01'],
    ['index.docker.io/alpine', 'docker.io/library/alpine', 'REF-01'],
    ['user/app', 'docker.io/user/app', 'REF-03'],
    ['registry-1.docker.io/library/alpine', 'registry-1.docker.io/library/alpine', 'REF-04'],
    ['docker.io:443/library/alpine', 'docker.io:443/library/alpine', 'REF-04'],
    ['localhost/foo', 'localhost/foo', 'REF-08'],
    ['localhost:5000/foo', 'localhost:5000/foo', 'REF-08'],
    ['foo.com', 'docker.io/library/foo.com', 'REF-11'],
    ['foo.com:99999/bar', 'foo.com:99999/bar', 'REF-12'],
    ['foo.com:0/bar', 'foo.com:0/bar', 'REF-12'],
    ['foo.com:080/bar', 'foo.com:080/bar', 'REF-12'],
    ['con/aux', 'docker.io/con/aux', 'REF-30'],
    ['nul', 'docker.io/library/nul', 'REF-30'],
    ['x.io/metadata', 'x.io/metadata', 'REF-30'],
    ['library/library/alpine', 'docker.io/library/library/alpine', 'REF-31'],
    ['0/0', 'docker.io/0/0', 'REF-32'],
  ])('%s is %s (%s)', (reference, gun) => {
    expect(parseReference(reference).gun).toBe(gun)
  })

  test('without a tag it is latest, and reported as a default (REF-02)', () => {
    expect(parseReference('alpine')).toMatchObject({ tag: 'latest', tagDefaulted: true })
    expect(parseReference('alpine:latest')).toMatchObject({ tag: 'latest', tagDefaulted: false })
  })
})

test('a registry with a port that there is not has no server to be asked (REF-12)', async () => {
  const { transport, store, env } = { env: {}, ...new Story().options }
  const answer = verifyTag('foo.com:99999/bar', {
    env,
    disableContentTrust: false,
    ...(transport && store ? { transport, store } : {}),
  })
  expect((await refusalOf(answer)).kind).toBe('usage')
})

test.each([`alpine@sha512:${'a'.repeat(128)}`, `alpine:3.19@sha512:${'a'.repeat(128)}`])(
  'a sha512 digest cannot be compared with what is signed: %s (REF-23)',
  async (reference) => {
    const story = new Story()
    expect((await story.refused(reference)).code).toBe('ERR_REFERENCE_INVALID')
    expect(story.requests()).toEqual([])
  },
)

test.each(['a', 'A', 'a/', 'a-', 'a__', '.', ':', '@', 'a:'])(
  '40,000 characters of %j are refused at once (REF-34)',
  async (part) => {
    const start = performance.now()
    expect((await new Story().refused(part.repeat(40_000))).code).toBe('ERR_REFERENCE_INVALID')
    expect(performance.now() - start).toBeLessThan(1000)
  },
)

describe('which server is asked (REF-35)', () => {
  const asked = async (reference: string, gun: string, settings: object) => {
    const collection = createTrustCollection(gun)
    collection.sign('1', 'one')
    collection.publish()
    const { store, now } = new Story().options
    const common = {
      env: {},
      disableContentTrust: false,
      transport: collection.transport(),
      ...(store && now ? { store, now } : {}),
    }
    const result = await verifyTag(reference, { ...common, ...settings })
    return result.status === 'trusted' ? result.server : result.status
  }
  const ALPINE = ['alpine:1', 'docker.io/library/alpine'] as const
  const QUAY = ['quay.io:8443/a/b:1', 'quay.io:8443/a/b'] as const

  test.each<[readonly [string, string], object, string]>([
    [ALPINE, {}, 'https://notary.docker.io'],
    [QUAY, {}, 'https://quay.io:8443'],
    [QUAY, { env: { DOCKER_CONTENT_TRUST_SERVER: '' } }, 'https://quay.io:8443'],
    [QUAY, { env: { DOCKER_CONTENT_TRUST_SERVER: 'https://env.example:443/' } }, 'https://env.example:443'],
    [ALPINE, { env: { DOCKER_CONTENT_TRUST_SERVER: 'https://env.example' } }, 'https://env.example'],
    [
      ALPINE,
      { env: { DOCKER_CONTENT_TRUST_SERVER: 'https://env.example' }, servers: { 'docker.io': 'https://map.example' } },
      'https://map.example',
    ],
    [
      ALPINE,
      { server: 'https://option.example/prefix', servers: { 'docker.io': 'https://map.example' } },
      'https://option.example/prefix',
    ],
  ])('%j with %j: %s', async ([reference, gun], settings, server) => {
    expect(await asked(reference, gun, settings)).toBe(server)
  })

  test.each(['http://env.example', 'env.example', 'ftp://env.example', 'https://u:p@env.example', 'https://env.example/?q'])(
    'an environment with %s is a usage error',
    async (url) => {
      const refusal = await refusalOf(asked(...ALPINE, { env: { DOCKER_CONTENT_TRUST_SERVER: url } }))
      expect(refusal.code).toBe('ERR_SETTINGS_INVALID')
      expect(refusal.message).not.toContain('u:p')
    },
  )
})

test('the answer names the digest and no tag that could move meanwhile (REF-36)', async () => {
  const story = new Story()
  const { canonicalReference, digest } = await story.verify()
  expect(canonicalReference).toBe(`docker.io/library/alpine@${digest}`)
  story.collection.sign('3.19', 'moved')
  story.collection.publish()
  expect(await story.verify(`alpine@${digest}`).catch(({ code }: { code: string }) => code)).toBe('ERR_DIGEST_NOT_SIGNED')
})

test('the digest and size are those that were signed, of an index or of one image (REF-37)', async () => {
  const story = new Story()
  const digest = story.collection.sign('index', 'e'.repeat(64), { size: 1638 })
  story.collection.publish()
  expect(await story.verify('alpine:index')).toMatchObject({ digest, size: 1638 })
})
