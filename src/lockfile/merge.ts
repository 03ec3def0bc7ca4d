/**
 * Joins two lockfiles that grew from one, collection by collection: what git's merge driver asks for. What both sides changed is
 * joined only where one answer is provably right: the higher floor, and the root that a verified chain leads to. Everything else
 * is a conflict for a person.
 */
import { sameIfThere } from '../bytes.js'
import { UntrustedError } from '../errors.js'
import { entryChanges, isSameServer, keyText, rootChanges } from './changes.js'
import { bridgeFromLock, lockedChain } from './lock-entry.js'
import type { LockEntry, LockedRoot, Lockfile } from './lockfile.js'

/** What two sides made of one thing, in words. */
interface Conflict {
  readonly gun: string
  readonly what: 'collection' | 'server' | 'root'
  readonly ours: string
  readonly theirs: string
}

export type Merged =
  | { readonly kind: 'merged'; readonly lockfile: Lockfile }
  | { readonly kind: 'conflict'; readonly conflicts: readonly Conflict[] }

/** `base`: what both came from; an empty lockfile when there is none. */
export function mergeLockfiles(base: Lockfile, ours: Lockfile, theirs: Lockfile): Merged {
  const conflicts: Conflict[] = []
  const collections = new Map<string, LockEntry>()
  const guns = new Set([...ours.collections.keys(), ...theirs.collections.keys()])
  for (const gun of [...guns].sort()) {
    const merger = new EntryMerger(gun, conflicts)
    const entry = merger.merge(base.collections.get(gun), ours.collections.get(gun), theirs.collections.get(gun))
    if (entry !== undefined) collections.set(gun, entry)
  }
  return conflicts.length === 0 ? { kind: 'merged', lockfile: { collections } } : { kind: 'conflict', conflicts }
}

type Side<Value> = Value | undefined

/** The side that alone changed something, or the value that both have; `both` when each made something else of it. */
function oneSided<Value>(
  base: Side<Value>,
  ours: Side<Value>,
  theirs: Side<Value>,
  same: (one: Value, other: Value) => boolean,
): { readonly value: Side<Value> } | 'both' {
  const equal = (one: Side<Value>, other: Side<Value>) =>
    one === undefined || other === undefined ? one === other : same(one, other)
  if (equal(ours, theirs) || equal(base, theirs)) return { value: ours }
  return equal(base, ours) ? { value: theirs } : 'both'
}

class EntryMerger {
  readonly #gun: string
  readonly #conflicts: Conflict[]

  constructor(gun: string, conflicts: Conflict[]) {
    this.#gun = gun
    this.#conflicts = conflicts
  }

  /** Undefined when the collection is gone, or in conflict. */
  merge(base: Side<LockEntry>, ours: Side<LockEntry>, theirs: Side<LockEntry>): LockEntry | undefined {
    const whole = oneSided(base, ours, theirs, sameEntry)
    if (whole !== 'both') return whole.value
    if (ours === undefined || theirs === undefined) return this.#conflict('collection', wholeText(ours), wholeText(theirs))
    const server = this.#server(base, ours, theirs)
    const root = this.#root(base, ours, theirs)
    const floors = mergedFloors(base?.floors, ours.floors, theirs.floors)
    if (server === undefined || root === undefined) return undefined
    return { server, root, ...(floors.size === 0 ? {} : { floors }) }
  }

  #server(base: Side<LockEntry>, ours: LockEntry, theirs: LockEntry): string | undefined {
    const merged = oneSided(base?.server, ours.server, theirs.server, isSameServer)
    return merged === 'both' ? this.#conflict('server', ours.server, theirs.server) : merged.value
  }

  #root(base: Side<LockEntry>, ours: LockEntry, theirs: LockEntry): LockedRoot | undefined {
    const merged = oneSided(base?.root, ours.root, theirs.root, sameRoot)
    if (merged !== 'both') return merged.value
    const [older, newer] = ours.root.version <= theirs.root.version ? [ours, theirs] : [theirs, ours]
    if (isSuccessor(this.#gun, older, newer)) return newer.root
    return this.#conflict('root', rootText(ours.root), rootText(theirs.root))
  }

  #conflict(what: Conflict['what'], ours: string, theirs: string): undefined {
    this.#conflicts.push({ gun: this.#gun, what, ours, theirs })
    return undefined
  }
}

/** True when the keys of the older root sign the newer one, so that both sides stand on one chain. */
function isSuccessor(gun: string, older: LockEntry, newer: LockEntry): boolean {
  if (older.root.version === newer.root.version || newer.root.file === undefined) return false
  try {
    const chain = lockedChain(gun, older)
    return chain !== undefined && bridgeFromLock(chain, newer.root.file).version === newer.root.version
  } catch (cause) {
    if (cause instanceof UntrustedError) return false
    throw cause
  }
}

/** The higher of two that both changed: a floor only rises. */
function mergedFloors(
  base: ReadonlyMap<string, number> = new Map(),
  ours: ReadonlyMap<string, number> = new Map(),
  theirs: ReadonlyMap<string, number> = new Map(),
): Map<string, number> {
  const merged = new Map<string, number>()
  for (const role of [...new Set([...ours.keys(), ...theirs.keys()])].sort()) {
    const [one, other] = [ours.get(role), theirs.get(role)]
    const side = oneSided(base.get(role), one, other, Object.is)
    const floor = side === 'both' ? Math.max(one ?? 0, other ?? 0) : side.value
    if (floor !== undefined) merged.set(role, floor)
  }
  return merged
}

function sameEntry(one: LockEntry, other: LockEntry): boolean {
  return entryChanges(one, other).length === 0 && sameRoot(one.root, other.root)
}

function sameRoot(one: LockedRoot, other: LockedRoot): boolean {
  return one.sha256 === other.sha256 && sameIfThere(one.file, other.file) && rootChanges(one, other).length === 0
}

function wholeText(entry: Side<LockEntry>): string {
  return entry === undefined ? 'removed' : rootText(entry.root)
}

function rootText({ version, keys }: LockedRoot): string {
  return `root version ${version}, ${keys.map(keyText).join(', ')}`
}
