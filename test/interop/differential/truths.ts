/** What the rules of the lists may ask of a case beside what was done to it, in words that begin with `truth: `. */
import { createHash } from 'node:crypto'
import { canonicalBytes } from '../../../src/testing/index.js'
import type { Answer } from './askers.js'
import { odditiesOf } from './shape-oddities.js'
import { attempt, hasSigned, type Read, type View } from './view.js'

const BASE_ROLES = ['root', 'timestamp', 'snapshot', 'targets']

/** More than any file may be declared to have. */
const HUGE = 32 * 1024 * 1024

/** What holds of the present state; `before` are the states that we accepted earlier, `target` is the name that was asked for. */
export function truthsOf(now: View, before: readonly View[], target?: string): string[] {
  const roles = new Set([...now.roles.keys(), ...now.filesByRole.keys()])
  const ofRoles = [...roles].flatMap((role) =>
    [
      ...(attempt(() => declaredTruths(now, before, role)) ?? []),
      ...(attempt(() => fileTruths(now, before, role)) ?? []),
      ...(now.filesByRole.get(role) ?? []).flatMap((file) => odditiesOf(role, file).map((odd) => `holds ${odd}`)),
    ].map((one) => `${role} ${one}`),
  )
  const hasAnswer = target === undefined || attempt(() => now.answers(target).length > 0) === true
  const unnamed = !hasAnswer ? ['nobody who counts has the name'] : []
  return [...new Set([...ofRoles, ...(attempt(() => rootTruths(now, before)) ?? []), ...unnamed])].map((one) => `truth: ${one}`)
}

/** What the roles above say of a role, and whether it is so. */
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

/** What is so of the file that is in force. */
function fileTruths(now: View, before: readonly View[], role: string): string[] {
  const file = now.current(role)
  if (file === undefined) return now.served(role) === undefined ? [] : ['is under its threshold']
  const says: string[] = []
  if (!now.isSigned(role)) says.push('is under its threshold')
  if (now.hasExpired(role)) says.push('has expired')
  const higher = before.filter((view) => isLower(file, view.current(role)))
  if (higher.length > 0)
    says.push(higher.every((view) => hasLostKey(now, view, role)) ? 'counts back with other keys' : 'counts back')
  if (before.some((view) => isOther(file, view.current(role)))) says.push('has two contents')
  return says
}

/** True when a right client may answer: today's root by its keys and certificates, and what it vouches for. */
export function isGood(now: View, before: readonly View[]): boolean {
  const isTrue = () =>
    BASE_ROLES.every((role) => now.isSigned(role) && !now.hasExpired(role)) &&
    leads(now, before) &&
    now.hasGoodCertificates(now.newestRoot) &&
    !truthsOf(now, before).some((one) => one.endsWith(' counts back'))
  return attempt(isTrue) === true
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

/** True when the hashes that are known are those of the bytes, and there is one. */
function isNamed(bytes: Uint8Array, hashes: Readonly<Record<string, string>> = {}): boolean {
  const named = (['sha256', 'sha512'] as const).filter((name) => hashes[name] !== undefined)
  const isIts = (name: 'sha256' | 'sha512') => createHash(name).update(bytes).digest('base64') === hashes[name]
  return named.length > 0 && named.every(isIts)
}

/** True when the roots lead from the one that was trusted before to the newest. */
function leads(now: View, before: readonly View[]): boolean {
  let last = knownRoot(before)
  if (last === undefined) return true
  for (const { number, file } of now.roots) {
    if (number <= Number(last.signed.version)) continue
    if (file === undefined || !follows(file, last)) return false
    last = file
  }
  return true
}

/** The root that the states before led to. */
function knownRoot(before: readonly View[]): Read | undefined {
  return before.reduce<Read | undefined>((known, view) => walk(view, known).last, undefined)
}

/** From the known root, else from root.json, number by number, and at the end to root.json: how far that leads, and what it stumbles over. */
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
  if (plain !== undefined && plain !== last && !follows(plain, last)) faults.add('a root does not follow')
  return { last: plain !== undefined && faults.size === 0 && isLower(last, plain) ? plain : last, faults: [...faults] }
}

function follows(file: Read, last: Read | undefined): boolean {
  const isSignedByOld = last === undefined || hasSigned(last.signed.roles?.['root'], file)
  return isSignedByOld && hasSigned(file.signed.roles?.['root'], file)
}

function isLower(file: Read | undefined, earlier: Read | undefined): boolean {
  return file !== undefined && earlier !== undefined && Number(file.signed.version) < Number(earlier.signed.version)
}

function isOther(file: Read, earlier: Read | undefined): boolean {
  if (earlier === undefined || file.signed.version !== earlier.signed.version) return false
  return Buffer.compare(canonicalBytes(file.signed), canonicalBytes(earlier.signed)) !== 0
}

function hasLostKey(now: View, before: View, role: string): boolean {
  const keys = now.roles.get(role)?.keyids ?? []
  return (before.roles.get(role)?.keyids ?? []).some((id) => !keys.includes(id))
}
