/**
 * Image references, read as Docker reads them (github.com/distribution/reference v0.6.0, `ParseNormalizedNamed`).
 *
 *   reference = name [ ":" tag ] [ "@" digest ]
 *   name      = [ domain "/" ] path
 *   domain    = host [ ":" digit+ ]
 *   host      = label { "." label }  |  "[" ( hex digit | ":" )+ "]"       no IPv6 zone, no embedded IPv4
 *   label     = letters and digits of either case, "-" inside
 *   path      = component { "/" component }                                at most 255 characters; the domain does not count
 *   component = alnum { separator alnum }                                  alnum: [a-z0-9]+
 *   separator = "."  |  "_"  |  "__"  |  "-"+
 *   tag       = [A-Za-z0-9_] [A-Za-z0-9_.-]{0,127}
 *   digest    = algorithm ":" hex digit{32,}                               usable here: sha256 and 64 lower-case digits
 *
 * The first component is a domain when a "/" follows it and it is `localhost`, holds "." or ":", or holds an upper-case
 * letter; else the domain is `docker.io`, where a path of one component lies under `library/`. Neither tag nor digest
 * means the tag `latest`. Nothing is trimmed, decoded or lower-cased: two spellings are two collections, as in Docker.
 *
 * Refused here and not by Docker: longer than MAX_REFERENCE_LENGTH; a bare digest (Docker reads `sha256:<hex>` as the tag
 * <hex> of an image named sha256); a digest other than sha256; a first component such as `my_host.example`, which
 * v0.6.0 reads as a name without any domain, so that it would have no trust server.
 */
import { UsageError } from '../errors.js'

/** An image repository, which is also a trust collection. distribution/reference v0.6.0 reference.go `namedRepository`. */
export interface ImageRepository {
  /** The registry: `docker.io`, `localhost:5000`, `[::1]:5000`. Never `index.docker.io`, which is folded to `docker.io`. */
  readonly domain: string
  /** The name within the registry: `library/alpine`. */
  readonly path: string
  /** The trust collection: domain, `/`, path. Keeps the case of the domain, as in Docker. */
  readonly gun: string
  /** As Docker shows it: `alpine`, `user/app`, `quay.io/x/y`. For display only: `docker.io/a.b/c` is shown as `a.b/c`. */
  readonly familiarName: string
}

/** A parsed image reference. */
export interface ImageReference extends ImageRepository {
  /** As given. */
  readonly reference: string
  /** Absent only when there is a digest and no tag; `latest` when there is neither. */
  readonly tag?: string
  /** True when `latest` was filled in. distribution/reference v0.6.0 normalize.go `TagNameOnly`. */
  readonly tagDefaulted: boolean
  /** `sha256:` and 64 lower-case hexadecimal digits. */
  readonly digest?: string
}

/** The parts of a text, before the grammar is checked. */
interface Parts {
  readonly domain: string
  readonly path: string
  readonly tag: string | undefined
  readonly digest: string | undefined
  /** Everything after the domain, `library/` included, up to the first colon. It must be lower case, and Docker's message shows it. */
  readonly remote: string
}

/**
 * Characters. The longest sensible reference has under 800 (host and port 260, path 255, tag 128, digest 135). Stops endless
 * input (denial of service): no pattern is matched against a longer text, and no error holds one.
 */
const MAX_REFERENCE_LENGTH = 4096
/** Characters of the path. distribution/reference v0.6.0 `RepositoryNameTotalLengthMax`. */
const MAX_PATH_LENGTH = 255
/** Characters. Stops endless names, which become paths and addresses. */
const MAX_GUN_LENGTH = 255
const DEFAULT_DOMAIN = 'docker.io'
const LEGACY_DEFAULT_DOMAIN = 'index.docker.io'
const OFFICIAL_PREFIX = 'library/'
const DEFAULT_TAG = 'latest'

// Each pattern can match a text in one way only, so that backtracking is linear. `$` without the m flag is the very end: a
// trailing newline is refused. No i flag: together with u it would accept U+212A (Kelvin sign) as k.
const DOMAIN = /^(?:[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*(?:\.[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*)*|\[[A-Fa-f0-9:]+\])(?::[0-9]+)?$/
const COMPONENT = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*$/
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,}$/
const BARE_IDENTIFIER = /^[a-f0-9]{64}$/
const BARE_DIGEST = /^(?:sha256:[0-9A-Fa-f]{64}|sha384:[0-9A-Fa-f]{96}|sha512:[0-9A-Fa-f]{128})$/
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//
const PRINTABLE_ASCII = /^[\x21-\x7e]*$/

/** Numbers of hexadecimal digits, by algorithm. opencontainers/go-digest v1.0.0 algorithm.go. */
const HEX_DIGITS: ReadonlyMap<string, number> = new Map(Object.entries({ sha256: 64, sha384: 96, sha512: 128 }))

const INVALID_FORMAT = 'invalid reference format'
const FAULT_HINTS = {
  domain: 'The part before the first / is the registry: host, host:port or [IPv6 address]:port; no user name, no underscore.',
  path: 'A repository name must have at least one component: lower-case letters and digits joined by one period, one or two underscores or any hyphens. No component is empty, . or ..',
  tag: 'A tag is 1 to 128 letters, digits, underscores, periods and hyphens, and does not begin with a period or a hyphen.',
  digest: 'A digest is written name@sha256:<64 lower-case hexadecimal digits>.',
} as const

/**
 * Parses an image reference, as typed after `docker pull`.
 *
 * @throws UsageError ERR_REFERENCE_INVALID, with the message of distribution/reference v0.6.0 where it has one
 */
export function parseReference(reference: string): ImageReference {
  const parts = parseParts(reference)
  const tagDefaulted = parts.tag === undefined && parts.digest === undefined
  const tag = tagDefaulted ? DEFAULT_TAG : parts.tag
  return {
    reference,
    ...repositoryOf(parts),
    ...(tag === undefined ? {} : { tag }),
    tagDefaulted,
    ...(parts.digest === undefined ? {} : { digest: parts.digest }),
  }
}

/**
 * Parses a reference to a whole repository, without tag and digest.
 *
 * @throws UsageError ERR_REFERENCE_INVALID
 */
export function parseRepository(repository: string): ImageRepository {
  const parts = parseParts(repository)
  const parsed = repositoryOf(parts)
  if (parts.tag !== undefined || parts.digest !== undefined) {
    throw invalid(`${INVALID_FORMAT}: a repository without tag or digest is expected`, `Write ${parsed.gun} here.`)
  }
  return parsed
}

/**
 * Checks the name of any Notary collection, of images or not, and returns it unchanged: nothing is completed or normalised.
 * Refuses empty, `.` and `..` segments, with which one name could reach the address or cache folder of another. The name of
 * every image repository is accepted, also with the brackets of an IPv6 registry, or longer than other names may be.
 *
 * @throws UsageError ERR_REFERENCE_INVALID
 */
export function parseGun(gun: string): string {
  if (typeof gun === 'string' && isRepositoryName(gun)) return gun
  const hint = 'A GUN is a full name such as docker.io/library/alpine; it is not completed as an image name is.'
  if (typeof gun !== 'string' || gun.length > MAX_GUN_LENGTH || !/^[A-Za-z0-9._:/-]+$/.test(gun)) {
    throw invalid(`invalid GUN: 1 to ${MAX_GUN_LENGTH} letters, digits and . _ : / - are allowed`, hint)
  }
  if (gun.split('/').some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw invalid(`invalid GUN (${gun}): empty, . and .. segments are not allowed`, hint)
  }
  return gun
}

/** True for the name of a collection; see `parseGun`. */
export function isGun(text: string): boolean {
  try {
    return parseGun(text) === text
  } catch (cause) {
    if (cause instanceof UsageError) return false
    throw cause
  }
}

/** True for one component of a repository's path. */
export function isPathComponent(text: string): boolean {
  return text.length <= MAX_PATH_LENGTH && COMPONENT.test(text)
}

/** True for the name of a tag. */
export function isTag(text: string): boolean {
  return TAG.test(text)
}

/** True for the GUN of an image repository. */
function isRepositoryName(name: string): boolean {
  try {
    return parseRepository(name).gun === name
  } catch (cause) {
    if (cause instanceof UsageError) return false
    throw cause
  }
}

/** Makes the checks in the order of `ParseNormalizedNamed` and `Parse`, so that the same error is reported first. */
function parseParts(reference: string): Parts {
  if (typeof reference !== 'string') throw invalid(`${INVALID_FORMAT}: not a string`)
  if (reference.length > MAX_REFERENCE_LENGTH) throw invalid(`${INVALID_FORMAT}: longer than ${MAX_REFERENCE_LENGTH} characters`)
  if (BARE_IDENTIFIER.test(reference)) {
    const message = `invalid repository name (${reference}), cannot specify 64-byte hexadecimal strings`
    throw invalid(message, `To name a digest, write name@sha256:${reference}`)
  }
  if (BARE_DIGEST.test(reference)) throw invalid(`${INVALID_FORMAT}: no repository name`, `Write name@${reference}`)
  // Before the lower-case rule, whose message holds the name: an address can hold a password.
  const scheme = SCHEME.exec(reference)?.[0]
  if (scheme !== undefined) throw invalid(INVALID_FORMAT, `A reference is not an address: leave out ${scheme}`)
  const parts = splitReference(reference)
  if (parts.remote.toLowerCase() !== parts.remote) {
    throw invalid(`${INVALID_FORMAT}: repository name (${parts.remote}) must be lowercase`, lowerCaseHint(reference))
  }
  const fault = grammarFault(parts)
  if (fault === 'domain' && isUpperCaseName(parts)) throw invalid('repository name must be lowercase', lowerCaseHint(reference))
  if (fault !== undefined) throw invalid(INVALID_FORMAT, formatHint(reference, fault))
  if (parts.path.length > MAX_PATH_LENGTH) {
    const message = `repository name must not be more than ${MAX_PATH_LENGTH} characters`
    throw invalid(message, 'The registry does not count; library/ does.', { length: parts.path.length })
  }
  if (parts.digest !== undefined) checkDigest(parts.digest)
  return parts
}

/** distribution/reference v0.6.0 normalize.go `splitDockerDomain`; then splits off digest and tag. */
function splitReference(reference: string): Parts {
  const [first, behind] = cut(reference, '/')
  const [typedDomain, rest] = behind !== undefined && isDomain(first) ? [first, behind] : [DEFAULT_DOMAIN, reference]
  const domain = typedDomain === LEGACY_DEFAULT_DOMAIN ? DEFAULT_DOMAIN : typedDomain
  const remainder = domain === DEFAULT_DOMAIN && !rest.includes('/') ? OFFICIAL_PREFIX + rest : rest
  const [named, digest] = cut(remainder, '@')
  const [path, tag] = cut(named, ':')
  return { domain, path, tag, digest, remote: cut(remainder, ':')[0] }
}

/** A component with upper case is a domain, as in Docker: account names on Docker Hub are lower case. */
function isDomain(first: string): boolean {
  return first === 'localhost' || first.includes('.') || first.includes(':') || first.toLowerCase() !== first
}

/** The first part that the grammar does not allow. */
function grammarFault({ domain, path, tag, digest }: Parts): keyof typeof FAULT_HINTS | undefined {
  if (!DOMAIN.test(domain)) return 'domain'
  if (!path.split('/').every((component) => COMPONENT.test(component))) return 'path'
  if (tag !== undefined && !TAG.test(tag)) return 'tag'
  if (digest !== undefined && !DIGEST.test(digest)) return 'digest'
  return undefined
}

/** True for names such as `My_App/web`: upper case makes the first part a domain, `_` is not allowed in one; in lower case it is a valid name. */
function isUpperCaseName(parts: Parts): boolean {
  const lower = parts.domain.toLowerCase()
  return lower !== parts.domain && COMPONENT.test(lower) && grammarFault({ ...parts, domain: DEFAULT_DOMAIN }) === undefined
}

/** opencontainers/go-digest v1.0.0 `Digest.Validate`, and only sha256, because signed targets have no other digest. */
function checkDigest(digest: string): void {
  const [algorithm, encoded = ''] = cut(digest, ':')
  const expected = HEX_DIGITS.get(algorithm)
  const hint = FAULT_HINTS.digest
  const evidence = { algorithm, length: encoded.length }
  if (expected !== undefined && encoded.length !== expected) throw invalid('invalid checksum digest length', hint, evidence)
  const lower = expected === undefined ? algorithm : encoded
  if (lower.toLowerCase() !== lower) throw invalid('invalid checksum digest format', hint, evidence)
  if (algorithm === 'sha256') return
  throw invalid('unsupported digest algorithm: only sha256 can be compared with signed digests', hint, evidence)
}

/** distribution/reference v0.6.0 normalize.go `familiarizeName`: one component under library/ is shown alone. */
function repositoryOf({ domain, path }: Parts): ImageRepository {
  const gun = `${domain}/${path}`
  if (domain !== DEFAULT_DOMAIN) return { domain, path, gun, familiarName: gun }
  const official = path.startsWith(OFFICIAL_PREFIX) && !path.slice(OFFICIAL_PREFIX.length).includes('/')
  return { domain, path, gun, familiarName: official ? path.slice(OFFICIAL_PREFIX.length) : path }
}

function lowerCaseHint(reference: string): string {
  const [first, behind] = cut(reference, '/')
  const rest = behind !== undefined && isDomain(first) ? behind : reference
  const [remote] = cut(rest, ':')
  const prefix = reference.slice(0, reference.length - rest.length)
  const lower = (DOMAIN.test(first) ? prefix : prefix.toLowerCase()) + remote.toLowerCase() + rest.slice(remote.length)
  const fault = grammarFault(splitReference(lower))
  return fault === undefined && PRINTABLE_ASCII.test(reference) ? `Write ${lower}` : formatHint(reference, fault ?? 'path')
}

function formatHint(reference: string, fault: keyof typeof FAULT_HINTS): string {
  if (reference.trim() !== reference) return 'Remove the white space around the reference.'
  if (PRINTABLE_ASCII.test(reference)) return FAULT_HINTS[fault]
  return 'Only ASCII letters, digits and signs are allowed, and no white space; an international host name is written in its xn-- form.'
}

/** The text before the first mark, and the text after it; the latter undefined without a mark. */
function cut(text: string, mark: string): readonly [string, string | undefined] {
  const at = text.indexOf(mark)
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

function invalid(message: string, hint?: string, evidence?: Readonly<Record<string, string | number>>): UsageError {
  return new UsageError('ERR_REFERENCE_INVALID', message, { hint, evidence })
}
