/** What the rules of the lists may ask of a case beside what was done to it, in words that begin with `truth: `. */
import { canonicalBytes } from '../../../src/testing/index.js'
import type { Answer } from './askers.js'
import { attempt, hasSigned, type Read, type View } from './view.js'

const BASE_ROLES = ['root', 'timestamp', 'snapshot', 'targets']

/** What holds of the present state; `before` are the states that we accepted earlier. */
export function truthsOf(now: View, before: readonly View[]): string[] {
  const ofRoles = [...now.roles.keys()].flatMap((role) => {
    const file = now.current(role)
    const says: string[] = []
    if ((now.roles.get(role)?.keyids ?? []).length === 0) says.push('has no keys')
    if (now.isLonger(role)) says.push('is longer than declared')
    if (file === undefined) return says.map((one) => `${role} ${one}`)
    if (!now.isSigned(role)) says.push('is under its threshold')
    if (now.hasExpired(role)) says.push('has expired')
    const higher = before.filter((view) => isLower(file, view.current(role)))
    if (higher.length > 0)
      says.push(higher.every((view) => hasLostKey(now, view, role)) ? 'counts back with other keys' : 'counts back')
    if (before.some((view) => isOther(file, view.current(role)))) says.push('has two contents')
    return says.map((one) => `${role} ${one}`)
  })
  return [...ofRoles, ...rootTruths(now, before)].map((one) => `truth: ${one}`)
}

/** True when a right client may answer: today's root by its keys and certificates, and what it vouches for. */
export function isGood(now: View, before: readonly View[]): boolean {
  const isFalse = BASE_ROLES.some((role) => !now.isSigned(role) || now.hasExpired(role))
  return (
    !isFalse &&
    leads(now, before) &&
    now.hasGoodCertificates &&
    !truthsOf(now, before).some((one) => one.endsWith(' counts back'))
  )
}

/** True when somebody who might signed just this for the name, in any of the states. */
export function wasSigned({ kind, ...answer }: Answer, target: string, views: readonly View[]): boolean {
  const { digest, size } = { digest: '', size: -1, ...answer }
  return (
    kind === 'digest' && views.some((view) => view.everSigned(target).some((one) => one.digest === digest && one.size === size))
  )
}

function rootTruths(now: View, before: readonly View[]): string[] {
  const { roots } = now
  const says: string[] = []
  if (roots.some(({ number, file }) => file !== undefined && file.signed.version !== number))
    says.push('a root stands under another number')
  const plain = now.read('root')
  const isBroken = roots.some(({ file }, at) => file !== undefined && !follows(file, roots[at - 1]?.file))
  if (isBroken || (plain !== undefined && !follows(plain, undefined))) says.push('a root does not follow')
  const known = newestKnown(before)?.signed.version ?? 0
  const newest = now.newestRoot?.signed
  if (before.length > 0 && roots.some(({ number, file }) => number > known && file !== undefined && number === newest?.version))
    says.push('there is a new root under its number')
  const named = attempt(() => now.current('snapshot')?.signed.meta?.['root']?.hashes['sha256'])
  const bytes = named === undefined ? undefined : now.read(`root.${Buffer.from(named, 'base64').toString('hex')}`)
  if (bytes?.signed.version !== newest?.version) says.push('the snapshot names another root')
  return says
}

/** True when the roots lead from the one that was trusted before to the newest. */
function leads(now: View, before: readonly View[]): boolean {
  let last = newestKnown(before)
  if (last === undefined) return true
  for (const { number, file } of now.roots) {
    if (number <= Number(last.signed.version)) continue
    if (file === undefined || !follows(file, last)) return false
    last = file
  }
  return true
}

function newestKnown(before: readonly View[]): Read | undefined {
  return before.at(-1)?.newestRoot
}

function follows(file: Read, last: Read | undefined): boolean {
  const isSignedByOld = last === undefined || hasSigned(last.signed.roles?.['root'], file)
  return isSignedByOld && hasSigned(file.signed.roles?.['root'], file)
}

function isLower(file: Read, earlier: Read | undefined): boolean {
  return earlier !== undefined && Number(file.signed.version) < Number(earlier.signed.version)
}

function isOther(file: Read, earlier: Read | undefined): boolean {
  if (earlier === undefined || file.signed.version !== earlier.signed.version) return false
  return Buffer.compare(canonicalBytes(file.signed), canonicalBytes(earlier.signed)) !== 0
}

function hasLostKey(now: View, before: View, role: string): boolean {
  const keys = now.roles.get(role)?.keyids ?? []
  return (before.roles.get(role)?.keyids ?? []).some((id) => !keys.includes(id))
}
