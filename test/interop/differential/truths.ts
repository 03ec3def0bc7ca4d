/** The truths of a case that the rules of the lists may require, besides mutations. Their texts begin with `truth: `. */
import { createHash } from 'node:crypto'
import { canonicalBytes } from '../../../src/testing/index.js'
import type { Answer } from './askers.js'
import { odditiesOf } from './shape-oddities.js'
import { attempt, hasSigned, type Read, type View } from './view.js'

/** Number of versions by which a floor may exceed an honest version. */
const HONEST_LEAD = 1_000_000

/** A length above every limit for declared lengths. */
export const HUGE: number = 32 * 1024 * 1024

/** Lists the truths of the present state. `before` are the states that this project accepted earlier; `target` is the requested name. */
export function truthsOf(now: View, before: readonly View[], target?: string): string[] {
  const roles = new Set([...now.roles.keys(), ...now.filesByRole.keys()])
  const ofRoles = [...roles].flatMap((role) =>
    [
      ...(attempt(() => declaredTruths(now, before, role)) ?? []),
      ...(attempt(() => fileTruths(now, before, role)) ?? []),
      ...filesInForce(now, before, role).flatMap((file) => odditiesOf(role, file).map((odd) => `holds ${odd}`)),
    ].map((one) => `${role} ${one}`),
  )
  const hasAnswer = target === undefined || attempt(() => now.answers(target).length > 0) === true
  const unnamed = !hasAnswer ? ['nobody who counts has the name'] : []
  return [...new Set([...ofRoles, ...(attempt(() => rootTruths(now, before)) ?? []), ...unnamed])].map((one) => `truth: ${one}`)
}

/** The files of a role that a client may read today; old files stay on the server under their hashes. */
function filesInForce(now: View, before: readonly View[], role: string): Uint8Array[] {
  const known = attempt(() => Number(knownRoot(before)?.signed.version ?? 0)) ?? 0
  const roots = role === 'root' ? now.filesFrom(known + 1) : []
  return [...new Set([now.current(role)?.bytes, now.served(role), ...roots])].filter((file) => file !== undefined)
}

/** Truths about what the roles above declare for a role. */
function declaredTruths(now: View, before: readonly View[], role: string): string[] {
  const says: string[] = []
  const recipe = now.roles.get(role)
  if (recipe?.keyids === null || recipe?.keyids?.length === 0) says.push('has no keys')
  const declared = now.declared(role)
  const isDue = declared !== undefined || role === 'root' || role === 'timestamp'
  if (isDue && !now.serves(role)) says.push('is not served')
  const found = now.served(role)?.length
  const length = declared?.length ?? 0
  if (declared !== undefined && found !== undefined && found > length) says.push('is longer than declared')
  if (declared !== undefined && found !== undefined && found < length) says.push('is shorter than declared')
  if (length > HUGE) says.push('is declared to be huge')
  const hashes = attempt(() => Object.keys(declared?.hashes ?? {})) ?? []
  if (hashes.includes('sha512') && !hashes.includes('sha256')) says.push('is declared without a SHA-256')
  const isForgotten = now.roles.has(role) && declared === undefined && before.some((view) => view.declared(role) !== undefined)
  if (isForgotten && role.startsWith('targets')) says.push('is no longer in the snapshot')
  return says
}

/** Truths about the file that is in force. */
function fileTruths(now: View, before: readonly View[], role: string): string[] {
  const file = now.current(role)
  if (file === undefined) return now.served(role) === undefined ? [] : ['is under its threshold']
  const says: string[] = []
  if (!now.isSigned(role)) says.push('is under its threshold')
  if (now.hasExpired(role)) says.push('has expired')
  // A file without enough signatures left no floor.
  const signedBefore = before.filter((view) => view.isSigned(role))
  const higher = signedBefore.filter((view) => isLower(file, view.current(role)))
  if (higher.length > 0)
    says.push(higher.every((view) => isFloorVoid(now, view, role)) ? 'counts back with other keys' : 'counts back')
  if (signedBefore.some((view) => hasSameKeys(now, view, role) && isOther(role, file, view.current(role))))
    says.push('has two contents')
  if (role.startsWith('targets') && isOtherRolesFile(file, role, before)) says.push('has the file of another role')
  return says
}

/** True if an authorised role signed exactly this for the name, in any of the states. */
export function wasSigned({ kind, ...answer }: Answer, target: string, views: readonly View[]): boolean {
  const { digest, size } = { digest: '', size: -1, ...answer }
  return (
    kind === 'digest' && views.some((view) => view.everSigned(target).some((one) => one.digest === digest && one.size === size))
  )
}

function rootTruths(now: View, before: readonly View[]): string[] {
  const { roots } = now
  const says = [...walk(now, knownRoot(before)).faults]
  const known = knownRoot(before)?.signed.version ?? 0
  const newest = now.newestRoot?.signed
  if (before.length > 0 && roots.some(({ number, file }) => number > known && file !== undefined && number === newest?.version))
    says.push('there is a new root under its number')
  const bytes = now.newestRoot?.bytes
  if (bytes !== undefined && !isNamed(bytes, now.declared('root')?.hashes)) says.push('the snapshot names another root')
  const isNewest = roots.some(({ file }) => file !== undefined && file === now.newestRoot)
  if (isNewest && now.read('root') !== now.newestRoot) says.push('root.json is not the newest root')
  if (!now.hasGoodCertificates(now.newestRoot)) says.push('the newest root has no good certificate')
  const between = roots.filter(({ number }) => number >= known && number !== newest?.version)
  if (between.some(({ file }) => file !== undefined && !now.hasGoodCertificates(file)))
    says.push('an older root has no good certificate')
  return says
}

/** True if there is a known hash and all known hashes match the bytes. */
export function isNamed(bytes: Uint8Array, hashes: Readonly<Record<string, string>> = {}): boolean {
  const named = (['sha256', 'sha512'] as const).filter((name) => hashes[name] !== undefined)
  const isIts = (name: 'sha256' | 'sha512') =>
    createHash(name)
      .update(bytes)
      .digest()
      .equals(Buffer.from(hashes[name] ?? '', 'base64'))
  return named.length > 0 && named.every(isIts)
}

/** The root at the end of the earlier states. */
export function knownRoot(before: readonly View[]): Read | undefined {
  return before.reduce<Read | undefined>((known, view) => walk(view, known).last, undefined)
}

/** Follows the roots from the known one, else from root.json, by number and then to root.json. @returns the last root and the first fault */
function walk(view: View, known: Read | undefined): { readonly last: Read | undefined; readonly faults: readonly string[] } {
  const plain = view.read('root')
  const faults = new Set<string>()
  let last = known ?? plain
  if (last !== undefined && !follows(last, undefined)) faults.add('a root does not follow')
  const numbered = new Map(view.roots.map(({ number, file }) => [number, file]))
  for (let number = Number(last?.signed.version) + 1; numbered.has(number); number++) {
    const file = numbered.get(number)
    if (file === undefined) break
    if (!follows(file, last)) faults.add('a root does not follow')
    if (file.signed.version !== number) faults.add('a root stands under another number')
    last = file
  }
  if (plain !== undefined && plain !== last && !isLower(plain, last) && !follows(plain, last))
    faults.add('a root does not follow')
  return { last: plain !== undefined && faults.size === 0 && isLower(last, plain) ? plain : last, faults: [...faults] }
}

export function follows(file: Read, last: Read | undefined): boolean {
  const isSignedByOld = last === undefined || hasSigned(last.signed.roles?.['root'], file)
  return isSignedByOld && hasSigned(file.signed.roles?.['root'], file)
}

function isLower(file: Read | undefined, earlier: Read | undefined): boolean {
  return file !== undefined && earlier !== undefined && Number(file.signed.version) < Number(earlier.signed.version)
}

/** True if a version has two contents. For a timestamp, the content is what it names: a server may renew its date with the same version. */
function isOther(role: string, file: Read, earlier: Read | undefined): boolean {
  if (earlier === undefined || file.signed.version !== earlier.signed.version) return false
  const content = ({ signed }: Read) => canonicalBytes(role === 'timestamp' ? signed.meta?.['snapshot'] : signed)
  return Buffer.compare(content(file), content(earlier)) !== 0
}

/** A file that is not empty and was accepted before for another role and never for this one. */
function isOtherRolesFile(file: Read, role: string, before: readonly View[]): boolean {
  const { targets, delegations } = file.signed
  if (Object.keys(targets ?? {}).length === 0 && (delegations?.roles ?? []).length === 0) return false
  const acceptedAs = before.flatMap((view) =>
    [...view.roles.keys()].filter((one) => {
      const earlier = one.startsWith('targets') && view.isSigned(one) ? view.current(one) : undefined
      return earlier !== undefined && Buffer.compare(canonicalBytes(earlier.signed), canonicalBytes(file.signed)) === 0
    }),
  )
  return acceptedAs.length > 0 && !acceptedAs.includes(role)
}

function hasSameKeys(now: View, before: View, role: string): boolean {
  const [ours, theirs] = [now, before].map((view) => view.roles.get(role)?.keyids ?? [])
  return new Set(ours).size === new Set(theirs).size && !hasLostKey(now, before, role)
}

function hasLostKey(now: View, before: View, role: string): boolean {
  const keys = now.roles.get(role)?.keyids ?? []
  return (before.roles.get(role)?.keyids ?? []).some((id) => !keys.includes(id))
}

/** True if too few of the earlier keys are left, or if keys that are no longer enough signed a version far above. */
function isFloorVoid(now: View, before: View, role: string): boolean {
  const [recipe, former] = [now.roles.get(role), before.roles.get(role)]
  const keys = recipe?.keyids ?? []
  const left = (ids: readonly string[]) => new Set(ids.filter((id) => keys.includes(id))).size
  const [threshold, formerThreshold] = [recipe, former].map((one) => one?.threshold ?? 1)
  if (left(former?.keyids ?? []) < Math.min(threshold ?? 1, formerThreshold ?? 1)) return true
  const [file, earlier] = [now.current(role), before.current(role)]
  const lead = Number(earlier?.signed.version) - Number(file?.signed.version)
  const signers = [...(earlier?.signers.keys() ?? [])].filter((id) => former?.keyids.includes(id))
  return lead > HONEST_LEAD && left(signers) < (threshold ?? 1)
}
