/** Explains why the system refuses access to a file: mostly it belongs to root, after a run with sudo. */
import { lstat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { describeCause, systemCode } from '../errors.js'

const REFUSED: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM'])

/** The error of the system. When it refuses access, also the owner and mode of the file and the user of this process. */
export async function describeDiskError(cause: unknown): Promise<string> {
  const said = describeCause(cause)
  if (!REFUSED.has(systemCode(cause)) || !(cause instanceof Error) || !('path' in cause) || typeof cause.path !== 'string')
    return said
  const uid = process.getuid?.()
  const owner = uid === undefined ? undefined : await nearestOwner(cause.path)
  if (owner === undefined) return said
  return `${said}: ${owner.path} is of user ${owner.uid}, mode ${owner.mode}; this is user ${uid}`
}

/** True for a text of `describeDiskError` about refused access. */
export function isRefusedByOwner(reason: string): boolean {
  return /^E(?:ACCES|PERM): /.test(reason)
}

/** The hint for refused access. It does not suggest to forget the collection: that would lose the root, and mostly be refused too. */
export const OWNER_HINT =
  'The cache belongs to another user, mostly because dct, docker or notary ran with sudo. Give it back to its user (chown -R), or use another folder: --trust-dir DIR'

interface Owner {
  readonly path: string
  readonly uid: number
  readonly mode: string
}

/** The owner of the path, or of the nearest folder above it when the path does not exist or cannot be read. */
async function nearestOwner(path: string): Promise<Owner | undefined> {
  for (let at = path; ; at = dirname(at)) {
    try {
      const { uid, mode } = await lstat(at)
      return { path: at, uid, mode: (mode & 0o7777).toString(8).padStart(4, '0') }
    } catch {
      if (dirname(at) === at) return undefined
    }
  }
}
