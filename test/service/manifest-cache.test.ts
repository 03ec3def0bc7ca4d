/** Manifests are kept within a number of bytes, and fetched once for all who ask at the same time. */
import { expect, test } from 'vitest'
import { ManifestCache } from '../../src/service/manifest-cache.js'

const manifest = (bytes: number) => ({ digest: 'sha256:00', mediaType: 'a/b', bytes: new Uint8Array(bytes) })

test('asks once for all who wait, and never again for what it keeps', async () => {
  const cache = new ManifestCache()
  let fetches = 0
  const fetch = async () => {
    fetches += 1
    return manifest(10)
  }
  await Promise.all(Array.from({ length: 50 }, () => cache.get('a', fetch)))
  await cache.get('a', fetch)
  expect(fetches).toBe(1)
})

test('keeps neither errors nor what is not there', async () => {
  const cache = new ManifestCache()
  await expect(cache.get('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away')
  expect(await cache.get('a', async () => undefined)).toBeUndefined()
  expect(await cache.get('a', async () => manifest(1))).toBeDefined()
})

test('stays below its limit: the least recently used go, and one that is too large is not kept', async () => {
  const cache = new ManifestCache(5_000)
  for (const key of ['a', 'b', 'c']) await cache.get(key, async () => manifest(1_000))
  await cache.get('a', async () => undefined)
  await cache.get('d', async () => manifest(1_000))
  expect(await cache.get('a', async () => undefined)).toBeDefined()
  expect(await cache.get('b', async () => undefined)).toBeUndefined()
  await cache.get('e', async () => manifest(9_000))
  expect(cache.bytes).toBeLessThanOrEqual(5_000)
})
