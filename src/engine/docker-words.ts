/**
 * What docker makes of its words: which are options, and which is the image. As spf13/pflag does (flag.go: parseArgs,
 * parseLongArg, parseSingleShortArg).
 */
import { UsageError } from '../errors.js'
import { shellWord } from '../shell-word.js'
import type { DockerOption, DockerOptions } from './docker-options.js'

/** An option as it was typed. */
export interface TypedOption {
  /** The long name, or the letter when the option is not known. */
  readonly name: string
  /** Absent when it has none: a boolean that is true. */
  readonly value?: string
  /** The words that it takes up: from, and up to but without. A letter among others shares its word. */
  readonly from: number
  readonly to: number
}

/** The words of one command. */
export interface ReadWords {
  readonly options: readonly TypedOption[]
  /** Where the words are that are no options. */
  readonly operands: readonly number[]
}

/**
 * Reads the words behind a command.
 *
 * @param isInterspersed whether options may follow the first word that is none; the rest of `docker run` is the container's
 * @throws UsageError ERR_SETTINGS_INVALID for an option that is not known, when its value could be the next word, and for one without its value
 */
export function readDockerWords(words: readonly string[], known: DockerOptions, isInterspersed: boolean): ReadWords {
  const options: TypedOption[] = []
  const operands: number[] = []
  let at = 0
  while (at < words.length) {
    const word = words[at] ?? ''
    if (word === '--') {
      for (at += 1; at < words.length; at += 1) operands.push(at)
    } else if (!word.startsWith('-') || word === '-') {
      operands.push(at)
      at += 1
      if (!isInterspersed) for (; at < words.length; at += 1) operands.push(at)
    } else {
      const read = word.startsWith('--') ? [longOption(words, at, known)] : letters(words, at, known)
      options.push(...read)
      at = read.at(-1)?.to ?? at + 1
    }
  }
  return { options, operands }
}

function longOption(words: readonly string[], at: number, { long }: DockerOptions): TypedOption {
  const word = words[at] ?? ''
  const equals = word.indexOf('=')
  const name = word.slice(2, equals < 0 ? undefined : equals)
  // With its value behind "=" there is nothing to know about it.
  if (equals >= 0) return { name, value: word.slice(equals + 1), from: at, to: at + 1 }
  const option = long.get(name)
  if (option === undefined) throw unknown(`--${name}`)
  return withNextWord(words, at, option, `--${name}`)
}

function letters(words: readonly string[], at: number, { short }: DockerOptions): TypedOption[] {
  const read: TypedOption[] = []
  const place = { from: at, to: at + 1 }
  for (let rest = (words[at] ?? '').slice(1); rest !== ''; rest = rest.slice(1)) {
    const letter = rest.charAt(0)
    const option = short.get(letter)
    if (rest.length > 2 && rest.charAt(1) === '=')
      return [...read, { name: option?.name ?? letter, value: rest.slice(2), ...place }]
    if (option === undefined) throw unknown(`-${letter}`)
    if (!option.takesValue) read.push({ name: option.name, ...place })
    else if (rest.length > 1) return [...read, { name: option.name, value: rest.slice(1), ...place }]
    else return [...read, withNextWord(words, at, option, `-${letter}`)]
  }
  return read
}

function withNextWord(words: readonly string[], at: number, { name, takesValue }: DockerOption, typed: string): TypedOption {
  if (!takesValue) return { name, from: at, to: at + 1 }
  const value = words[at + 1]
  if (value !== undefined) return { name, value, from: at, to: at + 2 }
  throw new UsageError('ERR_SETTINGS_INVALID', `flag needs an argument: ${typed}`, {
    hint: `Write its value behind it: ${shellWord(typed)}=VALUE`,
  })
}

function unknown(typed: string): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', `unknown flag: ${typed}: docker's help does not show it`, {
    evidence: { asked: typed },
    hint: `If docker has it, write its value behind "=", so that the image is certain: ${typed}=VALUE, or ${typed}=true for one without a value.`,
  })
}
