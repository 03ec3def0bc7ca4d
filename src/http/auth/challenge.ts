/** Parses WWW-Authenticate headers (RFC 9110 11.6.1), in linear time. */

/** One challenge. */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>
}

/** Characters of all these headers that are parsed: real ones have some hundred. Stops endless data. */
export const MAX_CHALLENGE_CHARACTERS: number = 8 * 1024

/** Parameters of one challenge: real ones have four. Stops endless data. */
export const MAX_CHALLENGE_PARAMETERS = 32

const SEPARATORS = /[ \t,]*/y
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const EQUALS = /[ \t]*=[ \t]*/y
const QUOTED = /"((?:[^"\\]|\\.)*)"/y
const BARE = /[^\s,"]*/y
const TOKEN68 = /[ \t]+[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y

/** The challenges that can be parsed. Leaves out one that repeats a parameter; a syntax error ends the parsing of its header. */
export function parseChallenges(headers: readonly string[]): Challenge[] {
  const found: Challenge[] = []
  let left = MAX_CHALLENGE_CHARACTERS
  for (const header of headers) {
    left -= header.length
    if (left < 0) break
    found.push(...parseHeader(header))
  }
  return found
}

function parseHeader(header: string): Challenge[] {
  const drafts: { scheme: string; parameters: Map<string, string>; sound: boolean }[] = []
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const match = pattern.exec(header)
    if (match !== null) at = pattern.lastIndex
    return match
  }
  for (;;) {
    take(SEPARATORS)
    const word = take(TOKEN)?.[0].toLowerCase()
    if (word === undefined) break
    const current = drafts.at(-1)
    if (current === undefined || take(EQUALS) === null) {
      drafts.push({ scheme: word, parameters: new Map(), sound: true })
      take(TOKEN68)
      continue
    }
    const value = take(QUOTED)?.[1]?.replace(/\\(.)/g, '$1') ?? take(BARE)?.[0] ?? ''
    if (current.parameters.has(word) || current.parameters.size >= MAX_CHALLENGE_PARAMETERS) current.sound = false
    else current.parameters.set(word, value)
  }
  return drafts.filter(({ sound }) => sound).map(({ scheme, parameters }) => ({ scheme, parameters }))
}
