/** Takes a verified collection down: the files that it was verified by, as served. */
import type { BundledCollection } from '../bundle/bundle.js'
import type { Warning } from '../client/results.js'
import type { Collection, Session } from '../client/session.js'
import { RELEASES_ROLE } from '../metadata/role-name.js'

/** A collection that was verified and taken down. */
export interface ExportedCollection {
  readonly bundled: BundledCollection
  readonly warnings: readonly Warning[]
  /** The oldest root among the files. */
  readonly firstRoot: number
  /** The earliest expiry among root, timestamp, snapshot, targets and targets/releases; ms since 1970. */
  readonly expires: number
}

/** @throws TrustError of any kind */
export async function exportCollection(session: Session, collection: Collection): Promise<ExportedCollection> {
  const { verified, earlierRoots } = await session.takeDown(collection)
  const { stage, server, warnings } = verified
  const { chain } = stage.anchor
  const roots = new Map([...earlierRoots, [chain.version, chain.root.file]])
  const files = new Map([...stage.files()].filter(([role]) => role !== 'root'))
  for (const [version, file] of roots) files.set(`${version}.root`, file)
  return {
    bundled: { gun: stage.context.gun, server: server.typed, files },
    warnings,
    firstRoot: Math.min(...roots.keys()),
    expires: stage.expires(RELEASES_ROLE),
  }
}
