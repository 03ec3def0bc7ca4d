/** The tables of commands and options as a completion needs them. */
import { acceptedOptions, type Command, SHOWN_COMMANDS } from '../commands.js'
import { OPTION_ENTRIES } from '../options.js'

/** What may stand behind an option or as a word. */
export type Values =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  /** `text` is known to the user alone. */
  | { readonly kind: 'file' | 'folder' | 'cached-gun' | 'docker' | 'text' }

/** An option of a command. */
export interface CompletedOption {
  /** Without dashes. */
  readonly name: string
  readonly short?: string
  readonly help: string
  /** Absent when it takes no value. */
  readonly values?: Values
  /** Its value follows "=" only. */
  readonly afterEquals: boolean
}

/** A command, or the first word of several. */
export interface CompletedCommand {
  readonly name: string
  readonly options: readonly CompletedOption[]
  /** The commands that continue its name: their next word and what they do. */
  readonly next: readonly (readonly [string, string])[]
  /** What its words may be. */
  readonly values: Values
}

const BOOLEANS: Values = { kind: 'words', words: ['true', 'false'] }

/** Every command, the first words of several, and the start of the line, whose name is empty. */
export function completedCommands(): readonly CompletedCommand[] {
  const starts = SHOWN_COMMANDS.flatMap(({ name }) => name.split(' ').map((_, length, words) => words.slice(0, length).join(' ')))
  const names = [...new Set([...starts, ...SHOWN_COMMANDS.map(({ name }) => name)])]
  return names.map((name) => {
    const command = SHOWN_COMMANDS.find((one) => one.name === name)
    const options: readonly string[] = command === undefined ? ['help', 'version'] : acceptedOptions(command)
    return { name, options: options.map(completedOption), next: nextWords(name), values: wordsOf(command) }
  })
}

function nextWords(name: string): (readonly [string, string])[] {
  const start = name === '' ? '' : `${name} `
  const below = SHOWN_COMMANDS.filter((one) => one.name.startsWith(start))
  const words = new Set(below.map((one) => one.name.slice(start.length).split(' ')[0] ?? ''))
  return [...words].map((word) => {
    const own = below.find((one) => one.name === `${start}${word}`)
    const group = below.filter((one) => one.name.startsWith(`${start}${word} `))
    return [word, own?.summary ?? group.map((one) => one.name.split(' ').at(-1)).join(', ')]
  })
}

function completedOption(name: string): CompletedOption {
  const { short, help = '', kind } = OPTION_ENTRIES.get(name) ?? {}
  const values = optionValues(name)
  return {
    name,
    ...(short === undefined ? {} : { short }),
    help,
    ...(values === undefined ? {} : { values }),
    afterEquals: kind === 'boolean',
  }
}

function optionValues(name: string): Values | undefined {
  const { type, kind, choices = [] } = OPTION_ENTRIES.get(name) ?? {}
  if (type !== 'string') return undefined
  if (kind === 'file' || kind === 'folder') return { kind }
  if (kind === 'boolean') return BOOLEANS
  return kind === 'choice' ? { kind: 'words', words: choices } : { kind: 'text' }
}

/** The collections in the cache are completed wherever an image or a collection is asked for. */
function wordsOf(command: Command | undefined): Values {
  const { kind = '', choices = [] } = command?.operands[0] ?? {}
  if (kind === 'choice') return { kind: 'words', words: choices }
  if (kind === 'command') return { kind: 'words', words: SHOWN_COMMANDS.map(({ name }) => name.split(' ')[0] ?? name) }
  if (kind === 'docker' || kind === 'file') return { kind }
  return kind === 'reference' || kind === 'gun' || kind === 'cached-gun' ? { kind: 'cached-gun' } : { kind: 'text' }
}

/** What names a command, word by word: `cache`, `cache list`. */
export function commandWords(commands: readonly CompletedCommand[]): string[] {
  return commands.flatMap(({ name, next }) => next.map(([word]) => `${name} ${word}`.trim()))
}

/** A command and an option of it that takes the next word as its value: `cache list --config`. */
export function takersOfWords(commands: readonly CompletedCommand[]): string[] {
  return commands.flatMap(({ name, options }) =>
    options
      .filter(({ values, afterEquals }) => values !== undefined && !afterEquals)
      .flatMap((option) => spellings(option).map((word) => `${name} ${word}`)),
  )
}

/** `--quiet`, `-q`. */
export function spellings({ name, short }: CompletedOption): string[] {
  return [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]
}

/** The text in single quotes, as bash and zsh read it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
