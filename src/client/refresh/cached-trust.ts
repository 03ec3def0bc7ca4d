/** Reads what a cache knows of a collection. A spoiled root refuses; other spoiled files are fetched again. */
import type { CachedCollection } from '../../cache/metadata-store.js'
import { isRefusedByOwner, OWNER_HINT } from '../../cache/owner.js'
import { type ErrorDetails, UnavailableError, UntrustedError } from '../../errors.js'
import { RELEASES_ROLE } from '../../metadata/role-name.js'
import { Budget } from '../../trust/budget.js'
import { raiseFloors } from '../../trust/cached-floors.js'
import type { PriorTrust } from '../../trust/prior-trust.js'
import { RootChain } from '../../trust/root-chain.js'
import { decodeTrustRecord } from '../../trust/trust-record.js'
import type { Warning } from '../results.js'

/** The files of a cache, and the trust that follows from them. */
export interface CachedTrust extends PriorTrust {
  readonly files: CachedCollection
  readonly warnings: readonly Warning[]
}

/** @throws UnavailableError ERR_CACHE when the cached root cannot be relied on: it is never silently replaced */
export function readCachedTrust(files: CachedCollection, gun: string): CachedTrust {
  const root = readRoot(files, gun)
  const record = files.floors === undefined ? undefined : decodeTrustRecord(files.floors, gun)
  const isLost = record === undefined && (files.floors !== undefined || files.floorsUnreadable !== undefined)
  const known = record?.floors ?? new Map()
  const corrupt = new Set(files.unreadable.keys())
  const floors = root === undefined ? known : raiseFloors(gun, root.root, files.metadata, known, (role) => corrupt.add(role))
  const repaired = NEVER_LEFT_OUT.filter((role) => corrupt.has(role))
  return {
    files,
    root,
    floors,
    origin: record?.origin,
    certificates: record?.certificates,
    warnings: [
      ...(isLost ? [repair(`the version floors of ${gun} were unreadable and are rebuilt from the verified cache`)] : []),
      ...(repaired.length > 0 ? [repair(`corrupt files in the cache of ${gun} were not used: ${repaired.join(', ')}`)] : []),
    ],
  }
}

/** Roles whose files are in the cache only when they verified. The corrupt file of a signer may be kept: the signer was left out. */
const NEVER_LEFT_OUT = ['timestamp', 'snapshot', 'targets', RELEASES_ROLE]

function repair(message: string): Warning {
  return { code: 'WARN_CACHE_REPAIRED', message }
}

function readRoot({ metadata, unreadable, floors, floorsUnreadable }: CachedCollection, gun: string): RootChain | undefined {
  const reason = unreadable.get('root')
  if (reason !== undefined) {
    const hint = isRefusedByOwner(reason) ? OWNER_HINT : undefined
    throw spoiled(gun, `its root is unreadable: ${reason}`, { hint })
  }
  const file = metadata.get('root')
  if (file === undefined) {
    if (floors === undefined && floorsUnreadable === undefined) return undefined
    throw spoiled(gun, 'its root is gone, though the collection was verified here before')
  }
  try {
    return RootChain.start(gun, file, new Budget())
  } catch (cause) {
    if (cause instanceof UntrustedError) throw spoiled(gun, `its root does not verify: ${cause.message}`, { cause })
    throw cause
  }
}

function spoiled(gun: string, why: string, { hint, cause }: Pick<ErrorDetails, 'hint' | 'cause'> = {}): UnavailableError {
  return new UnavailableError('ERR_CACHE', `the cache of ${gun} cannot be relied on: ${why}`, {
    gun,
    role: 'root',
    cause,
    hint:
      hint ??
      'The cached root is what the collection is recognised by. To start again, and trust whatever root the server then offers: dct cache forget <GUN>',
  })
}
