/** A lock made by `dct lock`, and what the real publisher does afterwards: rotate keys, remove keys, delete the collection. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { getMetadata } from './lab/http.js'
import { type NotaryServer, startNotaryServer } from './lab/notary-server.js'
import { createOurReader, digestOf, type OurReader } from './lab/our-reader.js'
import { createPublisher, type Publisher } from './lab/publisher.js'

let server: NotaryServer
let publisher: Publisher
let gun: string
let count = 0
/** The machine on which the lock was made. */
let reader: OurReader
/** `--lockfile FILE` */
let lockfile: readonly [string, string]

beforeAll(async () => {
  server = await startNotaryServer()
})
afterAll(() => server?.stop())
beforeEach(async () => {
  count += 1
  gun = `registry.example/locked/app${count}`
  // Its only root key is that of the collection.
  publisher = await createPublisher({ server })
  await publisher.init(gun)
  await publish('1.0')
  reader = await createOurReader(server)
  lockfile = ['--lockfile', join(reader.config, 'content-trust.lock.json')]
  return async () => {
    await reader[Symbol.asyncDispose]()
    await publisher.close()
  }
})

async function publish(tag: string, by = publisher): Promise<void> {
  await by.addHash(gun, tag, digestOf(tag), 9)
  await by.publish(gun)
}

const lock = (...args: string[]) => reader.dct('lock', ...lockfile, ...args)
const lockedVersion = async (): Promise<number> => JSON.parse(await readFile(lockfile[1], 'utf8')).collections[gun].root.version
const servedVersion = async (): Promise<number> =>
  JSON.parse((await getMetadata(server, gun, 'root')).body.toString()).signed.version
const rootKeys = async (of: Publisher): Promise<string[]> =>
  (await of.run('key', 'list')).stdout.split('\n').flatMap((line) => (/^root .*\b([0-9a-f]{64})\b/.exec(line) ?? []).slice(1))

/** A machine that has the lock and nothing else answers. */
async function expectFreshMachine(tag: string): Promise<void> {
  await using fresh = await createOurReader(server)
  const ran = await fresh.dct('verify', '--json', '--frozen', ...lockfile, `${gun}:${tag}`)
  expect(ran).toMatchObject({ status: 0 })
  expect(JSON.parse(ran.stdout)).toMatchObject({ digest: `sha256:${digestOf(tag)}`, rootTrust: 'lockfile', freshness: 'fresh' })
}

describe.each([['with the bytes of root.json'], ['without them', '--embed-root=false']])('a lock %s', (_, ...form) => {
  beforeEach(async () => {
    expect(await lock('--accept-new-roots', ...form, gun)).toMatchObject({ status: 0, stdout: `${lockfile[1]}\n` })
  })

  test('is followed after five root rotations; --check says that the keys are others, --update records them', async () => {
    for (let times = 0; times < 5; times += 1) await publisher.rotateRoot(gun)
    await publish('2.0')
    expect(await servedVersion()).toBeGreaterThan((await lockedVersion()) + 4)
    await expectFreshMachine('2.0')
    expect(await lock('--check')).toMatchObject({
      status: 1,
      stdout: `${gun} rotated\n`,
      stderr: expect.stringContaining(`dct lock --update`),
    })
    expect(await lock('--update')).toMatchObject({ status: 0, stdout: `${lockfile[1]}\n` })
    expect(await lockedVersion()).toBe(await servedVersion())
    expect(await lock('--check')).toMatchObject({ status: 0, stdout: `${gun} holds\n` })
    await expectFreshMachine('2.0')
  })
})

test('five rotations of the keys of other roles, and of their signers, change nothing of the lock', async () => {
  await lock('--accept-new-roots', gun)
  const before = await lockedVersion()
  for (const role of ['targets', 'snapshot', 'timestamp', 'targets', 'timestamp'])
    await publisher.rotateKey(gun, role, { serverManaged: role !== 'targets' })
  await publish('2.0')
  expect(await servedVersion()).toBe(before + 5)
  expect(await lock('--check')).toMatchObject({ status: 0, stdout: `${gun} holds\n` })
  await expectFreshMachine('2.0')
})

test('the private key of a root that was rotated away is removed: the chain from the lock does not need it', async () => {
  await lock('--accept-new-roots', gun)
  const [before = ''] = await rootKeys(publisher)
  await publisher.rotateRoot(gun)
  await publisher.runWithInput('yes\n', 'key', 'remove', before)
  expect(await rootKeys(publisher)).toHaveLength(1)
  await publisher.rotateRoot(gun)
  await publish('2.0')
  await expectFreshMachine('2.0')
  expect(await lock('--update')).toMatchObject({ status: 0 })
  expect(await lock('--check')).toMatchObject({ status: 0 })
})

test('a collection that was deleted and made again with another root key is refused until its key is named', async () => {
  await lock('--accept-new-roots', gun)
  const [before = ''] = await rootKeys(publisher)
  await publisher.deleteRemote(gun)
  await using another = await createPublisher({ server })
  await another.init(gun)
  await publish('2.0', another)
  const [now = ''] = await rootKeys(another)
  await using fresh = await createOurReader(server)
  const refused = await fresh.dct('verify', '--frozen', ...lockfile, `${gun}:2.0`)
  expect(refused).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('(ERR_LOCK_MISMATCH)') })
  expect((await lock('--check')).status).toBe(1)
  const update = await lock('--update')
  expect(update.status).toBe(1)
  for (const id of [before, now]) expect(update.stderr).toContain(id)
  expect((await lock('--update', '--expect', 'f'.repeat(64))).status).toBe(1)
  expect(await lock('--update', '--expect', now)).toMatchObject({ status: 0 })
  await expectFreshMachine('2.0')
})
