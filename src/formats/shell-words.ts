/**
 * Words of a Dockerfile as BuildKit reads them: quotes, escapes and `$` forms.
 * moby/buildkit frontend/dockerfile/shell/lex.go, whose quirks are kept: what is verified must be what is built.
 */

import { NotExpanded, replaced, trimmed } from './shell-patterns.js'

/** What a variable is: set, not set, or not to be known from the file. */
export type Variable = { readonly value: string } | { readonly unknown: string } | undefined

/** Finds a variable by name. */
export type Lookup = (name: string) => Variable

/** The value of a word, or why there is none. */
export type Expansion = { readonly value: string } | { readonly reason: string }

/** White space as Go's unicode.IsSpace has it. */
export const GO_SPACE: RegExp = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/

/** Characters of a value. Stops variables that multiply each other; a reference has under 4,096. */
const MAX_VALUE = 65_536
/** Braces within braces. Stops an overflow of the stack. */
const MAX_DEPTH = 50

/** lex.go `processName`: letters, digits and _, or one special parameter. */
const NAME = /[@*#?\-$!]|[0-9]+|[\p{L}\p{Nd}_]+/uy
const OPERATOR = /:?[-+?]|[#%}]|\/\/?/y
const HEREDOC_MARK = /<<[ \t]*|</y

interface Mode {
  readonly escape: string
  /** Leaves quotes, escapes and unset variables as they are, so that only the words are told apart. */
  readonly raw: boolean
  /** Keeps variables that are not set as they are written. */
  readonly keepUnset: boolean
  readonly lookup: Lookup
}

/** Replaces variables and removes quotes. `lookup` is asked for each variable. */
export function expandWord(word: string, escapeChar: string, lookup: Lookup): Expansion {
  try {
    return { value: new ShellWord(word, { escape: escapeChar, raw: false, keepUnset: false, lookup }).read(undefined, false) }
  } catch (error) {
    if (error instanceof NotExpanded) return { reason: error.message }
    throw error
  }
}

/** The words of a line, quotes and escapes kept; none when BuildKit finds the line malformed. */
export function rawWords(line: string): readonly string[] {
  return splitWords(line, true) ?? []
}

/** The words of a text without quotes, variables kept as they are; undefined when it is malformed. */
export function plainWords(text: string): readonly string[] | undefined {
  return splitWords(text, false)
}

function splitWords(text: string, raw: boolean): readonly string[] | undefined {
  const reader = new ShellWord(text, { escape: '\\', raw, keepUnset: true, lookup: () => undefined })
  try {
    reader.read(undefined, raw)
    return reader.words()
  } catch (error) {
    if (error instanceof NotExpanded) return undefined
    throw error
  }
}

class ShellWord {
  readonly #text: string
  readonly #mode: Mode
  readonly #words: string[] = []
  #at = 0
  #word = ''
  #depth = 0

  constructor(text: string, mode: Mode) {
    this.#text = text
    this.#mode = mode
  }

  words(): readonly string[] {
    return this.#word === '' ? this.#words : [...this.#words, this.#word]
  }

  /** lex.go `processStopOn`: reads up to `stop`, or to the end. */
  read(stop: string | undefined, rawEscapes: boolean): string {
    if (++this.#depth > MAX_DEPTH) throw new NotExpanded('braces are nested too deeply')
    const result: string[] = []
    let added = 0
    while (this.#at < this.#text.length) {
      added += result.at(-1)?.length ?? 0
      if (added > MAX_VALUE && !this.#mode.keepUnset) throw new NotExpanded('a value that grows too long')
      const char = this.#peek()
      if (char === stop) {
        this.#at++
        this.#depth--
        return result.join('')
      }
      if (char === '$') result.push(this.#spaced(this.#dollar()))
      else if (char === "'") result.push(this.#joined(this.#singleQuote()))
      else if (char === '"') result.push(this.#joined(this.#doubleQuote(rawEscapes)))
      else if (char === '<') result.push(this.#joined(this.#heredocMark()))
      else result.push(this.#plain(rawEscapes))
    }
    this.#depth--
    if (stop !== undefined) throw new NotExpanded(`${stop} is missing`)
    return result.join('')
  }

  #peek(): string | undefined {
    return this.#text[this.#at]
  }

  #plain(rawEscapes: boolean): string {
    const char = this.#text[this.#at++] ?? ''
    if (char !== this.#mode.escape) return this.#spaced(char)
    const kept = rawEscapes ? this.#joined(char) : ''
    return kept + this.#joined(this.#text[this.#at++] ?? '')
  }

  /** Adds text of which white space ends a word. */
  #spaced(text: string): string {
    for (const char of text) {
      if (!GO_SPACE.test(char)) this.#word += char
      else if (this.#word !== '') {
        this.#words.push(this.#word)
        this.#word = ''
      }
    }
    return text
  }

  /** Adds text that stays in one word. */
  #joined(text: string): string {
    this.#word += text
    return text
  }

  /** White space behind `<<` belongs to the word, as in newer versions of BuildKit. */
  #heredocMark(): string {
    return this.#take(HEREDOC_MARK)
  }

  #singleQuote(): string {
    const end = this.#text.indexOf("'", this.#at + 1)
    if (end === -1) throw new NotExpanded("a ' has no end")
    const quoted = this.#text.slice(this.#at + 1, end)
    this.#at = end + 1
    return this.#mode.raw ? `'${quoted}'` : quoted
  }

  #doubleQuote(rawEscapes: boolean): string {
    const quote = this.#mode.raw ? '"' : ''
    const result = [quote]
    this.#at++
    while (this.#at < this.#text.length) {
      const char = this.#peek()
      if (char === '"') {
        this.#at++
        return result.join('') + quote
      }
      if (char === '$') {
        result.push(this.#aside(() => this.#dollar()))
        continue
      }
      this.#at++
      if (char === this.#mode.escape) {
        if (rawEscapes) result.push(char)
        const next = this.#peek()
        if (next === undefined) break
        if (next === '"' || next === '$' || next === this.#mode.escape) this.#at++
        result.push(next === '"' || next === '$' ? next : char)
      } else result.push(char ?? '')
    }
    throw new NotExpanded('a " has no end')
  }

  /** Reads without adding to the words. */
  #aside(read: () => string): string {
    const [words, word] = [this.#words.length, this.#word]
    const result = read()
    this.#words.length = words
    this.#word = word
    return result
  }

  #dollar(): string {
    this.#at++
    if (this.#peek() !== '{') {
      const name = this.#take(NAME)
      return name === '' ? '$' : this.#value(name, `$${name}`)
    }
    this.#at++
    if (/^[{}:]?$/.test(this.#peek() ?? '')) throw new NotExpanded('bad substitution')
    const name = this.#take(NAME)
    const operator = this.#take(OPERATOR)
    if (operator === '') throw new NotExpanded('a $ form that Docker does not know')
    if (operator === '}') return this.#value(name, `\${${name}}`)
    return this.#aside(() => this.#modified(name, operator))
  }

  /** What the pattern, a sticky one, matches here. */
  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const taken = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += taken.length
    return taken
  }

  #value(name: string, written: string): string {
    const variable = this.#mode.lookup(name)
    if (variable === undefined) {
      if (this.#mode.keepUnset) return written
      throw new NotExpanded(`the variable ${name} has no value here`)
    }
    return known(variable)
  }

  #modified(name: string, operator: string): string {
    const isPattern = operator === '#' || operator === '%'
    if (operator.startsWith('/')) {
      const pattern = this.read('/', true)
      const replacement = this.read('}', true)
      const variable = this.#mode.lookup(name)
      if (variable === undefined && this.#mode.keepUnset) return `\${${name}/${pattern}/${replacement}}`
      return replaced(textOf(variable), pattern, replacement, operator === '//')
    }
    const word = this.read('}', isPattern)
    const variable = this.#mode.lookup(name)
    if (variable === undefined && this.#mode.keepUnset) return `\${${name}${operator}${word}}`
    if (isPattern) return trimmed(textOf(variable), operator, word)
    const isSet = variable !== undefined && (known(variable) !== '' || !operator.startsWith(':'))
    if (operator.endsWith('+')) return isSet ? word : ''
    if (isSet) return known(variable)
    if (operator.endsWith('-')) return word
    throw new NotExpanded(`the variable ${name} has no value here, and the file demands one`)
  }
}

function known(variable: NonNullable<Variable>): string {
  if ('unknown' in variable) throw new NotExpanded(variable.unknown)
  return variable.value
}

function textOf(variable: Variable): string {
  return variable === undefined ? '' : known(variable)
}
