import * as noble from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hex, utf8 } from '../../src/bytes.js'
import { checkHashes, HASH_BYTES, type Hashes, sha256, sha256Hex, sha512 } from '../../src/crypto/hash.js'

const FILE = utf8('{"signed":{},"signatures":[]}')
const flipped = (bytes: Uint8Array) => bytes.map((byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte))

test('OpenSSL and @noble/hashes give the same hashes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      expect(sha256(bytes)).toEqual(noble.sha256(bytes))
      expect(sha512(bytes)).toEqual(noble.sha512(bytes))
      expect(sha256Hex(bytes)).toBe(hex(noble.sha256(bytes)))
    }),
    { seed: 1, numRuns: 200 },
  )
})

test('the examples of FIPS 180-4', () => {
  expect(sha256Hex(utf8('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  expect(sha256Hex(new Uint8Array())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  expect(hex(sha512(utf8('abc'))).slice(0, 32)).toBe('ddaf35a193617abacc417349ae204131')
})

test('only the view of a larger buffer is hashed', () => {
  expect(sha256(utf8('xxabcxx').subarray(2, 5))).toEqual(sha256(utf8('abc')))
})

describe('a file against the hashes that another role signed', () => {
  const good = { sha256: sha256(FILE), sha512: sha512(FILE) }

  test.each<[string, Hashes, ReturnType<typeof checkHashes>]>([
    ['sha256 alone is enough [HASH-01]', { sha256: good.sha256 }, undefined],
    ['sha512 alone is enough', { sha512: good.sha512 }, undefined],
    ['both hashes match [HASH-02]', good, undefined],
    ['a right sha256 and a wrong sha512 [HASH-03]', { ...good, sha512: flipped(good.sha512) }, 'sha512'],
    ['a right sha512 and a wrong sha256', { ...good, sha256: flipped(good.sha256) }, 'sha256'],
    ['a wrong sha256', { sha256: flipped(good.sha256) }, 'sha256'],
    ['a sha256 cut short [HASH-11]', { sha256: good.sha256.subarray(0, 31) }, 'sha256'],
    ['a sha256 with a byte more', { sha256: Uint8Array.of(...good.sha256, 0) }, 'sha256'],
    ['an empty sha256', { sha256: new Uint8Array() }, 'sha256'],
    ['the first half of the sha512 for a sha256', { sha256: good.sha512.subarray(0, 32) }, 'sha256'],
  ])('%s', (_, expected, wrong) => {
    expect(checkHashes(FILE, expected)).toBe(wrong)
  })

  test('any changed byte is found', () => {
    fc.assert(
      fc.property(fc.nat(FILE.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = FILE.map((byte, index) => (index === at ? byte ^ change : byte))
        expect(checkHashes(changed, { sha512: good.sha512 })).toBe('sha512')
        expect(checkHashes(changed, good)).toBe('sha256')
      }),
      { seed: 1, numRuns: 100 },
    )
  })

  test('the lengths are those of the algorithms', () => {
    expect(HASH_BYTES).toEqual({ sha256: good.sha256.length, sha512: good.sha512.length })
  })
})
