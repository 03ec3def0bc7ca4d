/**
 * Globs, on two levels that work alike: `*` among the characters of a segment, `**` among the segments of a name. Matching takes
 * time proportional to pattern times text at worst; regular expressions could take exponential time.
 */

/** `**`: any number of segments, none included. */
export const MANY: unique symbol = Symbol('**')

/** A segment is a glob of characters; `*` alone is any segment. */
export type Token = string | typeof MANY

const STAR = '*'

/** True when the glob stands for the text. What is before the first wildcard and behind the last decides most cases. */
export function matchesGlob(glob: string, text: string): boolean {
  const first = glob.indexOf(STAR)
  if (first === -1) return glob === text
  const behind = glob.lastIndexOf(STAR) + 1
  if (!text.startsWith(glob.slice(0, first)) || !text.endsWith(glob.slice(behind))) return false
  if (text.length < first + glob.length - behind) return false
  return (
    behind === first + 1 ||
    matchesSequence(
      glob.length,
      text.length,
      (i) => glob[i] === STAR,
      (i, j) => glob[i] === text[j],
    )
  )
}

/** Whether a text fits. */
export type Fits = (text: string) => boolean

/** `matchesGlob` for one glob and many texts. */
export function globMatcher(glob: string): Fits {
  const [prefix = '', ...rest] = glob.split(STAR)
  const suffix = rest.pop()
  if (suffix === undefined) return (text) => text === glob
  const length = glob.length - rest.length - 1
  const isOutside: Fits = (text) => text.length >= length && text.endsWith(suffix) && text.startsWith(prefix)
  // The parts between two wildcards: each at the first place where it fits, as nothing is gained by a later one.
  const parts = rest.filter((part) => part !== '')
  if (parts.length === 0) return isOutside
  return (text) => {
    if (!isOutside(text)) return false
    const end = text.length - suffix.length
    let at = prefix.length
    for (const part of parts) {
      const found = text.indexOf(part, at)
      if (found === -1) return false
      at = found + part.length
    }
    return at <= end
  }
}

/** True when the tokens stand for the segments. */
export function matchesTokens(tokens: readonly Token[], segments: readonly string[]): boolean {
  const fits = (i: number, j: number): boolean => {
    const token = tokens[i]
    return typeof token === 'string' && matchesGlob(token, segments[j] ?? '')
  }
  for (let at = 0; at < segments.length && tokens[at] !== MANY; at++) if (!fits(at, at)) return false
  return matchesSequence(tokens.length, segments.length, (i) => tokens[i] === MANY, fits)
}

/** The well-known greedy walk: when an item does not fit, the last wildcard takes one more. */
function matchesSequence(
  patternLength: number,
  length: number,
  isWildcard: (i: number) => boolean,
  fits: (i: number, j: number) => boolean,
): boolean {
  let [i, j, wildcard, resumeAt] = [0, 0, -1, 0]
  while (j < length) {
    if (i < patternLength && isWildcard(i)) {
      wildcard = i++
      resumeAt = j
    } else if (i < patternLength && fits(i, j)) {
      i++
      j++
    } else if (wildcard !== -1) {
      i = wildcard + 1
      j = ++resumeAt
    } else return false
  }
  while (i < patternLength && isWildcard(i)) i++
  return i === patternLength
}

/** A text that both globs stand for; undefined when there is none. */
export function commonText(one: string, other: string): string | undefined {
  const parts = commonSequence<string, string>([...one], [...other], {
    isWildcard: (part) => part === STAR,
    common: (a, b) => (a === b ? a : undefined),
    example: (part) => part,
  })
  return parts?.join('')
}

/** Segments that both patterns stand for; undefined when there are none. */
export function commonSegments(one: readonly Token[], other: readonly Token[]): string[] | undefined {
  return commonSequence<Token, string>(one, other, {
    isWildcard: (part) => part === MANY,
    common: (a, b) => (typeof a === 'string' && typeof b === 'string' ? segment(commonText(a, b)) : undefined),
    example: (part) => (typeof part === 'string' ? segment(part.replaceAll(STAR, '')) : undefined),
  })
}

/** A segment is not empty. */
function segment(text: string | undefined): string | undefined {
  return text === '' ? 'x' : text
}

interface Sequence<Part, Item> {
  readonly isWildcard: (part: Part) => boolean
  /** An item that both parts stand for. */
  readonly common: (one: Part, other: Part) => Item | undefined
  /** An item that the part stands for. */
  readonly example: (part: Part) => Item | undefined
}

function commonSequence<Part, Item>(
  one: readonly Part[],
  other: readonly Part[],
  { isWildcard, common, example }: Sequence<Part, Item>,
): Item[] | undefined {
  const failed = new Set<number>()
  const from = (i: number, j: number): Item[] | undefined => {
    if (i === one.length && j === other.length) return []
    const state = i * (other.length + 1) + j
    if (failed.has(state)) return undefined
    const found = step(i, j)
    if (found === undefined) failed.add(state)
    return found
  }
  const withItem = (item: Item | undefined, i: number, j: number): Item[] | undefined => {
    if (item === undefined) return undefined
    const rest = from(i, j)
    return rest === undefined ? undefined : [item, ...rest]
  }
  const step = (i: number, j: number): Item[] | undefined => {
    const [a, b] = [one[i], other[j]]
    if (a !== undefined && isWildcard(a)) {
      const without = from(i + 1, j)
      if (without !== undefined || b === undefined) return without
      return isWildcard(b) ? from(i, j + 1) : withItem(example(b), i, j + 1)
    }
    if (b !== undefined && isWildcard(b)) {
      const without = from(i, j + 1)
      if (without !== undefined || a === undefined) return without
      return withItem(example(a), i + 1, j)
    }
    return a === undefined || b === undefined ? undefined : withItem(common(a, b), i + 1, j + 1)
  }
  return from(0, 0)
}

/** A character that no pattern holds: what a wildcard stands for when anything may be there. */
const ANYTHING = '\u0000'

/** True when everything that `inner` stands for, `outer` stands for too. */
export function coversGlob(outer: string, inner: string): boolean {
  return matchesGlob(outer, inner.replaceAll(STAR, ANYTHING))
}

/** The same for segments. A few instances of each `**` decide: none, one, two, and more than `outer` has segments of its own. */
export function coversTokens(outer: readonly Token[], inner: readonly Token[]): boolean {
  const counts = [0, 1, 2, outer.length + 1]
  const instances = (at: number): string[][] => {
    const token = inner[at]
    if (token === undefined) return [[]]
    const rests = instances(at + 1)
    const heads =
      token === MANY ? counts.map((count) => Array<string>(count).fill(ANYTHING)) : [[token.replaceAll(STAR, ANYTHING)]]
    return heads.flatMap((head) => rests.map((rest) => [...head, ...rest]))
  }
  return instances(0).every((segments) => matchesTokens(outer, segments))
}
