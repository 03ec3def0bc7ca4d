import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commonImage, compareRanks, covers, matchesName, type Pattern, parsePattern } from '../../src/policy/pattern.js'

function pattern(text: string): Pattern {
  const parsed = parsePattern(text)
  if ('problem' in parsed) throw new Error(`${text}: ${parsed.problem}`)
  return parsed
}

function matches(text: string, image: string): boolean {
  const colon = image.lastIndexOf(':')
  return matchesName(pattern(text), image.slice(0, colon).split('/'), image.slice(colon + 1))
}

test.each([
  ['docker.io/library/alpine', 'docker.io/library/alpine:3.19', true],
  ['docker.io/library/alpine', 'docker.io/library/alpine2:3.19', false],
  ['docker.io/library/alpine:3.*', 'docker.io/library/alpine:3.19', true],
  ['docker.io/library/alpine:3.*', 'docker.io/library/alpine:4', false],
  ['docker.io/library/*', 'docker.io/library/alpine:1', true],
  ['docker.io/library/*', 'docker.io/team/alpine:1', false],
  ['quay.io/*', 'quay.io/a/b:1', false],
  ['quay.io/**', 'quay.io/a:1', true],
  ['quay.io/**', 'quay.io/a/b/c:1', true],
  ['quay.io/a/**', 'quay.io/a:1', false],
  ['quay.io/**/b', 'quay.io/b:1', true],
  ['quay.io/**/b', 'quay.io/x/y/b:1', true],
  ['**', 'quay.io/x:1', true],
  ['**:v1', 'quay.io/x:v1', true],
  ['**:v1', 'quay.io/x:v2', false],
  ['**/alpine', 'docker.io/library/alpine:1', true],
  ['*.example/app', 'a.example/app:1', true],
  ['*.example/app', 'a.example.evil/app:1', false],
  ['*.example/app', 'evil/a.example/app:1', false],
  ['registry.example:5000/app', 'registry.example:5000/app:1', true],
  ['registry.example:5000/app', 'registry.example/app:1', false],
  ['registry.example/app*', 'registry.example/app:1', true],
  ['registry.example/a*b*c', 'registry.example/abcbc:1', true],
  ['registry.example/a*b*c', 'registry.example/abcb:1', false],
  ['registry.example/a*a', 'registry.example/a:1', false],
  ['registry.example/a*a', 'registry.example/aa:1', true],
  ['registry.example/app:a*a', 'registry.example/app:a', false],
  ['[::1]:5000/app', '[::1]:5000/app:1', true],
])('%s on %s: %s', (text, image, expected) => {
  expect(matches(text, image)).toBe(expected)
})

describe('a pattern that could match nothing is refused, and what to write is told', () => {
  test.each([
    ['alpine', 'docker.io/library/alpine'],
    ['team/app', 'docker.io/team/app'],
    ['docker.io/alpine', 'docker.io/library/alpine'],
    ['docker.io/*', 'docker.io/library/*'],
    ['index.docker.io/library/alpine', 'docker.io/library/alpine'],
    ['Registry.Example/app', 'registry.example/app'],
    ['registry.example:443/app', 'registry.example/app'],
    ['registry.example:0443/app', 'registry.example/app'],
    ['registry.example./app', 'registry.example/app'],
    ['[0:0:0:0:0:0:0:1]:5000/app', '[::1]:5000/app'],
    ['127.1/app', '127.0.0.1/app'],
    ['registry.example', 'registry.example/**'],
    ['registry.example:5000', 'registry.example:5000/**'],
    ['*', '**'],
    ['https://registry.example/app', 'Leave out https://'],
    ['registry.example/App', 'registry.example/app'],
    ['registry.example/app@sha256:abc', 'judged by the tags'],
    ['registry.example/a/../b', 'Leave it out'],
    ['registry.example//b', 'Leave it out'],
    ['registry.example/./b', 'Leave it out'],
    ['registry.example/a**', '** stands alone'],
    ['registry.example/**/**', '** once'],
    ['registry.example/аpp', 'xn--'],
    ['bücher.example/app', 'xn--'],
    ['registry.example/app:', 'Letters'],
    ['registry.example/app:.x', 'Letters'],
    ['registry.example/app:**', '* there'],
    ['registry.example/-app', 'Lower-case'],
    ['*.EXAMPLE/app', 'lower case'],
    ['*.example:443/app', ':443'],
    [`registry.example/${'a'.repeat(600)}`, 'several rules'],
    ['', '**'],
  ])('%s', (text, hint) => {
    const parsed = parsePattern(text)
    expect('hint' in parsed ? parsed.hint : 'accepted').toContain(hint)
  })
})

test.each([
  ['docker.io/library/*', 'docker.io/**'],
  ['docker.io/library/a*', 'docker.io/library/*'],
  ['docker.io/library/alpine', 'docker.io/library/al*'],
  ['docker.io/library/alpine:*', 'docker.io/library/alpine'],
  ['docker.io/library/alpine:3*', 'docker.io/library/alpine:*'],
  ['docker.io/*/*', 'registry-of-a-very-long-name.example/*'],
])('%s is more specific than %s', (one, other) => {
  expect(compareRanks(pattern(one).rank, pattern(other).rank)).toBeGreaterThan(0)
})

// A small world in which everything can be tried: two hosts, segments of one or two letters, two tags.
const SEGMENTS = ['a', 'b', 'ab', 'ba', 'aa']
const NAMES = ['h.x', 'g.x'].flatMap((host) =>
  SEGMENTS.flatMap((one) => [
    `${host}/${one}`,
    ...SEGMENTS.flatMap((two) => [`${host}/${one}/${two}`, ...['a', 'ab'].map((three) => `${host}/${one}/${two}/${three}`)]),
  ]),
)
const IMAGES = NAMES.flatMap((name) => [`${name}:a`, `${name}:ab`])
const segments = fc.constantFrom('*', '**', 'a', 'b', 'ab', 'a*', '*b')
const patterns = fc
  .tuple(
    fc.constantFrom('h.x', '*', '*.x', '**'),
    fc.array(segments, { minLength: 1, maxLength: 3 }),
    fc.constantFrom('', ':a', ':*', ':a*'),
  )
  .map(([host, path, tag]) => [host, ...path].join('/') + tag)
  .filter((text) => !('problem' in parsePattern(text)))

test('what matches is what the definition says, by regular expressions', () => {
  const expression = (text: string) => {
    const [name = '', tag] = text.split(':')
    const source = name
      .split('/')
      .map((segment, at, all) =>
        segment === '**'
          ? at === all.length - 1
            ? '(?:[^/]+(?:/|$))+'
            : '(?:[^/]+/)*'
          : `${segment.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}${at === all.length - 1 ? '' : '/'}`,
      )
      .join('')
    return (
      new RegExp(`^${source}$`.replace('$', '').concat('(?<!/)$')).source +
      (tag === undefined ? '' : `|||${tag.replaceAll('*', '.*')}`)
    )
  }
  fc.assert(
    fc.property(patterns, fc.constantFrom(...IMAGES), (text, image) => {
      const [name = '', tag = ''] = image.split(':')
      const [source = '', tagSource] = expression(text).split('|||')
      expect(matches(text, image)).toBe(
        new RegExp(source).test(name) && (tagSource === undefined || new RegExp(`^${tagSource}$`).test(tag)),
      )
    }),
    { numRuns: 2000 },
  )
})

test('two patterns have a common image when some image matches both, and the image told is one', () => {
  fc.assert(
    fc.property(patterns, patterns, (one, other) => {
      const image = commonImage(pattern(one), pattern(other))
      if (IMAGES.some((each) => matches(one, each) && matches(other, each))) expect(image).toBeDefined()
      if (image !== undefined) expect([matches(one, image), matches(other, image)]).toEqual([true, true])
    }),
    { numRuns: 2000 },
  )
})

test('a pattern that covers another matches all that the other matches', () => {
  let covered = 0
  fc.assert(
    fc.property(patterns, patterns, (one, other) => {
      if (!covers(pattern(one), pattern(other))) return
      covered++
      for (const image of IMAGES)
        if (matches(other, image)) expect([one, other, image, matches(one, image)]).toEqual([one, other, image, true])
    }),
    { numRuns: 3000 },
  )
  expect(covered).toBeGreaterThan(50)
})

test.each([
  ['**', 'docker.io/**'],
  ['docker.io/**', 'docker.io/library/*'],
  ['docker.io/library/alpine:*', 'docker.io/library/alpine'],
  ['docker.io/*/*', 'docker.io/library/a*'],
])('%s covers %s', (one, other) => {
  expect(covers(pattern(one), pattern(other))).toBe(true)
  expect(covers(pattern(other), pattern(one))).toBe(one.includes(':'))
})

test('many wildcards against a long name take no exponential time', () => {
  const text = `registry.example/${'a*'.repeat(200)}b`
  const start = performance.now()
  for (let i = 0; i < 20; i++) matches(text, `registry.example/${'a'.repeat(250)}:1`)
  commonImage(pattern(text), pattern(`registry.example/${'*a'.repeat(200)}c`))
  expect(performance.now() - start).toBeLessThan(8000)
})
