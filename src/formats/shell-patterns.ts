/** The patterns of `${NAME#...}`, `${NAME%...}` and `${NAME/.../...}`: moby/buildkit frontend/dockerfile/shell/lex.go. */

/** Why a word cannot be expanded; caught where expansion begins. */
export class NotExpanded extends Error {}

/** Wildcards and characters that `#`, `%` and `/` are evaluated for: a pattern may cost the square of the characters. */
const MAX_WILDCARDS = 1
const MAX_PATTERN_VALUE = 128

/** The value with the first match replaced, or with all. */
export function replaced(value: string, pattern: string, replacement: string, isForAll: boolean): string {
  if (replacement.includes('$')) throw new NotExpanded('a $ in a replacement')
  if (replacement.length > MAX_PATTERN_VALUE) throw new NotExpanded('a replacement that is too long')
  return short(value).replace(patternOf(pattern, '.*', isForAll ? 'g' : ''), () => replacement)
}

/** lex.go `trimPrefix` and `trimSuffix`: the shortest match, or with a doubled sign the longest; a suffix is read backwards. */
export function trimmed(value: string, operator: string, word: string): string {
  short(value)
  const isGreedy = word.startsWith(operator)
  const pattern = isGreedy ? word.slice(1) : word
  const star = isGreedy ? '.*' : '.*?'
  if (operator === '#') return value.replace(patternOf(pattern, star, '', '^'), '')
  const backwards = (pattern.match(/\\.|./gsu) ?? []).reverse().join('')
  return reversed(reversed(value).replace(patternOf(backwards, star, '', '^'), ''))
}

function reversed(text: string): string {
  return [...text].reverse().join('')
}

/** lex.go `convertShellPatternToRegex`. */
function patternOf(pattern: string, star: string, flags: string, anchor = ''): RegExp {
  if ((pattern.match(/[*?]/g)?.length ?? 0) > MAX_WILDCARDS) throw new NotExpanded('a pattern with too many wildcards')
  const expression = pattern.replace(/\\.?|./gsu, (token) => {
    if (token === '*') return star
    if (token === '?') return '.'
    if (token === '\\/' || token === '\\}') return token
    if (token.startsWith('\\') && !/^\\[*?\\]$/.test(token)) throw new NotExpanded('an escape that Docker does not know')
    return token.startsWith('\\') ? token : token.replace(/[[\]{}.+()|^$/]/g, '\\$&')
  })
  return new RegExp(anchor + expression, `u${flags}`)
}

function short(value: string): string {
  if (value.length > MAX_PATTERN_VALUE) throw new NotExpanded('a value too long for a pattern')
  return value
}
