/**
 * Version floors from the files of a cache, expired or not. Docker and notary write the same cache and record no floors, so
 * each file that its keys signed counts as accepted.
 */
import { sha256Hex } from '../crypto/hash.js'
import { UntrustedError } from '../errors.js'
import type { RoleKeys, RootMetadata } from '../metadata/model.js'
import { Budget } from './budget.js'
import {
  checkSigned,
  floorLeft,
  type LoadContext,
  type RoleLoader,
  rootFloor,
  snapshotLoader,
  targetsLoader,
  timestampLoader,
} from './load.js'
import { acceptedForAnother } from './own-file.js'
import type { Trusted } from './trusted.js'
import { type VersionFloor, type VersionFloors, withCached } from './version-floors.js'

/**
 * The known floors, raised by the files of the cache. Ignored are files that their keys did not sign, garbage, and files that
 * were accepted for another role: they are kept because a signer was left out for them. When every file is one that a known
 * floor was taken from, none is read. Files have one budget together, as in a refresh: a file that is too large may be kept
 * because a signer was left out for it, and would cost time in every later run.
 *
 * `onGarbage`: a file that was read is no metadata of its role.
 */
export function raiseFloors(
  gun: string,
  root: Trusted<RootMetadata>,
  files: ReadonlyMap<string, Uint8Array>,
  known: VersionFloors,
  onGarbage: (role: string) => void = () => undefined,
): VersionFloors {
  if ([...files].every(([role, file]) => isRecorded(known, role, file))) return known
  const floors = new Map(known)
  const budget = new Budget()
  const raise = (role: string, floor: VersionFloor) => floors.set(role, withCached(floors.get(role) ?? [], floor))
  const read = <Metadata extends { version: number }>(
    loader: RoleLoader<Metadata>,
    change: (floor: VersionFloor, loaded: Trusted<Metadata>) => VersionFloor | undefined = (floor) => floor,
  ): Metadata | undefined => {
    const file = files.get(loader.role)
    const loaded = file === undefined ? undefined : signedOrNothing({ gun, budget }, loader, file, onGarbage)
    const floor = loaded === undefined ? undefined : change(floorLeft(gun, loader, loaded), loaded)
    if (floor === undefined) return undefined
    raise(loader.role, floor)
    return loaded?.metadata
  }
  raise('root', rootFloor(gun, root))
  read(timestampLoader(gun, root.metadata))
  const listed = read(snapshotLoader(gun, root.metadata))?.meta
  const readTargets = (role: string, keys: RoleKeys): void => {
    const metadata = read(targetsLoader(gun, role, keys), (floor, loaded) => {
      if (acceptedForAnother(known, loaded) !== undefined) return undefined
      // Docker keeps the file of a delegation that ended: see `VersionFloor.ended`.
      return role === 'targets' || listed === undefined || listed.has(role) ? floor : { ...floor, ended: true }
    })
    for (const delegation of metadata?.delegations ?? []) readTargets(delegation.name, delegation)
  }
  readTargets('targets', root.metadata.roles.targets)
  return floors
}

function isRecorded(known: VersionFloors, role: string, file: Uint8Array): boolean {
  const hash = sha256Hex(file)
  return known.get(role)?.some((floor) => floor.file === hash) === true
}

function signedOrNothing<Metadata>(
  context: Pick<LoadContext, 'gun' | 'budget'>,
  loader: RoleLoader<Metadata>,
  file: Uint8Array,
  onGarbage: (role: string) => void,
): Trusted<Metadata> | undefined {
  try {
    return checkSigned(context, loader, file)
  } catch (cause) {
    if (!(cause instanceof UntrustedError)) throw cause
    if (cause.code === 'ERR_METADATA_MALFORMED') onGarbage(loader.role)
    return undefined
  }
}
