/** Completion for fish 3 and later. */
import { type CompletedCommand, type CompletedOption, completedCommands, takersOfWords, type Values } from './vocabulary.js'

/** The script. */
export function fishScript(): string {
  const commands = completedCommands()
  const names = commands.map(({ name }) => name).filter((name) => name !== '')
  const takers = takersOfWords(commands)
  return `# Completion of dct for fish, from: dct completion fish

# Prints the command that the words so far name.
function __dct_command
    set -l command
    set -l pending
    for word in (commandline -opc)[2..]
        if test -n "$pending"
            set pending
        else if contains -- "$command $word" ${takers.map(quoted).join(' ')}
            set pending $word
        else if not string match -q -- '-*' $word; and contains -- (string trim -- "$command $word") ${names.map(quoted).join(' ')}
            set command (string trim -- "$command $word")
            if test "$command" = docker
                break
            end
        end
    end
    echo "$command"
end

function __dct_is
    test (__dct_command) = "$argv"
end

function __dct_docker
    # What completes docker does it.
    set -l words (commandline -opc) (commandline -ct)
    while test (count $words) -gt 0; and test "$words[1]" != docker
        set -e words[1]
    end
    complete -C (string join ' ' -- $words)
end

for program in dct docker-content-trust
    complete -c $program -e
    complete -c $program -f
${commands
  .flatMap(linesOf)
  .map((line) => `    complete -c $program ${line}`)
  .join('\n')}
end
`
}

function linesOf({ name, options, next, values }: CompletedCommand): string[] {
  const condition = `-n ${quoted(`__dct_is ${quoted(name)}`)}`
  const words = next.map(([word, help]) => `${condition} -a ${quoted(word)} -d ${quoted(help)}`)
  return [
    ...words,
    ...(words.length > 0 || values.kind === 'text' ? [] : [`${condition} ${candidates(values)}`]),
    ...options.map((option) => `${condition} ${optionLine(option)}`),
  ]
}

function optionLine({ name, short, help, values, afterEquals }: CompletedOption): string {
  const parts = [`-l ${name}`, ...(short === undefined ? [] : [`-s ${short}`]), `-d ${quoted(help)}`]
  // An option whose value follows "=" only is one without a value for fish, and its spellings with one are words.
  if (values === undefined) return parts.join(' ')
  return [...parts, ...(afterEquals ? [] : ['-r']), candidates(values)].join(' ')
}

function candidates(values: Values): string {
  switch (values.kind) {
    case 'words':
      return `-a ${quoted(values.words.join(' '))}`
    case 'file':
      return '-F'
    case 'folder':
      return `-a ${quoted('(__fish_complete_directories)')}`
    case 'cached-gun':
      return `-a ${quoted('(dct cache list --quiet 2>/dev/null)')}`
    case 'docker':
      return `-a ${quoted('(__dct_docker)')}`
    case 'text':
      return ''
  }
}

/** The text in single quotes, as fish reads it. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
