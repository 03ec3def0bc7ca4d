/** Repeats the failures of a list at its end, on a terminal: the errors themselves have scrolled away. */
import type { TrustError } from '../errors.js'
import { printable } from '../printable.js'
import type { Io } from './io.js'
import type { CommandLine } from './options.js'
import { columnsOf, cutMiddle } from './width.js'

export class Tally {
  readonly #failed: { readonly name: string; readonly code: string }[] = []
  #verified = 0
  #unverified = 0
  readonly #things: string

  /** `things` names what is counted: references, targets. */
  constructor(things: string) {
    this.#things = things
  }

  verified(): void {
    this.#verified++
  }

  /** Passed without a verification: content trust is off, or a digest is accepted as it is. */
  unverified(): void {
    this.#unverified++
  }

  failed(name: string, { code }: TrustError): void {
    this.#failed.push({ name, code })
  }

  /** Writes nothing for a single one, without a terminal, or with `--quiet`. */
  tell(io: Io, { values }: Pick<CommandLine, 'values'>): void {
    const all = this.#verified + this.#unverified + this.#failed.length
    if (all < 2 || !io.terminal || values.quiet === true) return
    const counts = [
      `${this.#verified} verified`,
      ...(this.#unverified === 0 ? [] : [`${this.#unverified} not verified`]),
      ...(this.#failed.length === 0 ? [] : [`${this.#failed.length} failed:`]),
    ]
    io.err(`dct: of ${all} ${this.#things} ${counts.join(', ')}\n`)
    const columns = columnsOf(io)
    for (const { name, code } of this.#failed) {
      const start = `dct:   ${code} `
      io.err(`${start}${cutMiddle(printable(name), columns - start.length)}\n`)
    }
  }
}
