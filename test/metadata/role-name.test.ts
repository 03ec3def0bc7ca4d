import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BASE_ROLES, isDelegationName, parentRole, RELEASES_ROLE, signerName } from '../../src/metadata/role-name.js'

describe('names of delegations', () => {
  test.each([
    'targets/releases',
    'targets/a',
    'targets/a/b/c',
    'targets/-',
    'targets/_',
    'targets/0',
    'targets/targets',
    'targets/root',
  ])('%s is one', (name) => {
    expect(isDelegationName(name)).toBe(true)
  })

  test.each([
    '',
    'targets',
    'targets/',
    '/targets/a',
    'targets//a',
    'targets/a/',
    'targets/a//b',
    'targets/.',
    'targets/..',
    'targets/../root',
    'targets/a.b',
    'targets/A',
    'targets/Releases',
    'Targets/a',
    'target/a',
    'xtargets/a',
    'root/a',
    'snapshot',
    'targets\\a',
    'targets/a\\b',
    'targets/a b',
    'targets/a\n',
    '\ntargets/a',
    'targets/a\u0000',
    'targets/é',
    'targets/\u017f',
    'targets/%2e%2e',
    'targets/*',
  ])('%j is not one', (name) => {
    expect(isDelegationName(name)).toBe(false)
  })

  test('at most 255 characters', () => {
    expect(isDelegationName(`targets/${'a'.repeat(247)}`)).toBe(true)
    expect(isDelegationName(`targets/${'a'.repeat(248)}`)).toBe(false)
  })

  test('are plain paths below targets', () => {
    const piece = fc.constantFrom('targets', '/', 'a', '.', '..', '-', '_', 'Z', '%', '\\', '0')
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }).map((pieces) => `targets/${pieces.join('')}`),
        (name) => {
          if (!isDelegationName(name)) return
          expect(new URL(name, 'https://server/tuf/').pathname).toBe(`/tuf/${name}`)
          expect(name).toMatch(/^targets\/[-a-z0-9_/]+$/)
          const parent = parentRole(name)
          expect(parent === 'targets' || isDelegationName(parent)).toBe(true)
          expect(`${parent}/${name.slice(parent.length + 1)}`).toBe(name)
        },
      ),
      { seed: 1, numRuns: 500 },
    )
  })

  test('the parent is one level up; people know the rest', () => {
    expect(parentRole('targets/a/b')).toBe('targets/a')
    expect(parentRole('targets/a')).toBe('targets')
    expect(signerName('targets/a/b')).toBe('a/b')
    expect(isDelegationName(RELEASES_ROLE)).toBe(true)
    expect(BASE_ROLES.filter(isDelegationName)).toEqual([])
  })
})
