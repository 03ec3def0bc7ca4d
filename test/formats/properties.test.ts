/** What must never be, over the corpus, over texts made from it, and over hostile ones. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { UsageError } from '../../src/errors.js'
import { findImageUses } from '../../src/formats/find-image-uses.js'
import type { FindOptions, ImageUse } from '../../src/formats/image-use.js'
import { applyEdits, type PinOptions, pinFile, pinText } from '../../src/formats/pin-text.js'
import { corpus, lookup } from './corpus.js'

const FILES = corpus().filter(({ expected }) => expected.broken === undefined)
const SEED = 20_261_129
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 400)
const PINNED_DIGEST = /(?::latest)?@sha256:[0-9a-f]{64}/g

/** A use without its digest and its place. */
function essence({ kind, reference, ignored, platform }: ImageUse): unknown {
  return { kind, reference: reference?.replace(PINNED_DIGEST, ''), ignored, platform }
}

/** What holds for whatever is pinned. */
function expectPinned(path: string, text: string, options: FindOptions & PinOptions): void {
  const once = pinFile(path, text, lookup, { ...options, partial: true, mode: 'update' })
  const twice = pinFile(path, once.text, lookup, { ...options, partial: true, mode: 'update' })
  expect(twice.text).toBe(once.text)
  expect(twice.edits).toEqual([])
  expect(twice.findings.map(({ use }) => essence(use))).toEqual(once.findings.map(({ use }) => essence(use)))
  expect(twice.problems.map(({ reason }) => reason)).toEqual(once.problems.map(({ reason }) => reason))
  const checked = pinText(once.text, findImageUses(path, once.text, options).uses, lookup, { ...options, mode: 'check' })
  expect(checked.text).toBe(once.text)
  for (const [index, { verdict }] of once.findings.entries()) {
    if (verdict === 'pinned' || verdict === 'current') expect(checked.findings[index]?.verdict).toBe('current')
  }
  // What lies between the edits is the old text, and an edit touches nothing but a slot.
  expect(applyEdits(text, once.edits)).toBe(once.text)
  const slots = once.findings.map(({ use }) => `${use.slot?.start}-${use.slot?.end}`)
  for (const { start, end } of once.edits) expect(slots).toContain(`${start}-${end}`)
}

describe('pinned twice is pinned once, and checks clean', () => {
  test.each(FILES.map((file) => [file.path, file] as const))('%s', (_, { path, text, options }) => {
    expectPinned(path, text, options)
  })
})

/** Data without digests: what is no reference must be the same before and after. */
function dataOf(text: string): unknown {
  const documents = parseAllDocuments(text, { logLevel: 'silent', merge: true })
  return documents.map((document) => {
    const json = JSON.stringify(document.toJS({ maxAliasCount: -1 })) ?? ''
    return json
      .replace(/"digest":"sha256:[0-9a-f]{64}",?/g, '')
      .replaceAll(',}', '}')
      .replace(PINNED_DIGEST, '')
  })
}

test('in YAML and JSON, nothing but references changes', () => {
  const yaml = FILES.filter(({ path, text }) => /ya?ml$|json$/.test(path) && text.length < 2000)
  expect(yaml.length).toBeGreaterThan(90)
  for (const { path, text, options } of yaml) {
    if (path.includes('alias-bomb')) continue
    expect(dataOf(pinFile(path, text, lookup, { ...options, partial: true }).text), path).toEqual(dataOf(text))
  }
})

test('texts made of parts of the corpus', () => {
  const texts = FILES.map(({ path, text, options }) => ({ path, options, lines: text.split('\n') }))
  const file = fc.constantFrom(...texts)
  const made = fc.tuple(file, file, fc.nat(30), fc.nat(30), fc.constantFrom('\n', '\r\n')).map(([a, b, from, to, feed]) => {
    const lines = [...a.lines.slice(0, from), ...b.lines.slice(to), ...a.lines.slice(from)]
    return { path: a.path, options: a.options, text: lines.join(feed) }
  })
  fc.assert(
    fc.property(made, ({ path, text, options }) => {
      typed(() => expectPinned(path, text, options))
    }),
    { seed: SEED, numRuns: RUNS },
  )
})

test('texts with characters taken out, put in or changed', () => {
  const file = fc.constantFrom(...FILES.filter(({ path }) => !path.includes('alias-bomb')))
  const piece = fc.constantFrom(
    ...'\\ " \' $ { $$ } # : - & * [ { ] } | > << <<E @ / \n \r \t ` = , ! ? % \ufeff \u0000 🐳 FROM ARG AS'.split(' '),
    ' ',
  )
  fc.assert(
    fc.property(
      file,
      fc.array(fc.tuple(fc.nat(400), fc.nat(3), piece), { minLength: 1, maxLength: 4 }),
      ({ path, text, options }, edits) => {
        const spoiled = edits.reduce(
          (now, [at, drop, put]) => now.slice(0, at % (now.length + 1)) + put + now.slice((at % (now.length + 1)) + drop),
          text,
        )
        typed(() => expectPinned(path, spoiled, options))
      },
    ),
    { seed: SEED, numRuns: RUNS },
  )
})

test('random text', () => {
  const name = fc.constantFrom('Dockerfile', 'compose.yaml', 'a.yaml', '.gitlab-ci.yml', 'kustomization.yaml')
  fc.assert(
    fc.property(name, fc.string({ unit: 'binary', maxLength: 300 }), (path, text) => {
      typed(() => expectPinned(path, text, {}))
    }),
    { seed: SEED, numRuns: RUNS },
  )
})

/** Runs, or throws the one error that a file may cause. */
function typed(run: () => void): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    expect(error.message).toMatch(/:\d+:\d+: /)
  }
}

describe('two uses of one place', () => {
  const digest = (reference: string) => ({ current: `sha256:${(reference.includes('a') ? 'a' : 'b').repeat(64)}` })

  test('that want different digests: neither is written', () => {
    const { uses } = findImageUses('Dockerfile', 'FROM a:1\nFROM b:1\n')
    const moved = uses.map((use) => ({ ...use, slot: { start: 5, end: 8, holds: 'reference' as const, before: '', after: '' } }))
    const pinned = pinText('FROM a:1\nFROM b:1\n', moved, digest, { partial: true })
    expect(pinned.edits).toEqual([])
    expect(pinned.findings.map(({ reason }) => reason)).toEqual(Array(2).fill('one place in the file stands for two images'))
  })

  test('a lookup that gives no digest is a fault of the caller', () => {
    const { uses } = findImageUses('Dockerfile', 'FROM a:1\n')
    expect(() => pinText('FROM a:1\n', uses, () => ({ current: 'sha256:1' }))).toThrow(UsageError)
    expect(pinText('FROM a:1\n', uses, () => undefined).findings[0]?.verdict).toBe('unsigned')
  })
})
