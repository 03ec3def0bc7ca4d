/** The program: words -> command -> exit status. */
import { describeCause, printable, TrustError } from '../errors.js'
import { chooseCommand, readCommandLine } from './arguments.js'
import { COMMANDS } from './commands.js'
import { EXIT, type Io } from './io.js'
import type { CommandLine } from './options.js'

/** Runs the program and gives its exit status. Never throws. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let line: CommandLine = { words: [], values: {} }
  try {
    line = readCommandLine(argv)
    return await dispatch(line, io)
  } catch (cause) {
    if (io.signal.aborted) return EXIT.interrupted
    if (cause instanceof TrustError) {
      const { exitStatus, Speaker } = await import('./output.js')
      new Speaker(io, line).error(cause)
      return exitStatus(cause)
    }
    await reportFault(cause, line, io)
    return EXIT.internal
  }
}

async function dispatch(line: CommandLine, io: Io): Promise<number> {
  const { words, values } = line
  if (values.version) return (await import('./version.js')).run([], io)
  if (values.help) return (await import('./help.js')).help(line, io)
  if (words.length === 0) {
    io.err((await import('./help.js')).helpText([]))
    return EXIT.usage
  }
  const chosen = chooseCommand(line)
  const run = await chosen.command.load()
  return run({ words: chosen.words, values }, io)
}

/**
 * Reports a fault of the program: neither a verdict nor a server that is away. Of what was typed it repeats the command
 * alone: the rest may be secret.
 */
async function reportFault(cause: unknown, { words }: CommandLine, io: Io): Promise<void> {
  const name = cause instanceof Error ? `${cause.name}: ` : ''
  io.err(`dct: internal error: ${printable(`${name}${describeCause(cause)}`)}\n`)
  const { packageVersion } = await import('./version.js')
  const known = words.slice(0, 1).filter((word) => COMMANDS.some((command) => command.name.split(' ')[0] === word))
  const command = ['dct', ...known].join(' ')
  const facts = `dct ${packageVersion()}, Node.js ${process.version}, ${process.platform} ${process.arch}, command: ${command}`
  io.err(
    `dct: hint: This is a fault of dct; nothing is verified. Report it with the line above and: ${facts}. Where: npm bugs docker-content-trust\n`,
  )
}
