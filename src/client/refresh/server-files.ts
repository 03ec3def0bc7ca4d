/** What one refresh asks of the server: every file once, and some before it is known whether they are needed. */
import { UnavailableError } from '../../errors.js'
import type { Budget } from '../../trust/budget.js'
import type { Transport } from '../../trust-server/transport.js'
import type { CollectionEvent } from '../events.js'
import { MAX_GUESS_BYTES } from './limits.js'

/** The bytes of a file, or undefined when the server has none. */
type Answer = Promise<Uint8Array | undefined>

/** A file asked for early, and its length once it is there. */
interface Guess {
  readonly answer: Answer
  bytes?: number
}

/** What a refresh asks with. */
export interface ServerFilesOptions {
  readonly gun: string
  /** Undefined: offline. */
  readonly transport: Transport | undefined
  /** Ends the network work, and guesses that were not used. */
  readonly signal: AbortSignal
  readonly tell: (event: CollectionEvent) => void
}

/** The server, for one refresh of one collection. */
export class ServerFiles {
  readonly #options: ServerFilesOptions
  readonly #asked = new Map<string, Answer>()
  readonly #guesses = new Map<string, Guess>()

  constructor(options: ServerFilesOptions) {
    this.#options = options
  }

  /**
   * A file by its name on the server; the same name is asked for once.
   *
   * @throws UnavailableError ERR_OFFLINE and those of the transport
   * @throws UntrustedError ERR_METADATA_TOO_LARGE
   */
  ask(name: string, maxBytes: number): Answer {
    return this.#asked.get(name) ?? this.askAgain(name, maxBytes)
  }

  /** The same, whatever was answered before. */
  askAgain(name: string, maxBytes: number): Answer {
    const guess = this.guessed(name)
    const answer = guess === undefined ? this.#fetch(name, maxBytes, false) : this.#guessOr(guess, name, maxBytes)
    answer.catch(() => undefined) // the caller gets the error
    this.#asked.set(name, answer)
    return answer
  }

  /** Asks for a file that will most likely be needed. A wrong guess costs at most MAX_GUESS_BYTES, and nothing else. */
  guess(name: string): void {
    const guess: Guess = { answer: this.#fetch(name, MAX_GUESS_BYTES, true) }
    guess.answer.then(
      (file) => {
        if (file !== undefined) guess.bytes = file.length
      },
      () => undefined,
    )
    this.#guesses.set(name, guess)
  }

  /** Takes the guess of that name, once. It may have failed where asking would succeed. */
  guessed(name: string): Answer | undefined {
    const guess = this.#guesses.get(name)
    this.#guesses.delete(name)
    return guess?.answer
  }

  /** Tells that a guess was not used. */
  wrongGuess(name: string, bytes: number): void {
    this.#options.tell({ type: 'wrong-guess', gun: this.#options.gun, name, bytes })
  }

  /** Tells which guesses arrived and were not used. Call it at the end of the refresh. */
  tellUntaken(): void {
    for (const [name, { bytes }] of this.#guesses) if (bytes !== undefined) this.wrongGuess(name, bytes)
  }

  /** The guess, if it is within the limit of the request; guesses are asked for with another limit. */
  async #guessOr(guess: Answer, name: string, maxBytes: number): Answer {
    try {
      const file = await guess
      if (file === undefined || file.length <= maxBytes) return file
    } catch {
      // asked for once more below
    }
    return this.#fetch(name, maxBytes, false)
  }

  async #fetch(name: string, maxBytes: number, guess: boolean): Answer {
    const { gun, transport } = this.#options
    if (transport === undefined) {
      throw new UnavailableError(
        'ERR_OFFLINE',
        `trust data for ${gun} is not complete in the cache: ${name} is missing, and the client is offline`,
        { gun, role: name.split('.')[0] },
      )
    }
    return transport.fetchMetadata({ gun, name, maxBytes, signal: this.#options.signal, ...(guess ? { guess } : {}) })
  }
}

/** The answer, with the bytes of the file counted when it arrives: no role declares the length of such a file. */
export function counted(budget: Budget, subject: { readonly gun: string; readonly role: string }, answer: Answer): Answer {
  const result = answer.then((file) => {
    if (file !== undefined) budget.spend('bytes', file.length, subject)
    return file
  })
  result.catch(() => undefined) // the caller gets the error
  return result
}
