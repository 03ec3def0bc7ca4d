/** One long-running program of the laboratory. Its log is a file, it is ended by its process ID, and it ends with this process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'

export interface LabChild {
  readonly pid: number | undefined
  /** True once the program has ended, for any reason. */
  readonly ended: boolean
  /** The last lines of its log. */
  logTail(): string
  signal(name: NodeJS.Signals): void
  /** SIGTERM, and SIGKILL if the program does not end soon. */
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
}

const patienceMilliseconds = 3_000

/** Starts `program`; resolves once the operating system has started it. */
export async function startChild(program: string, args: string[], logFile: string, env: NodeJS.ProcessEnv): Promise<LabChild> {
  const log = openSync(logFile, 'a')
  const child = spawn(program, args, { stdio: ['ignore', log, log], env })
  closeSync(log)
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject))
  child.unref()
  const endWatch = watch(child)
  void exit.then(endWatch)
  const gone = (): boolean => child.exitCode !== null || child.signalCode !== null
  const end = async (name: NodeJS.Signals): Promise<void> => {
    if (gone()) return
    child.ref()
    child.kill(name)
    // A stopped process (SIGSTOP) receives the signal only after SIGCONT.
    child.kill('SIGCONT')
    const timer = setTimeout(() => child.kill('SIGKILL'), patienceMilliseconds)
    await exit
    clearTimeout(timer)
  }
  return {
    pid: child.pid,
    get ended() {
      return gone()
    },
    logTail: () => readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-20).join('\n'),
    signal: (name) => void child.kill(name),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
}

/**
 * Starts a shell that waits on a pipe from this process. When this process ends in any way, the pipe closes and the shell kills the
 * child. An exit handler would not run if a test worker is killed. @returns a function that ends the watch
 */
function watch(child: ChildProcess): () => void {
  const script = 'read -r _; kill -9 "$1"'
  const watcher = spawn('/bin/sh', ['-c', script, 'sh', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watcher.unref()
  const pipe = watcher.stdin
  if (pipe !== null && 'unref' in pipe && typeof pipe.unref === 'function') pipe.unref()
  pipe?.on('error', () => undefined)
  watcher.on('error', () => undefined)
  return () => {
    watcher.kill('SIGKILL')
    pipe?.destroy()
  }
}
