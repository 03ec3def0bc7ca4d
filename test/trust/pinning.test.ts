import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isLoosePin, NO_PINNING, nearPins, type Pin, pinFor, type TrustPinning } from '../../src/trust/pinning.js'

const GUN = 'docker.io/library/alpine'

/** Pins whose key IDs and certificates are named after their rules. */
function pins(certs: readonly string[], ca: readonly string[] = [], disableTofu = false): TrustPinning {
  return {
    certs: new Map(certs.map((rule) => [rule, [`key of ${rule}`]])),
    ca: new Map(ca.map((prefix) => [prefix, [Buffer.from(prefix)]])),
    disableTofu,
  }
}

const chosen = (pinning: TrustPinning, gun = GUN) => {
  const pin = pinFor(gun, pinning)
  return pin.kind === 'none' ? pin.firstUse : `${pin.kind} of ${pin.rule}`
}

describe('which pin binds a collection', () => {
  test.each<[string, TrustPinning, string]>([
    ['none: first use is allowed', NO_PINNING, 'allowed'],
    ['none, and first use is switched off', pins([], [], true), 'refused'],
    ['its own certificates [CERT-30]', pins([GUN]), `certificates of ${GUN}`],
    ['its own before any prefix [CERT-34]', pins(['docker.io/library/alpine*', '*', GUN]), `certificates of ${GUN}`],
    [
      'the longest prefix [CERT-34]',
      pins(['*', 'docker.io/*', 'docker.io/library/*', 'docker.io/lib*']),
      'certificates of docker.io/library/*',
    ],
    [
      'the longest prefix, first in the list',
      pins(['docker.io/library/*', 'docker.io/*']),
      'certificates of docker.io/library/*',
    ],
    [
      'a prefix that ends inside a name, as in Notary [CERT-34]',
      pins(['docker.io/library/alp*']),
      'certificates of docker.io/library/alp*',
    ],
    ['a prefix that is all of the name', pins([`${GUN}*`]), `certificates of ${GUN}*`],
    ['a star alone', pins(['*']), 'certificates of *'],
    ['any certificates before any CA', pins(['*'], [GUN]), 'certificates of *'],
    [
      'the CA of the longest prefix',
      pins([], ['', 'docker.io/', 'docker.io/library/', 'docker.io/lib']),
      'ca of docker.io/library/',
    ],
    ['the CA of everything', pins([], ['']), 'ca of '],
    ['the CA of its own name', pins([], [GUN]), `ca of ${GUN}`],
    ['a CA although first use is switched off', pins([], ['docker.io'], true), 'ca of docker.io'],
    // What does not match does not bind.
    ['a rule for another collection [CERT-33]', pins(['docker.io/library/nginx']), 'allowed'],
    ['a rule for another collection, first use off [CERT-33]', pins(['docker.io/library/nginx'], [], true), 'refused'],
    ['a prefix without star is a whole name', pins(['docker.io/library/']), 'allowed'],
    ['a longer name', pins([`${GUN}/x`, `${GUN}x*`]), 'allowed'],
    ['another case', pins([GUN.toUpperCase(), 'Docker.io/*']), 'allowed'],
    ['a star inside is a letter', pins(['docker.io/*/alpine', '*/alpine', 'docker.*o/*']), 'allowed'],
    ['two stars: the first is a letter', pins(['docker.io/**']), 'allowed'],
    ['a star in a CA prefix is a letter', pins([], ['docker.io/*', '*']), 'allowed'],
    ['a CA prefix of another registry', pins([], ['docker.iox', 'ocker.io']), 'allowed'],
    ['a pattern is no regular expression', pins(['docker.io/.*', '.*', 'docker?io/*']), 'allowed'],
  ])('%s', (_, pinning, expected) => {
    expect(chosen(pinning)).toBe(expected)
  })

  test('names of Object.prototype are no rules', () => {
    for (const gun of ['__proto__', 'constructor', 'toString']) expect(chosen(NO_PINNING, gun)).toBe('allowed')
  })

  test('gives the keys or certificates of that very rule', () => {
    expect(pinFor(GUN, pins(['docker.io/*', '*']))).toMatchObject({ keyIds: ['key of docker.io/*'] })
    expect(pinFor(GUN, pins([], ['docker.io', 'd']))).toMatchObject({ certificates: [Buffer.from('docker.io')] })
  })

  test('an empty list that matches binds: nothing falls through to something weaker [CERT-32]', () => {
    const empty: TrustPinning = { certs: new Map([['docker.io/*', []]]), ca: new Map([['docker.io', []]]), disableTofu: false }
    expect(pinFor(GUN, empty)).toMatchObject({ kind: 'certificates', keyIds: [] })
    expect(pinFor(GUN, { ...empty, certs: new Map() })).toMatchObject({ kind: 'ca', certificates: [] })
  })

  test('adding a rule never makes a bound collection unbound', () => {
    const rule = fc.constantFrom('*', 'd*', 'docker.io/*', GUN, `${GUN}*`, 'docker.io/library/nginx', '**', '')
    const prefix = fc.constantFrom('', 'd', 'docker.io/', GUN, 'quay.io')
    fc.assert(
      fc.property(fc.array(rule), fc.array(prefix), rule, prefix, fc.boolean(), (certs, cas, oneMore, another, off) => {
        const before = pinFor(GUN, pins(certs, cas, off))
        const after = pinFor(GUN, pins([...certs, oneMore], [...cas, another], off))
        if (before.kind === 'certificates') expect(after.kind).toBe('certificates')
        if (before.kind === 'ca') expect(after.kind).not.toBe('none')
        if (before.kind !== 'none' && after.kind === before.kind)
          expect(after.rule.length).toBeGreaterThanOrEqual(before.rule.replace(/\*$/, '').length)
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})

test.each<[string, string, boolean]>([
  ['docker.io/library/*', 'certificates', false],
  ['docker.io/library/alp*', 'certificates', true],
  ['docker.io/library/alpine*', 'certificates', true],
  ['*', 'certificates', true],
  [GUN, 'certificates', false],
  ['docker.io/', 'ca', false],
  ['docker.io', 'ca', true],
  ['', 'ca', true],
  [GUN, 'ca', false],
])('the rule %j (%s) ends inside a name: %s', (rule, kind, loose) => {
  const pin: Pin = kind === 'ca' ? { kind, rule, certificates: [] } : { kind: 'certificates', rule, keyIds: [] }
  expect(isLoosePin(pin, GUN)).toBe(loose)
})

test('no pin is no loose pin', () => {
  expect(isLoosePin({ kind: 'none', firstUse: 'allowed' }, GUN)).toBe(false)
})

describe('pins that come close to a collection but do not match it', () => {
  const FLEET = 'docker.io/fleet/r02'
  test.each<[string, string, string]>([
    ['the familiar name', FLEET, 'fleet/r02'],
    ['the familiar name of an official image', GUN, 'alpine'],
    ['the familiar name with its library', GUN, 'library/alpine'],
    ['an official image without its library', GUN, 'docker.io/alpine'],
    ['another name of the registry', GUN, 'index.docker.io/library/alpine'],
    ['a familiar prefix', FLEET, 'fleet/*'],
    ['a prefix without a star', GUN, 'docker.io/library/'],
    ['a prefix without slash and star', GUN, 'docker.io/library'],
    ['a registry alone', 'registry.example:5000/app', 'registry.example:5000'],
    ['a slash at the end', GUN, `${GUN}/`],
    ['a slash and a star at the end', GUN, `${GUN}/*`],
    ['two stars', GUN, 'docker.io/**'],
    ['another case', GUN, 'Docker.io/Library/Alpine'],
    ['another case of a prefix', GUN, 'Docker.io/*'],
    ['a tag', GUN, `${GUN}:3.19`],
    ['a familiar name with a tag', GUN, 'alpine:3.19'],
    ['a tag behind a port', 'registry.example:5000/app', 'registry.example:5000/app:1.0'],
    ['a digest', GUN, `${GUN}@sha256:${'ab'.repeat(32)}`],
    ['a scheme', GUN, `https://${GUN}`],
  ])('%s', (_, gun, rule) => {
    expect(pinFor(gun, pins([rule])).kind).toBe('none')
    expect(nearPins(gun, pins([rule]))).toEqual([rule])
  })

  test('a CA prefix with a star, which is a letter there', () => {
    expect(nearPins(GUN, pins([], ['docker.io/library/*']))).toEqual(['docker.io/library/*'])
  })

  test.each(['docker.io/library/nginx', 'quay.io/*', 'docker.io/lib', 'alp', 'alpine-extra', 'notdocker.io/library/alpine', ''])(
    'not %j',
    (rule) => {
      expect(nearPins(GUN, pins([rule]))).toEqual([])
    },
  )

  test('nothing that is said to come close ever binds', () => {
    const edits: ((gun: string) => string)[] = [
      (gun) => gun.toUpperCase(),
      (gun) => `${gun}/`,
      (gun) => gun.replace('docker.io/', ''),
      (gun) => gun.slice(0, gun.lastIndexOf('/')),
      (gun) => `${gun}:latest`,
    ]
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{1,5}\/[a-z]{1,5}$/), fc.constantFrom(...edits), (path, edit) => {
        const gun = `docker.io/${path}`
        const rule = edit(gun)
        expect(pinFor(gun, pins([rule], [], true))).toEqual({ kind: 'none', firstUse: 'refused' })
        expect(nearPins(gun, pins([rule], [], true))).toEqual([rule])
      }),
      { seed: 3, numRuns: 100 },
    )
  })
})
