/**
 * A process with the testing kit's server behind a delay: `fork` it with the numbers of collections and tags and the round trip in
 * milliseconds. It sends `{url, ca, now}` when it is ready, and ends with its parent.
 */
import { createTrustCollection, startTrustServer } from '../dist/testing/index.js'
import { startDelayProxy } from './delay-proxy.mjs'
import { gunOf } from './kit-collections.mjs'

const [collections = 1, tags = 1, roundTrip = 0] = process.argv.slice(2).map(Number)

/** Programs of the same machine verify with their own clock. */
const NOW = new Date(Date.now() - 60_000)

const published = Array.from({ length: collections }, (_, index) => {
  const collection = createTrustCollection(gunOf(index), { now: NOW, roles: { targets: { type: 'ed25519' } } })
  for (let tag = 0; tag < tags; tag += 1) collection.sign(`v${tag}`, `content ${tag}`)
  return collection.publish()
})
const server = await startTrustServer({ collections: published })
const proxy = await startDelayProxy(Number(new URL(server.url).port), roundTrip)
process.once('disconnect', () => process.exit())
process.send?.({ url: proxy.url, ca: server.ca, now: published[0].now.toISOString() })
