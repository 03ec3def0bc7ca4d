/**
 * One refresh of one collection: cache and server -> a verified set, or an error and an untouched cache.
 *
 *   lock        its root and the cached one are joined (locked-trust.ts); its server and floors are compared before the cache is written
 *   root        the cached one, else the locked one, else the server's; then every newer version, one at a time (root-walk.ts)
 *   timestamp   always asked of the server; the cached one only when the server gave no usable answer
 *   snapshot, targets, delegations   by the hashes that the role above names; cache first (set-loader.ts)
 *   cache       written once, after all of it verified (commit.ts); not written when a bundle takes the place of the server (bundled.ts)
 *
 * Source: TUF 1.0.33 section 5; notary 0.7.0 client/tufclient.go.
 */
import { sameBytes } from '../../bytes.js'
import type { CachedCollection } from '../../cache/metadata-store.js'
import { describeCause, StaleError, UnavailableError, UntrustedError } from '../../errors.js'
import { serverIdentity } from '../../reference/server-identity.js'
import type { RootChain } from '../../trust/root-chain.js'
import type { TargetsStage } from '../../trust/targets-stage.js'
import type { Freshness, Warning } from '../results.js'
import { checkBundleAge } from './bundled.js'
import { type CachedTrust, readCachedTrust } from './cached-trust.js'
import { type Committed, commitVerified } from './commit.js'
import { missing } from './declared-files.js'
import { EventLoop } from './event-loop.js'
import { asksForNewRoot, causedBy, isMissing, NoAnswer, noFallback, noTrustData, orNoAnswer, staleWarning } from './failures.js'
import { MAX_ROOT_BYTES, MAX_TIMESTAMP_BYTES } from './limits.js'
import { judgeUnderLock, underLock, withLock } from './locked-trust.js'
import type { RefreshRequest } from './request.js'
import { RootWalk } from './root-walk.js'
import { counted, type ServerFiles } from './server-files.js'
import { judgeRoot, loadReaderAhead, SetLoader } from './set-loader.js'

/** A verified set that was committed, and how current it is. */
export interface Updated extends Committed {
  readonly freshness: Freshness
}

type Answer = Promise<Uint8Array | undefined>

/** Updates one collection, once. */
export class Updater {
  readonly #request: RefreshRequest
  #cached: CachedTrust
  readonly #server: ServerFiles
  readonly #loop: EventLoop
  readonly #warnings: Warning[]

  /** @throws UnavailableError ERR_CACHE when the cached root cannot be relied on */
  constructor(request: RefreshRequest, files: CachedCollection, server: ServerFiles) {
    this.#request = request
    this.#cached = readCachedTrust(files, request.gun)
    this.#server = server
    this.#loop = new EventLoop(request.signal)
    this.#warnings = [...this.#cached.warnings]
  }

  /** @throws TrustError, CacheChanged */
  async run(): Promise<Updated> {
    const { gun, transport, staleFallback } = this.#request
    checkBundleAge(this.#cached, this.#request)
    this.#cached = await withLock(this.#cached, this.#request, this.#server)
    if (transport === undefined) {
      const cause = new UnavailableError('ERR_OFFLINE', 'offline, as asked for', { gun })
      return this.#commit(await this.#fromCache(cause), 'offline')
    }
    try {
      return await this.#commit(await this.#fromServer(), 'fresh')
    } catch (cause) {
      if (!(cause instanceof NoAnswer)) throw await underLock(cause, this.#request, this.#server)
      if (staleFallback === 'refuse') throw cause.cause
      return this.#commit(await this.#fromCache(cause.cause), 'stale')
    }
  }

  /** @throws NoAnswer where the cache may stand in */
  async #fromServer(): Promise<TargetsStage> {
    const loader = this.#loader()
    const roots = new RootWalk(this.#request, this.#server, this.#loop, loader.budget)
    const asked = this.#timestamp(loader, this.#server.ask('timestamp', MAX_TIMESTAMP_BYTES))
    loadReaderAhead(this.#cached, this.#request)
    const start = this.#cached.root ?? (await roots.first())
    if (!this.#cached.files.metadata.has('root')) prefetch(loader, start, asked)
    const chain = await roots.walk(start)
    const timestamp = await this.#answered(asked, chain)
    if (timestamp !== undefined) return this.#load(loader, roots, chain, timestamp)
    const late = await this.#withoutTimestamp()
    return this.#load(loader, roots, await roots.walkAgain(chain), late)
  }

  /** Root to delegations, with a second try after a publish or a rotation that happened between two of our requests. */
  async #load(loader: SetLoader, roots: RootWalk, chain: RootChain, timestamp: Uint8Array): Promise<TargetsStage> {
    try {
      return await loader.load(chain, timestamp)
    } catch (cause) {
      // The server gave an answer, and a bad one: the cache must not stand in for it any more.
      if (!isMissing(cause) && !asksForNewRoot(cause)) throw cause
      const newest = isMissing(cause) ? chain : await roots.bridge(chain)
      const again = this.#timestamp(loader, this.#server.askAgain('timestamp', MAX_TIMESTAMP_BYTES))
      const fresh = await again.catch(() => undefined)
      if (fresh === undefined || (newest === chain && sameBytes(fresh, timestamp))) throw cause
      // A new budget: honest files must not be refused because the server changed meanwhile.
      return this.#loader().load(newest, fresh)
    }
  }

  /** The verified set that the cached timestamp leads to. */
  async #fromCache(cause: UnavailableError): Promise<TargetsStage> {
    const { gun, server, tell } = this.#request
    const { root, origin, files } = this.#cached
    const file = files.metadata.get('timestamp')
    if (root === undefined || file === undefined) throw noFallback(gun, cause, 'nothing is kept of it')
    // Root and floors count whichever server is asked; a timestamp only stands in for the server that it came from. A cache that
    // Docker wrote names no server, and counts.
    if (origin !== undefined && serverIdentity(origin) !== serverIdentity(server.url)) {
      const hint = `Name the server that it came from: --server ${origin.replace(/\/$/, '')}`
      throw noFallback(gun, cause, `what is kept came from ${origin}`, hint)
    }
    try {
      this.#loop.ignoreDeadline()
      const loader = this.#loader()
      const stage = await loader.loadTimestamp(root, file)
      this.#warnings.push(staleWarning(cause))
      tell({ type: 'stale', gun, reason: describeCause(cause) })
      return await loader.loadRest(stage)
    } catch (error) {
      if (error instanceof StaleError && error.cause === undefined) throw causedBy(cause, error)
      if (error instanceof UntrustedError && error.role === 'timestamp' && error.code !== 'ERR_VERSION_ROLLBACK')
        throw noFallback(gun, cause, 'the timestamp that is kept does not verify')
      throw error
    }
  }

  /** The timestamp. Without an answer, an invalid first root is reported instead: asking again later would not help. */
  async #answered(asked: Answer, chain: RootChain): Answer {
    try {
      return await orNoAnswer(asked)
    } catch (cause) {
      if (cause instanceof NoAnswer && this.#cached.root === undefined) await judgeRoot(chain, this.#cached, this.#request)
      throw cause
    }
  }

  /**
   * The server has no timestamp. Without a root either, the collection is gone. Otherwise the server has a fault, or it hid the files
   * from a client without credentials; the transport tries credentials for the root alone, so the timestamp may be there now.
   */
  async #withoutTimestamp(): Promise<Uint8Array> {
    const isFirstUse = this.#cached.root === undefined
    const root = isFirstUse ? undefined : await orNoAnswer(this.#server.askAgain('root', MAX_ROOT_BYTES))
    if (root === undefined && !isFirstUse) throw noTrustData(this.#request)
    const file = await orNoAnswer(this.#server.askAgain('timestamp', MAX_TIMESTAMP_BYTES))
    if (file !== undefined) return file
    const cause = missing(this.#request.gun, 'timestamp', 'timestamp')
    throw isFirstUse ? cause : new NoAnswer(cause)
  }

  async #commit(verified: TargetsStage, freshness: Freshness): Promise<Updated> {
    judgeUnderLock(verified, this.#request)
    if (this.#request.bundle !== undefined)
      return { stage: verified, floorsFile: undefined, freshness: 'offline', warnings: this.#warnings }
    const committed = await commitVerified(this.#request, verified, this.#cached, freshness)
    return { ...committed, freshness, warnings: [...this.#warnings, ...committed.warnings] }
  }

  #loader(): SetLoader {
    return new SetLoader(this.#request, this.#cached, this.#server, this.#loop)
  }

  #timestamp({ budget }: SetLoader, answer: Answer): Answer {
    return counted(budget, { gun: this.#request.gun, role: 'timestamp' }, answer)
  }
}

/** Ignores every failure: the load that follows meets and reports it. */
function prefetch(loader: SetLoader, start: RootChain, timestamp: Answer): void {
  const started = timestamp.then((file) => (file === undefined ? undefined : loader.prefetch(start, file)))
  started.catch(() => undefined)
}
