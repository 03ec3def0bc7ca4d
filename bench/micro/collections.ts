/** Collections of the kit, and what verifies from them, for the micro-benchmarks. */
import { createTrustCollection, type TrustCollection } from '../../src/testing/index.js'
import { anchorRoot } from '../../src/trust/anchor.js'
import { Budget } from '../../src/trust/budget.js'
import { NO_PINNING } from '../../src/trust/pinning.js'
import { readCertificates } from '../../src/trust/root-certificate.js'
import { RootChain } from '../../src/trust/root-chain.js'
import { TargetsStage } from '../../src/trust/targets-stage.js'
import { RootStage } from '../../src/trust/trusted-metadata-set.js'

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

/** The collection, verified for the first time. */
export function verifiedStage(collection: TrustCollection): TargetsStage {
  const { gun } = collection
  const now = collection.now.getTime()
  const budget = new Budget()
  const start = RootChain.start(gun, fileOf(collection, 'root'), budget)
  const anchor = anchorRoot(start, readCertificates(start, now), { start: 'first-use', pinning: NO_PINNING, now })
  const snapshot = new RootStage({ gun, now, floors: new Map(), budget }, anchor)
    .loadTimestamp(fileOf(collection, 'timestamp'))
    .loadSnapshot(fileOf(collection, 'snapshot'))
  return TargetsStage.load(snapshot, fileOf(collection, 'targets'))
}
