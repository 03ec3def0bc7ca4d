/** What follows from the bytes of a locked root must agree with what is written beside them. */

import { sha256Hex } from '../crypto/hash.js'
import type { DocumentReader, Fields } from '../document/reader.js'
import { UntrustedError } from '../errors.js'
import { Budget } from '../trust/budget.js'
import { RootChain } from '../trust/root-chain.js'
import { lockEntry } from './lock-entry.js'
import type { LockedKey, LockedRoot } from './lockfile.js'

const HINT = 'Somebody edited the lockfile. Take it from your version control again, or lock the collection anew: dct lock '

/** Compares a locked root with its own bytes; each disagreement is a fault at the value that disagrees. Without `isUsed` only the hash is compared. */
export function checkAgreement(gun: string, root: LockedRoot, fields: Fields, reader: DocumentReader, isUsed: boolean): void {
  if (root.keys.length < root.threshold) {
    const problem = `a threshold of ${root.threshold} with ${root.keys.length} keys`
    reader.refuse(fields.get('threshold') ?? fields.node, problem, HINT + gun)
  }
  if (root.file === undefined) return
  const found = sha256Hex(root.file)
  const disagree = (name: string, problem: string) => reader.refuse(fields.get(name) ?? fields.node, problem, HINT + gun)
  if (found !== root.sha256) disagree('sha256', `the SHA-256 of file is ${found}`)
  if (!isUsed) return
  const follows = verified(gun, root.file)
  if (typeof follows === 'string') {
    disagree('file', follows)
    return
  }
  if (follows.version !== root.version) disagree('version', `the root in file has version ${follows.version}`)
  if (follows.threshold !== root.threshold) disagree('threshold', `the root in file has a threshold of ${follows.threshold}`)
  if (keysText(follows.keys) !== keysText(root.keys))
    disagree('keys', `the root in file has other keys: ${keysText(follows.keys)}`)
}

/** What a lock of the root would record, or why it is no root that its own keys sign. */
function verified(gun: string, file: Uint8Array): LockedRoot | string {
  try {
    return lockEntry({ chain: RootChain.start(gun, file, new Budget()), server: '' }).root
  } catch (cause) {
    if (cause instanceof UntrustedError) return cause.message
    throw cause
  }
}

function keysText(keys: readonly LockedKey[]): string {
  return keys.map(({ id, canonicalId, algorithm }) => `${algorithm} ${id} (canonical ID ${canonicalId})`).join(', ')
}
