/** Flags and assignments of an instruction: moby/buildkit frontend/dockerfile/parser/split_command.go and line_parsers.go. */
import { cutWord, trimWord, type Word } from './dockerfile-lines.js'
import type { Slot, Span } from './image-use.js'
import { GO_SPACE } from './shell-words.js'

/** `--name=value` of an instruction; quotes are removed. */
export interface Flag {
  readonly name: string
  /** Absent when there is no `=`. */
  readonly value?: Word
  readonly whole: Word
  /** Has escape characters. */
  readonly isUnclear: boolean
  /** False when BuildKit, which reads single bytes here, may find white space within a character. */
  readonly isAscii: boolean
}

/** `NAME=value` of an ARG; the value as it is written, quotes kept. */
export interface Assignment {
  readonly name: string
  readonly value?: Word
}

/**
 * The flags before the arguments, and the arguments. split_command.go `extractBuilderFlags`, where the escape character is the
 * backslash, whatever the directive says.
 */
export function readFlags(args: Word): { readonly flags: readonly Flag[]; readonly rest: Word } {
  const flags: Flag[] = []
  let at = 0
  for (;;) {
    while (at < args.text.length && GO_SPACE.test(args.text.charAt(at))) at++
    if (!args.text.startsWith('--', at)) return { flags, rest: trimWord(cutWord(args, at)) }
    const { end, indexes } = flagEnd(args.text, at)
    const start = at
    at = end
    if (indexes.length === 2) return { flags, rest: trimWord(cutWord(args, end)) }
    const word = {
      text: indexes.map((index) => args.text.charAt(index)).join(''),
      at: indexes.map((index) => args.at[index] ?? 0),
    }
    const whole = cutWord(args, start, end)
    const equals = word.text.indexOf('=')
    flags.push({
      name: word.text.slice(2, equals === -1 ? undefined : equals),
      ...(equals === -1 ? {} : { value: cutWord(word, equals + 1) }),
      whole,
      isUnclear: whole.text.includes('\\'),
      isAscii: /^[\x20-\x7e]*$/.test(whole.text),
    })
  }
}

/** The end of a flag, and the indexes of its characters without quotes. */
function flagEnd(text: string, start: number): { readonly end: number; readonly indexes: readonly number[] } {
  const indexes: number[] = []
  let quote = ''
  let at = start
  for (; at < text.length; at++) {
    const char = text.charAt(at)
    if (quote === '' && GO_SPACE.test(char)) break
    if (quote === '' && (char === '"' || char === "'")) quote = char
    else if (char === quote) quote = ''
    else {
      if (char === '\\' && at + 1 < text.length) at++
      indexes.push(at)
    }
  }
  return { end: at, indexes }
}

/** Arguments between white space, quotes without a meaning: line_parsers.go `parseStringsWhitespaceDelimited`. */
export function readArguments(rest: Word): readonly Word[] {
  return [...rest.text.matchAll(/[^\t\v\f\r ]+/g)].map(({ 0: text, index }) => cutWord(rest, index, index + text.length))
}

/** What an ARG declares: line_parsers.go `parseNameOrNameVal`, quotes hold white space together. */
export function readAssignments(rest: Word, escapeChar: string): readonly Assignment[] {
  const words: Word[] = []
  let start = -1
  let quote = ''
  for (let at = 0; at <= rest.text.length; at++) {
    const char = rest.text.charAt(at)
    if (char === '' || (quote === '' && GO_SPACE.test(char))) {
      if (start !== -1) words.push(cutWord(rest, start, at))
      start = -1
      continue
    }
    if (start === -1) start = at
    if (char === escapeChar && quote !== "'") at++
    else if (quote === '' && (char === '"' || char === "'")) quote = char
    else if (char === quote) quote = ''
  }
  return words.map((word) => {
    const equals = word.text.indexOf('=')
    return equals === -1 ? { name: word.text } : { name: word.text.slice(0, equals), value: cutWord(word, equals + 1) }
  })
}

/** What a word is made of, when it is made of one thing. */
export type WordShape =
  | { readonly kind: 'literal'; readonly literal: Word }
  | { readonly kind: 'variable'; readonly name: string; readonly fallback?: Word; readonly emptyIsUnset: boolean }
  | { readonly kind: 'other' }

/** Tells a plain text, one variable, or one variable with a plain fallback from everything else. Quotes around it are left out. */
export function shapeOf(word: Word): WordShape {
  const quoted = /^(["'])[^"']*\1$/.test(word.text)
  const inner = quoted ? cutWord(word, 1, word.text.length - 1) : word
  if (/^[^$"'\\`]+$/.test(inner.text)) return { kind: 'literal', literal: inner }
  if (quoted && word.text.startsWith("'")) return { kind: 'other' }
  const [, plain] = /^\$([A-Za-z_][A-Za-z0-9_]*)$/.exec(inner.text) ?? []
  if (plain !== undefined) return { kind: 'variable', name: plain, emptyIsUnset: false }
  const [, name, operator, fallback] = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?-)([^$"'\\`{}]+))?\}$/.exec(inner.text) ?? []
  if (name === undefined) return { kind: 'other' }
  if (operator === undefined || fallback === undefined) return { kind: 'variable', name, emptyIsUnset: false }
  const start = inner.text.length - 1 - fallback.length
  return { kind: 'variable', name, fallback: cutWord(inner, start, inner.text.length - 1), emptyIsUnset: operator === ':-' }
}

/** The span of a word in the file. */
export function spanOf({ at }: Word): Span {
  return { start: at[0] ?? 0, end: (at.at(-1) ?? 0) + (at.length === 0 ? 0 : 1) }
}

/** Where a word can be replaced; undefined when it is written over several lines. */
export function slotOf(word: Word): Slot | undefined {
  const { start, end } = spanOf(word)
  return end - start === word.text.length ? { start, end, holds: 'reference', before: '', after: '' } : undefined
}
