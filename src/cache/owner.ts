/** Whose a file or folder is that we may not use: mostly that of root, after a run with sudo. */
import { lstat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { describeCause, systemCode } from '../errors.js'

const REFUSED: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM'])

/** What the system says, and, where it refuses by owner and mode, what these are and who we are. */
export async function describeDiskError(cause: unknown): Promise<string> {
  const said = describeCause(cause)
  if (!REFUSED.has(systemCode(cause)) || !(cause instanceof Error) || !('path' in cause) || typeof cause.path !== 'string')
    return said
  const uid = process.getuid?.()
  const owner = uid === undefined ? undefined : await nearestOwner(cause.path)
  if (owner === undefined) return said
  return `${said}: ${owner.path} is of user ${owner.uid}, mode ${owner.mode}; this is user ${uid}`
}

/** True for a reason that `describeDiskError` gave for what the system refuses. */
export function isRefusedByOwner(reason: string): boolean {
  return /^E(?:ACCES|PERM): /.test(reason)
}

/** What to do about it. To forget the collection would lose the root, and mostly be refused as well. */
export const OWNER_HINT =
  'The cache is of another user, mostly because dct, docker or notary ran with sudo. Give it back to its user (chown -R), or use another folder: --trust-dir DIR'

interface Owner {
  readonly path: string
  readonly uid: number
  readonly mode: string
}

/** Of the path; of the nearest folder above it, where it is not there or may not be looked at. */
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
