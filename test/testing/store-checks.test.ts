/** Our stores pass the checks for stores, and stores with one fault each do not. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFileStore } from '../../src/cache/file-store.js'
import { createMemoryStore, type MetadataStore } from '../../src/index.js'
import { STORE_CHECKS } from '../../src/testing/index.js'

let folder: string
let count = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-checks-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe.each<[string, () => MetadataStore]>([
  ['the store in memory', createMemoryStore],
  ['the store on disk', () => createFileStore(join(folder, String(++count)))],
])('%s', (_, createStore) => {
  test.each(STORE_CHECKS.map((check) => [check.title, check] as const))('%s', (_title, check) => check.run(createStore))
})

/** The titles of the checks that a store fails. */
async function failed(createStore: () => MetadataStore): Promise<string[]> {
  const titles: string[] = []
  for (const { title, run } of STORE_CHECKS) await run(createStore).catch(() => titles.push(title))
  return titles
}

describe('the checks find a store that', () => {
  const faulty: [string, (inner: MetadataStore) => Partial<MetadataStore>, RegExp][] = [
    [
      'commits on any revision',
      (inner) => ({ commit: async (gun, changes) => inner.commit(gun, changes, (await inner.read(gun)).revision) }),
      /revision of a commit is old/,
    ],
    [
      'reports written for a commit that it did not write',
      (inner) => ({
        async commit(...what) {
          await inner.commit(...what)
          return 'written'
        },
      }),
      /one of many concurrent commits/,
    ],
    ['forgets nothing', () => ({ forget: () => Promise.resolve(true) }), /forgets a whole collection/],
    ['forgets what it does not name', (inner) => ({ list: async () => (await inner.list()).slice(1) }), /ascending order/],
    [
      'gives the content for the revision',
      (inner) => ({
        async read(gun) {
          const { floors, revision: _, ...found } = await inner.read(gun)
          return floors === undefined ? found : { ...found, floors, revision: Buffer.from(floors).toString() }
        },
        async commit(gun, changes, revision) {
          const { floors, revision: now } = await inner.read(gun)
          const isSame = (floors === undefined ? undefined : Buffer.from(floors).toString()) === revision
          return isSame ? inner.commit(gun, changes, now) : 'conflict'
        },
      }),
      /gives every commit a new revision/,
    ],
    [
      'folds case',
      (inner) => ({
        read: (gun) => inner.read(gun.toLowerCase()),
        commit: (gun, ...what) => inner.commit(gun.toLowerCase(), ...what),
      }),
      /with any names apart/,
    ],
  ]
  test.each(faulty)('%s', async (_, fault, title) => {
    const titles = await failed(() => {
      const { revision: _revision, ...inner } = createMemoryStore()
      return { ...inner, ...fault(inner) }
    })
    expect(titles.join('\n')).toMatch(title)
  })
})
