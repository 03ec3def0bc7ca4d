/** The publisher publishes or rotates keys between two requests of one refresh. Such a race must not be refused as an attack. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createLabTransport, type LabTransport } from './lab/lab-transport.js'
import { type NotaryServer, startNotaryServer } from './lab/notary-server.js'
import { cachedMetadata, createOurReader, digestOf, type OurReader } from './lab/our-reader.js'
import { createPublisher, type Publisher } from './lab/publisher.js'

let server: NotaryServer
let publisher: Publisher
let gun: string
let count = 0
let reader: OurReader

beforeAll(async () => {
  server = await startNotaryServer()
  publisher = await createPublisher({ server })
})

afterAll(async () => {
  await publisher?.close()
  await server?.stop()
})

beforeEach(async () => {
  count += 1
  gun = `registry.example/raced/app${count}`
  await publisher.init(gun)
  await publishTag()
  reader = await createOurReader(server)
  return () => reader[Symbol.asyncDispose]()
})

async function publishTag(): Promise<void> {
  await publisher.addHash(gun, '1.0', digestOf(`${gun} ${Math.random()}`), 5)
  await publisher.publish(gun)
}

/** Runs `happens` once, after the first answer for this name was made and before it arrives; other requests wait for it. */
function afterAnswer(first: string, happens: () => Promise<unknown>): LabTransport {
  let tell = (): void => undefined
  const happened = new Promise<void>((resolve) => {
    tell = resolve
  })
  let waiting = true
  return createLabTransport(server, async (name, fetch) => {
    if (name !== first || !waiting) {
      await happened
      return fetch()
    }
    waiting = false
    const answer = await fetch()
    await happens()
    tell()
    return answer
  })
}

const cases: [string, () => Promise<unknown>][] = [
  ['a publish', () => publishTag()],
  ['a rotation of the targets key', () => publisher.rotateKey(gun, 'targets')],
  ['a rotation of the timestamp key', () => publisher.rotateKey(gun, 'timestamp', { serverManaged: true })],
  ['a rotation of the root', () => publisher.rotateRoot(gun)],
]

test.each(cases)('%s after the timestamp was read: a client with a cache succeeds', async (_, happens) => {
  await reader.verify(`${gun}:1.0`)
  await publishTag()
  const result = await reader.verify(`${gun}:1.0`, { transport: afterAnswer('timestamp', happens) })
  expect(result).toMatchObject({ rootTrust: 'cached-root', freshness: 'fresh' })
  const after = await reader.verify(`${gun}:1.0`)
  expect(after).toMatchObject({ digest: (await publisher.lookup(gun, '1.0')).digest, rootTrust: 'cached-root', warnings: [] })
})

test.each(cases)('%s after the search for new roots: a client with a cache succeeds', async (_, happens) => {
  await reader.verify(`${gun}:1.0`)
  const { version } = await cachedMetadata(reader.trustDir, gun, 'root')
  const result = await reader.verify(`${gun}:1.0`, { transport: afterAnswer(`${version + 1}.root`, happens) })
  expect(result).toMatchObject({ rootTrust: 'cached-root', freshness: 'fresh' })
  expect(result.digest).toBe((await publisher.lookup(gun, '1.0')).digest)
  expect(await reader.verify(`${gun}:1.0`)).toMatchObject({ digest: result.digest, warnings: [] })
})

test.each(cases)('%s after the first root was read: a client without a cache succeeds', async (_, happens) => {
  const result = await reader.verify(`${gun}:1.0`, { transport: afterAnswer('root', happens) })
  expect(result).toMatchObject({ rootTrust: 'first-use', freshness: 'fresh' })
  expect(result.digest).toBe((await publisher.lookup(gun, '1.0')).digest)
})
