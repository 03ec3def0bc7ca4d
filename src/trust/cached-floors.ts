/**
 * What a cache says was accepted before: the floors that its files leave when their keys signed them, expired or not.
 * Docker and notary write the same cache without floors of their own.
 */
import { sha256Hex } from '../crypto/hash.js'
import { UntrustedError } from '../errors.js'
import type { RoleKeys, RootMetadata } from '../metadata/model.js'
import { Budget } from './budget.js'
import { checkSigned, floorLeft, type RoleLoader } from './load.js'
import { rootFloor, snapshotLoader, targetsLoader, timestampLoader } from './loaders.js'
import { acceptedForAnother } from './own-file.js'
import type { Trusted } from './trusted.js'
import { type VersionFloor, type VersionFloors, withCached } from './version-floors.js'

/**
 * The known floors, raised by what the cache holds. A file that its keys did not sign, or garbage, says nothing; nor does one
 * that was accepted for another role: it lies there because a signer was left out for it. When every file is one that a
 * known floor was taken from, none is read. What is too much for a refresh is too much here: it lies in the cache because a
 * signer was left out for it, and would cost every run to come.
 */
export function raiseFloors(
  gun: string,
  root: Trusted<RootMetadata>,
  files: ReadonlyMap<string, Uint8Array>,
  known: VersionFloors,
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
    const loaded = file === undefined ? undefined : signedOrNothing(gun, budget.counting(gun, loader), file)
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
      // Docker leaves the file of a delegation that ended where it is: see `VersionFloor.ended`.
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

function signedOrNothing<Metadata>(gun: string, loader: RoleLoader<Metadata>, file: Uint8Array): Trusted<Metadata> | undefined {
  try {
    return checkSigned(gun, loader, file)
  } catch (cause) {
    if (cause instanceof UntrustedError) return undefined
    throw cause
  }
}
