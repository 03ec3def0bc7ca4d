/** Keeps manifests that were checked. A digest always means the same bytes, so an entry never gets old. */
import type { Manifest } from '../registry/registry-client.js'

/** Bytes of all manifests that are kept: bounds the memory of a service that many images are asked of. */
const MAX_KEPT_BYTES: number = 64 * 1024 * 1024

/** Bytes that an entry takes beside its manifest. */
const ENTRY_BYTES = 512

/** The least recently used go first. */
export class ManifestCache {
  readonly #maxBytes: number
  readonly #kept = new Map<string, Manifest>()
  readonly #running = new Map<string, Promise<Manifest | undefined>>()
  #bytes = 0
  #hits = 0
  #misses = 0

  constructor(maxBytes: number = MAX_KEPT_BYTES) {
    this.#maxBytes = maxBytes
  }

  /** Bytes that are kept now. */
  get bytes(): number {
    return this.#bytes
  }

  /** Requests that were answered without the registry. */
  get hits(): number {
    return this.#hits
  }

  /** Requests for which the registry was asked, or a running request shared. */
  get misses(): number {
    return this.#misses
  }

  /**
   * The manifest under this key, else what `fetch` finds. Callers that ask at the same time share one `fetch`. "Not there" and
   * errors are not kept.
   */
  async get(key: string, fetch: () => Promise<Manifest | undefined>): Promise<Manifest | undefined> {
    const kept = this.#kept.get(key)
    if (kept !== undefined) {
      this.#kept.delete(key)
      this.#kept.set(key, kept)
      this.#hits += 1
      return kept
    }
    this.#misses += 1
    return this.#running.get(key) ?? this.#fetch(key, fetch)
  }

  #fetch(key: string, fetch: () => Promise<Manifest | undefined>): Promise<Manifest | undefined> {
    const running = fetch()
      .then((manifest) => {
        if (manifest !== undefined) this.#keep(key, manifest)
        return manifest
      })
      .finally(() => this.#running.delete(key))
    this.#running.set(key, running)
    return running
  }

  #keep(key: string, manifest: Manifest): void {
    this.#kept.set(key, manifest)
    this.#bytes += sizeOf(manifest)
    for (const [oldest, least] of this.#kept) {
      if (this.#bytes <= this.#maxBytes) break
      this.#kept.delete(oldest)
      this.#bytes -= sizeOf(least)
    }
  }
}

function sizeOf({ bytes }: Manifest): number {
  return bytes.length + ENTRY_BYTES
}
