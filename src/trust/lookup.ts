/**
 * Finds the digest of a tag. Docker's rule: `targets/releases` before `targets`, and no other role; the other delegations
 * say who signed. Source: docker/cli 28 cli/command/image/trust.go; notary 0.7.0 client/reader.go.
 */
import { fromBase64, hex } from '../bytes.js'
import { HASH_BYTES } from '../crypto/hash.js'
import { canonicalKeyId, type KeyId } from '../crypto/keys.js'
import { type Evidence, UnsignedError, UntrustedError } from '../errors.js'
import { plainJson } from '../metadata/json-value.js'
import { RELEASES_ROLE, signerName } from '../metadata/role-name.js'
import type { TargetWire } from '../metadata/wire.js'
import { mayName } from './delegations.js'
import type { TargetsStage } from './targets-stage.js'

/** Delegations that a hint names. */
const MAX_NAMED = 5

/** Roles that may release a tag; the first that lists it decides. */
const RELEASED_ROLES: readonly string[] = [RELEASES_ROLE, 'targets']

/** A signed name and its digest. */
export interface TrustedTarget {
  readonly name: string
  /** The role that answers. */
  readonly role: string
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string
  /** Bytes. */
  readonly size: number
  /** What the publisher added. */
  readonly custom?: unknown
}

/** A released tag. */
export interface TrustedTag extends TrustedTarget {
  /** Delegations (without `targets/`) that list the same tag with the same digest, ascending. */
  readonly signers: readonly string[]
}

/**
 * The released digest of a tag.
 *
 * @throws UnsignedError ERR_TAG_NOT_SIGNED, also when the answering entry has no sha256
 * @throws UntrustedError ERR_METADATA_MALFORMED when its sha256 is not 32 bytes
 */
export function lookupTag(stage: TargetsStage, tag: string): TrustedTag {
  const found = findTarget(stage, tag, RELEASED_ROLES)
  if (found !== undefined) return signedBy(found, signersOf(stage, found))
  const holders = holdersOf(stage, tag, stage.loaded.keys()).map(({ role }) => role)
  if (holders.length === 0) throw notFound(stage, tag, `${notSignedHint(stage, tag)}${leftOut(stage)} Its tags: dct tags <GUN>`)
  const names = holders.map(signerName).join(', ')
  const hint = `Only ${names} signed this tag; it is not released: its publisher must sign it in targets/releases or targets. Who signs what: dct tree <GUN>`
  throw notFound(stage, tag, hint, { signedOnlyBy: holders })
}

/**
 * The first of the roles that lists the target, among those loaded; of all loaded roles when none are given.
 *
 * @throws UnsignedError, UntrustedError as `lookupTag`
 */
export function lookupTarget(stage: TargetsStage, name: string, roles?: readonly string[]): TrustedTarget {
  const found = findTarget(stage, name, roles ?? [...stage.loaded.keys()])
  if (found !== undefined) return found
  const where = roles === undefined ? 'none of its roles' : roles.join(', ')
  throw notFound(stage, name, `The collection is signed but ${where} lists this name.${leftOut(stage)}`)
}

function findTarget(stage: TargetsStage, name: string, roles: readonly string[]): TrustedTarget | undefined {
  const [holder] = holdersOf(stage, name, roles)
  return holder === undefined ? undefined : toTarget(stage, name, holder)
}

function notFound({ context: { gun } }: TargetsStage, name: string, hint: string, evidence?: Evidence): UnsignedError {
  return new UnsignedError('ERR_TAG_NOT_SIGNED', `No valid trust data for ${name}`, { gun, hint, evidence })
}

/** Released tags that carry the digest, in natural order. A tag in releases shadows the one in targets. */
export function tagsWithDigest(stage: TargetsStage, digest: string): TrustedTag[] {
  return releasedTags(stage).flatMap((tag) =>
    holdersOf(stage, tag, RELEASED_ROLES)
      .slice(0, 1)
      .filter(({ entry }) => digestOf(entry) === digest)
      .map((holder) => toTarget(stage, tag, holder))
      .map((target) => signedBy(target, signersOf(stage, target))),
  )
}

/** Faster than an object that begins with a spread, and a list has one of these for each tag. */
function signedBy({ name, role, digest, size, custom }: TrustedTarget, signers: readonly string[]): TrustedTag {
  return { name, role, digest, size, signers, ...(custom === undefined ? {} : { custom }) }
}

/** A released tag, or why it has no digest; `shadowed`: what `targets` says when `targets/releases` says otherwise. */
export type ListedTarget = { readonly shadowed?: TrustedTag } & (
  | (TrustedTag & { readonly problem?: undefined })
  | (Pick<TrustedTag, 'name' | 'role' | 'size' | 'signers'> & {
      readonly digest?: undefined
      readonly custom?: undefined
      readonly problem: string
    })
)

/** Every released tag, in natural order. A tag without a digest does not hide the others. */
export function listTargets(stage: TargetsStage): ListedTarget[] {
  const entries = signerEntries(stage)
  const signedTag = (tag: string, holder: Holder): TrustedTag => {
    const target = toTarget(stage, tag, holder)
    return signedBy(target, signersAmong(entries.get(tag) ?? [], target.digest))
  }
  return releasedTags(stage).flatMap((tag): ListedTarget[] => {
    const [holder, below] = holdersOf(stage, tag, RELEASED_ROLES)
    if (holder === undefined) return []
    const other = below === undefined ? undefined : digestOf(below.entry)
    const isShadowed = below !== undefined && other !== undefined && other !== digestOf(holder.entry)
    const shadowed = isShadowed ? { shadowed: signedTag(tag, below) } : {}
    const problem = hashProblem(holder.entry)
    if (problem === undefined) return [Object.assign(signedTag(tag, holder), shadowed)]
    return [{ name: tag, role: holder.role, size: holder.entry.length, signers: [], problem, ...shadowed }]
  })
}

/** What signers list, by name. Reads every entry once; asking each signer for each tag would cost tags times signers. */
function signerEntries(stage: TargetsStage): Map<string, Holder[]> {
  const entries = new Map<string, Holder[]>()
  for (const [role, { trusted, granted }] of stage.loaded) {
    if (RELEASED_ROLES.includes(role)) continue
    for (const [name, entry] of trusted.metadata.targets) {
      if (!mayName(granted, name)) continue
      const holders = entries.get(name) ?? []
      holders.push({ role, entry })
      entries.set(name, holders)
    }
  }
  return entries
}

/** Released tags of a verified set. */
interface ReleasedTags {
  /** In natural order: 1.2 before 1.10. */
  readonly names: readonly string[]
  /** By lower case. */
  readonly folded: ReadonlyMap<string, string>
}

/** Sets are immutable, so the tags of each are sorted once however many questions follow. */
const released = new WeakMap<TargetsStage, ReleasedTags>()

/** Every released tag, in natural order: 1.2 before 1.10. */
export function releasedTags(stage: TargetsStage): readonly string[] {
  return released.get(stage)?.names ?? sortTags(stage).names
}

function sortTags(stage: TargetsStage): ReleasedTags {
  const all = RELEASED_ROLES.flatMap((role) => {
    const loaded = stage.loaded.get(role)
    return loaded === undefined ? [] : [...loaded.trusted.metadata.targets.keys()].filter((name) => mayName(loaded.granted, name))
  })
  // Made here: the first collator of a process costs more than a whole verification. Names that it finds equal (1 and 01) keep the order of `sort()`.
  const natural = new Intl.Collator('en', { numeric: true })
  const names = [...new Set(all)].sort().sort(natural.compare)
  const folded = new Map(names.toReversed().map((name) => [name.toLowerCase(), name]))
  const tags = { names, folded }
  released.set(stage, tags)
  return tags
}

/** The entry of a name in one role. */
interface Holder {
  readonly role: string
  readonly entry: TargetWire
}

/** The roles, in the given order, that list the name and may name it. */
function holdersOf(stage: TargetsStage, name: string, roles: Iterable<string>): Holder[] {
  return [...roles].flatMap((role) => {
    const loaded = stage.loaded.get(role)
    if (loaded === undefined || !mayName(loaded.granted, name)) return []
    const entry = loaded.trusted.metadata.targets.get(name)
    return entry === undefined ? [] : [{ role, entry }]
  })
}

function toTarget(stage: TargetsStage, name: string, { role, entry }: Holder): TrustedTarget {
  const { gun } = stage.context
  if (!entry.hashes.has('sha256')) throw withoutSha256({ gun, role }, name)
  const digest = digestOf(entry)
  if (digest === undefined) {
    throw new UntrustedError('ERR_METADATA_MALFORMED', `trust data for ${gun} is malformed: ${role}: ${name}: ${NO_HASH}`, {
      gun,
      role,
    })
  }
  return { name, role, digest, size: entry.length, ...(entry.custom == null ? {} : { custom: plainJson(entry.custom) }) }
}

/** Docker's words. Source: docker/cli 28 cli/command/image/trust.go convertTarget. */
const NO_HASH = 'no valid hash, expecting sha256'

/** Notary can sign a name with a SHA-512 alone; an image has no digest then. */
function withoutSha256({ gun, role }: { readonly gun: string; readonly role: string }, name: string): UnsignedError {
  return new UnsignedError('ERR_TAG_NOT_SIGNED', `No valid trust data for ${name}: ${role}: ${NO_HASH}`, {
    gun,
    role,
    hint: 'The name is signed without a SHA-256, so it has no image digest. Ask its publisher to sign it again.',
  })
}

/** Why an entry has no digest. */
function hashProblem(entry: TargetWire): string | undefined {
  return digestOf(entry) === undefined ? NO_HASH : undefined
}

/** `sha256:<hex>`, or undefined when the entry has no SHA-256 of 32 bytes. */
function digestOf({ hashes }: TargetWire): string | undefined {
  const bytes = fromBase64(hashes.get('sha256') ?? '')
  return bytes?.length === HASH_BYTES.sha256 ? `sha256:${hex(bytes)}` : undefined
}

function signersOf(stage: TargetsStage, { name, digest }: TrustedTarget): string[] {
  const signers = [...stage.loaded.keys()].filter((role) => !RELEASED_ROLES.includes(role))
  return signersAmong(holdersOf(stage, name, signers), digest)
}

function signersAmong(holders: readonly Holder[], digest: string): string[] {
  return holders
    .filter(({ entry }) => digestOf(entry) === digest)
    .map(({ role }) => signerName(role))
    .sort()
}

/** A sentence on delegations that do not count today, since one of them may list the name; empty when there are none. */
function leftOut({ skipped }: TargetsStage): string {
  if (skipped.length === 0) return ''
  const roles = skipped.slice(0, MAX_NAMED).map(({ role }) => role)
  return ` Left out today: ${roles.join(', ')}${skipped.length > roles.length ? ', and more' : ''}; dct verify of a tag that is signed says why.`
}

/** What one delegation says of a name. */
interface TagStatement {
  /** Without `targets/`. */
  readonly name: string
  readonly digest: string
  /** Canonical IDs of the keys whose signatures count. */
  readonly signedBy: readonly KeyId[]
}

/** What each signer says of a name: signers whose paths allow it and whose signatures were verified. */
export function statementsOf(stage: TargetsStage, name: string): TagStatement[] {
  const signers = [...stage.loaded.keys()].filter((role) => !RELEASED_ROLES.includes(role))
  return holdersOf(stage, name, signers).flatMap(({ role, entry }) => {
    const [digest, trusted] = [digestOf(entry), stage.loaded.get(role)?.trusted]
    if (digest === undefined || trusted === undefined) return []
    const signedBy = trusted.signedBy.flatMap((id) => {
      const key = trusted.keys.keys.get(id)
      return (key === undefined ? undefined : canonicalKeyId(key)) ?? []
    })
    return [{ name: signerName(role), digest, signedBy }]
  })
}

function notSignedHint(stage: TargetsStage, tag: string): string {
  const { names, folded } = released.get(stage) ?? sortTags(stage)
  const other = folded.get(tag.toLowerCase())
  if (other !== undefined) return `Tags are told apart by case: ${other} is signed.`
  if (names.length === 0) return 'The collection is signed but holds no released tag at all.'
  if (names.length <= 5) return `The collection is signed but this tag is not. Signed: ${names.join(', ')}.`
  return `The collection is signed but this tag is not. Signed are ${names.length} tags, the last in order: ${names.slice(-5).join(', ')}.`
}
