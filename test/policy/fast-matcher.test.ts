/** The matchers that are made for many names and tags decide as the plainest one does, by definition and with backtracking. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PolicyIndex } from '../../src/policy/decide.js'
import { globMatcher, MANY, matchesGlob, type Token } from '../../src/policy/glob.js'
import { canonicalName, hubName } from '../../src/policy/names.js'
import { compareRanks, parsePattern } from '../../src/policy/pattern.js'
import type { Rule } from '../../src/policy/policy.js'

function slowGlob(glob: string, text: string): boolean {
  if (glob === '') return text === ''
  if (glob[0] !== '*') return glob[0] === text[0] && text !== '' && slowGlob(glob.slice(1), text.slice(1))
  return slowGlob(glob.slice(1), text) || (text !== '' && slowGlob(glob, text.slice(1)))
}

function slowTokens([token, ...tokens]: readonly Token[], segments: readonly string[]): boolean {
  if (token === undefined) return segments.length === 0
  const [segment, ...rest] = segments
  if (token === MANY) return slowTokens(tokens, segments) || (segment !== undefined && slowTokens([token, ...tokens], rest))
  return segment !== undefined && slowGlob(token, segment) && slowTokens(tokens, rest)
}

/** Few letters, so that much of it meets. */
const glob = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 }).map((text) => text.replace(/\*+/g, '*'))
const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 })

test('one glob and one text: compiled, plain and slow say the same', () => {
  fc.assert(
    fc.property(glob, text, (pattern, name) => {
      const expected = slowGlob(pattern, name)
      expect(globMatcher(pattern)(name)).toBe(expected)
      expect(matchesGlob(pattern, name)).toBe(expected)
    }),
    { numRuns: 5_000 },
  )
})

const segment = fc.constantFrom('a', 'b', 'ab', '*', 'a*', '*b', '**')
const tag = fc.constantFrom('', ':a', ':b', ':*', ':a*', ':*b', ':a*b', ':*a*', ':ab', ':a*a')
const pattern = fc
  .tuple(
    fc.constantFrom('docker.io', 'r.example', 'm.example', '*.example', '**', 'registry-1.docker.io'),
    fc.array(segment, { minLength: 1, maxLength: 3 }),
    tag,
  )
  .map(([host, path, end]) => `${[host, ...path].join('/')}${end}`)
const named = fc
  .tuple(
    fc.constantFrom('docker.io', 'r.example', 'm.example', 'R.example:443', 'registry-1.docker.io', 'index.docker.io'),
    fc.array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 3 }),
  )
  .map(([host, path]) => `${host}/${path.join('/')}`)
const asked = fc.record({ typed: named, signed: fc.option(named, { nil: undefined }) })

/** Rules of different ranks only: two of one rank are refused when a policy is read. */
function rulesOf(texts: readonly string[]): Rule[] {
  const rules: Rule[] = []
  for (const [line, one] of texts.entries()) {
    const parsed = parsePattern(one)
    if ('problem' in parsed || rules.some(({ pattern: other }) => compareRanks(other.rank, parsed.rank) === 0)) continue
    rules.push({ action: 'enforce', pattern: parsed, place: { line, column: 1 } })
  }
  return rules
}

/** Looks at every rule, for each name. */
function slowRule(rules: readonly Rule[], name: string, wanted: string): Rule | undefined {
  return rules
    .filter(({ pattern: one }) => slowTokens(one.tokens, name.split('/')) && (one.tag === undefined || slowGlob(one.tag, wanted)))
    .reduce<Rule | undefined>(
      (best, rule) => (best === undefined || compareRanks(rule.pattern.rank, best.pattern.rank) > 0 ? rule : best),
      undefined,
    )
}

describe('a policy', () => {
  test('asks of each name and tag the most specific rule that matches, whatever was asked before', () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { maxLength: 20 }),
        fc.array(fc.tuple(asked, fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 4 })), {
          minLength: 1,
          maxLength: 12,
        }),
        (texts, questions) => {
          const rules = rulesOf(texts)
          const index = new PolicyIndex({ rules, mirrors: [], knownRegistries: true })
          for (const [{ typed, signed }, wanted] of [...questions, ...questions]) {
            const names = [signed, typed].flatMap((gun) => (gun === undefined ? [] : [canonicalName(gun)]))
            const all = new Set(names.flatMap((name) => [hubName(name) ?? name, name]))
            const decision = index.decide({ typed, ...(signed === undefined ? {} : { signed }) }, wanted)
            const expected = [...all].map((name) => ({ name, match: slowRule(rules, name, wanted)?.pattern.text ?? 'none' }))
            expect(decision.asked.map(({ name, match }) => ({ name, match }))).toEqual(expected)
          }
        },
      ),
      { numRuns: 600 },
    )
  })

  test('gives the same decision for the same rules, and goes on when it forgets what it kept', () => {
    const rules = rulesOf(['docker.io/library/*', 'docker.io/library/alpine:3.*'])
    const index = new PolicyIndex({ rules, mirrors: [], knownRegistries: true })
    const alpine = index.collection('alpine', () => ({ typed: 'docker.io/library/alpine' }))
    expect(alpine.decide('3.19')).toBe(alpine.decide('3.20'))
    expect(alpine.decide('4')).not.toBe(alpine.decide('3.19'))
    for (let n = 0; n < 25_000; n++) expect(alpine.decide(`3.${n}`).match).toBe('docker.io/library/alpine:3.*')
    for (let n = 0; n < 2_500; n++)
      expect(index.decide({ typed: `docker.io/library/image${n}` }, 'x').match).toBe('docker.io/library/*')
    expect(index.decide({ typed: 'docker.io/library/alpine' }, '3.1').match).toBe('docker.io/library/alpine:3.*')
  })
})
