/** The built program, `dist/cli/bin.cjs`, as a child process with its own environment. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface DctRun {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
  readonly milliseconds: number
}

const program = fileURLToPath(new URL('../../../dist/cli/bin.cjs', import.meta.url))

/** Runs the program once. Of the user's environment it gets only PATH. */
export function runDct(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<DctRun> {
  if (!existsSync(program)) throw new Error(`${program} does not exist: run npm run build`)
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const path = process.env['PATH'] ?? ''
    execFile(process.execPath, [program, ...args], { env: { PATH: path, ...env }, timeout: 60_000 }, (error, stdout, stderr) => {
      const status = error === null ? 0 : error.code
      const milliseconds = performance.now() - started
      if (typeof status === 'number') resolve({ status, stdout, stderr, milliseconds })
      else reject(new Error(`dct ${args.join(' ')}: ${error?.message}: ${stderr}`))
    })
  })
}
