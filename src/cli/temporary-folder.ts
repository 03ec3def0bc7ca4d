/** A temporary folder, also where the usual place cannot be written to, as in read-only containers. */
import { mkdtemp } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeCause, printable, UsageError } from '../errors.js'

interface TemporaryFolder {
  readonly folder: string
  /** Places that were tried before, and why each failed. */
  readonly refused: readonly { readonly place: string; readonly why: string }[]
}

/**
 * Creates a folder in the first place that can be written to. Only this user has access to it, so a place that all users
 * share is safe.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when no place can be written to
 */
export async function temporaryFolder(prefix: string, places: readonly string[] = usualPlaces()): Promise<TemporaryFolder> {
  const refused: { place: string; why: string }[] = []
  for (const place of places) {
    try {
      return { folder: await mkdtemp(join(place, prefix)), refused }
    } catch (cause) {
      refused.push({ place: printable(place), why: describeCause(cause) })
    }
  }
  throw new UsageError('ERR_SETTINGS_INVALID', `no folder for temporary files can be written to: ${places.join(', ')}`, {
    hint: 'Name one that can be written to: TMPDIR=/path/to/folder dct demo. In a container: docker run --tmpfs /tmp.',
  })
}

/** The usual places. Read-only containers have a writable `/dev/shm`. */
function usualPlaces(): string[] {
  const shared = process.platform === 'win32' ? [] : ['/tmp', '/var/tmp', '/dev/shm']
  return [...new Set([tmpdir(), ...shared, ...home()])]
}

/** The home folder; `homedir` throws for a user without one. */
function home(): string[] {
  try {
    return [homedir()]
  } catch {
    return []
  }
}
