/** A pin that names the mirror, as the user types it, bound nothing: the first root was taken on trust. */
import { expect, test } from 'vitest'
import { createMemoryStore, createTrustClient, type TrustClientOptions, verifyTag } from '../../src/index.js'
import { createTrustCollection } from '../../src/testing/index.js'
import { refusalOf } from '../client/story.js'

const REGISTRY = 'container-registry.oracle.com/os/oraclelinux'
const MIRROR = 'container-registry-phx.oracle.com/os/oraclelinux'

function options(): TrustClientOptions {
  const collection = createTrustCollection(REGISTRY, { tags: { 9: 'the image' } }).publish()
  return {
    env: {},
    disableContentTrust: false,
    transport: collection.transport(),
    store: createMemoryStore(),
    now: () => collection.now,
  }
}

test.each([MIRROR, 'container-registry-phx.oracle.com/*'])('a pin of %s binds an image of the mirror', async (rule) => {
  const pinning = { certs: { [rule]: ['a'.repeat(64)] } }
  const error = await refusalOf(verifyTag(`${MIRROR}:9`, { ...options(), pinning }))
  expect(error).toMatchObject({ code: 'ERR_PIN_MISMATCH', gun: REGISTRY })
})

test('the pin of the mirror binds on later runs and in memory too, and not the registry itself', async () => {
  const pinning = { certs: { [MIRROR]: ['a'.repeat(64)] } }
  await using client = createTrustClient({ ...options(), pinning })
  for (let runs = 0; runs < 3; runs++) {
    expect(await client.verifyTag(`${REGISTRY}:9`)).toMatchObject({ status: 'trusted' })
    expect(await refusalOf(client.verifyTag(`${MIRROR}:9`))).toMatchObject({ code: 'ERR_PIN_MISMATCH' })
  }
})
