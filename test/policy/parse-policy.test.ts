import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/errors.js'
import { policyRemarks } from '../../src/policy/check.js'
import { policyFormat } from '../../src/policy/parse-policy.js'
import { createKeys } from '../../src/testing/index.js'
import { jsonPolicy, refusal, yamlPolicy } from './policies.js'

const KEY = 'a'.repeat(64)
const FULL = `
version: 1
default:
  action: deny
rules:
  - match: docker.io/library/*
    action: warn
    server: https://notary.docker.io
  - match: registry.example/team/**
    firstUse: refuse
    pinning: { certs: { "registry.example/team/*": ["${KEY}"] }, ca: { "registry.example/": ca.pem }, disable_tofu: true }
    requireSigners: { atLeast: 2, of: [alice, { name: bob, keys: ["${KEY}"] }, ci/nightly] }
    digestReferences: require-signed
    staleFallback: refuse
    maxAge: 60000
mirrors:
  mirror.example: docker.io
  registry.example/hub/: docker.io
knownRegistries: false
`

test('every member is read', () => {
  const policy = yamlPolicy(FULL)
  expect(policy.default?.action).toBe('deny')
  expect(policy.rules[0]).toMatchObject({ action: 'warn', server: 'https://notary.docker.io', place: { line: 6, column: 5 } })
  expect(policy.rules[1]).toMatchObject({
    action: 'enforce',
    firstUse: 'refuse',
    pinning: {
      certs: new Map([['registry.example/team/*', [KEY]]]),
      ca: new Map([['registry.example/', 'ca.pem']]),
      disableTofu: true,
    },
    requireSigners: { count: 2, of: [{ name: 'alice' }, { name: 'bob', keys: [KEY] }, { name: 'ci/nightly' }] },
    maxAge: 60_000,
  })
  expect(policy.mirrors).toEqual([
    { from: 'mirror.example/', to: 'docker.io/' },
    { from: 'registry.example/hub/', to: 'docker.io/' },
  ])
  expect(policy.knownRegistries).toBe(false)
})

test('JSON and YAML of the same content give the same policy', () => {
  const rules = [
    { match: 'docker.io/library/*', action: 'warn' },
    { match: 'quay.io/**', requireSigners: { any: ['alice'] } },
  ]
  const text = JSON.stringify({ version: 1, rules })
  expect(yamlPolicy(text)).toEqual(jsonPolicy(text))
})

describe('every fault is told at its line and column, with what to write', () => {
  test.each<[string, string, string, string, string]>([
    ['an unknown name', 'version: 1\nrule: []\nrules: []', '2:1', 'unknown name "rule"', 'Did you mean rules?'],
    [
      'an unknown member of a rule',
      'version: 1\nrules:\n  - match: quay.io/**\n    acton: deny',
      '4:5',
      'unknown name "acton"',
      'Did you mean action?',
    ],
    [
      'an unknown action',
      'version: 1\nrules:\n  - match: quay.io/**\n    action: enforced',
      '4:13',
      '"enforced"',
      'Did you mean enforce?',
    ],
    ['a default that is a word', 'version: 1\nrules: []\ndefault: deny', '3:10', 'expected an object', 'Write { action: deny }'],
    ['no version', 'rules: []', '1:1', 'version is missing', 'Write version'],
    ['no rules', 'version: 1', '1:1', 'rules is missing', 'Write rules'],
    ['another version', 'version: 2\nrules: []', '1:10', 'version 2', 'Use a newer dct'],
    ['a version as text', 'version: "1"\nrules: []', '1:10', 'a whole number', 'a whole number'],
    [
      'a pattern in another spelling',
      'version: 1\nrules:\n  - match: alpine',
      '3:12',
      'no repository',
      'docker.io/library/alpine',
    ],
    [
      'a server without https',
      'version: 1\nrules:\n  - match: quay.io/**\n    server: http://x',
      '4:13',
      'valid https URL',
      'https://host',
    ],
    [
      'a signer with targets/',
      'version: 1\nrules:\n  - match: quay.io/**\n    requireSigners: {all: [targets/alice]}',
      '4:28',
      'without targets/',
      'Write alice',
    ],
    [
      'targets/releases as signer',
      'version: 1\nrules:\n  - match: quay.io/**\n    requireSigners: {all: [releases]}',
      '4:28',
      'no signer',
      'Name the people',
    ],
    [
      'a signer twice',
      'version: 1\nrules:\n  - match: quay.io/**\n    requireSigners: {atLeast: 2, of: [alice, alice]}',
      '4:46',
      'named twice',
      'once',
    ],
    [
      'one key for two signers',
      `version: 1\nrules:\n  - match: quay.io/**\n    requireSigners: {atLeast: 2, of: [{name: a, keys: ["${KEY}"]}, {name: b, keys: ["${KEY}"]}]}`,
      '4:',
      'another signer',
      'keys of their own',
    ],
    [
      'no signer at all',
      'version: 1\nrules:\n  - match: quay.io/**\n    requireSigners: {all: []}',
      '4:27',
      'at least one signer',
      'at least one',
    ],
    [
      'more than there are',
      'version: 1\nrules:\n  - match: quay.io/**\n    requireSigners: {atLeast: 3, of: [a, b]}',
      '4:31',
      'from 1 to 2',
      'from 1 to 2',
    ],
    [
      'atLeast 0',
      'version: 1\nrules:\n  - match: quay.io/**\n    requireSigners: {atLeast: 0, of: [a, b]}',
      '4:31',
      'from 1 to 2',
      'from 1 to 2',
    ],
    [
      'all and any',
      'version: 1\nrules:\n  - match: quay.io/**\n    requireSigners: {all: [a], any: [b]}',
      '4:21',
      'exactly one',
      'Write { all',
    ],
    [
      'a key ID without quotes',
      `version: 1\nrules:\n  - match: quay.io/**\n    requireSigners: {all: [{name: a, keys: [${'1'.repeat(64)}]}]}`,
      '4:45',
      'in quotes',
      'in quotes',
    ],
    [
      'an empty pin list',
      'version: 1\nrules:\n  - match: quay.io/**\n    pinning: {certs: {"quay.io/a": []}}',
      '4:36',
      'at least one key',
      'at least one',
    ],
    ['a mirror of itself', 'version: 1\nrules: []\nmirrors: {quay.io: quay.io}', '3:20', 'a mirror of itself', 'in whose name'],
    [
      'a mirror path without slash',
      'version: 1\nrules: []\nmirrors: {quay.io/a: docker.io}',
      '3:11',
      'end at a slash',
      'quay.io/a/',
    ],
    ['a mirror in another spelling', 'version: 1\nrules: []\nmirrors: {Quay.io:443: docker.io}', '3:11', 'spelling', 'quay.io'],
    ['a duplicate name', 'version: 1\nrules: []\nversion: 1', '3:1', 'duplicate', 'names once'],
    ['a tab', 'version: 1\nrules:\n\t- match: x', '3:1', '', 'Correct the YAML'],
    ['a tag of YAML', 'version: !x 1\nrules: []', '1:10', 'tag', 'Correct the YAML'],
    ['a merge key', 'version: 1\nrules:\n  - <<: {action: skip}\n    match: quay.io/**', '3:5', 'merge keys', 'plain YAML'],
    ['a second document', 'version: 1\nrules: []\n---\nversion: 1\nrules: []', '4:1', 'second document', 'Keep one'],
    ['nothing', '', '1:1', 'empty', 'policy'],
    ['only a comment', '# nothing', '1:1', 'empty', 'policy'],
    ['YAML 1.1', '%YAML 1.1\n---\nversion: 1\nrules: []', '1:1', '%YAML', 'YAML 1.2'],
  ])('%s', (_, text, place, problem, hint) => {
    const error = refusal(() => yamlPolicy(text))
    expect(error.code).toBe('ERR_SETTINGS_INVALID')
    expect(error.message).toContain(`policy policy.yaml:${place}`)
    expect(error.message).toContain(problem)
    expect(error.hint).toContain(hint)
  })

  test('all of them, not only the first', () => {
    const error = refusal(() =>
      yamlPolicy('version: 1\nrules:\n  - match: alpine\n  - match: quay.io/**\n    action: no\n  - {}'),
    )
    expect(error.evidence?.['faults']).toHaveLength(3)
    expect(error.message).toContain('(and 2 more)')
  })

  test('in JSON too', () => {
    const error = refusal(() =>
      jsonPolicy('{\n  "version": 1,\n  "rules": [\n    {"match": "quay.io/**", "action": "dney"}\n  ]\n}'),
    )
    expect(error.message).toContain('policy.json:4:39: rules[0].action: ')
    expect(error.hint).toBe('Did you mean deny?')
    expect(refusal(() => jsonPolicy('{"version": 1, "rules": [],}')).message).toContain('policy.json:1:28')
  })
})

test('two rules of equal rank that can meet are an error that names both and an image', () => {
  const error = refusal(() => yamlPolicy('version: 1\nrules:\n  - match: registry.example/a*\n  - match: registry.example/*b'))
  expect(error.message).toContain('policy.yaml:4:5')
  expect(error.message).toContain('rule of line 3 (registry.example/a*), and both match registry.example/ab:x')
  expect(() => yamlPolicy('version: 1\nrules:\n  - match: registry.example/a*\n  - match: registry.example/b*')).not.toThrow()
  expect(refusal(() => yamlPolicy('version: 1\nrules:\n  - match: "**"\n  - match: "**"')).code).toBe('ERR_SETTINGS_INVALID')
})

test('rules that never decide are told, and the default that is never asked', () => {
  const policy = yamlPolicy(
    'version: 1\ndefault: {action: deny}\nrules:\n  - match: "**"\n  - match: quay.io/a\n  - match: quay.io/a:*\n  - match: quay.io/b:*',
  )
  expect(policyRemarks(policy).map(({ line, problem }) => [line, problem.slice(0, 34)])).toEqual([
    [2, 'default is never asked: rule ** (li'.slice(0, 34)],
    [5, 'rule quay.io/a never decides: quay'],
  ])
})

test('demands on images that are not verified are told', () => {
  const policy = yamlPolicy(
    'version: 1\ndefault: {action: deny, firstUse: refuse}\nrules:\n  - {match: quay.io/a, action: skip, requireSigners: {all: [alice]}}\n  - {match: quay.io/b, action: warn, requireSigners: {all: [alice]}}\n  - {match: quay.io/c, action: skip}',
  )
  expect(policyRemarks(policy).map(({ line, problem, hint }) => [line, problem, hint])).toEqual([
    [2, 'firstUse has no effect: with action deny nothing is verified', 'Leave it out, or leave out the action.'],
    [4, 'requireSigners has no effect: with action skip nothing is verified', 'To verify and only warn, write action: warn.'],
  ])
})

test("PEM of a signer's key is its canonical ID, also with the header that docker trust key generate writes", () => {
  const pem = String(createKeys().publicKey.export({ type: 'spki', format: 'pem' }))
  const withHeader = pem.replace('-----BEGIN PUBLIC KEY-----\n', '-----BEGIN PUBLIC KEY-----\nrole: alice\n\n')
  const keys = [pem, withHeader].map(
    (text) =>
      jsonPolicy({ version: 1, rules: [{ match: 'quay.io/**', requireSigners: { all: [{ name: 'alice', keys: [text] }] } }] })
        .rules[0]?.requireSigners?.of[0]?.keys,
  )
  expect(keys[0]?.[0]).toMatch(/^[0-9a-f]{64}$/)
  expect(keys[1]).toEqual(keys[0])
})

/** Aliases of aliases: a kilobyte that stands for gigabytes. */
const BOMB = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi'].map((name, at) => `${name}: &${name} [${Array(10).fill(`*${'abcdefgh'[at]}`).join()}]`).join('\n')}\nversion: 1\nrules: []`

test.each<[string, string | Uint8Array]>([
  ['an alias bomb', BOMB],
  ['an alias to itself', 'version: 1\nrules: &a [*a]'],
  ['an alias to nothing', 'version: *x\nrules: []'],
  ['10 MB', new Uint8Array(10 * 1024 * 1024).fill(0x20)],
  ['deep flow lists', '['.repeat(500_000)],
  ['deep flow maps', '{a: '.repeat(200_000)],
  ['deep block lists', `${'- '.repeat(400_000)}x`],
  ['deep explicit keys', `${'? '.repeat(400_000)}x`],
  ['deep by indentation', Array.from({ length: 1400 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ['many names', Array.from({ length: 100_000 }, (_, i) => `a${i}: 1`).join('\n')],
  ['many anchors', Array.from({ length: 50_000 }, (_, i) => `- &a${i} x`).join('\n')],
  ['many aliases', `- &a x\n${'- *a\n'.repeat(150_000)}`],
  ['no UTF-8', Uint8Array.of(0x61, 0xff)],
  ['zeros', new Uint8Array(1000)],
])('%s ends typed and fast', (_, text) => {
  const start = performance.now()
  expect(refusal(() => yamlPolicy(text))).toBeInstanceOf(UsageError)
  expect(performance.now() - start).toBeLessThan(8000)
})

test('aliases are read where they are harmless', () => {
  const policy = yamlPolicy(
    'version: 1\nrules:\n  - {match: quay.io/a, requireSigners: &s {all: [alice]}}\n  - {match: quay.io/b, requireSigners: *s}',
  )
  expect(policy.rules[1]?.requireSigners).toEqual({ count: 1, of: [{ name: 'alice' }] })
})

test('names of prototypes are names like any other', () => {
  for (const name of ['__proto__', 'constructor', 'toString']) {
    expect(refusal(() => yamlPolicy(`version: 1\nrules: []\n${name}: {}`)).message).toContain(`unknown name "${name}"`)
    expect(refusal(() => jsonPolicy(`{"version": 1, "rules": [], "${name}": {}}`)).message).toContain(`unknown name "${name}"`)
  }
})

test('only a name that ends in .json is read as JSON', () => {
  expect(['p.json', 'p.JSON', 'p.yaml', 'p', '/dev/fd/3'].map(policyFormat)).toEqual(['json', 'json', 'yaml', 'yaml', 'yaml'])
})
