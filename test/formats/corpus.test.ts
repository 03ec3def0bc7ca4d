import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/errors.js'
import { detectFormat, findImageUses } from '../../src/formats/find-image-uses.js'
import type { Place, Remark } from '../../src/formats/image-use.js'
import { pinFile, pinText } from '../../src/formats/pin-text.js'
import { decodeSource } from '../../src/formats/source-text.js'
import { corpus, described, lookup, withDigests, withLines } from './corpus.js'

const FILES = corpus()
const READABLE = FILES.filter(({ expected }) => expected.broken === undefined)
const BROKEN = FILES.filter(({ expected }) => expected.broken !== undefined)

/** Whether words and their parts in the order given are in what was found: `cannot WORDS` and `because WORDS` are a part. */
function agrees(found: string, expected: string): boolean {
  const parts = found.split(' | ')
  const wanted = withDigests(expected).split(' | ')
  return parts.length === wanted.length && wanted.every((part, index) => sameOrPart(parts[index] ?? '', part))
}

function sameOrPart(found: string, wanted: string): boolean {
  const [, word, words] = /^(cannot|because) (.*)$/.exec(wanted) ?? []
  return words === undefined ? found === wanted : found.startsWith(`${word} `) && found.includes(words)
}

/** Fails with both lists, so that a reader sees what differs. */
function expectAll(
  found: readonly string[],
  expected: readonly string[],
  isSame: (found: string, expected: string) => boolean,
): void {
  const agree = found.length === expected.length && found.every((one, index) => isSame(one, expected[index] ?? ''))
  if (!agree) expect(found).toEqual(expected)
}

const remark = ({ place, reason }: Remark) => `${place.line}:${place.column} ${reason}`
const isRemark = (found: string, expected: string) => {
  const [place, ...words] = expected.split(' ')
  return found.startsWith(`${place} `) && found.includes(words.join(' '))
}

/** The offset of a line and column, counted apart from the code that is tested. */
function offsetOf(text: string, { line, column }: Place): number {
  const before = text.split('\n').slice(0, line - 1)
  const mark = line === 1 && text.startsWith('\ufeff') ? 1 : 0
  return before.reduce((sum, one) => sum + one.length + 1, 0) + mark + column - 1
}

test('the corpus has every kind of syntax, and more than 120 files', () => {
  expect(FILES.length).toBeGreaterThan(120)
  const kinds = new Set(FILES.map(({ path }) => /(?:^|[/.])(\d\d)-/.exec(path)?.[1]))
  const all = Array.from({ length: 52 }, (_, index) => String(index + 1).padStart(2, '0'))
  // Of 52, files on disk, only the encoding can be seen here: test/cli/pin-refusals.test.ts has the rest.
  expect(all.filter((kind) => !kinds.has(kind))).toEqual([])
})

describe('what is found', () => {
  test.each(READABLE.map((file) => [file.path, file] as const))('%s', (_, { path, text, expected, options }) => {
    const found = findImageUses(path, text, options)
    const verdicts = pinText(text, found.uses, lookup, { mode: 'check', frontend: true }).findings.map(({ verdict }) => verdict)
    expectAll(
      found.uses.map((use, index) => described(use, verdicts[index] ?? '')),
      expected.uses ?? [],
      agrees,
    )
    expectAll(found.problems.map(remark), expected.problems ?? [], isRemark)
    expectAll(found.skipped.map(remark), expected.skipped ?? [], isRemark)
    for (const { place, written } of found.uses) {
      expect(text.slice(place.start, place.end)).toBe(written)
      expect(place.start).toBe(offsetOf(text, place))
    }
  })
})

describe('what is written, byte by byte', () => {
  test.each(READABLE.map((file) => [file.path, file] as const))('%s', (_, { path, text, bytes, expected, options }) => {
    expect(Buffer.from(text, 'utf8').equals(bytes)).toBe(true)
    const pinned = pinFile(path, text, lookup, { ...options, partial: true })
    const { replaced = ['', ''], pinned: lines = {}, updated = {} } = expected
    const wanted = withLines(text, lines).replace(replaced[0], withDigests(replaced[1]))
    expect(pinned.text).toBe(wanted)
    expect(pinFile(path, text, lookup, { ...options, partial: true, mode: 'update' }).text).toBe(withLines(wanted, updated))
  })

  test.each(READABLE.map((file) => [file.path, file] as const))('all or nothing: %s', (_, { path, text, options }) => {
    const partial = pinFile(path, text, lookup, { ...options, partial: true })
    const whole = pinFile(path, text, lookup, options)
    expect(whole.text).toBe(partial.isComplete ? partial.text : text)
    expect(whole.isComplete).toBe(partial.isComplete)
    if (!whole.isComplete) expect(whole.findings.filter(({ verdict }) => verdict === 'pinned')).toEqual([])
  })
})

describe('what is refused, with its place', () => {
  test.each(BROKEN.map((file) => [file.path, file] as const))('%s', (_, { path, bytes, expected, options }) => {
    const error = refusal(() => findImageUses(path, decodeSource(path, bytes), options))
    expect(error.code).toBe('ERR_SETTINGS_INVALID')
    const [place = '', ...words] = (expected.broken ?? '').split(' ')
    expect(error.message).toContain(/^\d/.test(place) ? `${path}:${place}: ` : `${place} ${words.join(' ')}`)
    expect(error.message).toContain(words.join(' '))
    expect(error.hint).toContain(expected.hint ?? '')
    expect(error.hint).not.toBe('')
  })

  test('bytes that are not UTF-8', () => {
    const error = refusal(() => decodeSource('Dockerfile', Uint8Array.from([0x46, 0xff, 0xfe])))
    expect(error.message).toBe('Dockerfile:1:1: not UTF-8')
    expect(decodeSource('Dockerfile', Uint8Array.from([0xef, 0xbb, 0xbf, 0x46]))).toBe('\ufeffF')
  })
})

test('the kind of a file is told without an error from files of no known kind', () => {
  expect(detectFormat('a/b/Dockerfile', '')).toBe('dockerfile')
  expect(detectFormat('Dockerfile.dockerignore', 'x')).toBeUndefined()
  expect(detectFormat('.dockerignore', 'x')).toBeUndefined()
  expect(detectFormat('values.yaml', 'image: {repository: x}')).toBeUndefined()
  expect(detectFormat('x.txt', 'apiVersion: v1\nkind: Pod')).toBeUndefined()
  expect(detectFormat('-', 'apiVersion: v1\nkind: Pod')).toBe('kubernetes')
  expect(detectFormat('C:\\x\\Dockerfile', '')).toBe('dockerfile')
})

function refusal(run: () => unknown): UsageError {
  try {
    run()
  } catch (error) {
    if (error instanceof UsageError) return error
    throw error
  }
  throw new Error('accepted')
}
