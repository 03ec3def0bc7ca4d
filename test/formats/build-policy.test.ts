import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/errors.js'
import { buildPolicy, type VerifiedImage } from '../../src/formats/build-policy.js'
import { buildPolicyFiles } from '../../src/formats/build-policy-files.js'
import { findImageUses } from '../../src/formats/find-image-uses.js'
import { parseReference } from '../../src/reference/reference.js'
import { corpus, digestOf } from './corpus.js'
import { evaluate, type PolicyFile } from './source-policy.js'

const D = `sha256:${'d'.repeat(64)}`
const EVIL = `sha256:${'f'.repeat(64)}`
const image = (name: string) => `docker-image://${name}`

/** Every tag that the Dockerfiles of the corpus name, and what is verified for each file. */
const DOCKERFILES = corpus().filter(({ path, expected }) => path.startsWith('dockerfile/') && expected.broken === undefined)
const SETS = DOCKERFILES.map(({ path, text, options }) => {
  const references = findImageUses(path, text, options).uses.flatMap(({ reference }) => reference ?? [])
  const tagged = [...new Set(references)].filter((reference) => parseReference(reference).digest === undefined)
  return { path, images: tagged.map((reference) => ({ reference, digest: digestOf(reference) })) }
})
const NAMES = [...new Set(SETS.flatMap(({ images }) => images.map(({ reference }) => full(reference))))]

function full(reference: string): string {
  const { gun, tag } = parseReference(reference)
  return `${gun}:${tag}`
}

/** The policy as the builder reads it: from its file. */
function policyOf(images: readonly VerifiedImage[], options = {}): PolicyFile {
  return JSON.parse(buildPolicyFiles(images, 'source-policy', options)[0]?.text ?? '')
}

describe('a policy allows the verified images of a Dockerfile and no others', () => {
  test.each(SETS.map((set) => [set.path, set] as const))('%s', (_, { images }) => {
    const policy = policyOf(images)
    const verified = new Map(images.map(({ reference, digest }) => [full(reference), digest]))
    for (const name of [...NAMES, 'docker.io/library/other:1', 'registry.example/library/alpine:3.19']) {
      const [repository = ''] = /^.*(?=:)/.exec(name) ?? []
      const digest = verified.get(name)
      const digests = new Set([...verified].filter(([known]) => known.startsWith(`${repository}:`)).map(([, known]) => known))
      expect(evaluate(policy, image(name))).toBe(digest === undefined ? undefined : `${image(name)}@${digest}`)
      for (const tried of [D, EVIL, ...verified.values()]) {
        const pinned = evaluate(policy, `${image(name)}@${tried}`)
        expect(pinned).toBe(digest === tried ? `${image(name)}@${tried}` : undefined)
        const bare = evaluate(policy, `${image(repository)}@${tried}`)
        expect(bare).toBe(digests.has(tried) ? `${image(repository)}@${tried}` : undefined)
      }
    }
    expect(evaluate(policy, 'https://example.com/x.tar')).toBe('https://example.com/x.tar')
  })
})

describe('rules', () => {
  test('a short spelling means the full name', () => {
    const policy = policyOf([{ reference: 'alpine', digest: D }])
    for (const name of ['alpine', 'alpine:latest', 'docker.io/library/alpine', 'docker.io/library/alpine:latest']) {
      expect(evaluate(policy, image(name))).toBe(`${image('docker.io/library/alpine:latest')}@${D}`)
    }
    expect(evaluate(policy, image('alpine:3.19'))).toBeUndefined()
  })

  test('no images, no image at all', () => {
    expect(evaluate(policyOf([]), image('alpine'))).toBeUndefined()
  })

  test('a frontend that may be used unverified is allowed by its tag, with any digest', () => {
    const policy = policyOf([], { frontends: ['docker/dockerfile:1'] })
    expect(evaluate(policy, image('docker/dockerfile:1'))).toBe(image('docker.io/docker/dockerfile:1'))
    expect(evaluate(policy, `${image('docker/dockerfile:1')}@${EVIL}`)).toBeDefined()
    expect(evaluate(policy, image('docker/dockerfile:1.7'))).toBeUndefined()
    expect(evaluate(policy, image('docker/dockerfile:10'))).toBeUndefined()
  })

  test('a local image is allowed by its name; with a digest, by that alone', () => {
    const policy = policyOf([], { local: ['app-base', `other@${D}`] })
    expect(evaluate(policy, image('app-base'))).toBeDefined()
    expect(evaluate(policy, `${image('other')}@${D}`)).toBeDefined()
    expect(evaluate(policy, `${image('other')}@${EVIL}`)).toBeUndefined()
    expect(evaluate(policy, image('other'))).toBeUndefined()
  })

  test('oci-layout contexts are refused when asked', () => {
    expect(evaluate(policyOf([]), 'oci-layout://x@y')).toBeDefined()
    expect(evaluate(policyOf([], { strict: true }), 'oci-layout://x@y')).toBeUndefined()
  })

  test('an image verified by its digest alone is allowed by it alone', () => {
    const policy = policyOf([{ reference: `alpine@${D}`, digest: D }])
    expect(evaluate(policy, `${image('alpine')}@${D}`)).toBeDefined()
    expect(evaluate(policy, image('alpine'))).toBeUndefined()
  })

  test.each([
    [
      'a tag with two digests',
      [
        { reference: 'alpine', digest: D },
        { reference: 'docker.io/library/alpine:latest', digest: EVIL },
      ],
    ],
    ['no digest', [{ reference: 'alpine', digest: 'latest' }]],
    ['another digest than the reference has', [{ reference: `alpine@${D}`, digest: EVIL }]],
  ])('refused: %s', (_, images) => {
    expect(() => buildPolicy(images)).toThrow(UsageError)
    expect(() => buildPolicyFiles(images, 'bake')).toThrow(UsageError)
  })

  test('the same images give the same file, in whatever order', () => {
    const images = ['c:1', 'a:1', 'b:1'].map((reference) => ({ reference, digest: digestOf(reference) }))
    expect(buildPolicyFiles(images, 'source-policy')).toEqual(buildPolicyFiles(images.toReversed(), 'source-policy'))
  })
})

describe('the other forms', () => {
  const images = [
    { reference: 'alpine:3.19', digest: D },
    { reference: 'docker.io/library/alpine:3.19', digest: D },
    { reference: `debian:12@${EVIL}`, digest: EVIL },
  ]
  const contexts = {
    'alpine:3.19': `docker-image://docker.io/library/alpine:3.19@${D}`,
    'docker.io/library/alpine:3.19': `docker-image://docker.io/library/alpine:3.19@${D}`,
  }
  const text = (format: Parameters<typeof buildPolicyFiles>[1], index = 0) =>
    buildPolicyFiles(images, format, { targets: ['web'] })[index]?.text ?? ''

  test('build contexts: each spelling of an image without a digest', () => {
    const lines = Object.entries(contexts).map(([name, value]) => `--build-context=${name}=${value}\n`)
    expect(text('build-contexts')).toBe(lines.join(''))
  })

  test('bake and Compose files', () => {
    expect(JSON.parse(text('bake'))).toEqual({ target: { web: { contexts } } })
    expect(JSON.parse(text('compose'))).toEqual({ services: { web: { build: { additional_contexts: contexts } } } })
  })

  test('Rego: one policy for all, and the data it reads', () => {
    expect(text('rego')).toContain('load_json("dct-trust.json")')
    expect(text('rego')).toContain('default allow := false')
    expect(JSON.parse(text('rego', 1))).toEqual({
      digests: { 'docker.io/library/alpine': [D], 'docker.io/library/debian': [EVIL] },
      tags: { 'docker.io/library/alpine:3.19': D, 'docker.io/library/debian:12': EVIL },
    })
  })
})
