/** What the cache brings to a refresh: a trusted root, version floors, files. Whatever else is spoiled is got anew. */
import type { CachedCollection } from '../../cache/metadata-store.js'
import { isRefusedByOwner, OWNER_HINT } from '../../cache/owner.js'
import { type ErrorDetails, UnavailableError, UntrustedError } from '../../errors.js'
import { raiseFloors } from '../../trust/cached-floors.js'
import type { CertificateRecord } from '../../trust/certificate-record.js'
import { decodeFloors } from '../../trust/floor-record.js'
import { RootChain } from '../../trust/root-chain.js'
import type { VersionFloors } from '../../trust/version-floors.js'
import type { Warning } from '../answers/results.js'

export interface PriorTrust {
  readonly files: CachedCollection
  /** The trust anchor; undefined when the collection was never verified here. */
  readonly root: RootChain | undefined
  /** What was accepted before, by us or by whoever wrote the files. */
  readonly floors: VersionFloors
  /** The server that the cached timestamp came from, as far as it is known. */
  readonly origin: string | undefined
  /** What the certificates of a root said when they were last read. */
  readonly certificates: CertificateRecord | undefined
  readonly warnings: readonly Warning[]
}

/** @throws UnavailableError ERR_CACHE when the cached root cannot be relied on: it is never silently replaced */
export function readPriorTrust(files: CachedCollection, gun: string): PriorTrust {
  const root = readRoot(files, gun)
  const record = files.floors === undefined ? undefined : decodeFloors(files.floors, gun)
  const lost = record === undefined && (files.floors !== undefined || files.floorsUnreadable !== undefined)
  const known = record?.floors ?? new Map()
  return {
    files,
    root,
    floors: root === undefined ? known : raiseFloors(gun, root.root, files.metadata, known),
    origin: record?.origin,
    certificates: record?.certificates,
    warnings: lost
      ? [
          {
            code: 'WARN_CACHE_REPAIRED',
            message: `the version floors of ${gun} were unreadable and are rebuilt from the verified cache`,
          },
        ]
      : [],
  }
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
    return RootChain.start(gun, file)
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
