/** Runs the program inside the test, with everything it touches given. */
import { run } from '../../src/cli/main.js'

export interface Ran {
  readonly status: number
  readonly out: string
  readonly err: string
}

export interface World {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly stdin?: string | AsyncIterable<string>
  readonly terminal?: boolean
  readonly typed?: boolean
  readonly columns?: number
  /** Of the terminal that standard output is; absent when it is none. */
  readonly screenColumns?: number
  /** Is given all that is written, as a terminal that shows both streams. */
  readonly screen?: (text: string) => void
  readonly now?: Date
  readonly signal?: AbortSignal
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text)
}

export async function runProgram(argv: readonly string[], world: World = {}): Promise<Ran> {
  let out = ''
  let err = ''
  const { now, stdin = '', screenColumns } = world
  const status = await run(argv, {
    env: world.env ?? {},
    out: (text) => {
      out += text
      world.screen?.(text)
    },
    err: (text) => {
      err += text
      world.screen?.(text)
    },
    stdin: typeof stdin === 'string' ? bytesOf(stdin) : stdin,
    terminal: world.terminal ?? false,
    typed: world.typed ?? false,
    columns: () => world.columns,
    ...(screenColumns === undefined ? {} : { screen: { columns: () => screenColumns } }),
    signal: world.signal ?? new AbortController().signal,
    ...(now === undefined ? {} : { now: () => now }),
  })
  return { status, out, err }
}
