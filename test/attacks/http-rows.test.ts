/** What a server's answers must not be mistaken for, through the public door and over real connections. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMemoryStore, createTrustClient } from '../../src/index.js'
import { startTrustServer } from '../../src/testing/index.js'
import { codeAndRole, GUN, Story } from '../client/story.js'

let dockerConfig: string

beforeAll(async () => {
  dockerConfig = await mkdtemp(join(tmpdir(), 'dct-http-rows-'))
})
afterAll(() => rm(dockerConfig, { recursive: true }))

test('a missing delegation whose name begins with root is not a missing collection [HTTP-06]', async () => {
  const story = new Story()
  story.collection.delegate('targets/root-team')
  story.collection.sign('3.19', 'alpine 3.19', { role: 'targets/root-team' })
  story.collection.publish()
  story.transport.faults.set('targets/root-team', 'missing')
  expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_MISSING', role: 'targets/root-team' })
})

test('only metadata files are requested, without a ping that could fail [HTTP-50]', async () => {
  const story = new Story()
  await using server = await startTrustServer({ collections: [story.collection] })
  const options = { env: {}, disableContentTrust: false, server: server.url, ca: server.ca, dockerConfig, now: () => story.now }
  await using client = createTrustClient({ ...options, store: createMemoryStore() })
  expect((await client.verifyTag('alpine:3.19')).status).toBe('trusted')
  expect(server.requests.length).toBeGreaterThan(3)
  for (const { path } of server.requests) expect(path).toMatch(new RegExp(`^/v2/${GUN}/_trust/tuf/[^?]+\\.json$`))
})
