/** Unusual but legal names and custom data, published by the real client: both clients read the same. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTrustClient } from '../../src/index.js'
import { createReader } from './lab/notary-cli.js'
import { type NotaryServer, startNotaryServer } from './lab/notary-server.js'
import { createOurReader, digestOf, lookupAfresh } from './lab/our-reader.js'
import { createPublisher, type Publisher } from './lab/publisher.js'

const oddTags = [
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', '__defineGetter__', 'valueOf'],
  ...['v1-RC', 'v1-rc', 'V1-rc', 'null', 'true', '0', '00', '-1'.slice(1), '_', '_.-', '1e3', '0x10', 'a..b', 'x'.repeat(128)],
]
const tags = [...oddTags, ...Array.from({ length: 200 - oddTags.length }, (_, index) => `1.${index}.0`)]

let server: NotaryServer
let publisher: Publisher

beforeAll(async () => {
  server = await startNotaryServer({ signer: true })
  publisher = await createPublisher({ server })
})

afterAll(async () => {
  await publisher?.close()
  await server?.stop()
})

async function publishOne(gun: string, target: string): Promise<void> {
  await publisher.init(gun)
  await publisher.addHash(gun, target, digestOf(target), 11)
  await publisher.publish(gun)
}

test('200 tags, some with names of JavaScript members, are read as notary reads them', async () => {
  const gun = 'registry.example/odd/tags'
  const custom = (tag: string): unknown => JSON.parse(`{"__proto__":{"polluted":true},"constructor":1,"tag":"${tag}"}`)
  expect(new Set(tags).size).toBe(200)
  await publisher.init(gun)
  await publisher.addMany(
    gun,
    tags.map((target, index) => ({ target, digestHex: digestOf(target), size: index, custom: custom(target) })),
  )
  await publisher.publish(gun)
  await using notary = await createReader({ server })
  const listed = await notary.list(gun)
  expect(listed).toHaveLength(200)
  await using reader = await createOurReader(server)
  await using client = createTrustClient(reader.options)
  const ours = (await client.listTags(gun)).tags
  const byName = (a: { target: string }, b: { target: string }) => (a.target < b.target ? -1 : 1)
  const told = ours.map(({ tag, digest, size, role }) => ({ target: tag, digest, size, role }))
  expect(told.sort(byName)).toEqual(listed.sort(byName))
  for await (const outcome of client.verifyTags(tags.map((tag) => `${gun}:${tag}`))) {
    const tag = outcome.reference.slice(gun.length + 1)
    expect(outcome).toMatchObject({ result: { status: 'trusted', tag, digest: `sha256:${digestOf(tag)}` } })
    if ('result' in outcome && outcome.result.status === 'trusted') expect(outcome.result.custom).toEqual(custom(tag))
  }
  expect('polluted' in {}).toBe(false)
  for (const tag of ['v1-Rc', '__PROTO__', 'isPrototypeOf']) {
    await expect(notary.lookup(gun, tag)).rejects.toThrow(`No valid trust data for ${tag}`)
    expect((await reader.refusal(`${gun}:${tag}`)).code).toBe('ERR_TAG_NOT_SIGNED')
  }
  const run = await reader.dct('verify', `${gun}:__proto__`, `${gun}:constructor`)
  expect(run.stdout).toBe(`${gun}@sha256:${digestOf('__proto__')}\n${gun}@sha256:${digestOf('constructor')}\n`)
})

// Without control characters, < > & and U+2028: notary's form of these in custom data cannot be verified, and it refuses to publish it.
test('custom data of every kind comes back as it was published', async () => {
  const gun = 'registry.example/odd/custom'
  const values: unknown[] = [
    { text: 'quotes " \\ / \u00fc \ud83d\udc33 \u007f', list: [1, [], {}, null, true, -7] },
    [1, 'two'],
    'a text',
    0,
    { '10': 'ten', '9': 'nine', B: 1, a: 2, A: 3, '': 'empty' },
    { big: 9007199254740991, small: -9007199254740991 },
  ]
  await publisher.init(gun)
  const entries = values.map((custom, index) => ({ target: `c${index}`, digestHex: digestOf(`c${index}`), size: index, custom }))
  await publisher.addMany(gun, entries)
  await publisher.publish(gun)
  await using reader = await createOurReader(server)
  await using client = createTrustClient(reader.options)
  for (const { target, custom } of entries) {
    const { digest, size } = await lookupAfresh(server, gun, target)
    expect(await client.verifyTag(`${gun}:${target}`)).toMatchObject({ status: 'trusted', digest, size })
    expect((await client.lookup(gun, target)).custom).toEqual(custom)
  }
})

test('the port of a registry is part of the name of the collection', async () => {
  const gun = 'localhost:5000/team/app'
  await publishOne(gun, '1.0')
  const { digest } = await lookupAfresh(server, gun, '1.0')
  await using reader = await createOurReader(server)
  expect(await reader.verify(`${gun}:1.0`)).toMatchObject({ gun, tag: '1.0', canonicalReference: `${gun}@${digest}` })
  expect(await reader.dct('verify', `${gun}:1.0`)).toMatchObject({ status: 0, stdout: `${gun}@${digest}\n` })
  await using notary = await createReader({ server, trustDir: reader.trustDir })
  expect((await notary.lookup(gun, '1.0')).digest).toBe(digest)
})

test('an official image is signed under its full name and found by its short name', async () => {
  const gun = 'docker.io/library/alpine'
  await publishOne(gun, 'latest')
  const { digest } = await lookupAfresh(server, gun, 'latest')
  await using reader = await createOurReader(server)
  for (const reference of ['alpine', 'alpine:latest', 'docker.io/alpine', 'index.docker.io/library/alpine']) {
    expect(await reader.verify(reference)).toMatchObject({ gun, tag: 'latest', digest, reference })
  }
})

test.each(['example.com/Files/Release_1', 'plain', 'example.com/a/b/c/d/e/f', 'UPPER:80/x--y'])(
  'dct lookup answers for the collection %s like notary lookup, whether or not it is an image',
  async (gun) => {
    const targets = ['a file name with spaces.tar.gz', '\u00fcn\u00efcode', 'dir/sub/file', 'a:b@c', '1.0']
    await publisher.init(gun)
    await publisher.addMany(
      gun,
      targets.map((target) => ({ target, digestHex: digestOf(target), size: 42 })),
    )
    await publisher.publish(gun)
    await using reader = await createOurReader(server)
    await using notary = await createReader({ server })
    let lines = ''
    for (const target of targets) lines += (await notary.run('lookup', gun, target)).stdout
    const run = await reader.dct('lookup', gun, ...targets)
    expect(run).toMatchObject({ status: 0, stdout: lines })
    expect(lines.trim().split('\n')).toHaveLength(targets.length)
  },
)
