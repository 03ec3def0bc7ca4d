/** docs/reference/commands.md, written from the tables of commands and options. */
import { acceptedOptions, type Command, commandUsage, SHOWN_COMMANDS } from '../../src/cli/commands.js'
import { OPTION_ENTRIES, optionUsage } from '../../src/cli/options.js'

const INTRODUCTION = `# Commands

\`dct help COMMAND\` and \`dct COMMAND --help\` say the same. What is common to all commands is on the page [The command](command.md).

This page is written from \`src/cli/commands.ts\` and \`src/cli/options.ts\`: \`npx vitest run test/docs/reference.test.ts --update\`.
`

/** The whole page. */
export function commandsPage(): string {
  return [INTRODUCTION, ...SHOWN_COMMANDS.map(section)].join('\n')
}

function section(command: Command): string {
  const { name, about, withoutEffect = [], exitStatus, examples, isEndless, needsEngine } = command
  const options = acceptedOptions(command).filter((option) => !withoutEffect.includes(option))
  const ignored = withoutEffect.map((option) => `\`--${option}\``).join(' and ')
  const paragraphs = [
    `## dct ${name}`,
    `Usage: \`${commandUsage(command)}\``,
    ...about,
    ...(options.length === 0 ? [] : [['| option | what it does |', '| --- | --- |', ...options.map(row)].join('\n')]),
    ...(ignored === '' ? [] : [`Accepted, without effect here: ${ignored}.`]),
    `Exit status: ${exitStatus}`,
    // A test runs what ends by itself, without an engine.
    isEndless === true || needsEngine === true
      ? ['```console', ...examples.map((line) => `$ ${line}`), '```'].join('\n')
      : ['```sh', ...examples, '```'].join('\n'),
  ]
  return `${paragraphs.join('\n\n')}\n`
}

function row(option: string): string {
  const cells = [`\`${optionUsage(option)}\``, OPTION_ENTRIES.get(option)?.help ?? '']
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
