/**
 * What a rule matches: `registry/repository[:tag]` in full spelling, `*` within a segment, `**` across segments.
 *
 * A pattern that can match no image, because it is written in another spelling than names are compared in, is refused: a rule
 * that nothing meets would be a rule that does not bind.
 */
import { isPathComponent, isTag } from '../reference/reference.js'
import { commonSegments, commonText, coversGlob, coversTokens, MANY, matchesGlob, matchesTokens, type Token } from './glob.js'
import { canonicalHost, completedHubName } from './names.js'

/** Characters (denial of service: two patterns are compared in time proportional to the product of their lengths). */
const MAX_PATTERN_LENGTH = 512

/** `**` in one pattern (denial of service: what a pattern covers is tried in four ways for each). */
const MAX_MANY = 4

export interface Pattern {
  /** As written. */
  readonly text: string
  /** The host is the first. A `**` at the end stands for at least one segment, elsewhere for none too. */
  readonly tokens: readonly Token[]
  /** A glob; undefined for any tag. */
  readonly tag: string | undefined
  /** What every match begins with: the text before the first wildcard. */
  readonly prefix: string
  readonly rank: Rank
}

/** How specific a pattern is. Compared in this order; more is more specific. */
export interface Rank {
  readonly segments: number
  /** Characters that are no wildcard and no separator, those of the tag included. */
  readonly literals: number
  readonly tagged: boolean
}

/** Why a text is no pattern. */
export interface NoPattern {
  readonly problem: string
  readonly hint: string
}

/** Reads a pattern. */
export function parsePattern(text: string): Pattern | NoPattern {
  const { name, tag } = splitTag(text)
  const segments = name.split('/')
  const fault = wholeFault(text, name) ?? hostFault(segments, name) ?? pathFault(segments, text) ?? tagFault(tag)
  if (fault !== undefined) return fault
  const tokens = segments.flatMap((segment, at): Token[] =>
    segment !== '**' ? [segment] : at === segments.length - 1 ? ['*', MANY] : [MANY],
  )
  const literals = [...segments, tag ?? ''].join('').replaceAll('*', '').length
  const rank = { segments: segments.length, literals, tagged: tag !== undefined }
  return { text, tokens, tag, prefix: text.split('*', 1)[0] ?? '', rank }
}

/** True for a name, in segments as in `canonicalName`. `tag` undefined: whether it matches the name for some tag. */
export function matchesName({ tokens, tag: pattern }: Pattern, segments: readonly string[], tag: string | undefined): boolean {
  return matchesTokens(tokens, segments) && (tag === undefined || pattern === undefined || matchesGlob(pattern, tag))
}

/** Positive when the first is more specific. */
export function compareRanks(one: Rank, other: Rank): number {
  return one.segments - other.segments || one.literals - other.literals || Number(one.tagged) - Number(other.tagged)
}

/** An image that both patterns match; undefined when there is none. */
export function commonImage(one: Pattern, other: Pattern): string | undefined {
  // Every pair of rules of one rank is compared, and this decides nearly all.
  if (!one.prefix.startsWith(other.prefix) && !other.prefix.startsWith(one.prefix)) return undefined
  const tag = commonText(one.tag ?? '*', other.tag ?? '*')
  const segments = tag === undefined ? undefined : commonSegments(one.tokens, other.tokens)
  return segments === undefined ? undefined : `${segments.join('/')}:${tag === '' ? 'x' : tag}`
}

/** True when `outer` matches every image that `inner` matches. */
export function covers(outer: Pattern, inner: Pattern): boolean {
  return coversGlob(outer.tag ?? '*', inner.tag ?? '*') && coversTokens(outer.tokens, inner.tokens)
}

/** The tag is behind the last colon, when no slash follows it; the port of a host is not. */
function splitTag(text: string): { readonly name: string; readonly tag: string | undefined } {
  const [colon, slash] = [text.lastIndexOf(':'), text.lastIndexOf('/')]
  const isTagged = colon > slash && (slash !== -1 || text.startsWith('*'))
  return isTagged ? { name: text.slice(0, colon), tag: text.slice(colon + 1) } : { name: text, tag: undefined }
}

function wholeFault(text: string, name: string): NoPattern | undefined {
  if (text === '') return no('an empty pattern', 'Write ** for all images.')
  if (text.length > MAX_PATTERN_LENGTH) return no(`longer than ${MAX_PATTERN_LENGTH} characters`, 'Write several rules.')
  if (/^[a-z]+:\/\//i.test(text)) return no('an address', `Leave out ${text.slice(0, text.indexOf('//') + 2)}`)
  if (text.includes('@'))
    return no('a digest in a pattern', 'Rules match tags: an image named by its digest is judged by the tags that carry it.')
  if (!/^[\x21-\x7e]+$/.test(text))
    return no(
      'a character that no image name has',
      'An international host name is written in its xn-- form; names hold no spaces.',
    )
  if (name === '**') return undefined
  return name.includes('/') ? undefined : no('no repository', noRepositoryHint(name))
}

function noRepositoryHint(name: string): string {
  if (name === '*') return 'Write ** for all images.'
  return /[.:[]|^localhost$/.test(name) ? `Write ${name}/** for all images of a registry.` : `Write docker.io/library/${name}`
}

function hostFault([host = '', ...path]: readonly string[], name: string): NoPattern | undefined {
  if (host === '**') return undefined
  if (host.includes('*')) {
    if (!/^[a-z0-9.:*[\]_-]+$/.test(host) || /:443$|\.$|\.(?=:)/.test(host))
      return no(
        `${JSON.stringify(host)} is no host in its plain spelling`,
        'Write the host in lower case, without :443 and without a dot at its end.',
      )
    return undefined
  }
  const rest = path.length === 0 ? '' : `/${path.join('/')}`
  if (!/[.:[]|^localhost$/i.test(host)) return no(`${JSON.stringify(host)} is no registry`, `Write docker.io/${name}`)
  const plain = host.toLowerCase() === 'index.docker.io' ? 'docker.io' : canonicalHost(host)
  if (plain !== host) return no(`${JSON.stringify(host)} is not the spelling that hosts are compared in`, `Write ${plain}${rest}`)
  if (plain !== 'docker.io' || path.length !== 1 || path[0] === '**') return undefined
  return no('a name on Docker Hub has two segments, so this matches no image', `Write ${completedHubName(name)}`)
}

function pathFault([, ...path]: readonly string[], text: string): NoPattern | undefined {
  for (const segment of path) {
    if (segment === '' || segment === '.' || segment === '..')
      return no('an empty, "." or ".." segment, which no image name has', 'Leave it out.')
    if (segment === '**') continue
    if (segment.includes('**')) return no('** inside a segment', 'Write * within a segment; ** stands alone between slashes.')
    if (segment.toLowerCase() !== segment)
      return no('a repository with a capital letter, which no image has', `Write ${text.toLowerCase()}`)
    const isGlob = segment.includes('*')
    if (isGlob ? !/^[a-z0-9._*-]+$/.test(segment) : !isPathComponent(segment))
      return no(`${JSON.stringify(segment)} is no part of an image name`, 'Lower-case letters and digits, joined by . _ or -')
  }
  const many = text.split('/').filter((segment) => segment === '**' || segment.startsWith('**:')).length
  if (/\*\*\/\*\*/.test(text)) return no('** twice in a row', 'Write ** once.')
  return many > MAX_MANY ? no(`more than ${MAX_MANY} times **`, 'Write ** less often.') : undefined
}

function tagFault(tag: string | undefined): NoPattern | undefined {
  if (tag === undefined) return undefined
  if (tag.includes('**')) return no('** in a tag', 'Write * there.')
  const fits = tag.includes('*') ? /^[A-Za-z0-9_.*-]{1,128}$/.test(tag) : isTag(tag)
  return fits ? undefined : no(`${JSON.stringify(tag)} is no tag`, 'Letters, digits, _ . and -, at most 128; * for any of them.')
}

function no(problem: string, hint: string): NoPattern {
  return { problem, hint }
}
