/** The program: words -> command -> exit status. */

import { describeCause, printable, TrustError, UsageError } from '../errors.js'
import { nearestName } from '../nearest-name.js'
import { type CommandLine, readCommandLine } from './arguments.js'
import { helpText } from './help.js'
import { EXIT, type Io } from './io.js'

type Command = (line: CommandLine, io: Io) => Promise<number>

/** Loaded when asked for: `dct --version` needs none of them. */
const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['verify', async () => (await import('./verify.js')).verify],
  ['lookup', async () => (await import('./lookup.js')).lookup],
  ['cache', async () => (await import('./cache.js')).cache],
  ['env', async () => (await import('./env.js')).env],
  ['demo', async () => (await import('./demo.js')).demo],
])

/** Runs the program and gives its exit status. Never throws. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(argv, io)
  } catch (cause) {
    if (io.signal.aborted) return EXIT.interrupted
    if (cause instanceof TrustError) {
      const { exitStatus, Speaker } = await import('./output.js')
      new Speaker(io, { words: [], values: {} }).error(cause)
      return exitStatus(cause)
    }
    await tellFault(cause, argv, io)
    return EXIT.internal
  }
}

/** A fault of the program: neither a verdict nor a server that is away. Of what was typed only the command is told, the rest may be secret. */
async function tellFault(cause: unknown, argv: readonly string[], io: Io): Promise<void> {
  const name = cause instanceof Error ? `${cause.name}: ` : ''
  io.err(`dct: internal error: ${printable(`${name}${describeCause(cause)}`)}\n`)
  const { packageVersion } = await import('./version.js')
  const command = ['dct', ...argv.filter((word) => COMMANDS.has(word)).slice(0, 1)].join(' ')
  const facts = `dct ${packageVersion()}, Node.js ${process.version}, ${process.platform} ${process.arch}, command: ${command}`
  io.err(
    `dct: hint: This is a fault of dct; nothing is verified. Report it with the line above and: ${facts}. Where: npm bugs docker-content-trust\n`,
  )
}

async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  const { words, values } = readCommandLine(argv)
  const [name, ...rest] = words
  if (values.version) {
    return (await import('./version.js')).run(argv, io)
  }
  if (values.help || name === 'help') {
    io.out(helpText(name === 'help' ? rest[0] : name))
    return EXIT.ok
  }
  if (name === undefined) {
    io.err(helpText(undefined))
    return EXIT.usage
  }
  const load = COMMANDS.get(name)
  if (load === undefined)
    throw new UsageError('ERR_SETTINGS_INVALID', `${JSON.stringify(name)} is not a command of dct`, { hint: hintFor(name) })
  if (values.role !== undefined && name !== 'lookup')
    throw new UsageError('ERR_SETTINGS_INVALID', '--role is an option of dct lookup', {
      hint: 'Leave it out, or type: dct lookup --role ROLE GUN TARGET',
    })
  const command = await load()
  return command({ words: rest, values }, io)
}

/** The commonest slips: the command left out, or misspelt. */
function hintFor(name: string): string {
  const nearest = /[:/.]/.test(name) ? `verify ${name}` : nearestName(name, COMMANDS.keys())
  return `Commands are ${[...COMMANDS.keys()].join(', ')}.${nearest === undefined ? '' : ` Did you mean: dct ${nearest}`}`
}
