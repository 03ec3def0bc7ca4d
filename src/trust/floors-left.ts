/** The version floors that a verified set leaves for the next run. */
import { parentRole } from '../metadata/role-name.js'
import { floorLeft, rootFloor, snapshotLoader, targetsLoader, timestampLoader } from './load.js'
import type { TargetsStage } from './targets-stage.js'
import { type VersionFloor, type VersionFloors, withAccepted } from './version-floors.js'

/** Roles that floors are kept of; delegations that ended are dropped first. Stops a publisher from growing the floors without end. */
export const MAX_ROLES_WITH_FLOORS = 4096

/**
 * Floors of all that was accepted, now and before. Floors of an ended delegation are kept for a later delegation of that name,
 * until a file of it is accepted: a signer who was added again may sign much later.
 */
export function floorsLeft(stage: TargetsStage): VersionFloors {
  const { gun, floors: before } = stage.context
  const { root } = stage.anchor.chain
  const leftOut = new Set(stage.delegated().flatMap(({ name }) => (stage.loaded.has(name) ? [] : [name])))
  const floors = new Map<string, readonly VersionFloor[]>()
  for (const [role, known] of before) {
    const hasEnded = role.startsWith('targets/') && !withRolesAbove(role).some((name) => leftOut.has(name))
    floors.set(role, hasEnded ? marked(known, true) : known)
  }
  const accept = (role: string, floor: VersionFloor) =>
    floors.set(role, withAccepted(marked(before.get(role) ?? [], false), floor))
  floors.set('root', [rootFloor(gun, root)])
  accept('timestamp', floorLeft(gun, timestampLoader(gun, root.metadata), stage.timestamp))
  accept('snapshot', floorLeft(gun, snapshotLoader(gun, root.metadata), stage.snapshot))
  for (const [role, { trusted }] of stage.loaded) accept(role, floorLeft(gun, targetsLoader(gun, role, trusted.keys), trusted))
  for (const [role, [floor]] of floors) {
    if (floors.size <= MAX_ROLES_WITH_FLOORS) break
    if (floor?.ended) floors.delete(role)
  }
  return floors
}

/** `targets/a/b` -> `targets/a/b`, `targets/a`. */
function withRolesAbove(role: string): string[] {
  const names: string[] = []
  for (let name = role; name !== 'targets'; name = parentRole(name)) names.push(name)
  return names
}

function marked(floors: readonly VersionFloor[], isEnded: boolean): VersionFloor[] {
  return floors.map(({ ended: _, ...floor }) => (isEnded ? { ...floor, ended: true } : floor))
}
