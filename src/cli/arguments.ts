/** What was typed -> a command, its words and its options. The parser is Node's. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { UsageError } from '../errors.js'
import { nearestName } from '../nearest-name.js'
import { shellWord } from '../shell-word.js'
import { acceptedOptions, COMMANDS, type Command, operandUsage, SHOWN_COMMANDS } from './commands.js'
import { type CommandLine, OPTION_ENTRIES, OPTIONS } from './options.js'
import { FOREIGN_OPTIONS, OPTIONS_FOR_WORDS, OTHER_COMMANDS, OTHER_COMMANDS_BELOW, OTHER_OPTIONS } from './other-names.js'

/** A command, and the words behind its name. */
export interface FoundCommand {
  readonly command: Command
  readonly words: readonly string[]
}

/** Sets words and options apart. @throws UsageError ERR_SETTINGS_INVALID for an unknown option, or a value too many or too few */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const { command, words = [] } = commandOf(argv) ?? {}
  if (command?.passThrough === 'all') return { words: argv, values: {} }
  const [own, given] = command?.passThrough === undefined ? [argv, []] : ownWords(command.name, words)
  const args = spelledOut(own)
  try {
    const { positionals, values } = parseArgs({ args, options: OPTIONS, allowPositionals: true, strict: true })
    return { words: [...positionals, ...given], values }
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    const message = cause.message.split('. ')[0] ?? cause.message
    throw usageError(message, hintForOption(message, args))
  }
}

/** Sets our words and docker's apart. Help of the command itself is ours. */
function ownWords(name: string, words: readonly string[]): readonly [readonly string[], readonly string[]] {
  const end = words.indexOf('--')
  const isHelp = words.length === 1 && (words[0] === '--help' || words[0] === '-h')
  if (isHelp) return [[...name.split(' '), ...words], []]
  return [[...name.split(' '), ...words.slice(0, Math.max(end, 0))], words.slice(end + 1)]
}

/** Docker's `--disable-content-trust` takes a value after "=" only: a following word is a reference. */
function spelledOut(argv: readonly string[]): string[] {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length
  return argv.map((word, index) => {
    const { kind } = OPTION_ENTRIES.get(word.replace(/^--/, '')) ?? {}
    return index < end && word.startsWith('--') && kind === 'boolean' ? `${word}=true` : word
  })
}

/** The name of an unknown option is all that Node's parser tells: `Unknown option '--pinnig'`. */
function hintForOption(message: string, args: string[]): string {
  const options: NonNullable<ParseArgsConfig['options']> = OPTIONS
  const { positionals } = parseArgs({ args, options, allowPositionals: true, strict: false })
  const command = commandOf(positionals)?.command
  const typed = /^Unknown option '(?<name>[^']+)'/.exec(message)?.groups?.['name'] ?? ''
  const known = command === undefined ? [...OPTION_ENTRIES.keys()] : acceptedOptions(command)
  const nearest = typed.startsWith('--') ? nearestName(typed.slice(2), known) : undefined
  const other = OTHER_OPTIONS.get(typed)
  const meant = other === undefined ? (nearest === undefined ? '' : `Did you mean --${nearest}? `) : `${other}. `
  const help = command === undefined ? 'dct help' : `dct ${command.name} --help`
  return `${meant}See: ${help}`
}

/** The command of a line, once its options and the number of its words are checked. @throws UsageError ERR_SETTINGS_INVALID */
export function chooseCommand(line: CommandLine): FoundCommand {
  const found = commandNamed(line.words)
  checkOptions(found.command, line)
  checkWords(found, line)
  return found
}

/** The command that the first words name. @throws UsageError ERR_SETTINGS_INVALID */
export function commandNamed(words: readonly string[]): FoundCommand {
  const found = commandOf(words)
  if (found !== undefined) return found
  const [first = '', second] = words
  const below = subcommands(first)
  const other = OTHER_COMMANDS.get(first)
  if (other !== undefined) throw usageError(`${JSON.stringify(first)} is not a command of dct`, `${other}. See: dct help`)
  if (below.length === 0) {
    const names = [...new Set(COMMANDS.map(({ name }) => name.split(' ')[0] ?? name))]
    // The most frequent slips: the command left out, or misspelt.
    const nearest = /[:/.]/.test(first) ? `verify ${shellWord(first)}` : nearestName(first, names)
    const meant = nearest === undefined ? 'See: dct help' : `Did you mean: dct ${nearest}`
    throw usageError(`${JSON.stringify(first)} is not a command of dct`, `Commands are ${names.join(', ')}. ${meant}`)
  }
  const nearest =
    second === undefined ? undefined : (OTHER_COMMANDS_BELOW.get(`${first} ${second}`) ?? nearestName(second, below))
  throw usageError(
    `dct ${first} takes ${below.join(', ')}${second === undefined ? '' : `, got ${JSON.stringify(second)}`}`,
    nearest === undefined
      ? `Type one of: ${below.map((name) => `dct ${first} ${name}`).join(', ')}`
      : `Did you mean: dct ${first} ${nearest}`,
  )
}

/** The command with the most words that the line begins with. */
function commandOf(words: readonly string[]): FoundCommand | undefined {
  const isNamed = ({ name }: Command) => name === words.slice(0, name.split(' ').length).join(' ')
  const [command] = COMMANDS.filter(isNamed).sort((one, other) => other.name.length - one.name.length)
  return command && { command, words: words.slice(command.name.split(' ').length) }
}

/** The second words of commands with this first word. */
export function subcommands(first: string): string[] {
  return SHOWN_COMMANDS.flatMap(({ name }) => (name.startsWith(`${first} `) ? [name.slice(first.length + 1)] : []))
}

function checkOptions(command: Command, { values }: CommandLine): void {
  const accepted: readonly string[] = acceptedOptions(command)
  const foreign = Object.keys(values).find((name) => !accepted.includes(name))
  if (foreign === undefined) return
  const instead = `${FOREIGN_OPTIONS.get(`${command.name} --${foreign}`) ?? 'Leave it out'}. `
  const takers = COMMANDS.filter((one) => acceptedOptions(one).some((name) => name === foreign))
  throw usageError(
    `--${foreign} is not an option of dct ${command.name}`,
    `${instead}Commands that take it: ${takers.map(({ name }) => `dct ${name}`).join(', ')}. Options of this command: dct ${command.name} --help`,
  )
}

function checkWords({ command, words }: FoundCommand, { values }: CommandLine): void {
  const { name, operands, examples } = command
  const usage = operandUsage(command)
  const replaced = operands.find(({ replacedBy }) => replacedBy !== undefined && values[replacedBy] !== undefined)
  if (replaced?.replacedBy !== undefined) {
    if (words.length === 0) return
    throw usageError(
      `dct ${name} takes --${replaced.replacedBy} or ${replaced.name}, got ${JSON.stringify(words[0])} too`,
      `Repeat the option for each of several files, or name their folder: --${replaced.replacedBy} ONE --${replaced.replacedBy} OTHER`,
    )
  }
  const missing = operands.filter(({ isOptional }) => isOptional !== true)[words.length]
  if (missing !== undefined) {
    const source = missing.kind === 'cached-gun' ? 'What is cached: dct cache list. ' : ''
    throw usageError(`dct ${name} needs ${usage}: ${missing.name} is missing`, `${source}For example: ${examples[0]}`)
  }
  const wrong = operands.findIndex(({ choices }, index) => choices?.includes(words[index] ?? '') === false)
  if (wrong >= 0) {
    const { choices = [] } = operands[wrong] ?? {}
    const commands = choices.map((choice) => ['dct', name, ...words.slice(0, wrong), choice].join(' '))
    const message = `dct ${name} takes ${choices.join(' or ')}, got ${JSON.stringify(words[wrong])}`
    throw usageError(message, `Type one of: ${commands.join(', ')}`)
  }
  if (operands.at(-1)?.isRepeated === true || words.length <= operands.length) return
  const wanted = ['dct', name, ...words.slice(0, operands.length).map(shellWord)].join(' ')
  const takes = usage === '' ? 'no words' : usage
  throw usageError(
    `dct ${name} takes ${takes}, got ${JSON.stringify(words[operands.length])} too`,
    OPTIONS_FOR_WORDS.get(name) ?? `Type: ${wanted}`,
  )
}

function usageError(message: string, hint: string): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', message, { hint })
}
