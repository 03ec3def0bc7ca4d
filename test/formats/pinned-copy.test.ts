/** The copy of a Dockerfile for builders that know no policies: every image of it has the digest that was verified. */
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/errors.js'
import { findImageUses } from '../../src/formats/find-image-uses.js'
import { pinnedCopy, triggerImages, withDigest } from '../../src/formats/pinned-copy.js'
import { corpus, digestOf } from './corpus.js'

const replacement = (reference: string) => withDigest(reference, digestOf(reference))

describe('of every Dockerfile of the corpus whose images are known', () => {
  const files = corpus().flatMap(({ path, text, options, expected }) => {
    if (!path.startsWith('dockerfile/') || expected.broken !== undefined) return []
    const { uses, problems } = findImageUses(path, text, options)
    const isKnown = problems.length === 0 && uses.every(({ reference }) => reference !== undefined)
    return isKnown ? [[path, { path, text, options, uses }] as const] : []
  })

  test('there are many', () => expect(files.length).toBeGreaterThan(30))

  test.each(files)('%s', (_, { path, text, options, uses }) => {
    const wanted = uses.filter(({ kind }) => kind !== 'frontend').map(({ reference = '' }) => replacement(reference))
    let copy: string
    try {
      copy = pinnedCopy(path, text, uses, replacement, options)
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError)
      expect(text).toContain('<<')
      return
    }
    const found = findImageUses(path, copy, options).uses.filter(({ kind }) => kind !== 'frontend')
    expect(found.map(({ reference }) => reference)).toEqual(wanted)
    expect(
      copy
        .split('\n')
        .filter((line) => !line.includes('@sha256:'))
        .every((line) => text.includes(line)),
    ).toBe(true)
  })
})

test('variables, defaults and quotes give way to the digest; nothing else changes', () => {
  const from = (image: string, copied: string) =>
    `ARG V=3.19\nFROM --platform=$BUILDPLATFORM ${image} AS a\r\nCOPY --from="${copied}" /a /a\r\nFROM a\n`
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Docker's, not ours
  const text = from('"alpine:${V:-1}"', 'alpine:3.19')
  const pinned = replacement('alpine:3.19')
  expect(pinnedCopy('Dockerfile', text, findImageUses('Dockerfile', text).uses, replacement, {})).toBe(from(pinned, pinned))
})

test('a here-document is refused, since older builders read its lines as instructions', () => {
  for (const text of ['FROM alpine\nRUN <<EOF\nFROM evil\nEOF\n', 'FROM alpine\nCOPY <<"X" /x\nFROM evil\nX\n']) {
    const { uses } = findImageUses('Dockerfile', text)
    expect(() => pinnedCopy('Dockerfile', text, uses, replacement, {})).toThrow(/here-documents need BuildKit/)
  }
})

test('a use that was left out of the list is found in the copy, and refused', () => {
  const text = 'FROM alpine:3.19\nCOPY --from=debian:12 /a /a\n'
  const { uses } = findImageUses('Dockerfile', text)
  expect(() => pinnedCopy('Dockerfile', text, uses.slice(0, 1), replacement, {})).toThrow(/no copy with verified digests/)
})

test.each([
  ['RUN echo', false],
  ['COPY . /app', false],
  ['COPY --from=alpine:3.19 /a /a', true],
  ['COPY --from=builder /a /a', true],
  ['COPY --from=0 /a /a', true],
  ['RUN --mount=type=bind,from=alpine:3.19,target=/x true', true],
  ['FROM alpine', true],
  ['ONBUILD COPY --from=alpine:3.19 /a /a', true],
])('a base image with ONBUILD %s: it may bring an image into the build: %s', (trigger, isFound) => {
  expect(triggerImages('base', [trigger])).toEqual(isFound ? [trigger] : [])
})
