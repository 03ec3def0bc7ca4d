/** Gets the files that a verified role declares: from the cache if it holds exactly these bytes, else from the server. */
import { hex } from '../../bytes.js'
import type { CachedCollection } from '../../cache/metadata-store.js'
import { checkHashes } from '../../crypto/hash.js'
import { type ErrorDetails, UnavailableError, UntrustedError } from '../../errors.js'
import type { FileMeta } from '../../metadata/model.js'
import type { Budget } from '../../trust/budget.js'
import { tooLarge } from '../../trust/refusals.js'
import { MAX_SNAPSHOT_BYTES, MAX_TARGETS_BYTES } from './limits.js'
import type { ServerFiles } from './server-files.js'

/** Files of one collection during one refresh. */
export class DeclaredFiles {
  readonly #gun: string
  readonly #cached: CachedCollection
  readonly #server: ServerFiles
  readonly #budget: Budget
  readonly #started = new Map<string, Promise<Uint8Array>>()

  constructor(gun: string, cached: CachedCollection, server: ServerFiles, budget: Budget) {
    this.#gun = gun
    this.#cached = cached
    this.#server = server
    this.#budget = budget
  }

  /** Starts to get a file that will be needed. A later call of `declared` returns it, or reports that it is too large. */
  prefetch(role: string, meta: FileMeta): void {
    try {
      void this.declared(role, meta)
    } catch (cause) {
      if (!(cause instanceof UntrustedError)) throw cause
    }
  }

  /**
   * The file that a verified role declares. The same file is asked for once.
   *
   * Rejects with UnavailableError ERR_METADATA_MISSING, ERR_OFFLINE and those of the transport, UntrustedError
   * ERR_METADATA_TOO_LARGE when more comes than was declared.
   *
   * @throws UntrustedError ERR_METADATA_TOO_LARGE at once, and nothing is asked, when the declared length exceeds a limit
   */
  declared(role: string, meta: FileMeta): Promise<Uint8Array> {
    const name = fileName(role, meta)
    const known = this.#started.get(name)
    if (known !== undefined) return known
    this.#checkLength(role, meta.length)
    const started = this.#get(role, name, meta)
    started.catch(() => undefined) // the caller gets the error
    this.#started.set(name, started)
    return started
  }

  /** Counts the length, whether the file comes from the cache or from the server. */
  #checkLength(role: string, length: number): void {
    const subject = { gun: this.#gun, role }
    const limit = role === 'snapshot' ? MAX_SNAPSHOT_BYTES : MAX_TARGETS_BYTES
    if (!(length <= limit))
      throw tooLarge(subject, `${length} bytes declared, at most ${limit} are read`, { declared: length, limit })
    this.#budget.spend('bytes', length, subject)
  }

  async #get(role: string, name: string, meta: FileMeta): Promise<Uint8Array> {
    const cached = this.#cached.metadata.get(role)
    if (cached !== undefined && isDeclared(cached, meta)) return cached
    const guess = await this.#server.guessed(role)?.catch(() => undefined)
    if (guess !== undefined && isDeclared(guess, meta)) return guess
    if (guess !== undefined) {
      this.#server.wrongGuess(role, guess.length)
      this.#budget.spend('bytes', guess.length, { gun: this.#gun, role })
    }
    const file = await this.#server.ask(name, meta.length)
    if (file === undefined) throw missing(this.#gun, role, name)
    return file
  }
}

function isDeclared(file: Uint8Array, { length, hashes }: FileMeta): boolean {
  return file.length === length && checkHashes(file, hashes) === undefined
}

/** The name that the server gives a file with these hashes. Source: notary 0.7.0 utils/consistent_name.go. */
function fileName(role: string, { hashes }: FileMeta): string {
  return hashes.sha256 === undefined ? role : `${role}.${hex(hashes.sha256)}`
}

/** The error for a file that the server should have. */
export function missing(gun: string, role: string, name: string, details: ErrorDetails = {}): UnavailableError {
  return new UnavailableError(
    'ERR_METADATA_MISSING',
    `trust data missing for remote repository ${gun} or remote repository not found: the server has no ${name}`,
    { ...details, gun, role },
  )
}
