/** Collections of the kit, and what verifies from them, for the micro-benchmarks. */
import { createMemoryStore } from '../../src/cache/memory-store.js'
import { KeptSets } from '../../src/client/kept-sets.js'
import { refresh } from '../../src/client/refresh.js'
import { createTrustCollection, type TrustCollection } from '../../src/testing/index.js'
import { parseServer } from '../../src/transport/notary-url.js'
import { NO_PINNING } from '../../src/trust/pinning.js'
import type { TargetsStage } from '../../src/trust/targets-stage.js'

/** Tags of a collection. */
export const SIZES = [5_000, 50_000] as const

/** Enough rounds for a median, few enough for patience. */
export const SHORT = { time: 300, iterations: 5, warmupTime: 100, warmupIterations: 2 } as const

/** `size` tags in targets: tag-0, tag-1, ... */
export function collectionOf(size: number): TrustCollection {
  const collection = createTrustCollection('registry.example/bench/app')
  for (let index = 0; index < size; index += 1) collection.sign(`tag-${index}`, `content ${index}`)
  return collection.publish()
}

/** The bytes that are served under a name. */
export function fileOf(collection: TrustCollection, name: string): Uint8Array {
  const file = collection.served(name)
  if (file === undefined) throw new Error(`${name} is not served`)
  return file
}

/** The collection, verified. */
export async function verifiedStage(collection: TrustCollection): Promise<TargetsStage> {
  const { stage } = await refresh({
    gun: collection.gun,
    familiarName: collection.gun,
    server: parseServer('https://trust.example'),
    transport: collection.transport(),
    store: createMemoryStore(),
    kept: new KeptSets(),
    pinning: NO_PINNING,
    staleFallback: 'refuse',
    now: collection.now.getTime(),
    signal: new AbortController().signal,
    tell: () => undefined,
  })
  return stage
}
