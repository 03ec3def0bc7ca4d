/** Runs the program inside the test, with everything it touches given. */
import { run } from '../../src/cli/main.js'

export interface Ran {
  readonly status: number
  readonly out: string
  readonly err: string
}

export interface World {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly stdin?: string
  readonly terminal?: boolean
  readonly now?: Date
  readonly signal?: AbortSignal
}

export async function runProgram(argv: readonly string[], world: World = {}): Promise<Ran> {
  let out = ''
  let err = ''
  const { now, stdin = '' } = world
  const status = await run(argv, {
    env: world.env ?? {},
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    stdin: (async function* () {
      yield new TextEncoder().encode(stdin)
    })(),
    terminal: world.terminal ?? false,
    signal: world.signal ?? new AbortController().signal,
    ...(now === undefined ? {} : { now: () => now }),
  })
  return { status, out, err }
}
