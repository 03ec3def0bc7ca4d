import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_CHALLENGE_CHARACTERS, MAX_CHALLENGE_PARAMETERS, parseChallenges } from '../../../src/http/auth/challenge.js'

function plain(...headers: string[]): unknown {
  return parseChallenges(headers).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])
}

describe('parseChallenges', () => {
  test.each([
    [
      'Bearer realm="https://auth.docker.io/token",service="notary.docker.io",scope="repository:docker.io/library/alpine:pull"',
      [
        [
          'bearer',
          {
            realm: 'https://auth.docker.io/token',
            service: 'notary.docker.io',
            scope: 'repository:docker.io/library/alpine:pull',
          },
        ],
      ],
    ],
    ['BEARER REALM="x" , Service = y', [['bearer', { realm: 'x', service: 'y' }]]],
    ['Basic realm="a \\"b\\" \\\\ c"', [['basic', { realm: 'a "b" \\ c' }]]],
    [
      'Basic realm="a, Bearer realm=b", Bearer realm="c", service="d"',
      [
        ['basic', { realm: 'a, Bearer realm=b' }],
        ['bearer', { realm: 'c', service: 'd' }],
      ],
    ],
    [
      'Negotiate, NTLM abc==, Basic realm=x',
      [
        ['negotiate', {}],
        ['ntlm', {}],
        ['basic', { realm: 'x' }],
      ],
    ],
    ['Basic', [['basic', {}]]],
    ['', []],
    [' , ,, ', []],
    ['Bearer realm="unfinished', [['bearer', { realm: '' }]]],
    ['Bearer realm=x, realm=y', []],
    ['Bearer realm=x, realm=y, Basic realm=z', [['basic', { realm: 'z' }]]],
    ['"quoted" Bearer realm=x', []],
    [
      'Bearer __proto__="x", constructor="y"',
      [
        [
          'bearer',
          Object.fromEntries([
            ['__proto__', 'x'],
            ['constructor', 'y'],
          ]),
        ],
      ],
    ],
  ])('%s', (header, expected) => {
    expect(plain(header)).toEqual(expected)
  })

  test('reads several headers', () => {
    expect(plain('Bearer realm=x', 'Basic realm=y')).toEqual([
      ['bearer', { realm: 'x' }],
      ['basic', { realm: 'y' }],
    ])
  })

  test('leaves out a challenge with too many parameters, and a header that is too long', () => {
    const many = Array.from({ length: MAX_CHALLENGE_PARAMETERS + 1 }, (_, index) => `p${index}=1`).join(',')
    expect(plain(`Bearer ${many}`)).toEqual([])
    expect(plain('Basic realm=x', `Bearer realm="${'x'.repeat(MAX_CHALLENGE_CHARACTERS)}"`)).toEqual([['basic', { realm: 'x' }]])
  })

  test('reads any text in linear time [HTTP-48]', () => {
    const piece = fc.constantFrom('Bearer', 'realm', '=', '"', '\\', ',', ' ', '\t', 'abc==', 'é', '\0')
    const text = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
    )
    fc.assert(
      fc.property(text, (header) => Array.isArray(parseChallenges([header]))),
      { numRuns: 5_000 },
    )
    const started = performance.now()
    for (const one of ['"', '\\', ' ', 'a', '=', ',', 'a=', 'a ', '\\"', 'a="']) {
      parseChallenges([`Bearer realm="${one.repeat(4000)}`.slice(0, MAX_CHALLENGE_CHARACTERS)])
      parseChallenges([`Bearer ${one.repeat(4000)}`.slice(0, MAX_CHALLENGE_CHARACTERS)])
    }
    expect(performance.now() - started).toBeLessThan(500)
  })
})
