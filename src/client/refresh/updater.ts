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
import { sameBytes } from '../../bytes.js'
import type { CachedCollection } from '../../cache/metadata-store.js'
import { describeCause, StaleError, UnavailableError, UnsignedError, UntrustedError } from '../../errors.js'
import { RELEASES_ROLE } from '../../metadata/role-name.js'
import { Budget } from '../../trust/budget.js'
import { brokenRotation } from '../../trust/refusals.js'
import { RootChain } from '../../trust/root-chain.js'
import type { PendingDelegation, TargetsStage } from '../../trust/targets-stage.js'
import type { Trusted } from '../../trust/trusted.js'
import { RootStage, type SnapshotStage, type TimestampStage } from '../../trust/trusted-metadata-set.js'
import type { Freshness, Warning } from '../answers/results.js'
import { staleWarning } from '../answers/warnings.js'
import { roleLoaded } from '../events.js'
import { commitVerified } from './commit.js'
import { DeclaredFiles, missing } from './declared-files.js'
import { asksForNewRoot, detailsOf, isMissing, NoAnswer, orNoAnswer } from './failures.js'
import { judgeRoot, loadAhead } from './judge-root.js'
import { MAX_ROOT_BYTES, MAX_ROOT_ROTATIONS, MAX_TIMESTAMP_BYTES } from './limits.js'
import { type PriorTrust, readPriorTrust } from './prior-trust.js'
import type { Refreshed, RefreshRequest } from './refresh.js'
import type { ServerFiles } from './server-files.js'

/** What is asked, and what its answers are judged with. */
export class Refresh {
  readonly #request: RefreshRequest
  readonly #cached: PriorTrust
  readonly #server: ServerFiles
  #files: DeclaredFiles
  #budget = new Budget()
  readonly #warnings: Warning[]
  /** The cache may still be judged when the time for the server is up. */
  #heedsDeadline = true

  /** @throws UnavailableError ERR_CACHE when the cached root cannot be relied on */
  constructor(request: RefreshRequest, files: CachedCollection, server: ServerFiles) {
    this.#request = request
    this.#cached = readPriorTrust(files, request.gun)
    this.#server = server
    this.#files = new DeclaredFiles(request.gun, files, server, this.#budget)
    this.#warnings = [...this.#cached.warnings]
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

  /** The whole way over the network. @throws NoAnswer where the cache may stand in */
  async #fromServer(): Promise<TargetsStage> {
    const timestamp = this.#counted('timestamp', this.#server.ask('timestamp', MAX_TIMESTAMP_BYTES))
    loadAhead(this.#cached, this.#request)
    const start = this.#cached.root?.within(this.#budget) ?? (await this.#firstRoot())
    if (this.#cached.root === undefined) this.#askOnFirstUse(start, timestamp).catch(() => undefined)
    let chain = await this.#walk(start)
    let file = await this.#timestampAfter(chain, timestamp)
    if (file === undefined) {
      file = await this.#withoutTimestamp()
      chain = await this.#walk(chain, (name) => this.#server.askAgain(name, MAX_ROOT_BYTES))
    }
    try {
      return await this.#load(chain, file)
    } catch (cause) {
      // From here on there was an answer, and a bad one: the cache must not stand in for it any more.
      if (!isMissing(cause) && !asksForNewRoot(cause)) throw cause
      const again = isMissing(cause) ? chain : await this.#bridge(chain)
      // A publish or a rotation between two of our requests shows as another timestamp now.
      const fresh = await this.#counted('timestamp', this.#server.askAgain('timestamp', MAX_TIMESTAMP_BYTES)).catch(
        () => undefined,
      )
      if (fresh === undefined || (again === chain && sameBytes(fresh, file))) throw cause
      this.#beginAgain()
      return this.#load(again.within(this.#budget), fresh)
    }
  }

  /** Without an answer, a first root that does not stand up today says so itself: to ask again later would not help. */
  async #timestampAfter(chain: RootChain, timestamp: Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined> {
    try {
      return await orNoAnswer(timestamp)
    } catch (cause) {
      if (cause instanceof NoAnswer && this.#cached.root === undefined) await judgeRoot(chain, this.#cached, this.#request)
      throw cause
    }
  }

  /**
   * Asks for what the snapshot lists before it is known whether there is a newer root: most roots are the newest. What is wrong
   * with anything is for the long way to say.
   */
  async #askOnFirstUse(start: RootChain, timestamp: Promise<Uint8Array | undefined>): Promise<void> {
    const { gun, now } = this.#request
    const file = await timestamp
    if (file === undefined) return
    const anchor = await judgeRoot(start, this.#cached, this.#request)
    await this.#listed(new RootStage({ gun, now, floors: this.#cached.floors }, anchor).loadTimestamp(file))
  }

  /** The chain with what `root.json` holds, for servers that keep no old roots; the same chain when that is nothing new. */
  async #bridge(chain: RootChain): Promise<RootChain> {
    const newest = await this.#counted('root', this.#server.askAgain('root', MAX_ROOT_BYTES)).catch(() => undefined)
    return newest === undefined ? chain : this.#rotated(chain, chain.bridge(newest))
  }

  #rotated(before: RootChain, after: RootChain): RootChain {
    const { gun, tell } = this.#request
    if (after.version > before.version) tell({ type: 'root-rotated', gun, from: before.version, to: after.version })
    return after
  }

  /** Says what came into the set. */
  #loaded(trusted: Trusted<{ version: number; expires: number }>): void {
    const { gun, tell } = this.#request
    tell(roleLoaded(gun, trusted, this.#cached.files.metadata.get(trusted.role) === trusted.file ? 'cache' : 'server'))
  }

  /** The verified set that the cached timestamp leads to. */
  async #fromCache(cause: UnavailableError): Promise<TargetsStage> {
    const file = this.#cached.files.metadata.get('timestamp')
    const { root, origin } = this.#cached
    if (root === undefined || file === undefined) throw this.#noFallback(cause, 'nothing is kept of it')
    if (origin !== undefined && origin !== this.#request.server.url.href)
      throw this.#noFallback(
        cause,
        `what is kept came from ${origin}`,
        `Name the server that it came from: --server ${origin.replace(/\/$/, '')}`,
      )
    try {
      this.#heedsDeadline = false
      this.#beginAgain()
      const stage = (await this.#anchor(root.within(this.#budget))).loadTimestamp(file)
      this.#warnings.push(staleWarning(cause))
      this.#request.tell({ type: 'stale', gun: this.#request.gun, reason: describeCause(cause) })
      return await this.#complete(stage)
    } catch (error) {
      if (error instanceof StaleError && error.cause === undefined)
        throw new StaleError(error.code, error.message, { ...detailsOf(error), cause })
      if (error instanceof UntrustedError && error.role === 'timestamp' && error.code !== 'ERR_VERSION_ROLLBACK')
        throw this.#noFallback(cause, 'the timestamp that is kept does not verify')
      throw error
    }
  }

  /** The error that made us look into the cache; offline, where none did, what is wrong with the cache. */
  #noFallback(cause: UnavailableError, why: string, hint?: string): UnavailableError {
    if (cause.code !== 'ERR_OFFLINE') return cause
    const { gun } = this.#request
    return new UnavailableError(
      'ERR_OFFLINE',
      `no usable trust data for ${gun} in the cache, and the client is offline: ${why}`,
      { gun, hint },
    )
  }

  async #firstRoot(): Promise<RootChain> {
    const { gun } = this.#request
    const file = await this.#counted('root', this.#server.ask('root', MAX_ROOT_BYTES))
    if (file === undefined) throw this.#noTrustData()
    return RootChain.start(gun, file, this.#budget)
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
  async #walk(start: RootChain, ask = (name: string) => this.#server.ask(name, MAX_ROOT_BYTES)): Promise<RootChain> {
    let chain = start
    for (let steps = 0; steps < MAX_ROOT_ROTATIONS; steps++) {
      const file = await orNoAnswer(this.#counted('root', ask(`${chain.version + 1}.root`)))
      if (file === undefined) return chain
      await orNoAnswer(this.#turn())
      chain = this.#rotated(chain, chain.next(file))
    }
    throw brokenRotation(this.#request.gun, `more than ${MAX_ROOT_ROTATIONS} new versions in one run`, { trusted: start.version })
  }

  /**
   * No timestamp: without a root either, the collection is gone; else the server is not well. Or it hid the files from somebody
   * without credentials, which the transport tries with the root alone: then the timestamp is there now.
   */
  async #withoutTimestamp(): Promise<Uint8Array> {
    const isFirstUse = this.#cached.root === undefined
    const root = isFirstUse ? undefined : await orNoAnswer(this.#server.askAgain('root', MAX_ROOT_BYTES))
    if (root === undefined && !isFirstUse) throw this.#noTrustData()
    const file = await orNoAnswer(this.#server.askAgain('timestamp', MAX_TIMESTAMP_BYTES))
    if (file !== undefined) return file
    const cause = missing(this.#request.gun, 'timestamp', 'timestamp')
    throw isFirstUse ? cause : new NoAnswer(cause)
  }

  async #anchor(chain: RootChain): Promise<RootStage> {
    const { gun, now } = this.#request
    const stage = new RootStage({ gun, now, floors: this.#cached.floors }, await judgeRoot(chain, this.#cached, this.#request))
    this.#loaded(chain.root)
    return stage
  }

  async #load(chain: RootChain, timestamp: Uint8Array): Promise<TargetsStage> {
    return this.#complete((await this.#anchor(chain)).loadTimestamp(timestamp))
  }

  /** The snapshot; what it lists is asked for at once. */
  async #listed(timestamp: TimestampStage): Promise<SnapshotStage> {
    const snapshot = timestamp.loadSnapshot(await this.#files.declared('snapshot', timestamp.snapshotFile))
    for (const [role, meta] of snapshot.prefetchable()) this.#files.prefetch(role, meta)
    return snapshot
  }

  /** Snapshot, targets, delegations. */
  async #complete(timestamp: TimestampStage): Promise<TargetsStage> {
    this.#loaded(timestamp.timestamp)
    const snapshot = await this.#listed(timestamp)
    this.#loaded(snapshot.snapshot)
    const targets = snapshot.fileOf('targets')
    if (targets === undefined) throw missing(this.#request.gun, 'targets', 'targets')
    const file = await this.#files.declared('targets', targets)
    await this.#turn()
    let stage = snapshot.loadTargets(file)
    for (let pending = stage.pending(); pending.length > 0; pending = stage.pending())
      stage = await this.#delegations(stage, pending)
    for (const { trusted } of stage.loaded.values()) this.#loaded(trusted)
    return stage
  }

  /** Loads them in their order; those that are too much for this refresh are left out where that may be. */
  async #delegations(before: TargetsStage, pending: readonly PendingDelegation[]): Promise<TargetsStage> {
    let stage = before
    const asked = new Map<PendingDelegation, Promise<Uint8Array>>()
    for (const delegation of leastFirst(pending)) {
      try {
        asked.set(delegation, this.#files.declared(delegation.name, delegation.file))
      } catch (cause) {
        stage = stage.leaveOut(delegation, cause)
      }
    }
    await Promise.all(asked.values())
    for (const delegation of pending) {
      const file = await asked.get(delegation)
      if (file === undefined) continue
      await this.#turn()
      stage = stage.loadDelegation(delegation, file)
    }
    return stage
  }

  /** Lets go of the files so far, and of what they cost: honest ones must not be refused because the server changed meanwhile. */
  #beginAgain(): void {
    this.#budget = new Budget()
    this.#files = new DeclaredFiles(this.#request.gun, this.#cached.files, this.#server, this.#budget)
  }

  /** A file of which nothing declares the length: it is counted when it is there. */
  #counted(role: string, answer: Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined> {
    const counted = answer.then((file) => {
      if (file !== undefined) this.#budget.spend('bytes', file.length, { gun: this.#request.gun, role })
      return file
    })
    counted.catch(() => undefined) // whoever wants it gets the error
    return counted
  }

  /** Lets timers, signals and other work have their turn before the next file is judged. @throws what ended the refresh meanwhile */
  async #turn(): Promise<void> {
    const { signal } = this.#request
    // Twice: the first may come before the timers that are due.
    for (let turns = 0; turns < 2; turns++) await new Promise((resolve) => setImmediate(resolve))
    const isDeadline = signal.reason instanceof UnavailableError
    if (this.#heedsDeadline || !isDeadline) signal.throwIfAborted()
  }

  /** Keeps the set, for the next run and for this client. */
  async #keep(verified: TargetsStage, freshness: Freshness): Promise<Refreshed> {
    const { stage, floors, warnings } = await commitVerified(this.#request, verified, this.#cached, freshness)
    if (floors !== undefined && freshness === 'fresh') this.#request.kept.keep(this.#request, stage, floors)
    return { stage, freshness, warnings: [...this.#warnings, ...warnings] }
  }
}

/** Releases, then the shortest: where all are too much together, the longest are. */
function leastFirst(pending: readonly PendingDelegation[]): PendingDelegation[] {
  const rank = ({ name, file }: PendingDelegation) => (name === RELEASES_ROLE ? -1 : file.length)
  return [...pending].sort((one, other) => rank(one) - rank(other))
}
