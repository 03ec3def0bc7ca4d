/** Completion for zsh 5 and later. */
import {
  type CompletedCommand,
  type CompletedOption,
  commandWords,
  completedCommands,
  quoted,
  spellings,
  takersOfWords,
  type Values,
} from './vocabulary.js'

/** The script: a file \`_dct\` in fpath, or read with \`source\` after compinit. */
export function zshScript(): string {
  const commands = completedCommands()
  return `#compdef dct docker-content-trust
# Completion of dct for zsh, from: dct completion zsh

_dct_guns() {
  local -a guns
  guns=(\${(f)"$(_call_program guns dct cache list --quiet 2>/dev/null)"})
  compadd -- "\${guns[@]}"
}

# Whether the words name a command.
_dct_command() {
  case "$1" in
${commandWords(commands).map(yes).join('\n')}
  esac
  return 1
}

# Whether an option of a command takes the next word as its value.
_dct_takes_word() {
  case "$1 $2" in
${takersOfWords(commands).map(yes).join('\n')}
  esac
  return 1
}

# Values of an option of a command.
_dct_values() {
  case "$1 $2" in
${commands.flatMap(({ name, options }) => options.flatMap((option) => valuesOf(name, option))).join('\n')}
  esac
}

_dct_words() {
  local -a list
  case "$1" in
${commands.map(wordsOf).join('\n')}
  esac
}

_dct_options() {
  local -a list
  case "$1" in
${commands
  .map(
    ({ name, options }) =>
      `    ${quoted(name)}) ${described(
        options.map((option) => [`--${option.name}`, option.help]),
        '-o option',
      )} ;;`,
  )
  .join('\n')}
  esac
}

_dct() {
  local command='' word pending='' i
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    if [[ -n $pending ]]; then
      pending=''
    elif _dct_takes_word "$command" "$word"; then
      pending="$word"
    elif [[ $word != -* ]] && _dct_command "\${command:+$command }$word"; then
      command="\${command:+$command }$word"
      if [[ $command == docker ]]; then
        # What completes docker does it.
        words=("\${(@)words[i,-1]}")
        (( CURRENT -= i - 1 ))
        _normal
        return
      fi
    fi
  done
  if [[ -n $pending ]]; then
    _dct_values "$command" "$pending"
  elif [[ $PREFIX == --*=* ]]; then
    word="\${PREFIX%%=*}"
    compset -P '*='
    _dct_values "$command" "$word"
  elif [[ $PREFIX == -* ]]; then
    _dct_options "$command"
  else
    _dct_words "$command"
  fi
}

if [ "\${funcstack[1]}" = _dct ]; then _dct "$@"; else compdef _dct dct docker-content-trust; fi
`
}

function yes(words: string): string {
  return `    ${quoted(words)}) return 0 ;;`
}

function valuesOf(command: string, option: CompletedOption): string[] {
  const { values } = option
  if (values === undefined) return []
  return spellings(option).map((word) => `    ${quoted(`${command} ${word}`)}) ${candidates(values)} ;;`)
}

function wordsOf({ name, next, values }: CompletedCommand): string {
  return `    ${quoted(name)}) ${next.length > 0 ? described(next, 'command') : candidates(values)} ;;`
}

/** Words with an explanation each: in the list of _describe, a colon ends the word. */
function described(pairs: readonly (readonly [string, string])[], what: string): string {
  const list = pairs.map(([word, help]) => quoted(`${word}:${help}`)).join(' ')
  return `list=(${list}); _describe ${what} list`
}

function candidates(values: Values): string {
  switch (values.kind) {
    case 'words':
      return `compadd -- ${values.words.map(quoted).join(' ')}`
    case 'file':
      return '_files'
    case 'folder':
      return '_files -/'
    case 'cached-gun':
      return '_dct_guns'
    case 'docker':
    case 'text':
      return ':'
  }
}
