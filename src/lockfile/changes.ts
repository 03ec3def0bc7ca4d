/** What differs between two entries of one collection, in the words of `dct lock --update`, `dct lock --check` and `dct diff`. */
import { parseServer } from '../reference/server-address.js'
import { serverIdentity } from '../reference/server-identity.js'
import { type Fingerprint, fingerprint, type LockEntry, type LockedKey } from './lockfile.js'

/** One difference. `decisive`: it changes whom the lock trusts; the others change with every publication or renewal. */
export type Change =
  | { readonly what: 'server'; readonly before: string; readonly after: string; readonly decisive: true }
  | { readonly what: 'threshold'; readonly before: number; readonly after: number; readonly decisive: true }
  | { readonly what: 'key-added' | 'key-removed'; readonly key: LockedKey; readonly decisive: true }
  | { readonly what: 'certificate'; readonly key: LockedKey; readonly before: string; readonly decisive: false }
  | { readonly what: 'root-version'; readonly before: number; readonly after: number; readonly decisive: false }
  | {
      readonly what: 'floor'
      readonly role: string
      readonly before: number | undefined
      readonly after: number | undefined
      readonly decisive: false
    }

/** From one entry to another; empty when nothing differs but the file itself. */
export function entryChanges(before: LockEntry, after: LockEntry): Change[] {
  return [...serverChange(before.server, after.server), ...rootChanges(before.root, after.root), ...floorChanges(before, after)]
}

/** True for the same server in another spelling: case, `:443`, a dot at the end. */
export function isSameServer(one: string, other: string): boolean {
  return serverIdentity(parseServer(one).url) === serverIdentity(parseServer(other).url)
}

/** The line of a change, as in a diff: `-` what was there, `+` what is there now, `~` what goes on. */
export function changeLines(change: Change): string[] {
  switch (change.what) {
    case 'key-added':
      return [`+ root key ${keyText(change.key)}`]
    case 'key-removed':
      return [`- root key ${keyText(change.key)}`]
    case 'certificate':
      return [`~ root key ${keyText(change.key)}: another certificate for the same key (ID ${change.before} before)`]
    case 'threshold':
      return [`- threshold ${change.before}`, `+ threshold ${change.after}`]
    case 'server':
      return [`- server ${change.before}`, `+ server ${change.after}`]
    case 'root-version':
      return [`~ root version ${change.before} -> ${change.after}`]
    case 'floor':
      return [`~ floor of ${change.role} ${change.before ?? 'none'} -> ${change.after ?? 'none'}`]
  }
}

/** A key in both spellings of its fingerprint, with its ID as listed where that is another. */
export function keyText({ id, canonicalId, algorithm }: LockedKey): string {
  const { hex, ssh }: Fingerprint = fingerprint(canonicalId)
  return `${ssh} (${hex}, ${algorithm}${id === canonicalId ? '' : `, listed as ${id}`})`
}

function serverChange(before: string, after: string): Change[] {
  return isSameServer(before, after) ? [] : [{ what: 'server', before, after, decisive: true }]
}

/** From one root to another. */
export function rootChanges(before: LockEntry['root'], after: LockEntry['root']): Change[] {
  const changes: Change[] = []
  const [old, now] = [byPublicKey(before.keys), byPublicKey(after.keys)]
  for (const [canonicalId, key] of old) if (!now.has(canonicalId)) changes.push({ what: 'key-removed', key, decisive: true })
  for (const [canonicalId, key] of now) {
    const known = old.get(canonicalId)
    if (known === undefined) changes.push({ what: 'key-added', key, decisive: true })
    else if (known.id !== key.id) changes.push({ what: 'certificate', key, before: known.id, decisive: false })
  }
  if (before.threshold !== after.threshold)
    changes.push({ what: 'threshold', before: before.threshold, after: after.threshold, decisive: true })
  if (before.version !== after.version)
    changes.push({ what: 'root-version', before: before.version, after: after.version, decisive: false })
  return changes
}

function floorChanges(before: LockEntry, after: LockEntry): Change[] {
  const [old, now] = [before.floors ?? new Map<string, number>(), after.floors ?? new Map<string, number>()]
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((role): Change[] => {
    const [one, other] = [old.get(role), now.get(role)]
    return one === other ? [] : [{ what: 'floor', role, before: one, after: other, decisive: false }]
  })
}

/** Two certificates of one key are one key. */
function byPublicKey(keys: readonly LockedKey[]): Map<string, LockedKey> {
  return new Map(keys.map((key) => [key.canonicalId, key]))
}
