/** A fault of the program: neither a verdict nor a server that is away. */
import { describeCause, printable } from '../errors.js'
import { COMMANDS } from './commands.js'
import type { Io } from './io.js'
import { packageVersion } from './version.js'

/** Reports a fault without its stack. Of what was typed it repeats the command alone: the rest may be secret. Never throws. */
export function reportFault(cause: unknown, words: readonly string[], { err }: Pick<Io, 'err'>): void {
  const name = cause instanceof Error ? `${cause.name}: ` : ''
  err(`dct: internal error: ${printable(`${name}${describeCause(cause)}`)}\n`)
  const known = words.slice(0, 1).filter((word) => COMMANDS.some((command) => command.name.split(' ')[0] === word))
  const command = ['dct', ...known].join(' ')
  const facts = `dct ${versionOrUnknown()}, Node.js ${process.version}, ${process.platform} ${process.arch}, command: ${command}`
  err(
    `dct: hint: This is a fault of dct; nothing is verified. Report it with the line above and: ${facts}. Where: npm bugs docker-content-trust\n`,
  )
}

/** What failed before can also keep the package from being read. */
function versionOrUnknown(): string {
  try {
    return packageVersion()
  } catch {
    return 'unknown'
  }
}
