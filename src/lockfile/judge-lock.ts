/**
 * A locked collection against what a refresh found of it.
 *
 * Invariants: other root keys, another threshold or a newer root are accepted only when a verified chain leads there from the
 * locked root. Another server, an older root and a version below a floor are never accepted.
 */
import type { RootChain } from '../trust/root-chain.js'
import { type Change, entryChanges, isSameServer, rootChanges } from './changes.js'
import { lockEntry } from './lock-entry.js'
import { belowFloor, olderThanLocked, otherRoot, otherServer, type Subject } from './lock-refusals.js'
import type { LockEntry } from './lockfile.js'

/** What a refresh found of a collection. */
export interface Found {
  /** Verified up to the newest root. */
  readonly chain: RootChain
  /** A verified chain leads from the locked root to the newest one: `chain` began with what `lockedChain` gave. */
  readonly leadsFromLock: boolean
  /** The server that was asked, as typed. */
  readonly server: string
  /** Versions of the verified set, by role. */
  readonly versions?: ReadonlyMap<string, number>
}

/** `holds`: the lock still says whom to trust. `rotated`: a verified rotation leads to other keys; the lock can be updated. */
export interface LockVerdict {
  readonly kind: 'holds' | 'rotated'
  /** What the entry would say today instead; floors are left out. */
  readonly changes: readonly Change[]
}

/**
 * Judges one collection. `dct lock --check` passes for `holds` alone; a verification goes on with both.
 *
 * @throws UntrustedError ERR_LOCK_MISMATCH
 */
export function judgeLock(subject: Subject, locked: LockEntry, found: Found): LockVerdict {
  const { chain, server, versions } = found
  if (!isSameServer(locked.server, server)) throw otherServer(subject, locked.server, server)
  const offered = lockEntry({ chain, server, embedRoot: false })
  if (!(offered.root.version >= locked.root.version)) throw olderThanLocked(subject, locked, offered)
  const isLockedRoot = offered.root.version === locked.root.version && offered.root.sha256 === locked.root.sha256
  const isOther = isLockedRoot ? rootChanges(locked.root, offered.root).length > 0 : !found.leadsFromLock
  if (isOther) throw otherRoot(subject, locked, offered)
  for (const [role, floor] of locked.floors ?? []) {
    const version = versions?.get(role)
    if (version !== undefined && !(version >= floor)) throw belowFloor(subject, role, version, floor)
  }
  const { floors: _, ...withoutFloors } = locked
  const changes = entryChanges(withoutFloors, offered)
  return { kind: changes.some(({ decisive }) => decisive) ? 'rotated' : 'holds', changes }
}
