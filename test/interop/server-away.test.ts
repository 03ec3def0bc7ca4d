/** A server that is stopped, or accepts connections and never answers: Docker's message, in bounded time. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTrustClient } from '../../src/index.js'
import { createReader, type NotaryCli } from './lab/notary-cli.js'
import { type NotaryServer, startNotaryServer } from './lab/notary-server.js'
import { createOurReader, digestOf, type OurReader, warningCodes } from './lab/our-reader.js'
import { createPublisher } from './lab/publisher.js'

const gun = 'registry.example/team/app'
const reference = `${gun}:1.0`
const digest = `sha256:${digestOf('1.0')}`
const dockersSentence =
  'Error while downloading remote metadata, using cached timestamp - this might not be the latest version available remotely'

let server: NotaryServer
/** Clients that verified the tag while the server was running. */
let ours: OurReader
let notary: NotaryCli

beforeEach(async () => {
  server = await startNotaryServer()
  await using publisher = await createPublisher({ server })
  await publisher.init(gun)
  await publisher.addHash(gun, '1.0', digestOf('1.0'), 5)
  await publisher.publish(gun)
  ours = await createOurReader(server)
  notary = await createReader({ server })
  await ours.verify(reference)
  await notary.lookup(gun, '1.0')
})

afterEach(async () => {
  await ours?.[Symbol.asyncDispose]()
  await notary?.close()
  await server?.stop()
})

describe('with a killed server', () => {
  beforeEach(() => server.kill())

  test('the cache is used, with the warning of notary', async () => {
    const said = await notary.run('lookup', gun, '1.0')
    expect(said.stdout).toContain(digest)
    expect(said.stderr).toContain(dockersSentence)
    const result = await ours.verify(reference)
    expect(result).toMatchObject({ digest, freshness: 'stale', rootTrust: 'cached-root' })
    expect(warningCodes(result)).toEqual(['WARN_STALE_TIMESTAMP'])
    expect(result.warnings[0]?.message.startsWith(dockersSentence)).toBe(true)
    expect(result.warnings[0]?.message).toContain('ECONNREFUSED')
  })

  test('dct verify succeeds, with the warning on standard error', async () => {
    const run = await ours.dct('verify', reference)
    expect(run).toMatchObject({ status: 0, stdout: `${gun}@${digest}\n` })
    expect(run.stderr.startsWith(`dct: warning: ${dockersSentence}`)).toBe(true)
    const json = await ours.dct('verify', '--json', reference)
    expect(JSON.parse(json.stdout)).toMatchObject({ status: 'trusted', freshness: 'stale' })
    expect(json.stderr.startsWith(`dct: warning: ${dockersSentence}`)).toBe(true)
  })

  test('staleFallback refuse fails', async () => {
    const refusal = await ours.refusal(reference, { staleFallback: 'refuse' })
    expect(refusal).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE', kind: 'unavailable', retryable: true })
    const run = await ours.dct('verify', '--stale-fallback', 'refuse', reference)
    expect(run).toMatchObject({ status: 5, stdout: '' })
    expect(run.stderr).toMatch(/^dct: error: error contacting notary server: .*ECONNREFUSED.*\ndct: hint: .+\n$/)
  })

  test('a client without a cache fails', async () => {
    await using stranger = await createReader({ server })
    await expect(stranger.lookup(gun, '1.0')).rejects.toThrow('client is offline')
    await using fresh = await createOurReader(server)
    expect(await fresh.refusal(reference)).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' })
    expect(await fresh.dct('verify', reference)).toMatchObject({ status: 5, stdout: '' })
  })

  test('an offline client succeeds', async () => {
    const run = await ours.dct('verify', '--offline', reference)
    expect(run).toMatchObject({ status: 0, stdout: `${gun}@${digest}\n` })
    expect((await ours.verify(reference, { offline: true })).freshness).toBe('offline')
    await using fresh = await createOurReader(server)
    expect((await fresh.refusal(reference, { offline: true })).code).toBe('ERR_OFFLINE')
  })

  test('the same client asks the server again when it is back', async () => {
    await using client = createTrustClient(ours.options)
    expect(await client.verifyTag(reference)).toMatchObject({ freshness: 'stale' })
    await using back = await startNotaryServer({ port: server.port, certificates: server.certificates })
    await using publisher = await createPublisher({ server: back })
    await publisher.init(gun)
    // It is empty after the restart: the collection has another root, and both clients refuse it.
    await expect(client.verifyTag(reference)).rejects.toMatchObject({ code: 'ERR_ROOT_ROTATION' })
    await expect(notary.lookup(gun, '1.0')).rejects.toThrow('could not rotate trust to a new trusted root')
  })
})

describe('with a server that accepts connections and never answers', () => {
  beforeEach(() => server.pause())
  afterEach(() => server.resume())

  test('the cache is used after the timeout', async () => {
    const run = await ours.dct('verify', '--timeout', '1', reference)
    expect(run).toMatchObject({ status: 0, stdout: `${gun}@${digest}\n` })
    expect(run.stderr.startsWith(`dct: warning: ${dockersSentence}`)).toBe(true)
    expect(run.milliseconds).toBeGreaterThan(1_000)
    expect(run.milliseconds).toBeLessThan(5_000)
    const started = performance.now()
    expect((await ours.verify(reference, { timeout: 300 })).freshness).toBe('stale')
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  test('a client without a cache fails after the timeout', async () => {
    await using fresh = await createOurReader(server)
    const started = performance.now()
    expect((await fresh.refusal(reference, { timeout: 500 })).code).toBe('ERR_SERVER_UNREACHABLE')
    expect(performance.now() - started).toBeLessThan(3_000)
    const run = await fresh.dct('verify', '--timeout', '0.5', reference)
    expect(run).toMatchObject({ status: 5, stdout: '' })
    expect(run.stderr).toMatch(
      /^dct: error: error contacting notary server: no answer within 0\.5 s \(ERR_SERVER_UNREACHABLE\)\n/,
    )
  })

  test('the same client gets an answer once the server continues', async () => {
    await using client = createTrustClient({ ...ours.options, timeout: 500 })
    expect(await client.verifyTag(reference)).toMatchObject({ freshness: 'stale' })
    server.resume()
    await expect.poll(() => client.verifyTag(reference), { timeout: 10_000 }).toMatchObject({ freshness: 'fresh' })
  })

  test('an aborted call ends at once', async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    setTimeout(() => controller.abort(reason), 200)
    await expect(ours.verify(reference, { signal: controller.signal })).rejects.toBe(reason)
  })
})
