/**
 * What the program says. Standard output is for programs: answers only. Standard error is for people: errors, hints,
 * warnings, each on one line that begins with `dct: `.
 */
import type { Warning } from '../client/results.js'
import { type ErrorKind, printable, type TrustError, type TrustErrorJson } from '../errors.js'
import { shellWord } from '../shell-word.js'
import { EXIT, type Io } from './io.js'
import type { CommandLine } from './options.js'

const STATUS: Readonly<Record<ErrorKind, number>> = { untrusted: 1, usage: EXIT.usage, unsigned: 3, stale: 4, unavailable: 5 }

/** The most severe first. */
const SEVERITY: readonly number[] = [2, 1, 4, 3, 5]

/** Reported even with `--quiet`: without a cache every run is a first use, and nothing else would tell. */
const UNWRITABLE = 'WARN_CACHE_UNWRITABLE'

/** The exit status for an error. */
export function exitStatus(error: TrustError): number {
  return STATUS[error.kind]
}

/** The most severe of several exit statuses; 0 when there is none. */
export function mostSevere(statuses: readonly number[]): number {
  return SEVERITY.find((status) => statuses.includes(status)) ?? EXIT.ok
}

/** Commands in hints of the library that work on the cache. */
const CACHE_COMMAND = /\bdct cache (?:verify|forget) (?:[A-Za-z0-9._:/][A-Za-z0-9._:/-]*|<GUN>)/g

/** Writes answers, and the lines for people that `--quiet` and `--verbose` allow. */
export class Speaker {
  readonly #io: Io
  readonly #quiet: boolean
  readonly #verbose: boolean
  /** The options of this run that say where the cache is, as they are typed. */
  readonly #cacheOptions: string
  readonly #said = new Set<string>()

  constructor(io: Io, { values }: Pick<CommandLine, 'values'>) {
    this.#io = io
    const folders = { '--trust-dir': values['trust-dir'], '--config': values.config }
    this.#cacheOptions = Object.entries(folders)
      .map(([option, folder]) => (folder === undefined ? '' : ` ${option} ${shellWord(folder)}`))
      .join('')
    this.#quiet = values.quiet ?? false
    this.#verbose = (values.verbose ?? false) || io.terminal
  }

  error(error: TrustError, about?: string): void {
    // The code is never cut off: scripts and people look for it.
    this.#line(`error: ${about === undefined ? '' : `${about}: `}${error.message}`, ` (${error.code})`)
    if (!this.#quiet) this.#line(`hint: ${this.#hint(error)}`)
  }

  /** A failure, for `--json`; `subject` says what was asked. */
  failed(subject: Readonly<Record<string, string>>, error: TrustError): void {
    this.json({ status: 'failed', ...subject, error: this.errorJson(error) })
  }

  /** An error, for `--json`. */
  errorJson(error: TrustError): TrustErrorJson {
    return { ...error.toJSON(), hint: this.#hint(error) }
  }

  /** An error that a policy lets pass: said even with `--quiet`, since no answer says it. */
  permitted(text: string, error: TrustError): void {
    this.#line(`warning: ${text}: ${error.message}`, ` (${error.code})`)
    if (!this.#quiet) this.#line(`hint: ${this.#hint(error)}`)
  }

  /** A warning about the machine is the same for every answer, and is written once. */
  warning({ code, message }: Pick<Warning, 'message'> & { readonly code?: Warning['code'] }): void {
    if (this.#quiet && code !== UNWRITABLE) return
    if (code === UNWRITABLE || code === 'WARN_NO_CONFIG_FOLDER') {
      if (this.#said.has(message)) return
      this.#said.add(message)
    }
    this.#line(`warning: ${message}`)
  }

  /** A line for people. */
  note(text: string): void {
    if (!this.#quiet) this.#line(text)
  }

  /** A line for people at a terminal, or with `--verbose`. */
  summary(text: string): void {
    if (!this.#quiet && this.#verbose) this.#line(text)
  }

  /** A line that no option turns off. */
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

  /** Adds the options of this run to commands in a hint, so that they work on the same cache. */
  #hint({ hint }: TrustError): string {
    return hint.replace(CACHE_COMMAND, (command) => `${command}${this.#cacheOptions}`)
  }

  #line(text: string, end = ''): void {
    this.#io.err(`dct: ${printable(text)}${end}\n`)
  }
}
