/**
 * What is known of a collection before a server is asked. Every source of such knowledge gives one value of this type, and
 * `mergePriorTrust` joins two of them.
 */
import { sha256Hex } from '../crypto/hash.js'
import { UntrustedError } from '../errors.js'
import type { Budget } from './budget.js'
import type { CertificateRecord } from './certificate-record.js'
import type { RootChain } from './root-chain.js'
import { mergeFloors, type VersionFloors } from './version-floors.js'

/** A trusted root, and what was accepted under it. It belongs to the collection and its root keys, not to a server. */
export interface PriorTrust {
  /** Undefined when the collection was never verified: then the root of the server is a first use. */
  readonly root: RootChain | undefined
  /** The versions accepted before. */
  readonly floors: VersionFloors
  /** What the certificates of a root said when they were last read. */
  readonly certificates: CertificateRecord | undefined
  /** Address of the server that the timestamp came from; undefined when it is not known. Root and floors count whatever it is. */
  readonly origin: string | undefined
}

/** How two roots are joined. */
export interface JoinOptions {
  /** Root files by version, for the versions between the two roots. */
  readonly between?: ReadonlyMap<number, Uint8Array>
  readonly budget: Budget
  /** Makes the error for roots that do not belong together: only the caller knows which sources they came from. */
  readonly refuse: (why: string, cause?: UntrustedError) => Error
}

/**
 * The prior trust of two sources. Of the floors of a role the highest counts. The newer root counts, and only if a verified chain
 * leads to it from the older one. Address and certificates are those of `one`, where it has them.
 *
 * @throws what `refuse` makes, when no verified chain joins the two roots
 */
export function mergePriorTrust(one: PriorTrust, other: PriorTrust, options: JoinOptions): PriorTrust {
  const root = joinRoots(one.root, other.root, options)
  return {
    root,
    floors: mergeFloors(one.floors, other.floors),
    certificates: [one.certificates, other.certificates].find(
      (record) => root !== undefined && record?.root === sha256Hex(root.root.file),
    ),
    origin: one.origin ?? other.origin,
  }
}

function joinRoots(
  one: RootChain | undefined,
  other: RootChain | undefined,
  { between = new Map(), budget, refuse }: JoinOptions,
): RootChain | undefined {
  if (one === undefined || other === undefined) return one ?? other
  if (one.gun !== other.gun) throw refuse(`they are roots of two collections, ${one.gun} and ${other.gun}`)
  const [older, newer] = one.version <= other.version ? [one, other] : [other, one]
  if (older.version === newer.version) {
    if (sha256Hex(one.root.signedBytes) === sha256Hex(other.root.signedBytes)) return one
    throw refuse(`root version ${one.version} has two contents`)
  }
  try {
    let chain = older
    for (let version = older.version + 1; version < newer.version; version++) {
      const file = between.get(version)
      if (file === undefined) break // as with a server that keeps no old roots
      chain = chain.next(file, budget)
    }
    chain.bridge(newer.root.file, budget)
  } catch (cause) {
    if (!(cause instanceof UntrustedError)) throw cause
    throw refuse(`no verified chain leads from root version ${older.version} to root version ${newer.version}`, cause)
  }
  return newer
}
