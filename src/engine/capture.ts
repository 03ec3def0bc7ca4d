/** Runs docker for what it prints: in the background, within limits. */
import { execFile } from 'node:child_process'
import type { EngineOptions } from './engine.js'

/** Bytes of output. Stops a program that prints without end from filling memory. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024

/** What a program printed. */
export interface Captured {
  /** 1 when it could not be run, was ended, or printed too much. */
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs docker to its end, at most `patience` milliseconds. Rejects only when the signal aborts. */
export async function capture(
  { program, globals = [], env, signal }: EngineOptions,
  args: readonly string[],
  { patience, input = '' }: { readonly patience: number; readonly input?: string },
): Promise<Captured> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const limits = { env, maxBuffer: MAX_OUTPUT_BYTES, timeout: patience, signal }
    const child = execFile(program, [...globals, ...args], limits, (cause, stdout, stderr) => {
      if (signal.aborted) reject(signal.reason)
      else resolve({ status: cause === null ? 0 : typeof cause.code === 'number' ? cause.code : 1, stdout, stderr })
    })
    // A program that does not read its input closes it.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}
