/** What a lock records of a verified chain of roots, and the chain that a lock starts. */
import { sha256Hex } from '../crypto/hash.js'
import { canonicalKeyId, type KeyId } from '../crypto/keys.js'
import { UntrustedError } from '../errors.js'
import { Budget } from '../trust/budget.js'
import { RootChain } from '../trust/root-chain.js'
import type { LockEntry, LockedKey, LockedRoot } from './lockfile.js'

/** What a new entry is made of. */
export interface Recorded {
  /** Verified up to the root that is recorded. */
  readonly chain: RootChain
  /** As typed. */
  readonly server: string
  /** Versions of the verified set by role, when floors are wanted. Root's own is recorded anyway. */
  readonly floors?: ReadonlyMap<string, number>
  /** False leaves the bytes of root.json out. */
  readonly embedRoot?: boolean
}

/** The entry that records a chain. The same input gives the same entry. */
export function lockEntry({ chain, server, floors, embedRoot = true }: Recorded): LockEntry {
  const { file, metadata } = chain.root
  const root: LockedRoot = {
    version: metadata.version,
    sha256: sha256Hex(file),
    threshold: metadata.roles.root.threshold,
    keys: sortedKeys(rootKeys(chain)),
    ...(embedRoot ? { file } : {}),
  }
  const kept = [...(floors ?? [])].filter(([role]) => role !== 'root')
  return { server, root, ...(kept.length === 0 ? {} : { floors: new Map(kept.sort(byName)) }) }
}

/** By canonical ID, then by ID. */
export function sortedKeys(keys: readonly LockedKey[]): LockedKey[] {
  const order = ({ canonicalId, id }: LockedKey) => `${canonicalId} ${id}`
  return keys.toSorted((one, other) => (order(one) < order(other) ? -1 : 1))
}

/** The root keys of the newest root of a chain. */
function rootKeys({ root }: RootChain): LockedKey[] {
  return [...root.metadata.roles.root.keys.values()].map((key) => ({
    id: key.id,
    canonicalId: canonicalKeyId(key) ?? key.id,
    algorithm: key.type,
  }))
}

/**
 * The chain that starts from a locked root. `served`: the root of the locked version, from a server or a cache, when the lock
 * does not hold its bytes.
 *
 * @throws UntrustedError ERR_LOCK_MISMATCH when the bytes are not those that were locked; what RootChain.start throws
 */
export function lockedChain(gun: string, { root }: LockEntry, served?: Uint8Array): RootChain | undefined {
  const file = root.file ?? served
  if (file === undefined) return undefined
  const found = sha256Hex(file)
  if (found !== root.sha256) throw otherFile(gun, root, `the file with SHA-256 ${root.sha256}`, found)
  const chain = RootChain.start(gun, file, new Budget())
  const [locked, offered] = [rootText(root), rootText(lockEntry({ chain, server: '' }).root)]
  if (locked !== offered) throw otherFile(gun, root, locked, offered)
  return chain
}

function otherFile(gun: string, { version }: LockedRoot, locked: string, offered: string): UntrustedError {
  return new UntrustedError(
    'ERR_LOCK_MISMATCH',
    `potential malicious behavior - trust data does not match the lock: the lock records another root version ${version} of ${gun} than the one that is offered: recorded is ${locked}; offered is ${offered}`,
    { gun, role: 'root', evidence: { version, locked, offered } },
  )
}

/** Everything that is recorded of a root beside its bytes. */
function rootText({ version, threshold, keys }: LockedRoot): string {
  const named = keys.map(({ id, canonicalId, algorithm }) => `${algorithm} ${id} (canonical ID ${canonicalId})`)
  return `version ${version}, threshold ${threshold}, ${named.join(', ')}`
}

/** The chain with a later root that the keys of the first sign. @throws as `RootChain.bridge` */
export function bridgeFromLock(chain: RootChain, file: Uint8Array): RootChain {
  return chain.bridge(file, new Budget())
}

/**
 * Whether one of the expected keys signed the newest root. A key that is only listed proves nothing: anybody who makes up a root can
 * list the publisher's key in it.
 */
export function isExpected({ root }: RootChain, expected: ReadonlySet<KeyId>): boolean {
  const { keys } = root.metadata.roles.root
  return root.signedBy.some((id) => {
    const key = keys.get(id)
    return key !== undefined && expected.has(canonicalKeyId(key) ?? '')
  })
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1
}
