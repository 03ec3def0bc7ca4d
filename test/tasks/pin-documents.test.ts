/** Pinning in programs: `pinDockerfile` and `pinYaml`. */
import { expect, test } from 'vitest'
import { createMemoryStore, pinDockerfile, pinYaml } from '../../src/index.js'
import { createSimulatedTransport, createTrustCollection } from '../../src/testing/index.js'

const now = new Date('2026-03-01T00:00:00Z')
const GUN = 'registry.example/team/app'
const app = createTrustCollection(GUN, { now })
const digest = app.sign('1.0', 'one')
app.publish()
const trust = {
  transport: createSimulatedTransport([app]),
  store: createMemoryStore(),
  now: () => now,
  env: { DOCKER_CONTENT_TRUST: '0' },
}

test('a Dockerfile gets its digests, although the environment switches content trust off', async () => {
  const pinned = await pinDockerfile(`FROM ${GUN}:1.0\n`, { trust })
  expect(pinned).toMatchObject({ text: `FROM ${GUN}:1.0@${digest}\n`, isComplete: true })
  expect(pinned.failures.size).toBe(0)
})

test('a text with an image that is not signed stays as it is, with the error by reference', async () => {
  const text = `FROM ${GUN}:1.0 AS a\nFROM ${GUN}:9\n`
  const pinned = await pinDockerfile(text, { trust })
  expect(pinned).toMatchObject({ text, isComplete: false })
  expect([...pinned.failures].map(([reference, { code }]) => [reference, code])).toEqual([[`${GUN}:9`, 'ERR_TAG_NOT_SIGNED']])
  expect((await pinDockerfile(text, { trust, partial: true })).text).toContain(digest)
})

test('YAML is told by its content or its path; a text of no known kind is refused', async () => {
  const text = `services:\n  a:\n    image: '${GUN}:1.0' # kept\n`
  expect((await pinYaml(text, { trust })).text).toBe(text.replace(':1.0', `:1.0@${digest}`))
  await expect(pinYaml('a: 1\n', { trust, path: 'x.yaml' })).rejects.toMatchObject({ code: 'ERR_SETTINGS_INVALID' })
})
