/**
 * One refresh of one collection: cache and server -> a verified set, or an error and an untouched cache.
 *
 *   root        the cached one, else the server's; then every newer version, one at a time
 *   timestamp   always asked of the server; the cached one only when the server gave no usable answer
 *   snapshot, targets, delegations   by the hashes that the role above names; cache first
 *   cache       written once, after all of it verified
 *
 * Source: TUF 1.0.33 section 5; notary 0.7.0 client/tufclient.go.
 */
import { sameBytes } from '../bytes.js'
import type { CachedCollection, MetadataStore } from '../cache/metadata-store.js'
import { describeCause, StaleError, TrustError, UnavailableError, UnsignedError, UntrustedError } from '../errors.js'
import type { TrustServer } from '../transport/notary-url.js'
import type { Transport } from '../transport/transport.js'
import { raiseFloors } from '../trust/cached-floors.js'
import type { LoadContext } from '../trust/load.js'
import type { TrustPinning } from '../trust/pinning.js'
import { RootChain } from '../trust/root-chain.js'
import type { TargetsStage } from '../trust/targets-stage.js'
import { RootStage, type TimestampStage } from '../trust/trusted-metadata-set.js'
import { decodeFloors, encodeFloors, type FloorRecord } from '../trust/version-floors.js'
import { FileSource, missing } from './file-source.js'
import { MAX_ROOT_BYTES, MAX_ROOT_ROTATIONS, MAX_TIMESTAMP_BYTES } from './limits.js'
import type { Freshness, Warning } from './results.js'
import { staleWarning } from './warnings.js'

/** What is refreshed, with what. */
export interface RefreshRequest {
  readonly gun: string
  /** How people call it, for messages. */
  readonly familiarName: string
  readonly server: TrustServer
  /** Undefined: offline. */
  readonly transport: Transport | undefined
  readonly store: MetadataStore
  readonly pinning: TrustPinning
  readonly staleFallback: 'warn' | 'refuse'
  /** Milliseconds since 1970. */
  readonly now: number
  /** Ends the network work. */
  readonly deadline: AbortSignal
}

/** A verified set, and how it was come by. */
export interface Refreshed {
  readonly stage: TargetsStage
  readonly freshness: Freshness
  readonly warnings: readonly Warning[]
}

/** The server gave no usable answer where the cache may stand in. */
class NoAnswer extends Error {
  override readonly cause: UnavailableError
  constructor(cause: UnavailableError) {
    super(cause.message)
    this.cause = cause
  }
}

/** @throws TrustError of any kind */
export async function refresh(request: RefreshRequest): Promise<Refreshed> {
  return new Refresh(request, await readCache(request)).run()
}

async function readCache({ store, gun }: RefreshRequest): Promise<CachedCollection> {
  try {
    return await store.read(gun)
  } catch (cause) {
    throw new UnavailableError('ERR_CACHE', `the cache of ${gun} cannot be read: ${describeCause(cause)}`, { gun, cause })
  }
}

class Refresh {
  readonly #request: RefreshRequest
  readonly #cached: CachedCollection
  readonly #files: FileSource
  readonly #warnings: Warning[] = []
  readonly #record: FloorRecord
  readonly #cachedRoot: RootChain | undefined
  readonly #context: LoadContext

  constructor(request: RefreshRequest, cached: CachedCollection) {
    const { gun, now, transport, deadline } = request
    this.#request = request
    this.#cached = cached
    this.#files = new FileSource(gun, cached, transport, deadline)
    this.#record = this.#readFloors()
    this.#cachedRoot = this.#readRoot()
    const floors =
      this.#cachedRoot === undefined
        ? this.#record.floors
        : raiseFloors(gun, this.#cachedRoot.root, cached.metadata, this.#record.floors)
    this.#context = { gun, now, floors }
  }

  async run(): Promise<Refreshed> {
    const { transport } = this.#request
    if (transport === undefined) {
      const cause = new UnavailableError('ERR_OFFLINE', 'offline, as asked for', { gun: this.#request.gun })
      return this.#keep(await this.#fromCache(cause), 'offline')
    }
    try {
      return await this.#keep(await this.#fromServer(), 'fresh')
    } catch (cause) {
      if (!(cause instanceof NoAnswer)) throw cause
      if (this.#request.staleFallback === 'refuse') throw cause.cause
      return this.#keep(await this.#fromCache(cause.cause), 'stale')
    }
  }

  /** A cached root is the trust anchor: one that is there and does not verify is never silently replaced. */
  #readRoot(): RootChain | undefined {
    const { gun } = this.#request
    const file = this.#cached.metadata.get('root')
    const unreadable = this.#cached.unreadable.get('root')
    if (unreadable !== undefined) throw this.#spoiledCache(`its root is unreadable: ${unreadable}`)
    if (file === undefined) {
      const known = this.#cached.floors !== undefined || this.#cached.floorsUnreadable !== undefined
      if (known) throw this.#spoiledCache('its root is gone, though the collection was verified here before')
      return undefined
    }
    try {
      return RootChain.start(gun, file)
    } catch (cause) {
      if (cause instanceof UntrustedError) throw this.#spoiledCache(`its root does not verify: ${cause.message}`, cause)
      throw cause
    }
  }

  #spoiledCache(why: string, cause?: unknown): UnavailableError {
    const { gun } = this.#request
    return new UnavailableError('ERR_CACHE', `the cache of ${gun} cannot be relied on: ${why}`, {
      gun,
      role: 'root',
      cause,
      hint: 'The cached root is what the collection is recognised by. To start again, and trust whatever root the server then offers: dct cache forget <GUN>',
    })
  }

  #readFloors(): FloorRecord {
    const { gun } = this.#request
    const { floors, floorsUnreadable } = this.#cached
    const record = floors === undefined ? undefined : decodeFloors(floors, gun)
    if (record !== undefined) return record
    if (floors !== undefined || floorsUnreadable !== undefined) {
      this.#warn('WARN_CACHE_REPAIRED', `the version floors of ${gun} were unreadable and are rebuilt from the verified cache`)
    }
    return { gun, floors: new Map() }
  }

  /** The whole way over the network. @throws NoAnswer where the cache may stand in */
  async #fromServer(): Promise<TargetsStage> {
    const { gun } = this.#request
    const timestamp = this.#fetchTimestamp()
    timestamp.catch(() => undefined) // it is awaited below, after the roots
    const chain = await this.#walk(this.#cachedRoot ?? (await this.#firstRoot()))
    const file = (await timestamp) ?? (await this.#withoutTimestamp())
    try {
      return await this.#load(chain, file)
    } catch (cause) {
      if (isMissing(cause)) return this.#again(chain, file, cause)
      if (!asksForNewRoot(cause)) throw cause
      const newest = await this.#files.fetch('root', MAX_ROOT_BYTES).catch(() => undefined)
      const bridged = newest === undefined ? chain : chain.bridge(newest)
      if (bridged === chain) throw cause
      const fresh = await this.#fetchTimestamp()
      if (fresh === undefined) throw missing(gun, 'timestamp', 'timestamp', { cause })
      return this.#load(bridged, fresh)
    }
  }

  /** A publish between two of our requests takes away the files that the older timestamp leads to: one more try. */
  async #again(chain: RootChain, before: Uint8Array, cause: unknown): Promise<TargetsStage> {
    const file = await this.#fetchTimestamp()
    if (file === undefined || sameBytes(file, before)) throw cause
    return this.#load(chain, file)
  }

  /** The verified set that the cached timestamp leads to. */
  async #fromCache(cause: UnavailableError): Promise<TargetsStage> {
    const file = this.#cached.metadata.get('timestamp')
    const { origin } = this.#record
    if (
      this.#cachedRoot === undefined ||
      file === undefined ||
      (origin !== undefined && origin !== this.#request.server.url.href)
    ) {
      throw this.#noFallback(cause)
    }
    try {
      const stage = (await this.#anchor(this.#cachedRoot)).loadTimestamp(file)
      this.#warnings.push(staleWarning(cause))
      return await this.#complete(stage)
    } catch (error) {
      if (error instanceof StaleError && error.cause === undefined)
        throw new StaleError(error.code, error.message, { ...detailsOf(error), cause })
      if (error instanceof UntrustedError && error.role === 'timestamp' && error.code !== 'ERR_VERSION_ROLLBACK')
        throw this.#noFallback(cause)
      throw error
    }
  }

  #noFallback(cause: UnavailableError): UnavailableError {
    if (cause.code !== 'ERR_OFFLINE') return cause
    const { gun } = this.#request
    return new UnavailableError('ERR_OFFLINE', `no usable trust data for ${gun} in the cache, and the client is offline`, { gun })
  }

  async #firstRoot(): Promise<RootChain> {
    const { gun } = this.#request
    const file = await this.#files.fetch('root', MAX_ROOT_BYTES)
    if (file === undefined) throw this.#noTrustData()
    return RootChain.start(gun, file)
  }

  #noTrustData(): UnsignedError {
    const { gun, familiarName, server } = this.#request
    return new UnsignedError(
      'ERR_NO_TRUST_DATA',
      `remote trust data does not exist for ${familiarName}: ${server.host} does not have trust data for ${gun}`,
      { gun },
    )
  }

  /** Every newer root, each signed by the one before; 404 ends the chain. */
  async #walk(start: RootChain): Promise<RootChain> {
    let chain = start
    for (let steps = 0; steps < MAX_ROOT_ROTATIONS; steps++) {
      const file = await orNoAnswer(this.#files.fetch(`${chain.version + 1}.root`, MAX_ROOT_BYTES))
      if (file === undefined) return chain
      chain = chain.next(file)
    }
    throw new UntrustedError(
      'ERR_ROOT_ROTATION',
      `potential malicious behavior - trust data mismatch for remote repository ${this.#request.gun}: could not rotate trust to a new trusted root: more than ${MAX_ROOT_ROTATIONS} new versions in one run`,
      { gun: this.#request.gun, role: 'root' },
    )
  }

  #fetchTimestamp(): Promise<Uint8Array | undefined> {
    return orNoAnswer(this.#files.fetch('timestamp', MAX_TIMESTAMP_BYTES))
  }

  /** No timestamp: without a root either, the collection is gone; else the server is not well. */
  async #withoutTimestamp(): Promise<never> {
    const { gun } = this.#request
    const cause = missing(gun, 'timestamp', 'timestamp')
    if (this.#cachedRoot === undefined) throw cause
    const root = await orNoAnswer(this.#files.fetch('root', MAX_ROOT_BYTES))
    throw root === undefined ? this.#noTrustData() : new NoAnswer(cause)
  }

  async #anchor(chain: RootChain): Promise<RootStage> {
    const { anchorRoot } = await import('../trust/anchor.js')
    const { pinning, now } = this.#request
    const start = this.#cachedRoot === undefined ? 'first-use' : 'cached-root'
    return new RootStage(this.#context, anchorRoot(chain, { start, pinning, now }))
  }

  async #load(chain: RootChain, timestamp: Uint8Array): Promise<TargetsStage> {
    return this.#complete((await this.#anchor(chain)).loadTimestamp(timestamp))
  }

  /** Snapshot, targets, delegations. What the snapshot lists is asked for at once. */
  async #complete(timestamp: TimestampStage): Promise<TargetsStage> {
    const snapshot = timestamp.loadSnapshot(await this.#files.declared('snapshot', timestamp.snapshotFile))
    for (const [role, meta] of snapshot.prefetchable()) this.#files.prefetch(role, meta)
    const targets = snapshot.fileOf('targets')
    if (targets === undefined) throw missing(this.#request.gun, 'targets', 'targets')
    let stage = snapshot.loadTargets(await this.#files.declared('targets', targets))
    for (let pending = stage.pending(); pending.length > 0; pending = stage.pending()) {
      const files = await Promise.all(
        pending.map(async (delegation) => ({ delegation, file: await this.#files.declared(delegation.name, delegation.file) })),
      )
      for (const { delegation, file } of files) stage = stage.loadDelegation(delegation, file)
    }
    return stage
  }

  /** Writes what changed. A cache that cannot be written does not take the answer away. */
  async #keep(stage: TargetsStage, freshness: Freshness): Promise<Refreshed> {
    const { gun, store, server } = this.#request
    const origin = freshness === 'fresh' ? server.url.href : this.#record.origin
    const floors = encodeFloors({ gun, floors: stage.floors(), ...(origin === undefined ? {} : { origin }) })
    const metadata = new Map(
      stage
        .trusted()
        .filter(({ role, file }) => !same(this.#cached.metadata.get(role), file))
        .map(({ role, file }) => [role, file]),
    )
    if (metadata.size > 0 || !same(this.#cached.floors, floors)) {
      try {
        await store.commit(gun, { metadata, floors })
      } catch (cause) {
        this.#warn(
          'WARN_CACHE_UNWRITABLE',
          `the cache of ${gun} cannot be written, so nothing protects the next run from older trust data: ${describeCause(cause)}`,
        )
      }
    }
    return { stage, freshness, warnings: this.#warnings }
  }

  #warn(code: Warning['code'], message: string): void {
    this.#warnings.push({ code, message })
  }
}

/** Every failure to get an answer, so that the cache may stand in for it. */
async function orNoAnswer<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer
  } catch (cause) {
    if (cause instanceof UnavailableError) throw new NoAnswer(cause)
    throw cause
  }
}

function isMissing(cause: unknown): boolean {
  return cause instanceof UnavailableError && cause.code === 'ERR_METADATA_MISSING'
}

/** What a newer root may cure, on a server that keeps no old ones. */
function asksForNewRoot(cause: unknown): boolean {
  if (!(cause instanceof TrustError)) return false
  if (cause.role === 'root')
    return cause instanceof StaleError || cause.code === 'ERR_HASH_MISMATCH' || cause.code === 'ERR_METADATA_TOO_LARGE'
  return cause.code === 'ERR_SIGNATURE_THRESHOLD' && (cause.role === 'timestamp' || cause.role === 'snapshot')
}

function detailsOf({ gun, role, evidence, hint }: TrustError) {
  return { gun, role, evidence, hint }
}

function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && sameBytes(a, b)
}
