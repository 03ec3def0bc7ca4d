/**
 * An engine's own client (docker, podman, nerdctl, or another program that takes the same words): run without a shell, with
 * the user's terminal, until it ends.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { StringDecoder } from 'node:string_decoder'
import { describeCause, UsageError } from '../errors.js'
import { shellWord } from '../shell-word.js'

/** Characters of a line of the engine that are kept until it ends. Stops an engine that never ends a line from filling memory. */
const MAX_LINE = 64 * 1024

/** Milliseconds that an interrupted engine has to end by itself before it is killed. */
const PATIENCE_AFTER_ABORT = 10_000

/** Signals that end us are the engine's too: it must not go on alone. Ctrl-C is the caller's `signal`. */
const FORWARDED = ['SIGTERM', 'SIGHUP'] as const

/** How the engine's client is run. */
export interface EngineOptions {
  /** Its program: a name that is looked for in PATH, or a path. */
  readonly program: string
  /** Words before the command: docker's global options. */
  readonly globals?: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborted on Ctrl-C: the engine is told to end. */
  readonly signal: AbortSignal
}

/** What becomes of the engine's standard output: the user's own, the user's standard error, nothing, or each line to a function. */
export type EngineOutput = 'inherit' | 'to-stderr' | 'ignore' | ((line: string) => void)

/**
 * Runs the engine's client and gives its exit status, 128 and the number of the signal when one ended it. Standard input and
 * standard error are the user's.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when the program cannot be run
 */
export async function runEngine(options: EngineOptions, args: readonly string[], output: EngineOutput): Promise<number> {
  const { program, globals = [], env, signal } = options
  signal.throwIfAborted()
  const stdout = output === 'to-stderr' ? 2 : typeof output === 'string' ? output : 'pipe'
  let child: ChildProcess | undefined
  // Before the engine starts: a signal that comes without a handler would end us, and leave the engine alone.
  const letGo = passSignals(() => child, signal)
  try {
    const started = spawn(program, [...globals, ...args], { env, stdio: ['inherit', stdout, 'inherit'] })
    child = started
    const ended = new Promise<number>((resolve, reject) => {
      started.once('error', (cause) => reject(cannotRun(program, cause)))
      started.once('close', (status, name) => resolve(name === null ? (status ?? 1) : 128 + constants.signals[name]))
    })
    if (typeof output === 'function') readLines(started, output)
    return await ended
  } finally {
    letGo()
  }
}

/** Whether the engine's client ends with success. Shows nothing of what it prints. */
export async function succeeds({ program, globals = [], env, signal }: EngineOptions, args: readonly string[]): Promise<boolean> {
  signal.throwIfAborted()
  const child = spawn(program, [...globals, ...args], { env, stdio: 'ignore', signal })
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(signal.aborted ? signal.reason : cannotRun(program, cause)))
    child.once('close', (status) => resolve(status === 0))
  })
}

/** Returns what ends the passing on. */
function passSignals(child: () => ChildProcess | undefined, signal: AbortSignal): () => void {
  let timer: NodeJS.Timeout | undefined
  const interrupt = () => {
    child()?.kill('SIGINT')
    timer = setTimeout(() => child()?.kill('SIGKILL'), PATIENCE_AFTER_ABORT)
  }
  const forward = (name: NodeJS.Signals) => void child()?.kill(name)
  signal.addEventListener('abort', interrupt)
  for (const name of FORWARDED) process.on(name, forward)
  return () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', interrupt)
    for (const name of FORWARDED) process.off(name, forward)
  }
}

function readLines({ stdout }: ChildProcess, tell: (line: string) => void): void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  const take = (text: string) => {
    const lines = (rest + text).split(/(?<=\n)/)
    const last = lines.at(-1) ?? ''
    rest = last.endsWith('\n') || last.length > MAX_LINE ? '' : last
    for (const line of rest === '' ? lines : lines.slice(0, -1)) if (line !== '') tell(line.replace(/\r?\n$/, ''))
  }
  stdout?.on('data', (chunk: Buffer) => take(decoder.write(chunk)))
  stdout?.on('end', () => {
    take(decoder.end())
    if (rest !== '') tell(rest)
  })
}

function cannotRun(program: string, cause: Error): UsageError {
  const isMissing = 'code' in cause && cause.code === 'ENOENT'
  const reason = isMissing ? 'there is no such program' : describeCause(cause)
  return new UsageError('ERR_SETTINGS_INVALID', `the engine's client cannot be run: ${program}: ${reason}`, {
    hint: `Install it, or name the one that is here: dct pull --engine podman, or --engine /path/to/docker. Where it is: command -v ${shellWord(program)}`,
    cause,
  })
}
