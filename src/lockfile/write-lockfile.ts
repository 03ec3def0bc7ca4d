/** Lockfile -> text. The same content gives the same text: names sorted, two spaces, a newline at the end, no dates. */
import { base64 } from '../bytes.js'
import { sortedKeys } from './lock-entry.js'
import { LOCKFILE_SCHEMA, LOCKFILE_VERSION, type LockEntry, type Lockfile } from './lockfile.js'

export function writeLockfile({ collections }: Lockfile): string {
  const entries = sorted([...collections].map(([gun, entry]): [string, unknown] => [gun, entryJson(entry)]))
  return `${JSON.stringify({ $schema: LOCKFILE_SCHEMA, collections: entries, version: LOCKFILE_VERSION }, undefined, 2)}\n`
}

function entryJson({ server, root, floors }: LockEntry): unknown {
  const { file, keys, sha256, threshold, version } = root
  return {
    ...(floors === undefined || floors.size === 0 ? {} : { floors: sorted([...floors]) }),
    root: {
      ...(file === undefined ? {} : { file: base64(file) }),
      keys: sortedKeys(keys).map(({ algorithm, canonicalId, id }) => ({ algorithm, canonicalId, id })),
      sha256,
      threshold,
      version,
    },
    server,
  }
}

/** Own members only: fromEntries defines `__proto__` as a member like any other. */
function sorted(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}
