/** Keys changed by the real publisher and the real server, for readers that saw each change and for readers that missed some. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTrustClient } from '../../src/index.js'
import { makeSignerKey } from './lab/certificates.js'
import { getMetadata } from './lab/http.js'
import { createReader, type NotaryCli } from './lab/notary-cli.js'
import { type NotaryServer, startNotaryServer } from './lab/notary-server.js'
import { cachedMetadata, createOurReader, digestOf, lookupAfresh, type OurReader } from './lab/our-reader.js'
import { createPublisher, type Publisher } from './lab/publisher.js'

describe.each<[string, boolean]>([
  ['a server that signs with ed25519', false],
  ['a server whose signer signs with ECDSA', true],
])('%s', (_, signer) => {
  let server: NotaryServer
  let publisher: Publisher
  let gun: string
  let count = 0
  /** Readers that verified tag 1.0 before any rotation. */
  let ours: OurReader
  let notary: NotaryCli

  beforeAll(async () => {
    server = await startNotaryServer({ signer })
    publisher = await createPublisher({ server })
  })

  afterAll(async () => {
    await publisher?.close()
    await server?.stop()
  })

  beforeEach(async () => {
    count += 1
    gun = `registry.example/rotated/app${count}`
    await publisher.init(gun)
    await publish('1.0')
    ours = await createOurReader(server)
    notary = await createReader({ server })
    await ours.verify(`${gun}:1.0`)
    await notary.lookup(gun, '1.0')
    return async () => {
      await ours[Symbol.asyncDispose]()
      await notary.close()
    }
  })

  async function publish(tag: string): Promise<void> {
    await publisher.addHash(gun, tag, digestOf(tag), 9)
    await publisher.publish(gun)
  }

  const servedRootVersion = async (): Promise<number> =>
    JSON.parse((await getMetadata(server, gun, 'root')).body.toString()).signed.version

  /** Expects the same answer from a reader that missed the changes, a fresh one, and the same two readers of the real client. */
  async function expectAllAgree(tag: string): Promise<void> {
    const { digest } = await lookupAfresh(server, gun, tag)
    expect((await notary.lookup(gun, tag)).digest).toBe(digest)
    const slept = await ours.verify(`${gun}:${tag}`)
    expect(slept).toMatchObject({ digest, rootTrust: 'cached-root', freshness: 'fresh', warnings: [] })
    expect((await cachedMetadata(ours.trustDir, gun, 'root')).version).toBe(await servedRootVersion())
    await using fresh = await createOurReader(server)
    expect(await fresh.verify(`${gun}:${tag}`)).toMatchObject({ digest, rootTrust: 'first-use', freshness: 'fresh' })
  }

  test('one root rotation is followed', async () => {
    await publisher.rotateRoot(gun)
    await expectAllAgree('1.0')
    await publish('2.0')
    await expectAllAgree('2.0')
  })

  test('five missed root rotations are followed one by one', async () => {
    const before = await cachedMetadata(ours.trustDir, gun, 'root')
    for (let times = 0; times < 5; times += 1) await publisher.rotateRoot(gun)
    await publish('2.0')
    expect(await servedRootVersion()).toBe(before.version + 5)
    await expectAllAgree('2.0')
  })

  test('a root rotation that the old keys sign too is followed', async () => {
    await publisher.rotateRoot(gun)
    await publisher.rotateRoot(gun, { legacy: 1 })
    const { signatures } = JSON.parse((await getMetadata(server, gun, 'root')).body.toString())
    expect(signatures.length).toBeGreaterThan(2)
    await expectAllAgree('1.0')
  })

  test('readers with a cache follow changed keys of snapshot, timestamp and targets', async () => {
    await publisher.rotateKey(gun, 'snapshot', { serverManaged: true })
    await expectAllAgree('1.0')
    await publisher.rotateKey(gun, 'timestamp', { serverManaged: true })
    await expectAllAgree('1.0')
    await publisher.rotateKey(gun, 'targets')
    await expectAllAgree('1.0')
    await publish('2.0')
    await expectAllAgree('2.0')
  })

  test('a reader that missed the change of every key follows, including the snapshot key given to the server', async () => {
    await publisher.rotateKey(gun, 'snapshot')
    await publish('2.0')
    await expectAllAgree('2.0')
    await publisher.rotateKey(gun, 'snapshot', { serverManaged: true })
    await publisher.rotateKey(gun, 'timestamp', { serverManaged: true })
    await publisher.rotateKey(gun, 'targets')
    await publisher.rotateRoot(gun)
    await publish('3.0')
    await expectAllAgree('3.0')
  })

  test('dct verify follows the rotation and stores the new root', async () => {
    await publisher.rotateRoot(gun)
    await publisher.rotateRoot(gun)
    const { digest } = await lookupAfresh(server, gun, '1.0')
    expect(await ours.dct('verify', `${gun}:1.0`)).toMatchObject({ status: 0, stdout: `${gun}@${digest}\n`, stderr: '' })
    expect((await cachedMetadata(ours.trustDir, gun, 'root')).version).toBe(await servedRootVersion())
    expect((await ours.verify(`${gun}:1.0`, { offline: true })).freshness).toBe('offline')
  })
})

test('the key of a signer is replaced', async () => {
  const gun = 'registry.example/rotated/signer'
  const folder = await mkdtemp(join(tmpdir(), 'notary-lab-keys-'))
  try {
    await using server = await startNotaryServer()
    await using publisher = await createPublisher({ server })
    const [old, young] = [await makeSignerKey(folder, 'old'), await makeSignerKey(folder, 'young')]
    for (const { key, name } of [old, young]) await publisher.importKey(key, name)
    await publisher.init(gun)
    const keyIds = await publisher.addDelegation(gun, 'targets/releases', [old.cert])
    await publisher.addHash(gun, '1.0', digestOf('1.0'), 1, { roles: ['targets/releases'] })
    await publisher.publish(gun)
    await using reader = await createOurReader(server)
    await using notary = await createReader({ server })
    await using client = createTrustClient(reader.options)
    const agree = async (tag: string) => {
      const { digest } = await notary.lookup(gun, tag)
      expect(await client.verifyTag(`${gun}:${tag}`)).toMatchObject({ digest, role: 'targets/releases' })
    }
    await agree('1.0')
    await publisher.addDelegation(gun, 'targets/releases', [young.cert])
    await publisher.removeDelegation(gun, 'targets/releases', keyIds)
    await publisher.run('witness', gun, 'targets/releases')
    await publisher.addHash(gun, '2.0', digestOf('2.0'), 1, { roles: ['targets/releases'] })
    await publisher.publish(gun)
    await agree('1.0')
    await agree('2.0')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
