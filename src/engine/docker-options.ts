/**
 * Which options a command of docker has, and which of them take the next word as their value: read from the installed docker's
 * own help, since versions differ.
 */

/** Whether an option takes a value, under its long name and under its letter. */
export interface DockerOptions {
  readonly long: ReadonlyMap<string, DockerOption>
  readonly short: ReadonlyMap<string, DockerOption>
}

export interface DockerOption {
  /** The long name. */
  readonly name: string
  readonly takesValue: boolean
}

/**
 * Options that help does not show. Source: docker/cli 28 cli/command/container/opts.go and run.go, cli/cobra.go; 29 hides
 * disable-content-trust.
 */
const HIDDEN: readonly DockerOption[] = [
  { name: 'help', takesValue: false },
  { name: 'disable-content-trust', takesValue: false },
  { name: 'net', takesValue: true },
  { name: 'net-alias', takesValue: true },
  { name: 'dns-opt', takesValue: true },
]

/** `  -e, --env list   Set ...`: a name, and the word for its value when there is one. Text that goes on is indented further. */
const OPTION_LINE = /^ {2}(?:-(?<short>[A-Za-z0-9]), | {4})--(?<name>[a-z0-9][a-z0-9-]*)(?<value> [^ \n]+)?(?: {2,}.*)?$/gm

/** Reads the help of a command. Options that help does not show are added when they are known. */
export function readDockerOptions(help: string): DockerOptions {
  const long = new Map(HIDDEN.map((option) => [option.name, option]))
  const short = new Map<string, DockerOption>()
  for (const { groups = {} } of help.matchAll(OPTION_LINE)) {
    const { name = '', short: letter, value } = groups
    const option = { name, takesValue: value !== undefined }
    long.set(name, option)
    if (letter !== undefined) short.set(letter, option)
  }
  return { long, short }
}
