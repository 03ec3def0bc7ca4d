/** Keeps manifests that were checked. Their bytes never change, but a client may lose the right to fetch them: so entries have an age. */
import type { Manifest } from '../registry/registry-client.js'

/** Bytes of all manifests that are kept: bounds the memory of a service that many images are asked of. */
const MAX_KEPT_BYTES: number = 64 * 1024 * 1024

/** Bytes that an entry takes beside its manifest. */
const ENTRY_BYTES = 512

interface Kept {
  readonly manifest: Manifest
  readonly since: number
}

/** The least recently used go first. */
export class ManifestCache {
  readonly #maxBytes: number
  readonly #now: () => number
  readonly #kept = new Map<string, Kept>()
  readonly #running = new Map<string, Promise<Manifest | undefined>>()
  #bytes = 0
  #hits = 0
  #misses = 0

  constructor(maxBytes: number = MAX_KEPT_BYTES, now: () => number = () => performance.now()) {
    this.#maxBytes = maxBytes
    this.#now = now
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
   * The manifest under this key if it was fetched within `maxAgeMs`, else what `fetch` finds. Callers that ask at the same time share one
   * `fetch`. "Not there" and errors are not kept.
   */
  async get(key: string, maxAgeMs: number, fetch: () => Promise<Manifest | undefined>): Promise<Manifest | undefined> {
    const kept = this.#take(key)
    if (kept !== undefined && this.#now() - kept.since < maxAgeMs) {
      this.#put(key, kept)
      this.#hits += 1
      return kept.manifest
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
    this.#take(key)
    this.#put(key, { manifest, since: this.#now() })
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.#take(oldest)
    }
  }

  #put(key: string, kept: Kept): void {
    this.#kept.set(key, kept)
    this.#bytes += sizeOf(kept.manifest)
  }

  #take(key: string): Kept | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    this.#kept.delete(key)
    this.#bytes -= sizeOf(kept.manifest)
    return kept
  }
}

function sizeOf({ bytes }: Manifest): number {
  return bytes.length + ENTRY_BYTES
}
