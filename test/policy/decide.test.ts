import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { askedNames } from '../../src/client/refresh-terms.js'
import type { PolicyIndex } from '../../src/policy/decide.js'
import { type Explanation, explain, explanationLines } from '../../src/policy/explain.js'
import { signedNameOf } from '../../src/policy/mirrors.js'
import { ACTIONS } from '../../src/policy/policy.js'
import { parseReference } from '../../src/reference/reference.js'
import { indexOf, jsonPolicy } from './policies.js'

function explained(index: PolicyIndex, typed: string): Explanation {
  const reference = parseReference(typed)
  return explain(index, reference, askedNames(reference, index.policy.mirrors, index.policy))
}

/** The action for a reference as typed, by tag or by digest alone. */
function actionOf(index: PolicyIndex, reference: string): string {
  return explained(index, reference).decision.action
}

const D = `sha256:${'a'.repeat(64)}`

test('the most specific rule decides, whatever the order of the file', () => {
  const rules = {
    '**': { action: 'skip' },
    'docker.io/**': { action: 'warn' },
    'docker.io/library/*': { action: 'enforce' },
    'docker.io/library/alpine:3*': { action: 'deny' },
  }
  for (const order of [Object.entries(rules), Object.entries(rules).toReversed()]) {
    const index = indexOf(Object.fromEntries(order))
    expect(['quay.io/x', 'a/b', 'alpine', 'alpine:3.19'].map((reference) => actionOf(index, reference))).toEqual([
      'skip',
      'warn',
      'enforce',
      'deny',
    ])
  }
})

test('no rule and no default is as without a policy; the default is asked last', () => {
  expect(explained(indexOf({}), 'alpine').decision).toMatchObject({ action: 'enforce', match: 'none' })
  const index = indexOf({ 'quay.io/**': { action: 'skip' } }, { default: { action: 'deny' } })
  expect(explained(index, 'alpine').decision).toMatchObject({ action: 'deny', match: 'default' })
})

describe('attacks: a spelling that is meant to evade the rule', () => {
  const index = indexOf(
    {
      'docker.io/**': { action: 'deny' },
      'registry.example/**': { action: 'deny' },
      '[::1]:5000/**': { action: 'deny' },
      '127.0.0.1:5000/**': { action: 'deny' },
    },
    { default: { action: 'skip' } },
  )
  test.each([
    'alpine',
    'library/alpine',
    'docker.io/alpine',
    'docker.io/library/alpine',
    'index.docker.io/library/alpine',
    'registry-1.docker.io/library/alpine',
    'REGISTRY-1.docker.io/library/alpine',
    'registry-1.docker.io:443/library/alpine',
    'registry-1.docker.io/alpine',
    'registry.hub.docker.com/library/alpine',
    'DOCKER.IO/library/alpine',
    'Docker.io/alpine',
    'Index.Docker.io/library/alpine',
    'docker.io:443/library/alpine',
    'registry.example/app',
    'Registry.Example/app',
    'registry.example:443/app',
    'registry.example:0443/app',
    'REGISTRY.EXAMPLE:443/app:1',
    `registry.example:443/app@${D}`,
    `registry.example/app:1@${D}`,
    '[0:0:0:0:0:0:0:1]:5000/app',
    '[0000::0001]:5000/app',
    '127.1:5000/app',
    '127.0.0.1:05000/app',
  ])('%s', (reference) => {
    expect(actionOf(index, reference)).toBe('deny')
  })

  test.each([
    'registry.example./app',
    'registry.example/../app',
    'registry.example/a//b',
    'rеgistry.example/app',
    'registry.example/app\u200b',
    'registry.example%2fapp',
    'registry.example\\app',
  ])('%j is no reference at all', (reference) => {
    expect(() => parseReference(reference)).toThrow()
  })

  test('a GUN with a dot at the end of its host, which lookup allows, is the same host', () => {
    expect(index.decide({ typed: 'registry.example./app' }, 'x').action).toBe('deny')
  })

  test('another port is another registry, and a longer name is another host', () => {
    for (const reference of [
      'registry.example:5000/app',
      'registry.example.evil/app',
      'notregistry.example/app',
      'evil.example/registry.example/app',
    ])
      expect(actionOf(index, reference)).toBe('skip')
  })

  test('any case, port 443 and any spelling of Docker Hub decide as the plain name', () => {
    const host = fc.constantFrom('registry.example', 'docker.io', 'registry-1.docker.io')
    fc.assert(
      fc.property(
        host,
        fc.array(fc.boolean(), { minLength: 24, maxLength: 24 }),
        fc.constantFrom('', ':443', ':00443'),
        (name, upper, port) => {
          const typed = [...name].map((letter, at) => (upper[at] ? letter.toUpperCase() : letter)).join('')
          expect(actionOf(index, `${typed}${port}/library/app:1`)).toBe('deny')
        },
      ),
    )
  })
})

describe('attacks: a digest that is meant to evade the rule of a tag', () => {
  test('a denied tag is denied by its digest: what no tag carries gets the strictest answer', () => {
    const index = indexOf({ 'quay.io/app': { action: 'skip' }, 'quay.io/app:prod': { action: 'deny' } })
    const decided = index.decideDigest({ typed: 'quay.io/app' })
    expect(decided.kind).toBe('by-tag')
    expect(actionOf(index, `quay.io/app@${D}`)).toBe('deny')
    expect(index.decide({ typed: 'quay.io/app' }, 'prod').action).toBe('deny')
    expect(index.decide({ typed: 'quay.io/app' }, 'dev').action).toBe('skip')
  })

  test('accept for digests does not pass over the signers that a tag requires', () => {
    const index = indexOf({
      'quay.io/app': { digestReferences: 'accept' },
      'quay.io/app:prod': { requireSigners: { all: ['alice'] } },
    })
    const decided = index.decideDigest({ typed: 'quay.io/app' })
    if (decided.kind !== 'by-tag') throw new Error('uniform')
    expect(decided.otherwise.digestReferences).toBe('require-signed')
    expect(decided.otherwise.requireSigners).toHaveLength(1)
  })

  test('without rules for tags one answer counts for all', () => {
    const index = indexOf({ 'quay.io/app': { digestReferences: 'accept' }, 'quay.io/other:prod': { action: 'deny' } })
    const decided = index.decideDigest({ typed: 'quay.io/app' })
    expect(decided).toMatchObject({ kind: 'uniform', decision: { digestReferences: 'accept', match: 'quay.io/app' } })
  })

  test('a less specific rule for tags is never reached behind a rule for all tags', () => {
    const index = indexOf({ 'quay.io/app': { action: 'enforce' }, '**:prod': { action: 'deny' } })
    expect(index.decideDigest({ typed: 'quay.io/app' })).toMatchObject({ kind: 'uniform', decision: { action: 'enforce' } })
  })

  test('what is asked of a digest is never milder than what some tag asks', () => {
    const action = fc.constantFrom(...ACTIONS)
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc.tuple(
            fc.constantFrom('quay.io/app', 'quay.io/app:a', 'quay.io/app:*', 'quay.io/*', 'quay.io/*:a*', '**', '**:b'),
            action,
          ),
          { selector: ([match]) => match },
        ),
        fc.option(action, { nil: undefined }),
        (rules, standard) => {
          const index = indexOf(
            Object.fromEntries(rules.map(([match, one]) => [match, { action: one }])),
            standard === undefined ? {} : { default: { action: standard } },
          )
          const digest = explained(index, `quay.io/app@${D}`).decision.action
          const decided = index.decideDigest({ typed: 'quay.io/app' })
          for (const tag of ['a', 'ab', 'b', 'c']) {
            const byTag = index.decide({ typed: 'quay.io/app' }, tag).action
            if (decided.kind === 'uniform') expect(byTag).toBe(digest)
            else expect(ACTIONS.indexOf(digest)).toBeLessThanOrEqual(ACTIONS.indexOf(byTag))
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('mirrors', () => {
  const mirrors = {
    'mirror.example': 'docker.io',
    'registry.example/hub/': 'docker.io',
    'registry.example/hub/team/': 'quay.io/team/',
  }

  test.each([
    ['mirror.example/library/alpine', 'docker.io/library/alpine'],
    ['mirror.example/alpine', 'docker.io/library/alpine'],
    ['MIRROR.example:443/library/alpine', 'docker.io/library/alpine'],
    ['registry.example/hub/library/alpine', 'docker.io/library/alpine'],
    ['registry.example/hub/team/app', 'quay.io/team/app'],
    ['registry.example/hubby/app', undefined],
    ['registry.example/hub', undefined],
    ['mirror.example.evil/library/alpine', undefined],
    ['quay.io/team/app', undefined],
  ])('%s is signed as %s: the longest wins', (gun, signed) => {
    expect(signedNameOf(jsonPolicy({ version: 1, rules: [], mirrors }).mirrors, gun)).toBe(signed)
  })

  test('one step: a mirror of a mirror is not followed', () => {
    const policy = jsonPolicy({ version: 1, rules: [], mirrors: { 'a.example': 'b.example', 'b.example': 'c.example' } })
    expect(signedNameOf(policy.mirrors, 'a.example/x')).toBe('b.example/x')
  })

  test('attack: a mirror does not evade the rule of the signed name, nor the signed name that of the mirror', () => {
    const both = (mirror: object, signed: object) => indexOf({ 'mirror.example/**': mirror, 'docker.io/**': signed }, { mirrors })
    expect(actionOf(both({ action: 'skip' }, { action: 'deny' }), 'mirror.example/library/alpine')).toBe('deny')
    expect(actionOf(both({ action: 'deny' }, { action: 'skip' }), 'mirror.example/library/alpine')).toBe('deny')
    expect(actionOf(both({ action: 'skip' }, { action: 'warn' }), 'mirror.example/library/alpine')).toBe('warn')
    const joined = explained(
      both(
        { requireSigners: { all: ['alice'] }, maxAge: 5 },
        { requireSigners: { any: ['bob'] }, firstUse: 'refuse', digestReferences: 'accept', maxAge: 9 },
      ),
      'mirror.example/library/alpine',
    ).decision
    expect(joined.requireSigners.map(({ of }) => of[0]?.name).sort()).toEqual(['alice', 'bob'])
    expect(joined).toMatchObject({ firstUse: 'refuse', maxAge: 5 })
    expect(joined.digestReferences).toBeUndefined()
  })

  test('a name without a rule counts as without a policy: an exemption of one name is none for the other', () => {
    expect(actionOf(indexOf({ 'docker.io/**': { action: 'skip' } }, { mirrors }), 'mirror.example/library/alpine')).toBe(
      'enforce',
    )
  })
})

test('explain names the rule, what it asks, what else matches and what comes close', () => {
  const index = indexOf({
    'docker.io/library/*': { requireSigners: { all: ['alice', 'bob'] }, server: 'https://notary.example' },
    'docker.io/**': { action: 'skip' },
    'docker.io/library/alpine:3.20': { action: 'deny' },
    'quay.io/library/alpine': {},
    'docker.io/library/alpin': {},
  })
  const lines = explanationLines('policy.yaml', explained(index, 'alpine:3.19'))
  expect(lines).toEqual([
    'asked as docker.io/library/alpine:3.19',
    'rule docker.io/library/* decides',
    'action enforce',
    'server https://notary.example',
    'signed by all of alice, bob',
    'also matches, less specific: docker.io/** (policy.yaml:1)',
    'comes close: docker.io/library/alpine:3.20 (policy.yaml:1): it is for other tags than 3.19',
    'comes close: quay.io/library/alpine (policy.yaml:1): it is for quay.io, not for docker.io',
    'comes close: docker.io/library/alpin (policy.yaml:1): its name is nearly the same',
  ])
})

test('1,000 references under 500 rules cost little, also when all rules are of one registry', () => {
  const shapes: [string, (i: number) => string, (i: number) => string][] = [
    ['one registry', (i) => `docker.io/team${i}/*`, (i) => `docker.io/team${i % 500}/app`],
    ['wildcard hosts', (i) => `*.example${i}/app/**`, (i) => `r.example${i % 500}/app/x`],
    ['one team', (i) => `quay.io/team/app${i}-*`, (i) => `quay.io/team/app${i % 500}-x`],
  ]
  for (const [name, match, typed] of shapes) {
    const index = indexOf(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [match(i), {}])))
    const start = performance.now()
    const matches = Array.from({ length: 1000 }, (_, i) => index.decide({ typed: typed(i) }, '1').match)
    const took = performance.now() - start
    expect(matches).toEqual(Array.from({ length: 1000 }, (_, i) => match(i % 500)))
    if (process.env['SHOW'] !== undefined) console.log(`${name}: ${took.toFixed(0)} ms for 1,000 references`)
    expect(took).toBeLessThan(2000)
  }
})

test('the worst 1,000 rules of equal rank are compared in bounded time', () => {
  const start = performance.now()
  const rules = Array.from({ length: 1000 }, (_, i) => ({ match: `*${String(i).padStart(4, '0')}*.example/*a*b*c` }))
  expect(() => jsonPolicy({ version: 1, rules })).toThrow(/both match/)
  expect(performance.now() - start).toBeLessThan(8000)
})
