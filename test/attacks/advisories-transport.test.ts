/** Published faults of other clients on the wire, against real servers on loopback. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryStore, createTrustClient, type TrustError, verifyTag } from '../../src/index.js'
import { refusalOf, Story } from '../client/story.js'
import { type Handler, listen, startServer, testAuthority } from '../support/loopback-server.js'

let dockerConfig: string

beforeAll(async () => {
  dockerConfig = await mkdtemp(join(tmpdir(), 'dct-advisories-'))
})
afterAll(() => rm(dockerConfig, { recursive: true }))

async function refusal(handler: Handler): Promise<{ error: TrustError; secrets: number }> {
  await using server = await startServer(handler)
  const common = {
    env: {},
    disableContentTrust: false,
    store: createMemoryStore(),
    dockerConfig,
    ca: testAuthority.pem,
    timeout: 5000,
  }
  const credentials = { username: 'me', password: 'pa55word' }
  const error = await refusalOf(verifyTag('registry.example/app:1', { ...common, server: server.url, credentials }))
  return { error, secrets: server.requests.filter(({ headers }) => headers.authorization !== undefined).length }
}

test('a challenge that sends to http gets no credentials at all (CVE-28)', async () => {
  let asked = 0
  await using realm = await listen(
    createServer((_, response) => {
      asked++
      response.end('{"token":"x"}')
    }),
  )
  const challenge = `Bearer realm="http://127.0.0.1:${realm.port}/token",service="x",scope="repository:registry.example/app:pull"`
  const { error, secrets } = await refusal((_, response) => response.writeHead(401, { 'www-authenticate': challenge }).end())
  expect(error.kind).toBe('unavailable')
  expect({ asked, secrets }).toEqual({ asked: 0, secrets: 0 })
})

describe('a body that grows when it is unpacked is cut off or refused (CVE-29)', () => {
  const bomb = Buffer.alloc(64 * 1024 * 1024)
  test.each([
    ['gzip', gzipSync(bomb), ['ERR_METADATA_TOO_LARGE']],
    ['br', brotliCompressSync(bomb.subarray(0, 1024 * 1024)), ['ERR_SERVER_RESPONSE']],
    [Array.from({ length: 1000 }, () => 'gzip').join(', '), gzipSync('{}'), ['ERR_SERVER_RESPONSE']],
  ])('%.20s', async (encoding, body, codes) => {
    const { error } = await refusal((_, response) => response.writeHead(200, { 'content-encoding': encoding }).end(body))
    expect(codes).toContain(error.code)
  })
})

test('https is never given up: not by an option, not by the environment, not after a failure (CVE-05)', async () => {
  const story = new Story()
  for (const more of [{ server: 'http://notary.example' }, { servers: { 'docker.io': 'http://notary.example' } }]) {
    const { server: _, ...options } = story.options
    await using client = createTrustClient({ ...options, ...more })
    expect((await refusalOf(client.verifyTag('alpine:3.19'))).code).toBe('ERR_SETTINGS_INVALID')
  }
  story.transport.faults.set('*', 'tls')
  expect((await story.refused()).code).toBe('ERR_TLS')
})
