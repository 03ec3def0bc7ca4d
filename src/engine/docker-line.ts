/** A command line of docker: what stands before the command, and which command it is. */
import { UsageError } from '../errors.js'
import type { DockerOptions } from './docker-options.js'
import { readDockerWords, type TypedOption } from './docker-words.js'

/** Commands that content trust has to do with. */
type DockerTask = 'pull' | 'run' | 'create' | 'build' | 'push' | 'sign' | 'beyond'

/** A command line of docker, taken apart. */
export interface DockerLine {
  /** Global options, as typed. */
  readonly globals: readonly string[]
  readonly globalOptions: readonly TypedOption[]
  /** `container run`. Empty when no command is named. */
  readonly command: readonly string[]
  /** What follows the command. */
  readonly words: readonly string[]
  /** Absent for commands that content trust has nothing to do with. */
  readonly task?: DockerTask
}

/** Commands under each of their names. What docker 28 verified, what it signed, and what its content trust never reached. */
const TASKS: ReadonlyMap<string, DockerTask> = new Map([
  ['pull', 'pull'],
  ['image pull', 'pull'],
  ['run', 'run'],
  ['container run', 'run'],
  ['create', 'create'],
  ['container create', 'create'],
  ['build', 'build'],
  ['image build', 'build'],
  ['builder build', 'build'],
  ['builder b', 'build'],
  ['buildx build', 'build'],
  ['buildx b', 'build'],
  ['push', 'push'],
  ['image push', 'push'],
  ['trust sign', 'sign'],
  ['compose', 'beyond'],
  ['service', 'beyond'],
  ['stack', 'beyond'],
  ['bake', 'beyond'],
  ['plugin install', 'beyond'],
  ['plugin upgrade', 'beyond'],
  ['buildx bake', 'beyond'],
  ['buildx f', 'beyond'],
  ['buildx debug', 'beyond'],
  ['buildx dap', 'beyond'],
  ['builder bake', 'beyond'],
  ['builder debug', 'beyond'],
  ['builder dap', 'beyond'],
  ['builder f', 'beyond'],
])

/** First words of commands of two words. */
const GROUPS: ReadonlySet<string> = new Set(
  [...TASKS.keys()].flatMap((name) => (name.includes(' ') ? [name.split(' ')[0] ?? ''] : [])),
)

/**
 * Takes a command line apart. `known` are docker's global options.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when it is not certain which command is meant
 */
export function readDockerLine(argv: readonly string[], known: DockerOptions): DockerLine {
  const { options, operands } = readDockerWords(argv, known, false)
  const [start] = operands
  // docker reads global options a second time behind "--".
  if (argv.slice(0, start).includes('--')) {
    throw new UsageError('ERR_SETTINGS_INVALID', 'docker: "--" stands before the command', {
      hint: 'Leave it out: docker COMMAND ARGUMENTS',
    })
  }
  if (start === undefined) return { globals: argv, globalOptions: options, command: [], words: [] }
  const rest = argv.slice(start)
  const [first = '', second = ''] = rest
  const isGroup = GROUPS.has(first)
  if (isGroup && second.startsWith('-') && rest.slice(1).some((word) => !word.startsWith('-'))) {
    throw new UsageError('ERR_SETTINGS_INVALID', `docker ${first}: an option stands before the command`, {
      hint: `Write the option last: docker ${first} COMMAND ${second}`,
    })
  }
  const length = isGroup && rest.length > 1 ? 2 : 1
  const command = rest.slice(0, length)
  const task = TASKS.get(command.join(' ')) ?? TASKS.get(first)
  const words = rest.slice(length)
  const read = { globals: argv.slice(0, start), globalOptions: options, command, words }
  return task === undefined ? read : { ...read, task }
}
