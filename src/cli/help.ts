/** Help texts, from the tables of commands and options. `dct help` */
import { commandNamed, subcommands } from './arguments.js'
import { acceptedOptions, type Command, commandUsage, operandUsage, SHOWN_COMMANDS } from './commands.js'
import { EXIT, type Io } from './io.js'
import type { CommandLine } from './options.js'
import { OPTION_ENTRIES, optionUsage } from './options.js'

/** Characters of a line: what fits a terminal that is no wider than usual. */
const WIDTH = 80

/** Where the explanations of a list begin. */
const COLUMN = 26

const ABOUT = 'Verifies Docker Content Trust (Notary v1): a tag becomes a trusted digest, or an error that says why not.'

const EXAMPLES = ['dct demo', 'dct verify container-registry.oracle.com/os/oraclelinux:9']

/** The exit status. */
export async function help({ words }: CommandLine, io: Io): Promise<number> {
  io.out(helpText(words))
  return EXIT.ok
}

/**
 * The help of the command that the words begin with, of the commands that share a first word, or the list of all.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when there is no such command
 */
export function helpText(words: readonly string[]): string {
  const [first] = words
  if (first === undefined) return overview()
  const isGroup = subcommands(first).length > 0 && !SHOWN_COMMANDS.some(({ name }) => name === first)
  if (words.length === 1 && isGroup) return groupHelp(first)
  return commandHelp(commandNamed(words).command)
}

function overview(): string {
  return text(
    paragraph(ABOUT),
    'Usage: dct COMMAND [OPTIONS] [ARGUMENTS]',
    listOf(SHOWN_COMMANDS),
    examples(EXAMPLES),
    'dct COMMAND --help says more.',
  )
}

function groupHelp(first: string): string {
  const group = SHOWN_COMMANDS.filter(({ name }) => name.startsWith(`${first} `))
  return text(`Usage: dct ${first} ${subcommands(first).join('|')}`, listOf(group), `dct ${first} COMMAND --help says more.`)
}

function commandHelp(command: Command): string {
  const { about, withoutEffect = [], exitStatus } = command
  const options = acceptedOptions(command).filter((option) => !withoutEffect.includes(option))
  const described = options.map((option) => definition(optionUsage(option), OPTION_ENTRIES.get(option)?.help ?? ''))
  const ignored = withoutEffect.map((option) => `--${option}`).join(', ')
  return text(
    `Usage: ${commandUsage(command)}`,
    ...about.map((one) => paragraph(one)),
    ...(described.length === 0 ? [] : [['Options:', ...described].join('\n')]),
    ...(ignored === '' ? [] : [paragraph(`Accepted, without effect here: ${ignored}.`)]),
    paragraph(`Exit status: ${exitStatus}`),
    examples(command.examples),
  )
}

function listOf(commands: readonly Command[]): string {
  const lines = commands.map((command) => definition(`${command.name} ${operandUsage(command)}`.trim(), command.summary))
  return ['Commands:', ...lines].join('\n')
}

function examples(lines: readonly string[]): string {
  return ['Examples:', ...lines.map((line) => `  ${line}`)].join('\n')
}

/** Paragraphs with an empty line between. */
function text(...paragraphs: readonly string[]): string {
  return `${paragraphs.join('\n\n')}\n`
}

function paragraph(words: string): string {
  return wrapped(words, 0).join('\n')
}

/** A term and its explanation in two columns; a long term has a line of its own. */
function definition(term: string, explanation: string): string {
  const lines = wrapped(explanation, COLUMN).map((line) => `${' '.repeat(COLUMN)}${line}`)
  const start = `  ${term}`
  if (start.length + 2 > COLUMN) return [start, ...lines].join('\n')
  return [start.padEnd(COLUMN) + (lines[0] ?? '').trimStart(), ...lines.slice(1)].join('\n')
}

/** Lines that fit the width behind an indent. */
function wrapped(words: string, indent: number): string[] {
  const lines = ['']
  for (const word of words.split(' ')) {
    const line = `${lines.at(-1)} ${word}`.trimStart()
    if (line.length > WIDTH - indent) lines.push(word)
    else lines[lines.length - 1] = line
  }
  return lines
}
