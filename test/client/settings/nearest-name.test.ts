import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ownEnvironment } from '../../../src/client/settings/environment.js'
import { nearestName } from '../../../src/nearest-name.js'

const NAMES = ['server', 'servers', 'pinning', 'trustDirectory', 'ca', 'now']

test.each([
  ['pinnig', 'pinning'],
  ['pinnign', 'pinning'],
  ['PINNING', 'pinning'],
  ['serves', 'server'],
  ['serverz', 'server'],
  ['cs', 'ca'],
  ['trustDirectry', 'trustDirectory'],
  ['policy', undefined],
  ['', undefined],
  ['x'.repeat(1_000_000), undefined],
])('%s means %s', (name, meant) => {
  expect(nearestName(name, NAMES)).toBe(meant)
})

test('finds a name with one letter added, removed, replaced or swapped, and a known name itself', () => {
  const slip = fc.record({ name: fc.constantFrom('pinning', 'trustDirectory'), at: fc.nat(6), letter: fc.constantFrom('x', 'q') })
  fc.assert(
    fc.property(slip, fc.constantFrom('more', 'less', 'other', 'swapped', 'none'), ({ name, at, letter }, kind) => {
      const [before, here, next, rest] = [name.slice(0, at), name.charAt(at), name.charAt(at + 1), name.slice(at + 2)]
      const typed = { more: letter + here + next, less: next, other: letter + next, swapped: next + here, none: here + next }
      expect(nearestName(before + typed[kind] + rest, NAMES)).toBe(name)
    }),
  )
})

test('finds variables in any case on Windows; case counts elsewhere', () => {
  expect(ownEnvironment({ Docker_Config: 'x', Path: 'y' }, 'win32')).toMatchObject({ DOCKER_CONFIG: 'x', PATH: 'y', Path: 'y' })
  expect(ownEnvironment({ Docker_Config: 'x' }, 'linux')['DOCKER_CONFIG']).toBeUndefined()
})
