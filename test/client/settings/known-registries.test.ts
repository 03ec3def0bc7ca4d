/** Registries whose trust server has another name, and mirrors whose images are signed under the name of another registry. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMemoryStore, createTrustClient, type TrustClientOptions, verifyTag } from '../../../src/index.js'
import { createTrustCollection, type SimulatedTransport, type TrustCollection } from '../../../src/testing/index.js'
import { refusalOf } from '../story.js'

const REGISTRY = 'container-registry.oracle.com'
const MIRROR = 'container-registry-phx.oracle.com'
const SIGNED = `${REGISTRY}/os/oraclelinux`
const SERVER = 'https://container-trust.oci.oraclecloud.com:443'

let collection: TrustCollection
let digest: string
let transport: SimulatedTransport
let options: TrustClientOptions

beforeEach(() => {
  collection = createTrustCollection(SIGNED)
  digest = collection.sign('9', 'the image')
  collection.publish()
  transport = collection.transport()
  options = { env: {}, disableContentTrust: false, transport, store: createMemoryStore(), now: () => collection.now }
})
afterEach(() => transport.close())

test('asks the trust server of a known registry when no setting names one', async () => {
  const result = await verifyTag(`${REGISTRY}/os/oraclelinux:9`, options)
  expect(result).toMatchObject({ status: 'trusted', gun: SIGNED, server: SERVER, canonicalReference: `${SIGNED}@${digest}` })
  expect(result).not.toHaveProperty('mirror')
})

describe('a mirror', () => {
  const typed = `${MIRROR}/os/oraclelinux`

  test('is answered from the collection of its registry; the reference to pull is at the mirror, with the same digest', async () => {
    expect(await verifyTag(`${typed}:9`, options)).toMatchObject({
      status: 'trusted',
      reference: `${typed}:9`,
      gun: SIGNED,
      mirror: MIRROR,
      server: SERVER,
      digest,
      canonicalReference: `${typed}@${digest}`,
    })
    expect(await options.store?.list()).toEqual([SIGNED])
    expect(await verifyTag(`${typed}@${digest}`, options)).toMatchObject({
      status: 'trusted-digest',
      gun: SIGNED,
      mirror: MIRROR,
      canonicalReference: `${typed}@${digest}`,
      tags: ['9'],
    })
    const other = `sha256:${'0'.repeat(64)}`
    expect(await refusalOf(verifyTag(`${typed}:9@${other}`, options))).toMatchObject({ code: 'ERR_DIGEST_MISMATCH', gun: SIGNED })
  })

  test('shares one collection with its registry, in lists and inspections too, and when both are asked at once', async () => {
    await using client = createTrustClient(options)
    expect(await client.listTags(typed)).toMatchObject({ gun: SIGNED, mirror: MIRROR, tags: [{ tag: '9', digest }] })
    expect(await client.inspect(typed)).toMatchObject({ gun: SIGNED, mirror: MIRROR })
    const answers = []
    for await (const outcome of client.verifyTags([`${typed}:9`, `${SIGNED}:9`, `${typed}:none`])) answers.push(outcome)
    expect(answers).toMatchObject([
      { result: { gun: SIGNED, mirror: MIRROR, canonicalReference: `${typed}@${digest}` } },
      { result: { gun: SIGNED, canonicalReference: `${SIGNED}@${digest}` } },
      { error: { code: 'ERR_TAG_NOT_SIGNED' } },
    ])
  })

  test('keeps the version floors of the registry: an older version is refused for both (rollback)', async () => {
    const old = collection.files()
    collection.sign('9', 'a newer image')
    collection.publish()
    await verifyTag(`${SIGNED}:9`, options)
    for (const [name, bytes] of old) transport.faults.set(name, bytes)
    expect(await refusalOf(verifyTag(`${typed}:9`, options))).toMatchObject({ code: 'ERR_VERSION_ROLLBACK', gun: SIGNED })
  })

  test('is pinned by the signed name', async () => {
    const pinning = { certs: { [SIGNED]: ['a'.repeat(64)] } }
    expect(await refusalOf(verifyTag(`${typed}:9`, { ...options, pinning }))).toMatchObject({ code: 'ERR_PIN_MISMATCH' })
  })

  test.each([
    ['DOCKER_CONTENT_TRUST_SERVER, as in the manual', { env: { DOCKER_CONTENT_TRUST_SERVER: SERVER } }],
    ['the same without the port', { env: { DOCKER_CONTENT_TRUST_SERVER: SERVER.replace(':443', '/') } }],
    ['the option server', { server: SERVER }],
    ['the option servers', { servers: { [MIRROR]: SERVER } }],
    ['the option servers for the registry alone', { servers: { [REGISTRY]: SERVER } }],
  ])('is a mirror also when a setting chose the same server: %s', async (_how, more) => {
    expect(await verifyTag(`${typed}:9`, { ...options, ...more })).toMatchObject({ gun: SIGNED, mirror: MIRROR })
  })

  test.each([
    ['DOCKER_CONTENT_TRUST_SERVER', { env: { DOCKER_CONTENT_TRUST_SERVER: 'https://own.example' } }],
    ['server', { server: 'https://own.example' }],
    ['servers', { servers: { [MIRROR]: 'https://own.example' } }],
    ['a prefix on that host', { server: `${SERVER}/prefix` }],
  ])('is an ordinary registry for another server: %s', async (_how, more) => {
    const error = await refusalOf(verifyTag(`${typed}:9`, { ...options, ...more }))
    expect(error).toMatchObject({ code: 'ERR_NO_TRUST_DATA', gun: typed })
  })

  test('has no effect on lookup, which uses the name as given', async () => {
    await using client = createTrustClient(options)
    expect((await client.lookup(SIGNED, '9')).digest).toBe(digest)
    expect(await refusalOf(client.lookup(typed, '9'))).toMatchObject({ code: 'ERR_NO_TRUST_DATA', gun: typed })
  })
})

test.each([
  'container-registry.oracle.com.evil.example/os/oraclelinux:9',
  'container-registry--phx.oracle.com/os/oraclelinux:9',
  'container-registry-phx.evil.oracle.com/os/oraclelinux:9',
  'container-registry-phx.oracle.com:5000/os/oraclelinux:9',
  'evil-container-registry.oracle.com/os/oraclelinux:9',
])('%s is no known registry', async (reference) => {
  const { gun } = await refusalOf(verifyTag(reference, options))
  expect(reference.startsWith(gun ?? '-')).toBe(true)
})

describe('when no server is set and the address of the registry is used', () => {
  const GUESSED = 'registry.example/team/app:1'
  const SAYS = /No trust server is set, so https:\/\/registry\.example.*DOCKER_CONTENT_TRUST_SERVER/

  test.each(['unreachable', 'missing'] as const)('the hint of a failure (%s) says so, and how to set one', async (fault) => {
    transport.faults.set('*', fault)
    expect((await refusalOf(verifyTag(GUESSED, options))).hint).toMatch(SAYS)
    expect((await refusalOf(verifyTag(GUESSED, options))).hint).toMatch(/: dct env( \S+)?$/)
    const set = { ...options, server: 'https://registry.example' }
    expect((await refusalOf(verifyTag(GUESSED, set))).hint).not.toMatch(SAYS)
    expect((await refusalOf(verifyTag('alpine', options))).hint).not.toMatch(/No trust server is set/)
  })
})
