/** The program: words -> command -> exit status. */
import { TrustError } from '../errors.js'
import { chooseCommand, readCommandLine } from './arguments.js'
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
    const { reportFault } = await import('./fault.js')
    reportFault(cause, line.words, io)
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
