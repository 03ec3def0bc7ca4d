/** One long-running program of the laboratory: its log in a file, its end by its process ID, never outliving this process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'

export interface LabChild {
  readonly pid: number | undefined
  /** True once the program is gone, whoever ended it. */
  readonly ended: boolean
  /** The last lines of what it wrote. */
  logTail(): string
  signal(name: NodeJS.Signals): void
  /** SIGTERM, and SIGKILL when that does not end it soon. */
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
    // A stopped process (SIGSTOP) sees the signal only when it goes on.
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
 * A shell that waits on a pipe of ours: however this process ends, the pipe closes and the shell kills the child.
 * An exit handler would not run when a test worker is killed. Returns what calls the watch off.
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
