/** The words of a lock that does not hold, in the manner of ssh: both fingerprints, what it can mean, what to do. */
import { type Evidence, UntrustedError } from '../errors.js'
import { shellWord } from '../shell-word.js'
import { keyText } from './changes.js'
import { fingerprint, type LockEntry, type LockedKey } from './lockfile.js'

/** Keys that one message names. */
const MAX_NAMED = 3

/** The name of a lock in messages when it was given as an object. */
export const LOCK_OBJECT = 'option lockfile'

/** Which collection of which lockfile. */
export interface Subject {
  readonly gun: string
  /** The lockfile's name in messages and commands; `LOCK_OBJECT` when there is no file. */
  readonly file: string
}

/** What a suggested `dct lock` needs after its name: the lockfile, if the lock is one, and the collection. */
export function lockArguments({ gun, file }: Subject): string {
  return file === LOCK_OBJECT ? shellWord(gun) : `--lockfile ${shellWord(file)} ${shellWord(gun)}`
}

/** Another root, and no verified chain leads to it. */
export function otherRoot(subject: Subject, locked: LockEntry, offered: LockEntry): UntrustedError {
  const { gun, file } = subject
  const why = `the root of ${gun} is not the one that ${file} records, and no verified chain leads from one to the other: recorded is version ${locked.root.version} with root ${keysText(locked.root.keys)}; offered is version ${offered.root.version} with root ${keysText(offered.root.keys)}`
  return mismatch(subject, why, whatItMeans(subject, offered), rootEvidence(locked, offered))
}

/** A root from before the lock was made. */
export function olderThanLocked(subject: Subject, locked: LockEntry, offered: LockEntry): UntrustedError {
  const why = `the root of ${subject.gun} has version ${offered.root.version}, and ${subject.file} records version ${locked.root.version}: recorded is root ${keysText(locked.root.keys)}; offered is root ${keysText(offered.root.keys)}`
  const hint = `The server, or somebody between you and it, offers a state from before the lock was made. Do not use it; tell the operator of the trust server. What was accepted before: dct cache verify ${shellWord(subject.gun)}`
  return mismatch(subject, why, hint, rootEvidence(locked, offered))
}

/** Another server than the one whose root was locked. `bundle`: the name of the bundle that takes the place of the server. */
export function otherServer(subject: Subject, locked: string, asked: string, bundle?: string): UntrustedError {
  const { gun, file } = subject
  if (bundle !== undefined) {
    const why = `${file} records ${locked} as the trust server of ${gun}, and its files in the bundle ${bundle} came from ${asked}`
    const hint = `Make the bundle from the server of the lock, where it can be asked: dct export --server ${shellWord(locked)} --out FILE ${shellWord(gun)}. When the collection has moved, update the lock there: dct lock --update ${lockArguments(subject)}`
    return mismatch(subject, why, hint, { lockedServer: locked, offeredServer: asked, bundle })
  }
  const why = `${file} records ${locked} as the trust server of ${gun}, and this run asks ${asked}`
  const hint = `A lock records one server for all tags of a collection. Ask it with --server ${shellWord(locked)}. When the collection has moved, compare its root key with the publisher, then: dct lock --update ${lockArguments(subject)}`
  return mismatch(subject, why, hint, { lockedServer: locked, offeredServer: asked })
}

/** The root of the cache, and no verified chain joins it with the lock's. */
export function otherCachedRoot(subject: Subject, locked: LockEntry, cached: LockEntry): UntrustedError {
  const { gun, file } = subject
  const why = `the root of ${gun} in the cache is not the one that ${file} records, and no verified chain joins them: recorded is version ${locked.root.version} with root ${keysText(locked.root.keys)}; cached is version ${cached.root.version} with root ${keysText(cached.root.keys)}`
  const hint = `One of the two is not the publisher's. Compare both keys with the publisher, over another way than the trust server. When the lock is right: dct cache forget ${shellWord(gun)}. When the cache is right: ${updateCommand(subject, cached)}`
  return mismatch(subject, why, hint, rootEvidence(locked, cached))
}

/** A version below one that the lock asks for. */
export function belowFloor(subject: Subject, role: string, version: number, floor: number): UntrustedError {
  const { gun, file } = subject
  const why = `${role} of ${gun} has version ${version}, and ${file} asks for at least ${floor}`
  const hint = `The server offers something older than what was locked. Do not use it; tell the operator of the trust server. What was accepted before: dct cache verify ${shellWord(gun)}`
  return mismatch({ ...subject, role }, why, hint, { role, version, floor })
}

/**
 * The lines that a terminal shows for `otherRoot`: ssh users know them. One fingerprint a line, in both spellings.
 */
export function rootChangedLines({ gun, file }: Subject, locked: LockEntry, offered: LockEntry): string[] {
  return [
    `THE ROOT OF ${gun} HAS CHANGED`,
    'Either its publisher made the collection anew, or somebody between you and the trust server offers a root of their own.',
    `Recorded in ${file}, root version ${locked.root.version}:`,
    ...locked.root.keys.map((key) => `  ${keyText(key)}`),
    `Offered by ${offered.server}, root version ${offered.root.version}:`,
    ...offered.root.keys.map((key) => `  ${keyText(key)}`),
    'Compare the offered key with its publisher, over another way than the trust server. Only then record it:',
    `  ${updateCommand({ gun, file }, offered)}`,
  ]
}

function whatItMeans(subject: Subject, offered: LockEntry): string {
  return `Either the publisher made the collection anew, or somebody between you and the server offers a root of their own. Compare the offered key with its publisher, over another way than the trust server; only then: ${updateCommand(subject, offered)}`
}

function updateCommand(subject: Subject, { root }: LockEntry): string {
  const [key] = root.keys
  const expected = key === undefined ? '' : ` --expect ${fingerprint(key.canonicalId).ssh}`
  return `dct lock --update${expected} ${lockArguments(subject)}`
}

function keysText(keys: readonly LockedKey[]): string {
  const more = keys.length > MAX_NAMED ? ` and ${keys.length - MAX_NAMED} more` : ''
  return `${keys.length === 1 ? 'key' : 'keys'} ${keys.slice(0, MAX_NAMED).map(keyText).join(', ')}${more}`
}

function rootEvidence(locked: LockEntry, offered: LockEntry): Evidence {
  return {
    lockedVersion: locked.root.version,
    offeredVersion: offered.root.version,
    lockedThreshold: locked.root.threshold,
    offeredThreshold: offered.root.threshold,
    lockedKeys: locked.root.keys.map(keyText),
    offeredKeys: offered.root.keys.map(keyText),
  }
}

function mismatch(subject: Subject & { readonly role?: string }, why: string, hint: string, evidence: Evidence): UntrustedError {
  const { gun, file, role = 'root' } = subject
  return new UntrustedError('ERR_LOCK_MISMATCH', `potential malicious behavior - trust data does not match the lock: ${why}`, {
    gun,
    role,
    hint,
    evidence: { lockfile: file, ...evidence },
  })
}
