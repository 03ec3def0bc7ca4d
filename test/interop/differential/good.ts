/** Whether a correct client may answer from a state. The state must have nothing that this project refuses for its own reasons. */
import { RELEASES } from './draft.js'
import { odditiesOf } from './shape-oddities.js'
import { follows, HUGE, isNamed, knownRoot, truthsOf } from './truths.js'
import { attempt, parentOf, type View } from './view.js'

const BASE_ROLES = ['root', 'timestamp', 'snapshot', 'targets']

/** With one of these oddities, no answer may use a file. Other oddities matter only to an answer that needs the odd part. */
const NEVER = [
  'a member twice',
  'a lone surrogate',
  'bytes that are not UTF-8',
  'deep nesting',
  'a number beyond 2^53-1',
  'a date that is not RFC 3339',
  'another type',
  'no version',
  'a key that is not its ID',
  'a key that is not listed',
  'a threshold below 1',
  'a delegation twice',
  'a delegation with a name that it cannot have',
  'an entry missing',
  'a text that is not base64',
  'a list for a text',
]

/** True if today's root and the files under it are valid; `before` are the states that this project accepted earlier. */
export function isGood(now: View, before: readonly View[]): boolean {
  const counted = [...BASE_ROLES.slice(0, 3), ...now.countedTargets]
  const isTrue = () =>
    BASE_ROLES.every((role) => now.isSigned(role) && !now.hasExpired(role)) &&
    leads(now, before) &&
    now.hasGoodCertificates(now.newestRoot) &&
    counted.every((role) =>
      isSigner(role) ? isHuge(now, role) || isAsDeclared(now, role) : isAsDeclared(now, role) && !isOdd(now, role),
    ) &&
    !isReleasesBroken(now) &&
    !counted.some((role) => isForgottenBelow(role, now, before)) &&
    !truthsOf(now, before).some((one) => isTurnedBack(now, one))
  return attempt(isTrue) === true
}

/** True for a signer whose file is left out today: the next role with the name then answers. */
export function isLeftOut(now: View, role: string): boolean {
  return isSigner(role) && (isHuge(now, role) || isOdd(now, role))
}

/** A signer whose file is odd is left out, which affects only that signer. */
export function isSigner(role: string): boolean {
  return role.startsWith('targets/') && role !== RELEASES
}

/** A role with older or different content than before; for a signer that is left out, this is allowed. */
function isTurnedBack(now: View, truth: string): boolean {
  const [, role, what] = /^truth: (\S+) (counts back|has two contents|has the file of another role)$/.exec(truth) ?? []
  return role !== undefined && !(isSigner(role) && (isOdd(now, role) || what === 'has the file of another role'))
}

/** True if a chain of roots leads from the root that was trusted before to the newest. */
function leads(now: View, before: readonly View[]): boolean {
  let last = knownRoot(before)
  if (last === undefined) return true
  for (const { number, file } of now.roots) {
    if (number <= Number(last.signed.version)) continue
    if (file === undefined || !follows(file, last)) return false
    last = file
  }
  const newest = now.newestRoot
  return newest === last || (newest !== undefined && follows(newest, last))
}

/** A file longer than the limit; a signer with such a file is left out. */
function isHuge(now: View, role: string): boolean {
  return (now.declared(role)?.length ?? 0) > HUGE
}

function isAsDeclared(now: View, role: string): boolean {
  if (role === 'timestamp') return true
  const { hashes, length } = now.declared(role) ?? {}
  const bytes = now.current(role)?.bytes
  return bytes !== undefined && bytes.length === length && isNamed(bytes, hashes)
}

function isOdd(now: View, role: string): boolean {
  // In these files `targets` is a role, and a publisher could add the name in another case.
  const isMapOfRoles = role === 'root' || role === 'snapshot'
  const isNever = (odd: string) => NEVER.includes(odd) || (odd === 'two members that differ by case alone' && !isMapOfRoles)
  return odditiesOf(role, now.current(role)?.bytes ?? new Uint8Array()).some(isNever)
}

/** The role that takes precedence for tags has keys and is not valid: a tag would fall back to targets. */
function isReleasesBroken(now: View): boolean {
  const keys = now.roles.get(RELEASES)?.keyids ?? []
  return keys.length > 0 && now.declared(RELEASES) !== undefined && !now.countedTargets.includes(RELEASES)
}

/** A role that was valid before, and could be today, is no longer in the snapshot. */
function isForgottenBelow(parent: string, now: View, before: readonly View[]): boolean {
  return [...now.roles].some(
    ([role, { keyids, threshold }]) =>
      parentOf(role) === parent &&
      new Set(keyids).size >= threshold &&
      now.declared(role) === undefined &&
      before.some((view) => view.countedTargets.includes(role)),
  )
}
