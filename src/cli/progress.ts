/**
 * One line on a terminal that shows the current step of a long run. All other output of the program goes through `io`, which
 * erases the line before it writes; the next tick draws it again.
 */
import type { TrustEvent } from '../client/events.js'
import { printable } from '../printable.js'
import { describeEvent } from './events.js'
import type { Io } from './io.js'
import type { CommandLine } from './options.js'
import { columnsOf, cutEnd } from './width.js'

/** Milliseconds before anything is drawn. Stops flicker on runs that are shorter. */
const PATIENCE = 500

/** Milliseconds between two redraws. Stops many events from flooding a slow terminal. */
const TICK = 100

/** Back to the start of the line, and the line erased to its end. */
const ERASE = '\r\u001b[K'

/** Starts the timer. Draws nothing without a terminal that can erase a line, and nothing with `--quiet`. */
export function startProgress(io: Io, { values }: Pick<CommandLine, 'values'>): Progress {
  const isDrawn = io.terminal && values.quiet !== true && io.env['TERM'] !== 'dumb'
  return new Progress(io, isDrawn)
}

export class Progress implements Disposable {
  /** Use this one for all output: it erases the line first. */
  readonly io: Io
  /** Number of references. With several the line counts those that are done. */
  total = 1
  done = 0
  readonly #raw: Io
  #what = 'starting'
  #drawn = ''
  readonly #started = performance.now()
  #timer: NodeJS.Timeout | undefined

  constructor(io: Io, isDrawn: boolean) {
    this.#raw = io
    if (!isDrawn) {
      this.io = io
      return
    }
    const erasing = (write: (text: string) => void) => (text: string) => {
      this.#erase()
      write(text)
    }
    this.io = { ...io, out: erasing(io.out), err: erasing(io.err) }
    if (io.signal.aborted) return
    io.signal.addEventListener('abort', this.#end)
    this.#timer = setInterval(() => this.#tick(), TICK).unref()
  }

  /** Listens to the events of the client. */
  readonly tell = (event: TrustEvent): void => {
    if (event.type === 'cache' && event.action === 'read') this.#what = `verifying ${event.gun}`
    if (event.type === 'request' || event.type === 'retry' || event.type === 'auth' || event.type === 'stale')
      this.#what = describeEvent(event) ?? this.#what
  };

  [Symbol.dispose](): void {
    this.#end()
  }

  readonly #end = (): void => {
    clearInterval(this.#timer)
    this.#raw.signal.removeEventListener('abort', this.#end)
    this.#erase()
  }

  #tick(): void {
    if (performance.now() - this.#started < PATIENCE) return
    const count = this.total > 1 ? `${this.done} of ${this.total}, ` : ''
    const line = cutEnd(`dct: ${count}${printable(this.#what)}`, columnsOf(this.#raw))
    if (line === this.#drawn) return
    this.#raw.err(`${ERASE}${line}`)
    this.#drawn = line
  }

  #erase(): void {
    if (this.#drawn !== '') this.#raw.err(ERASE)
    this.#drawn = ''
  }
}
