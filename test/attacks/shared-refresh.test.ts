/** Two questions that are not about the same collection share one refresh, because they were asked under the same text. */
import { expect, test } from 'vitest'
import { createMemoryStore, createTrustClient } from '../../src/index.js'
import { createSimulatedTransport, createTrustCollection } from '../../src/testing/index.js'

const REGISTRY = 'container-registry.oracle.com/os/oraclelinux'
const MIRROR = 'container-registry-phx.oracle.com/os/oraclelinux'

function world() {
  const signed = createTrustCollection(REGISTRY, { tags: { 9: 'signed in the name of the registry' } }).publish()
  const other = createTrustCollection(MIRROR, { tags: { 9: 'signed in the name of the mirror' } }).publish()
  const transport = createSimulatedTransport([signed, other])
  const options = { env: {}, disableContentTrust: false, transport, store: createMemoryStore(), now: () => signed.now }
  return { client: createTrustClient(options), signed: signed.digest('9'), other: other.digest('9') }
}

test('an image of a mirror is not answered from a lookup of the same name that runs at the same time', async () => {
  const { client, signed, other } = world()
  const [found, verified] = await Promise.all([client.lookup(MIRROR, '9'), client.verifyTag(`${MIRROR}:9`)])
  expect(found).toMatchObject({ gun: MIRROR, digest: other })
  expect(verified).toMatchObject({ gun: REGISTRY, digest: signed })
  await client.close()
})

test('a lookup of a name is not answered from an image of a mirror that is verified at the same time', async () => {
  const { client, signed, other } = world()
  const [verified, found] = await Promise.all([client.verifyTag(`${MIRROR}:9`), client.lookup(MIRROR, '9')])
  expect(verified).toMatchObject({ gun: REGISTRY, digest: signed })
  expect(found).toMatchObject({ gun: MIRROR, digest: other })
  await client.close()
})
