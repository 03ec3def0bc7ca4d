/** The real client and this project use one trust folder in turns: each reads the files that the other wrote. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTrustClient } from '../../src/index.js'
import { makeSignerKey } from './lab/certificates.js'
import { createReader, type NotaryCli } from './lab/notary-cli.js'
import { type NotaryServer, startNotaryServer } from './lab/notary-server.js'
import { createOurReader, digestOf, type OurReader } from './lab/our-reader.js'
import { createPublisher, type Publisher } from './lab/publisher.js'

let server: NotaryServer
let publisher: Publisher
let gun: string
let count = 0
/** Both clients with one trust folder. */
let ours: OurReader
let notary: NotaryCli

beforeAll(async () => {
  server = await startNotaryServer()
  publisher = await createPublisher({ server })
  const alice = await makeSignerKey(publisher.trustDir, 'alice')
  await publisher.importKey(alice.key, alice.name)
})

afterAll(async () => {
  await publisher?.close()
  await server?.stop()
})

beforeEach(async () => {
  count += 1
  gun = `registry.example/shared/app${count}`
  await publisher.init(gun)
  await publisher.addDelegation(gun, 'targets/releases', [join(publisher.trustDir, 'alice.crt')])
  await publisher.addDelegation(gun, 'targets/alice', [join(publisher.trustDir, 'alice.crt')])
  await publish('1.0')
  ours = await createOurReader(server)
  notary = await createReader({ server, trustDir: ours.trustDir })
  return () => ours[Symbol.asyncDispose]()
})

async function publish(tag: string): Promise<void> {
  await publisher.addHash(gun, tag, digestOf(tag), 5, { roles: ['targets/releases', 'targets/alice'] })
  await publisher.publish(gun)
}

const digest = (tag: string): string => `sha256:${digestOf(tag)}`

/** The bytes of every metadata file of the collection, by path. */
async function cacheFiles(): Promise<Record<string, string>> {
  const folder = notary.cacheDir(gun)
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.json')).sort()
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')])))
}

const allFiles = ['root.json', 'snapshot.json', 'targets.json', 'targets/alice.json', 'targets/releases.json', 'timestamp.json']

test('a cache that notary wrote is used without first use, and is not changed', async () => {
  await notary.lookup(gun, '1.0')
  const before = await cacheFiles()
  const result = await ours.verify(`${gun}:1.0`)
  expect(result).toMatchObject({ digest: digest('1.0'), rootTrust: 'cached-root', freshness: 'fresh', warnings: [] })
  expect(await cacheFiles()).toMatchObject(before)
  expect((await notary.lookup(gun, '1.0')).digest).toBe(digest('1.0'))
})

test('a cache that notary wrote answers offline', async () => {
  await notary.lookup(gun, '1.0')
  const result = await ours.verify(`${gun}:1.0`, { offline: true })
  expect(result).toMatchObject({ digest: digest('1.0'), rootTrust: 'cached-root', freshness: 'offline', signers: ['alice'] })
})

test('a fresh cache of this project has the same files as a cache of notary, byte for byte', async () => {
  await ours.verify(`${gun}:1.0`)
  const written = await cacheFiles()
  expect(Object.keys(written)).toEqual(allFiles)
  await using stranger = await createReader({ server })
  await stranger.list(gun)
  for (const name of allFiles) {
    expect(await readFile(join(stranger.cacheDir(gun), name), 'utf8'), name).toBe(written[name])
  }
  expect((await stat(join(notary.cacheDir(gun), 'root.json'))).mode & 0o777).toBe(0o600)
  expect((await stat(notary.cacheDir(gun))).mode & 0o777).toBe(0o700)
})

test('both use one folder over several publications, in any order', async () => {
  for (const tag of ['2.0', '2.1', '2.2', '2.3']) {
    await publish(tag)
    const readers = [async () => (await notary.lookup(gun, tag)).digest, async () => (await ours.verify(`${gun}:${tag}`)).digest]
    if (tag === '2.1' || tag === '2.2') readers.reverse()
    for (const read of readers) expect(await read()).toBe(digest(tag))
  }
  expect(await ours.verify(`${gun}:2.3`)).toMatchObject({ rootTrust: 'cached-root', warnings: [] })
})

test('both use one folder over rotations of root and timestamp', async () => {
  await notary.lookup(gun, '1.0')
  await publisher.rotateRoot(gun)
  expect((await ours.verify(`${gun}:1.0`)).rootTrust).toBe('cached-root')
  expect((await notary.lookup(gun, '1.0')).digest).toBe(digest('1.0'))
  await publisher.rotateRoot(gun)
  await publisher.rotateKey(gun, 'timestamp', { serverManaged: true })
  await publish('2.0')
  expect((await notary.lookup(gun, '2.0')).digest).toBe(digest('2.0'))
  expect(await ours.verify(`${gun}:2.0`)).toMatchObject({ rootTrust: 'cached-root', freshness: 'fresh', warnings: [] })
})

test('both read at the same time while collections are published', async () => {
  await using client = createTrustClient(ours.options)
  const reads = Array.from({ length: 4 }, async () => {
    expect(await client.verifyTag(`${gun}:1.0`)).toMatchObject({ status: 'trusted', digest: digest('1.0') })
    expect((await notary.lookup(gun, '1.0')).digest).toBe(digest('1.0'))
  })
  await Promise.all([...reads, publish('2.0'), ours.dct('verify', `${gun}:1.0`)])
  expect((await ours.verify(`${gun}:2.0`)).digest).toBe(digest('2.0'))
})

test('this project can use the folder of a publisher, and publishing still works', async () => {
  await using publishers = await createOurReader(server, publisher.trustDir)
  expect(await publishers.verify(`${gun}:1.0`)).toMatchObject({ rootTrust: 'cached-root', warnings: [] })
  await publish('2.0')
  expect(await publishers.verify(`${gun}:2.0`)).toMatchObject({ digest: digest('2.0'), freshness: 'fresh' })
  await publish('3.0')
  expect((await publisher.lookup(gun, '3.0')).digest).toBe(digest('3.0'))
})

describe('with a stopped server', () => {
  test('notary can use the cache of this project, and this project that of notary', async () => {
    await using doomed = await startNotaryServer()
    await using owner = await createPublisher({ server: doomed })
    await owner.init(gun)
    await owner.addHash(gun, '9.0', digestOf('9.0'), 1)
    await owner.publish(gun)
    await using first = await createOurReader(doomed)
    await first.verify(`${gun}:9.0`)
    await using notarySecond = await createReader({ server: doomed, trustDir: first.trustDir })
    await using notaryFirst = await createReader({ server: doomed })
    await notaryFirst.lookup(gun, '9.0')
    await using second = await createOurReader(doomed, notaryFirst.trustDir)
    await doomed.kill()
    expect((await notarySecond.lookup(gun, '9.0')).digest).toBe(digest('9.0'))
    expect(await second.verify(`${gun}:9.0`)).toMatchObject({ digest: digest('9.0'), freshness: 'stale' })
    expect(await second.verify(`${gun}:9.0`, { offline: true })).toMatchObject({ digest: digest('9.0'), freshness: 'offline' })
  })
})
