/**
 * What a cache says was accepted before: the floors that its files leave when their keys signed them, expired or not.
 * Docker and notary write the same cache without floors of their own.
 */
import { sha256Hex } from '../crypto/hash.js'
import { UntrustedError } from '../errors.js'
import type { RoleKeys, RootMetadata } from '../metadata/model.js'
import { checkSigned, floorLeft, type RoleLoader } from './load.js'
import { rootFloor, snapshotLoader, targetsLoader, timestampLoader } from './loaders.js'
import type { Trusted } from './trusted.js'
import { type VersionFloor, type VersionFloors, withCached } from './version-floors.js'

/**
 * The known floors, raised by what the cache holds. A file that its keys did not sign, or garbage, says nothing. When
 * every file is one that a known floor was taken from, none is read.
 */
export function raiseFloors(
  gun: string,
  root: Trusted<RootMetadata>,
  files: ReadonlyMap<string, Uint8Array>,
  known: VersionFloors,
): VersionFloors {
  if ([...files].every(([role, file]) => isRecorded(known, role, file))) return known
  const floors = new Map(known)
  const raise = (role: string, floor: VersionFloor) => floors.set(role, withCached(floors.get(role) ?? [], floor))
  const read = <Metadata extends { version: number }>(loader: RoleLoader<Metadata>): Metadata | undefined => {
    const file = files.get(loader.role)
    const loaded = file === undefined ? undefined : signedOrNothing(gun, loader, file)
    if (loaded === undefined) return undefined
    raise(loader.role, floorLeft(gun, loader, loaded))
    return loaded.metadata
  }
  const readTargets = (role: string, keys: RoleKeys): void => {
    for (const delegation of read(targetsLoader(gun, role, keys))?.delegations ?? []) readTargets(delegation.name, delegation)
  }
  raise('root', rootFloor(gun, root))
  read(timestampLoader(gun, root.metadata))
  read(snapshotLoader(gun, root.metadata))
  readTargets('targets', root.metadata.roles.targets)
  return floors
}

function isRecorded(known: VersionFloors, role: string, file: Uint8Array): boolean {
  const hash = sha256Hex(file)
  return known.get(role)?.some((floor) => floor.file === hash) === true
}

function signedOrNothing<Metadata>(gun: string, loader: RoleLoader<Metadata>, file: Uint8Array): Trusted<Metadata> | undefined {
  try {
    return checkSigned(gun, loader, file)
  } catch (cause) {
    if (cause instanceof UntrustedError) return undefined
    throw cause
  }
}
