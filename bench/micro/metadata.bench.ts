import { bench, describe } from 'vitest'
import { sha256, sha512 } from '../../src/crypto/hash.js'
import { canonicalJson } from '../../src/metadata/canonical-json.js'
import { parseJson } from '../../src/metadata/json.js'
import { parseTargets } from '../../src/metadata/parse.js'
import { collectionOf, fileOf, SHORT, SIZES } from './collections.js'

for (const size of SIZES) {
  const collection = collectionOf(size)
  const file = fileOf(collection, 'targets')
  const value = parseJson(file)

  describe(`a targets file of ${size} tags`, () => {
    bench('JSON.parse, for comparison', () => void JSON.parse(Buffer.from(file).toString()), SHORT)
    bench('scan', () => void parseJson(file.subarray()), SHORT)
    bench('parse', () => void parseTargets(file.subarray(), { gun: collection.gun, role: 'targets' }), SHORT)
    bench('canonicalise', () => void canonicalJson(value), SHORT)
    // A new view each time, because hashes of a file are cached.
    bench('SHA-256', () => void sha256(file.subarray()), SHORT)
    bench('SHA-512', () => void sha512(file.subarray()), SHORT)
  })
}
