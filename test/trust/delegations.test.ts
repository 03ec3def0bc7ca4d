import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Delegation, TargetsMetadata } from '../../src/metadata/model.js'
import { ALL_PATHS, delegationsOf, mayName } from '../../src/trust/delegations.js'

function grantedTo(paths: readonly string[], parent: readonly string[]): readonly string[] {
  const delegation: Delegation = { name: 'targets/a', keys: new Map(), threshold: 1, paths }
  const metadata: TargetsMetadata = { version: 1, expires: 0, targets: new Map(), delegations: [delegation] }
  return delegationsOf(metadata, parent)[0]?.granted ?? ['nothing']
}

describe('what a delegation may name', () => {
  test.each<[string, readonly string[], string, boolean]>([
    ['everything', [''], 'latest', true],
    ['everything, the empty name too', [''], '', true],
    ['nothing', [], 'latest', false],
    ['a prefix', ['1.'], '1.0', true],
    ['a prefix that is all of the name', ['1.0'], '1.0', true],
    ['another prefix', ['2.'], '1.0', false],
    ['a longer prefix', ['1.0.1'], '1.0', false],
    ['one of several', ['2.', '1.'], '1.0', true],
    ['another case', ['V'], 'v1', false],
    ['a star is a letter', ['*'], 'latest', false],
    ['a pattern is no regular expression', ['.*', '1?'], '1.0', false],
    ['a prefix does not stop at a slash', ['a/b'], 'a/bc', true],
  ])('%s', (_, granted, name, may) => {
    expect(mayName(granted, name)).toBe(may)
  })

  test.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ['targets passes on anything', ['', '1.'], ALL_PATHS, ['', '1.']],
    ['a child keeps what lies under its parent', ['1.0', '1.', '2.'], ['1.'], ['1.0', '1.']],
    ['a child that asks for everything gets nothing of a part', [''], ['1.'], []],
    ['a child that asks for more than its parent has gets nothing', ['1'], ['1.'], []],
    ['a parent with nothing passes on nothing', ['', '1.'], [], []],
    ['a child that asks for nothing gets nothing', [], ALL_PATHS, []],
  ])('%s', (_, asked, parent, granted) => {
    expect(grantedTo(asked, parent)).toEqual(granted)
  })

  test('no chain of delegations may name what any role above may not', () => {
    const paths = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 3 }), { maxLength: 3 })
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 5 })
    fc.assert(
      fc.property(fc.array(paths, { minLength: 1, maxLength: 4 }), name, (levels, target) => {
        let granted = ALL_PATHS
        let allowed = true
        for (const asked of levels) {
          granted = grantedTo(asked, granted)
          allowed &&= mayName(asked, target)
          if (mayName(granted, target)) expect(allowed).toBe(true)
        }
      }),
      { seed: 1, numRuns: 500 },
    )
  })

  test('a child may name what one of its prefixes and one of its parent’s prefixes allow, however many there are', () => {
    const paths = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\u00e9', '\ud83d', '/'), maxLength: 4 }), {
      maxLength: 40,
    })
    fc.assert(
      fc.property(paths, paths, (child, parent) => {
        const naive = child.filter((path) => parent.some((prefix) => path.startsWith(prefix)))
        expect(grantedTo(child, parent)).toEqual(naive)
      }),
      { seed: 1, numRuns: 2000 },
    )
  })

  test('ten thousand prefixes against ten thousand are joined, not multiplied', () => {
    const many = Array.from({ length: 10_000 }, (_, at) => `v${at}.`)
    const started = performance.now()
    expect(grantedTo(many, many)).toEqual(many)
    expect(performance.now() - started).toBeLessThan(500)
  })

  test('nothing else of a delegation changes', () => {
    const delegation: Delegation = { name: 'targets/a', keys: new Map(), threshold: 3, paths: ['', '1.'] }
    const metadata: TargetsMetadata = { version: 1, expires: 0, targets: new Map(), delegations: [delegation] }
    expect(delegationsOf(metadata, ['1.'])).toEqual([{ ...delegation, granted: ['1.'] }])
    expect(delegationsOf({ ...metadata, delegations: [] }, ALL_PATHS)).toEqual([])
  })
})
