/** Gives the terminal to another program, until it ends: as if it had been started in our place. */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { describeCause, UsageError } from '../errors.js'
import { shellWord } from '../shell-word.js'
import type { FoundDocker } from './find-docker.js'

/** Signals that a terminal sends to all programs in the foreground: the other program gets them by itself. */
const FROM_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT']

/** Signals that are sent to us alone, for the other program. */
const FOR_OTHER: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGUSR2', 'SIGALRM', 'SIGCONT']

/**
 * Runs the program with our streams, and gives its exit status: 128 and the number of the signal when one ended it. Until then
 * signals are the program's. `input` takes the place of our standard input, which was read already.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when it cannot be run
 */
export async function handOver(
  { program, env }: FoundDocker,
  args: readonly string[],
  input?: string | Uint8Array,
): Promise<number> {
  const isOnTerminal = process.stdin.isTTY === true || process.stdout.isTTY === true || process.stderr.isTTY === true
  const pass = (name: NodeJS.Signals) => void child?.kill(name)
  const leave = () => undefined
  const handlers = [
    ...FOR_OTHER.map((name) => [name, pass] as const),
    ...FROM_TERMINAL.map((name) => [name, isOnTerminal ? leave : pass] as const),
  ]
  // Before the program starts: a signal that comes without a handler would end us, and leave the program alone.
  for (const [name, handler] of handlers) process.on(name, handler)
  let child: ChildProcess | undefined
  try {
    const started = spawn(program, args, { env, stdio: [input === undefined ? 'inherit' : 'pipe', 'inherit', 'inherit'] })
    child = started
    // A program that ends before it has read all closes it.
    started.stdin?.on('error', () => undefined)
    if (input !== undefined) started.stdin?.end(input)
    return await new Promise<number>((resolve, reject) => {
      started.once('error', (cause) => reject(cannotRun(program, cause)))
      started.once('close', (status, name) => resolve(name === null ? (status ?? 1) : 128 + constants.signals[name]))
    })
  } finally {
    for (const [name, handler] of handlers) process.off(name, handler)
  }
}

function cannotRun(program: string, cause: Error): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', `docker cannot be run: ${program}: ${describeCause(cause)}`, {
    hint: `Look at it: ls -l ${shellWord(program)}`,
    cause,
  })
}
