/** Environment, streams and signals, as an argument: tests and the demo run the program in their own process. */
import type { Environment } from '../client/settings/environment.js'

export interface Io {
  readonly env: Environment
  /** Text to standard output, newlines included. */
  readonly out: (text: string) => void
  /** Text to standard error, newlines included. */
  readonly err: (text: string) => void
  readonly stdin: AsyncIterable<Uint8Array | string>
  /** Whether a person reads standard error. */
  readonly terminal: boolean
  /** Whether a person types standard input. */
  readonly typed?: boolean
  /** Columns of the terminal at this moment. */
  readonly columns?: () => number | undefined
  /** The terminal that standard output is; absent when it is none. `columns` at this moment. */
  readonly screen?: { readonly columns: () => number | undefined }
  /** Aborted on Ctrl-C. */
  readonly signal: AbortSignal
  /** The file of the program, as it was started. */
  readonly program?: string
  /** From here on Ctrl-C is for another program, which has the terminal. */
  readonly leaveTerminal?: () => void
  /** Takes the place of the system clock, for tests and the demo; no option sets it. */
  readonly now?: () => Date
}

/** Exit statuses beside those of the error kinds; `unread` is a shell's word for SIGPIPE. */
export const EXIT = { ok: 0, usage: 2, internal: 70, interrupted: 130, unread: 141 } as const
