/** Settings that did not hold: of a registry for its mirrors, of the first call for later ones, of an error for its copies. */
import { expect, test } from 'vitest'
import { createMemoryStore, createTrustClient, type TrustClientOptions, UnavailableError, verifyTag } from '../../src/index.js'
import { createTrustCollection } from '../../src/testing/index.js'
import { refusalOf } from '../client/story.js'

const REGISTRY = 'container-registry.oracle.com'
const MIRROR = 'container-registry-phx.oracle.com'

function optionsFor(gun: string): TrustClientOptions & { transport: NonNullable<TrustClientOptions['transport']> } {
  const collection = createTrustCollection(gun, { tags: { 9: 'the image' } }).publish()
  const transport = collection.transport()
  return { env: {}, disableContentTrust: false, transport, store: createMemoryStore(), now: () => collection.now }
}

test('a registry that is mapped to a server of its own: its mirrors are not verified at the one that the table knows', async () => {
  const servers = { [REGISTRY]: 'https://own.example' }
  const error = await refusalOf(verifyTag(`${MIRROR}/os/oraclelinux:9`, { ...optionsFor(`${REGISTRY}/os/oraclelinux`), servers }))
  expect(error).toMatchObject({ code: 'ERR_NO_TRUST_DATA', gun: `${MIRROR}/os/oraclelinux` })
  expect(error.message).toContain('own.example')
})

test('changes of the caller to the map of servers after the first call have no effect', async () => {
  const servers: Record<string, string> = { 'registry.example': 'https://one.example' }
  await using client = createTrustClient({ ...optionsFor('registry.example/a'), servers })
  expect(await client.verifyTag('registry.example/a:9')).toMatchObject({ server: 'https://one.example' })
  servers['registry.example'] = 'https://two.example'
  expect(await client.verifyTag('registry.example/a:9')).toMatchObject({ server: 'https://one.example' })
})

test('a map of servers that changes between reads does not cause an error of Node', async () => {
  let reads = 0
  const servers = Object.defineProperty<Record<string, string>>({}, 'registry.example', {
    enumerable: true,
    get: () => (reads++ === 0 ? 'https://one.example' : 5),
  })
  expect(await verifyTag('registry.example/a:9', { ...optionsFor('registry.example/a'), servers })).toMatchObject({
    server: 'https://one.example',
  })
})

test('an error that two concurrent questions share has isBadAnswer for both', async () => {
  const options = optionsFor('registry.example/a')
  const fetchMetadata = () => Promise.reject(new UnavailableError('ERR_SERVER_RESPONSE', 'bad', { isBadAnswer: true }))
  await using client = createTrustClient({ ...options, transport: { fetchMetadata, close: () => Promise.resolve() } })
  const errors = await Promise.all([1, 2].map(() => refusalOf(client.verifyTag('registry.example/a:9'))))
  expect(errors).toMatchObject([{ isBadAnswer: true }, { isBadAnswer: true }])
})
