/**
 * What the program says. Standard output is for programs: answers only. Standard error is for people: errors, hints,
 * warnings, each on one line that begins with `dct: `.
 */
import type { Warning } from '../client/results.js'
import { type ErrorKind, printable, type TrustError } from '../errors.js'
import type { CommandLine } from './arguments.js'
import { EXIT, type Io } from './io.js'

const STATUS: Readonly<Record<ErrorKind, number>> = { untrusted: 1, usage: EXIT.usage, unsigned: 3, stale: 4, unavailable: 5 }

/** The mostSevere first. */
const SEVERITY: readonly number[] = [2, 1, 4, 3, 5]

/** Nothing is remembered, so every later run is a first use: to be silent about that would hide it for good. */
const UNWRITABLE = 'WARN_CACHE_UNWRITABLE'

/** The exit status for an error. */
export function exitStatus(error: TrustError): number {
  return STATUS[error.kind]
}

/** The mostSevere of several exit statuses. */
export function mostSevere(statuses: readonly number[]): number {
  return SEVERITY.find((status) => statuses.includes(status)) ?? EXIT.ok
}

/** As the library writes it into hints. */
const CACHE_COMMAND = /\bdct cache (?:verify|forget) (?:[A-Za-z0-9._:/-]+|<GUN>)/g

/** Quoted for a shell where that is needed. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** Lines for people, as `--quiet` and `--verbose` allow. */
export class Speaker {
  readonly #io: Io
  readonly #quiet: boolean
  readonly #verbose: boolean
  /** The options that say where the cache is, as they would be typed again. */
  readonly #cacheOptions: string
  readonly #said = new Set<string>()

  constructor(io: Io, { values }: CommandLine) {
    this.#io = io
    const folders = { '--trust-dir': values['trust-dir'], '--config': values.config }
    this.#cacheOptions = Object.entries(folders)
      .map(([option, folder]) => (folder === undefined ? '' : ` ${option} ${shellWord(folder)}`))
      .join('')
    this.#quiet = values.quiet ?? false
    this.#verbose = (values.verbose ?? false) || io.terminal
  }

  error(error: TrustError, about?: string): void {
    // Behind all that is cut: scripts and people look for the code.
    this.#line(`error: ${about === undefined ? '' : `${about}: `}${error.message}`, ` (${error.code})`)
    if (!this.#quiet) this.#line(`hint: ${this.#hint(error)}`)
  }

  /** What failed, for `--json`; `subject` says what was asked. */
  failed(subject: Readonly<Record<string, string>>, error: TrustError): void {
    this.json({ status: 'failed', ...subject, error: { ...error.toJSON(), hint: this.#hint(error) } })
  }

  /** What concerns the machine is the same for every answer: said once, and one of it even with `--quiet`. */
  warning({ code, message }: Pick<Warning, 'message'> & { readonly code?: Warning['code'] }): void {
    if (this.#quiet && code !== UNWRITABLE) return
    if (code === UNWRITABLE || code === 'WARN_NO_CONFIG_FOLDER') {
      if (this.#said.has(message)) return
      this.#said.add(message)
    }
    this.#line(`warning: ${message}`)
  }

  /** For people, whether they asked for it or not. */
  note(text: string): void {
    if (!this.#quiet) this.#line(text)
  }

  /** Only for a person who reads along, or who asked for it. */
  summary(text: string): void {
    if (!this.#quiet && this.#verbose) this.#line(text)
  }

  /** Said whatever the options. */
  always(text: string): void {
    this.#line(text)
  }

  /** One JSON object on a line of its own on standard output. */
  json(value: unknown): void {
    this.#io.out(`${JSON.stringify(value)}\n`)
  }

  /** One line of answer on standard output. */
  answer(text: string): void {
    this.#io.out(`${text}\n`)
  }

  /** Commands that a hint names work on the cache that this run has used. */
  #hint({ hint }: TrustError): string {
    return hint.replace(CACHE_COMMAND, (command) => `${command}${this.#cacheOptions}`)
  }

  #line(text: string, end = ''): void {
    this.#io.err(`dct: ${printable(text)}${end}\n`)
  }
}
