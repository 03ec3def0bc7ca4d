/** The same trust data at later times: the test sets the clock; the data and the server are real. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { VerifyTagOptions } from '../../src/index.js'
import { getMetadata } from './lab/http.js'
import { type NotaryServer, startNotaryServer } from './lab/notary-server.js'
import { cachedMetadata, createOurReader, digestOf, type OurReader } from './lab/our-reader.js'
import { createPublisher } from './lab/publisher.js'

const gun = 'registry.example/team/app'
const reference = `${gun}:1.0`
const dayMilliseconds = 86_400_000
const years = 365.25

/** Days from now. */
function after(days: number): Pick<VerifyTagOptions, 'now'> {
  return { now: () => new Date(Date.now() + days * dayMilliseconds) }
}

let server: NotaryServer
let killed: NotaryServer
/** One client asks a running server, the other a stopped one; both have a cache. */
let ours: OurReader
let orphan: OurReader

beforeAll(async () => {
  server = await startNotaryServer({ signer: true })
  killed = await startNotaryServer({ signer: true })
  ours = await createOurReader(server)
  orphan = await createOurReader(killed)
  for (const [place, reader] of [[server, ours] as const, [killed, orphan] as const]) {
    await using publisher = await createPublisher({ server: place })
    await publisher.init(gun)
    await publisher.addHash(gun, '1.0', digestOf('1.0'), 5)
    await publisher.publish(gun)
    await reader.verify(reference)
  }
  await killed.kill()
})

afterAll(async () => {
  await ours?.[Symbol.asyncDispose]()
  await orphan?.[Symbol.asyncDispose]()
  await server?.stop()
  await killed?.stop()
})

const expiryOf = async (role: string): Promise<string> =>
  new Date((await cachedMetadata(ours.trustDir, gun, role)).expires).toISOString()

test('the answer expires with the timestamp', async () => {
  const { expires } = await ours.verify(reference)
  expect(expires).toBe(await expiryOf('timestamp'))
  const days = (Date.parse(expires) - Date.now()) / dayMilliseconds
  expect(days).toBeGreaterThan(13.9)
  expect(days).toBeLessThanOrEqual(14)
})

test('the server does not sign a timestamp again before its time', async () => {
  const [one, two] = [await getMetadata(server, gun, 'timestamp'), await getMetadata(server, gun, 'timestamp')]
  expect(two.body.equals(one.body)).toBe(true)
})

test('13 days later verification succeeds, with and without the server', async () => {
  expect(await ours.verify(reference, after(13))).toMatchObject({ freshness: 'fresh', warnings: [] })
  expect(await orphan.verify(reference, after(13))).toMatchObject({ freshness: 'stale' })
  expect(await orphan.verify(reference, { ...after(13), offline: true })).toMatchObject({ freshness: 'offline' })
})

test('15 days later the old timestamp is refused, even if the server still serves it', async () => {
  const refusal = await ours.refusal(reference, after(15))
  const date = await expiryOf('timestamp')
  expect(refusal).toMatchObject({
    code: 'ERR_METADATA_EXPIRED',
    kind: 'stale',
    role: 'timestamp',
    message: `remote repository ${gun} out-of-date: timestamp expired at ${date}`,
  })
  expect(refusal.cause).toBeUndefined()
  await using fresh = await createOurReader(server)
  expect(await fresh.refusal(reference, after(15))).toMatchObject({ code: 'ERR_METADATA_EXPIRED', role: 'timestamp' })
})

test('15 days later the cache is not used for a stopped server, and the error has the cause', async () => {
  const refusal = await orphan.refusal(reference, after(15))
  expect(refusal).toMatchObject({ code: 'ERR_METADATA_EXPIRED', kind: 'stale', role: 'timestamp' })
  expect(refusal.cause).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' })
  expect(refusal.toJSON().cause).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' })
  const offline = await orphan.refusal(reference, { ...after(15), offline: true })
  expect(offline).toMatchObject({ code: 'ERR_METADATA_EXPIRED', cause: { code: 'ERR_OFFLINE' } })
  expect(await orphan.refusal(reference, { ...after(15), staleFallback: 'refuse' })).toMatchObject({
    code: 'ERR_SERVER_UNREACHABLE',
  })
})

test('a refusal by date leaves the cache usable for a client with the right date', async () => {
  await ours.refusal(reference, after(15))
  await orphan.refusal(reference, after(15))
  expect((await ours.verify(reference)).rootTrust).toBe('cached-root')
  expect((await orphan.verify(reference)).freshness).toBe('stale')
})

test('three years later it has expired too', async () => {
  for (const reader of [ours, orphan]) {
    expect(await reader.refusal(reference, after(3 * years + 1))).toMatchObject({ code: 'ERR_METADATA_EXPIRED', kind: 'stale' })
  }
})

test('ten years later the certificate of the root key has expired', async () => {
  await using fresh = await createOurReader(server)
  for (const [reader, { trustDir }] of [[ours, ours] as const, [orphan, orphan] as const, [fresh, ours] as const]) {
    const refusal = await reader.refusal(reference, after(10 * years + 2))
    expect(refusal).toMatchObject({ code: 'ERR_CERTIFICATE_EXPIRED', kind: 'stale', role: 'root' })
    const [keyId] = (await cachedMetadata(trustDir, gun, 'root')).roles.root.keyids
    expect(refusal.message).toContain(`remote repository ${gun} out-of-date: the certificate of root key ${keyId} (canonical ID `)
    expect(refusal.message).toMatch(/\) ended 20/)
  }
})

test('a clock before the data was made is refused only by the certificate, with a day of tolerance', async () => {
  expect((await ours.verify(reference, after(-0.5))).freshness).toBe('fresh')
  expect((await ours.refusal(reference, after(-2))).code).toBe('ERR_ROOT_UNTRUSTED')
})
