/** Where the files of one refresh come from: the cache when it holds the very bytes that are wanted, else the server. */

import { hex } from '../bytes.js'
import type { CachedCollection } from '../cache/metadata-store.js'
import { checkHashes } from '../crypto/hash.js'
import { type ErrorDetails, UnavailableError } from '../errors.js'
import type { FileMeta } from '../metadata/model.js'
import type { Transport } from '../transport/transport.js'
import { tooLarge } from '../trust/refusals.js'
import { MAX_SNAPSHOT_BYTES, MAX_TARGETS_BYTES } from './limits.js'

/** Files of one collection during one refresh. */
export class FileSource {
  readonly #gun: string
  readonly #cached: CachedCollection
  readonly #transport: Transport | undefined
  readonly #signal: AbortSignal
  readonly #started = new Map<string, Promise<Uint8Array>>()

  /** Without a transport it is offline. */
  constructor(gun: string, cached: CachedCollection, transport: Transport | undefined, signal: AbortSignal) {
    this.#gun = gun
    this.#cached = cached
    this.#transport = transport
    this.#signal = signal
  }

  /** Asks the server for a file that nothing declares; undefined when it has none. */
  async fetch(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    if (this.#transport === undefined) throw this.#offline(name)
    return this.#transport.fetchMetadata({ gun: this.#gun, name, maxBytes, signal: this.#signal })
  }

  /** Starts to get a file that will be wanted; `declared` takes it up. */
  prefetch(role: string, meta: FileMeta): void {
    this.declared(role, meta).catch(() => undefined) // whoever wants it gets the error
  }

  /**
   * The file that a verified role declares. The same file is asked for once.
   *
   * @throws UnavailableError ERR_METADATA_MISSING, ERR_OFFLINE and those of the transport
   * @throws UntrustedError ERR_METADATA_TOO_LARGE
   */
  declared(role: string, meta: FileMeta): Promise<Uint8Array> {
    const name = fileName(role, meta)
    const started = this.#started.get(name) ?? this.#get(role, name, meta)
    this.#started.set(name, started)
    return started
  }

  async #get(role: string, name: string, meta: FileMeta): Promise<Uint8Array> {
    const cached = this.#cached.metadata.get(role)
    if (cached?.length === meta.length && checkHashes(cached, meta.hashes) === undefined) return cached
    const limit = role === 'snapshot' ? MAX_SNAPSHOT_BYTES : MAX_TARGETS_BYTES
    if (meta.length > limit) {
      throw tooLarge({ gun: this.#gun, role }, `${meta.length} bytes declared, at most ${limit} are read`, {
        declared: meta.length,
        limit,
      })
    }
    const file = await this.fetch(name, meta.length)
    if (file === undefined) throw missing(this.#gun, role, name)
    return file
  }

  #offline(name: string): UnavailableError {
    return new UnavailableError(
      'ERR_OFFLINE',
      `trust data for ${this.#gun} is not complete in the cache: ${name} is missing, and the client is offline`,
      { gun: this.#gun, role: name.split('.')[0] },
    )
  }
}

/** What the server calls a file with these hashes. Source: notary 0.7.0 utils/consistent_name.go. */
function fileName(role: string, { hashes }: FileMeta): string {
  return hashes.sha256 === undefined ? role : `${role}.${hex(hashes.sha256)}`
}

/** A file that should be there. */
export function missing(gun: string, role: string, name: string, details: ErrorDetails = {}): UnavailableError {
  return new UnavailableError(
    'ERR_METADATA_MISSING',
    `trust data missing for remote repository ${gun} or remote repository not found: the server has no ${name}`,
    { ...details, gun, role },
  )
}
