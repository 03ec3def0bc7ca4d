/** The manual pages, from the tables of commands and options. `npm run build` writes them: scripts/man-pages.mjs */
import { acceptedOptions, type Command, commandUsage, SHOWN_COMMANDS } from './commands.js'
import { OPTION_ENTRIES, optionUsage } from './options.js'

/** The pages by the names of their files: `dct.1`, `dct-cache-list.1`. */
export function manPages(version: string): ReadonlyMap<string, string> {
  const pages = SHOWN_COMMANDS.map((command): [string, string] => [`${pageName(command)}.1`, commandPage(command, version)])
  return new Map([['dct.1', overview(version)], ...pages])
}

function pageName({ name }: Command): string {
  return `dct-${name.replaceAll(' ', '-')}`
}

function overview(version: string): string {
  const commands = SHOWN_COMMANDS.flatMap((command) => ['.TP', `\\fB${escaped(pageName(command))}\\fR(1)`, text(command.summary)])
  return page('DCT', version, [
    '.SH NAME',
    'dct \\- verify Docker Content Trust signatures',
    '.SH SYNOPSIS',
    '.B dct',
    'COMMAND [OPTIONS] [ARGUMENTS]',
    '.SH DESCRIPTION',
    'Verifies Docker Content Trust (Notary v1): a tag becomes a trusted digest, or an error that says why not.',
    '.SH COMMANDS',
    ...commands,
  ])
}

function commandPage(command: Command, version: string): string {
  const { summary, about, withoutEffect = [], exitStatus, examples } = command
  const options = acceptedOptions(command).filter((option) => !withoutEffect.includes(option))
  const described = options.flatMap((name) => [
    '.TP',
    `\\fB${escaped(optionUsage(name))}\\fR`,
    text(OPTION_ENTRIES.get(name)?.help ?? ''),
  ])
  const ignored = withoutEffect.map((option) => `--${option}`).join(', ')
  return page(pageName(command).toUpperCase(), version, [
    '.SH NAME',
    `${escaped(pageName(command))} \\- ${escaped(summary)}`,
    '.SH SYNOPSIS',
    text(commandUsage(command)),
    '.SH DESCRIPTION',
    ...about.flatMap((paragraph, index) => [...(index === 0 ? [] : ['.PP']), text(paragraph)]),
    ...(described.length === 0 ? [] : ['.SH OPTIONS', ...described]),
    ...(ignored === '' ? [] : ['.PP', text(`Accepted, without effect here: ${ignored}.`)]),
    '.SH EXIT STATUS',
    text(exitStatus),
    '.SH EXAMPLES',
    '.nf',
    ...examples.map(text),
    '.fi',
    '.SH SEE ALSO',
    '.BR dct (1)',
  ])
}

function page(title: string, version: string, lines: readonly string[]): string {
  // No date: the same sources give the same pages.
  return [`.TH "${escaped(title)}" "1" "" "docker\\-content\\-trust ${escaped(version)}"`, ...lines, ''].join('\n')
}

/** A line of text: one that begins with a dot or a quote would be a request. */
function text(line: string): string {
  const safe = escaped(line)
  return /^[.']/.test(safe) ? `\\&${safe}` : safe
}

function escaped(line: string): string {
  return line.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll("'", '\\(aq').replaceAll('`', '\\(ga')
}
