/** Manifests are kept within a number of bytes, and fetched once for all who ask at the same time. */
import { expect, test } from 'vitest'
import { ManifestCache } from '../../src/service/manifest-cache.js'

const ALWAYS = Number.POSITIVE_INFINITY
const manifest = (bytes: number) => ({ digest: 'sha256:00', mediaType: 'a/b', bytes: new Uint8Array(bytes) })

test('asks once for all who wait, and never again for what it keeps', async () => {
  const cache = new ManifestCache()
  let fetches = 0
  const fetch = async () => {
    fetches += 1
    return manifest(10)
  }
  await Promise.all(Array.from({ length: 50 }, () => cache.get('a', ALWAYS, fetch)))
  await cache.get('a', ALWAYS, fetch)
  expect(fetches).toBe(1)
})

test('keeps neither errors nor what is not there', async () => {
  const cache = new ManifestCache()
  await expect(cache.get('a', ALWAYS, () => Promise.reject(new Error('away')))).rejects.toThrow('away')
  expect(await cache.get('a', ALWAYS, async () => undefined)).toBeUndefined()
  expect(await cache.get('a', ALWAYS, async () => manifest(1))).toBeDefined()
})

test('stays below its limit: the least recently used go, and one that is too large is not kept', async () => {
  const cache = new ManifestCache(5_000)
  for (const key of ['a', 'b', 'c']) await cache.get(key, ALWAYS, async () => manifest(1_000))
  await cache.get('a', ALWAYS, async () => undefined)
  await cache.get('d', ALWAYS, async () => manifest(1_000))
  expect(await cache.get('a', ALWAYS, async () => undefined)).toBeDefined()
  expect(await cache.get('b', ALWAYS, async () => undefined)).toBeUndefined()
  await cache.get('e', ALWAYS, async () => manifest(9_000))
  expect(cache.bytes).toBeLessThanOrEqual(5_000)
})

test('asks again for what is older than the caller allows', async () => {
  let [now, fetches] = [0, 0]
  const cache = new ManifestCache(10_000, () => now)
  const get = async (maxAge: number) => {
    await cache.get('a', maxAge, async () => {
      fetches += 1
      return manifest(10)
    })
    return fetches
  }
  expect(await get(100)).toBe(1)
  now = 99
  expect(await get(100)).toBe(1)
  now = 100
  expect(await get(100)).toBe(2)
  now = 1_000
  expect(await get(ALWAYS)).toBe(2)
  // What is refused now is kept no longer.
  await expect(cache.get('a', 100, () => Promise.reject(new Error('refused')))).rejects.toThrow('refused')
  expect([await get(ALWAYS), cache.bytes]).toEqual([3, 10 + 512])
})
