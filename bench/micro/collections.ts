/** Collections of the testing kit and their verified stages, for the micro-benchmarks. */
import { createTrustCollection, type TrustCollection } from '../../src/testing/index.js'
import { anchorRoot } from '../../src/trust/anchor.js'
import { Budget } from '../../src/trust/budget.js'
import { NO_PINNING } from '../../src/trust/pinning.js'
import { readCertificates } from '../../src/trust/root-certificate.js'
import { RootChain } from '../../src/trust/root-chain.js'
import { TargetsStage } from '../../src/trust/targets-stage.js'
import { RootStage } from '../../src/trust/trusted-metadata-set.js'

/** Numbers of tags in a collection. */
export const SIZES = [5_000, 50_000] as const

/** Options for a short run with enough rounds for a median. */
export const SHORT = { time: 300, iterations: 5, warmupTime: 100, warmupIterations: 2 } as const

/** A collection with `size` tags in targets: tag-0, tag-1, ... */
export function collectionOf(size: number): TrustCollection {
  const collection = createTrustCollection('registry.example/bench/app')
  for (let index = 0; index < size; index += 1) collection.sign(`tag-${index}`, `content ${index}`)
  return collection.publish()
}

/** The served bytes of a file. */
export function fileOf(collection: TrustCollection, name: string): Uint8Array {
  const file = collection.served(name)
  if (file === undefined) throw new Error(`${name} is not served`)
  return file
}

/** The stage of the collection after a first verification. */
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
