/** Runs a program without a shell and keeps what it prints. */
import { spawn } from 'node:child_process'
import { describeCause } from '../errors.js'

/** Bytes that are kept of a program's output, the last ones. Stops a program that never ends from filling memory. */
const MAX_OUTPUT = 64 * 1024

/** Milliseconds that a program has to end by itself before it is killed. */
const PATIENCE_AFTER_STOP = 5_000

/** How a program is run. */
export interface CaptureOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  /** Milliseconds; then the program is told to end. */
  readonly timeout: number
}

/** A program that ended, or that could not be started. */
export type Captured =
  | { readonly status: number; readonly output: string }
  | { readonly status: undefined; readonly output: string; readonly reason: string }

/** Runs a program. Rejects with the reason of the signal alone. */
export async function runCaptured(program: string, args: readonly string[], options: CaptureOptions): Promise<Captured> {
  const { env, signal, timeout } = options
  signal.throwIfAborted()
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = Buffer.alloc(0)
  const keep = (chunk: Buffer) => {
    output = Buffer.concat([output, chunk]).subarray(-MAX_OUTPUT)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  let killer: NodeJS.Timeout | undefined
  let isLate = false
  const stop = () => {
    child.kill('SIGTERM')
    killer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_AFTER_STOP)
  }
  const timer = setTimeout(() => {
    isLate = true
    stop()
  }, timeout)
  signal.addEventListener('abort', stop)
  try {
    return await new Promise<Captured>((resolve) => {
      const text = () => output.toString('utf8')
      child.once('error', (cause) => {
        const isMissing = 'code' in cause && cause.code === 'ENOENT'
        resolve({ status: undefined, output: text(), reason: isMissing ? 'there is no such program' : describeCause(cause) })
      })
      child.once('close', (status, name) => {
        if (status !== null) resolve({ status, output: text() })
        else
          resolve({
            status: undefined,
            output: text(),
            reason: isLate ? `it did not end within ${timeout / 1000} s` : `it was ended by ${name}`,
          })
      })
    })
  } finally {
    clearTimeout(timer)
    clearTimeout(killer)
    signal.removeEventListener('abort', stop)
    signal.throwIfAborted()
  }
}
