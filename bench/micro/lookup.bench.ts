import { bench, describe } from 'vitest'
import { lookupTag, releasedTags, tagsWithDigest } from '../../src/trust/lookup.js'
import { collectionOf, SHORT, SIZES, verifiedStage } from './collections.js'

for (const size of SIZES) {
  const stage = verifiedStage(collectionOf(size))
  const tag = `tag-${size >> 1}`
  const { digest } = lookupTag(stage, tag)

  describe(`a collection of ${size} tags`, () => {
    bench('the digest of a tag', () => void lookupTag(stage, tag), SHORT)
    bench('the tags of a digest', () => void tagsWithDigest(stage, digest), SHORT)
    bench('all tags in natural order', () => void releasedTags(stage), SHORT)
  })
}
