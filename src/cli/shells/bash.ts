/** Completion for bash 3.2 and later, without the bash-completion package. */
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

/** The script. */
export function bashScript(): string {
  const commands = completedCommands()
  return `# Completion of dct for bash, from: dct completion bash

# The words so far that name a command.
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

# Sets COMPREPLY to values of an option of a command.
_dct_values() {
  case "$1 $2" in
${commands.flatMap(({ name, options }) => options.flatMap((option) => valuesOf(name, option))).join('\n')}
  esac
}

# Sets COMPREPLY to words and options of a command.
_dct_complete() {
  case "$1" in
${commands.map(wordsOf).join('\n')}
  esac
}

_dct() {
  local IFS=$' \\t\\n'
  local line="\${COMP_LINE:0:COMP_POINT}" command='' word pending='' candidates='' current i start=1
  local -a words
  # Without -r, because a backslash before a space keeps a word together.
  read -a words <<<"$line"
  case "$line" in *[[:space:]]) words+=('') ;; esac
  local last=$((\${#words[@]} - 1))
  current="\${words[$last]}"
  COMPREPLY=()
  for ((i = start; i < last; i++)); do
    word="\${words[$i]}"
    if [ -n "$pending" ]; then
      pending=''
    elif [ "$command" = docker ]; then
      break
    elif _dct_takes_word "$command" "$word"; then
      pending="$word"
    elif [ "\${word:0:1}" != - ] && _dct_command "\${command:+$command }$word"; then
      command="\${command:+$command }$word"
      if [ "$command" = docker ]; then start=$i; fi
    fi
  done
  if [ "$command" = docker ]; then
    # What completes docker does it, if something does: bash-completion has the helper.
    if declare -F _command_offset >/dev/null; then _command_offset "$start"; fi
    return
  fi
  local prefix=''
  if [ -n "$pending" ]; then
    _dct_values "$command" "$pending" "$current"
  elif [ "\${current:0:2}" = -- ] && [ "\${current#*=}" != "$current" ]; then
    _dct_values "$command" "\${current%%=*}" "\${current#*=}"
    prefix="\${current%%=*}="
  else
    _dct_complete "$command" "$current"
  fi
  # bash replaces only what follows the last "=" or ":" that breaks words for it.
  local typed="$prefix" break
  for ((i = 0; i < \${#COMPREPLY[@]}; i++)); do COMPREPLY[$i]="$prefix\${COMPREPLY[$i]}"; done
  for break in : =; do
    case "$COMP_WORDBREAKS" in *"$break"*) ;; *) continue ;; esac
    case "$current" in *"$break"*) typed="\${current%"\${current##*$break}"}" ;; *) continue ;; esac
    for ((i = 0; i < \${#COMPREPLY[@]}; i++)); do COMPREPLY[$i]="\${COMPREPLY[$i]#"$typed"}"; done
    current="\${current#"$typed"}"
  done
}

complete -F _dct dct docker-content-trust
`
}

function yes(words: string): string {
  return `    ${quoted(words)}) return 0 ;;`
}

function valuesOf(command: string, option: CompletedOption): string[] {
  const { values } = option
  if (values === undefined) return []
  return spellings(option).map((word) => `    ${quoted(`${command} ${word}`)}) ${candidates(values, '$3')} ;;`)
}

function wordsOf({ name, options, next, values }: CompletedCommand): string {
  // A value behind "=" is completed without a space after the sign.
  const flags = options.flatMap((option) => [`--${option.name}`])
  const words = next.map(([word]) => word)
  const plain = words.length > 0 ? candidates({ kind: 'words', words }, '$2') : candidates(values, '$2')
  return `    ${quoted(name)}) case "$2" in -*) ${candidates({ kind: 'words', words: flags }, '$2')} ;; *) ${plain} ;; esac ;;`
}

function candidates(values: Values, typed: string): string {
  switch (values.kind) {
    case 'words':
      return `COMPREPLY=($(compgen -W ${quoted(values.words.join(' '))} -- "${typed}"))`
    case 'file':
      return names('-f', typed)
    case 'folder':
      return names('-d', typed)
    case 'cached-gun':
      return `COMPREPLY=($(compgen -W "$(dct cache list --quiet 2>/dev/null)" -- "${typed}"))`
    case 'docker':
    case 'text':
      return ':'
  }
}

/** Names of files may have spaces: one a line, and bash quotes them. */
function names(kind: string, typed: string): string {
  return `local IFS=$'\\n'; compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen ${kind} -- "${typed}"))`
}
