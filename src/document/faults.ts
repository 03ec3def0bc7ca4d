/** What is wrong with a configuration file: every fault with its place, and the error that they become. */
import { type Evidence, UsageError } from '../errors.js'
import type { Place } from './document.js'

/** Faults of one file that are kept: a broken generator must not fill memory or screen. */
const MAX_FAULTS = 100

/** Faults that the evidence of an error lists. */
const MAX_TOLD = 20

/** One thing that is wrong. */
export interface Fault extends Place {
  /** As in `rules[3].match`; empty for the whole file. */
  readonly path: string
  readonly problem: string
  /** What to write instead. */
  readonly hint: string
}

/** Collects the faults of one file. */
export class Faults {
  /** What the file is: `lockfile`, `policy`. */
  readonly what: string
  /** Its name, as messages show it. */
  readonly file: string
  readonly #list: Fault[] = []
  #count = 0

  constructor(what: string, file: string) {
    this.what = what
    this.file = file
  }

  /** In the order of the file. */
  get list(): readonly Fault[] {
    return this.#list.toSorted((one, other) => one.line - other.line || one.column - other.column)
  }

  get any(): boolean {
    return this.#count > 0
  }

  /** How many there are; `list` keeps the first MAX_FAULTS. */
  get count(): number {
    return this.#count
  }

  /** Always undefined, so that a rule can end in it. */
  add(at: { readonly path: string; readonly place: Place }, problem: string, hint: string): undefined {
    this.#count++
    if (this.#list.length < MAX_FAULTS) this.#list.push({ path: at.path, ...at.place, problem, hint })
  }

  /** The first fault as the message, all of them as evidence: ERR_SETTINGS_INVALID. */
  error(cause?: unknown): UsageError {
    const [first = { line: 1, column: 1, path: '', problem: 'cannot be read', hint: `See what it is: the ${this.what}` }] =
      this.list
    const { line, column, path, problem, hint } = first
    const more = this.#count > 1 ? ` (and ${this.#count - 1} more)` : ''
    const where = line === 0 ? this.file : `${this.file}:${line}:${column}`
    const message = `${this.what} ${where}: ${path === '' ? '' : `${path}: `}${problem}${more}`
    const evidence: Evidence = { file: this.file, line, column, path, faults: this.list.slice(0, MAX_TOLD).map(faultLine) }
    return new UsageError('ERR_SETTINGS_INVALID', message, { hint, evidence, cause })
  }
}

/** `12:5: rules[3].match: problem`; without a place where there is no file. */
function faultLine({ line, column, path, problem }: Fault): string {
  return `${line === 0 ? '' : `${line}:${column}: `}${path === '' ? '' : `${path}: `}${problem}`
}
