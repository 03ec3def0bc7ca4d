/** The oddities that the differential test finds: each one where it is, and nowhere else. */
import { expect, test } from 'vitest'
import { jsonOddities } from './json-oddities.js'
import { odditiesOf } from './shape-oddities.js'

const utf8 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

test.each([
  ['{"a":1,"b":[{"a":1},{"a":2}]}', []],
  ['{"a":1,"a":2}', ['a member twice']],
  ['{"a":1,"\\u0061":2}', ['a member twice']],
  ['{"a":{"b":1},"b":[{"b":"a"}]}', []],
  ['{"version":1,"Version":2}', ['a name of the format in another case', 'two members that differ by case alone']],
  ['{"ver\u017fion":1}', ['a name of the format in another case']],
  ['{"EXPIRES":1}', ['a name of the format in another case']],
  ['{"v1-RC":1,"v1-rc":2}', []],
  ['["VERSION","version"]', []],
  ['{"a":"\\ud800"}', ['a lone surrogate']],
  ['{"a":"\\ud83d\\udc33"}', []],
  ['{"a":9007199254740993}', ['a number beyond 2^53-1']],
  ['{"a":-1e400}', ['a number beyond 2^53-1']],
  ['{"a":9007199254740991}', []],
  ['{"a":"1e400"}', []],
  ['{"version":1e0}', ['a number that is not written as a whole one']],
  ['{"version":1,"custom":1.5}', []],
  [`${'['.repeat(64)}${']'.repeat(64)}`, []],
  [`${'['.repeat(65)}${']'.repeat(65)}`, ['deep nesting']],
  ['[[],[],[]] {"a":1', []],
] as const)('%s', (text, odd) => expect(jsonOddities(utf8(text))).toEqual(odd))

test('bytes that are not UTF-8 are found in any place', () => {
  expect(jsonOddities(Uint8Array.of(0x22, 0xff, 0x22))).toEqual(['bytes that are not UTF-8'])
})

const sha256 = Buffer.alloc(32, 1).toString('base64')
const targets = (changes: object): Uint8Array => {
  const signed = {
    _type: 'Targets',
    version: 1,
    expires: '2048-02-29T00:00:00Z',
    targets: {},
    delegations: { keys: {}, roles: [] },
  }
  return utf8(JSON.stringify({ signed: { ...signed, ...changes }, signatures: [] }))
}
const delegation = { name: 'targets/a', keyids: [], threshold: 1, paths: [''] }

test.each([
  [{}, []],
  [{ delegations: null, targets: null }, []],
  [{ version: 0 }, ['no version']],
  [{ _type: 'Root' }, ['another type']],
  [{ expires: '2047-02-29T00:00:00Z' }, ['a date that is not RFC 3339']],
  [{ expires: '2047-01-01T24:00:00Z' }, ['a date that is not RFC 3339']],
  [{ expires: undefined }, ['no date', 'a date that is not RFC 3339']],
  [{ targets: { a: { length: 1, hashes: { sha256 } } } }, []],
  [{ targets: { a: { length: 1, hashes: {} } } }, ['a target without a SHA-256']],
  [{ targets: { a: { length: 0, hashes: { sha256 } } } }, []],
  [{ targets: { a: { length: -1, hashes: { sha256 } } } }, ['a length that is too small']],
  [{ targets: { a: null } }, ['a target without a SHA-256', 'null for an item']],
  [{ delegations: { keys: {}, roles: [delegation] } }, []],
  [{ delegations: { keys: {}, roles: [delegation, delegation] } }, ['a delegation twice']],
  [
    { delegations: { keys: {}, roles: [{ ...delegation, name: 'targets/a/b' }] } },
    ['a delegation with a name that it cannot have'],
  ],
  [{ delegations: { keys: {}, roles: [{ ...delegation, threshold: 0 }] } }, ['a threshold below 1']],
  [{ delegations: { keys: {}, roles: [{ ...delegation, keyids: ['f'] }] } }, ['a key that is not listed']],
  [{ delegations: { keys: { f: { keytype: 'rsa', keyval: { public: 'AAAA' } } }, roles: [] } }, ['a key that is not its ID']],
  [
    { delegations: { keys: { f: { keytype: 'rsa', keyval: {} } }, roles: [] } },
    ['a key without content', 'a value of another kind'],
  ],
])('targets with %j', (changes, odd) => expect(odditiesOf('targets', targets(changes))).toEqual(odd))

test('the entries of a snapshot are checked', () => {
  const meta = (file: object) =>
    odditiesOf(
      'snapshot',
      utf8(
        JSON.stringify({
          signed: { _type: 'Snapshot', version: 1, expires: '2048-01-01T00:00:00Z', meta: { root: file, targets: file } },
        }),
      ),
    )
  expect(meta({ length: 1, hashes: { sha256 } })).toEqual([])
  expect(meta({ length: 0, hashes: { sha256 } })).toEqual(['a length that is too small'])
  expect(meta({ hashes: { sha256 } })).toEqual(['no length'])
  expect(meta({ length: 1, hashes: { sha256: 'AAAA' } })).toEqual(['a hash of another length'])
  expect(meta({ length: 1, hashes: {} })).toEqual(['no hash'])
})

test('a text that is not JSON is reported as such', () => {
  expect(odditiesOf('root', utf8('<!doctype html>'))).toEqual(['no JSON'])
  expect(odditiesOf('root', utf8('null'))).toEqual(['nothing that is signed'])
})
