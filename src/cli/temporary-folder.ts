/** A folder for a moment, also on machines whose folder for temporary files cannot be written to: containers that are read-only. */
import { mkdtemp } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeCause, printable, UsageError } from '../errors.js'

interface TemporaryFolder {
  readonly folder: string
  /** Where none could be made before this one, and why. */
  readonly refused: readonly { readonly place: string; readonly why: string }[]
}

/**
 * Makes one in the first place that lets it. It is for this user alone, so that a place where everybody may write will do.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when no place does
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
    hint: 'Name one that can be: TMPDIR=/path/to/folder dct demo. In a container: docker run --tmpfs /tmp.',
  })
}

/** `/dev/shm` is there in containers that are read-only. */
function usualPlaces(): string[] {
  const shared = process.platform === 'win32' ? [] : ['/tmp', '/var/tmp', '/dev/shm']
  return [...new Set([tmpdir(), ...shared, ...home()])]
}

/** Throws for a user without one. */
function home(): string[] {
  try {
    return [homedir()]
  } catch {
    return []
  }
}
