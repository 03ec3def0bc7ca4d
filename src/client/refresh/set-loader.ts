/** Loads one trusted metadata set, stage by stage: root, timestamp, snapshot, targets, delegations. */

import { RELEASES_ROLE } from '../../metadata/role-name.js'
import { type Anchor, anchorWithAll, type RootCertificates } from '../../trust/anchor.js'
import { Budget } from '../../trust/budget.js'
import { onRecord } from '../../trust/certificate-record.js'
import type { PriorTrust } from '../../trust/prior-trust.js'
import type { RootChain } from '../../trust/root-chain.js'
import { type PendingDelegation, TargetsStage } from '../../trust/targets-stage.js'
import type { Trusted } from '../../trust/trusted.js'
import { RootStage, type SnapshotStage, type TimestampStage } from '../../trust/trusted-metadata-set.js'
import { roleLoaded } from '../events.js'
import { checkAnchored } from './bundled.js'
import type { CachedTrust } from './cached-trust.js'
import { DeclaredFiles, missing } from './declared-files.js'
import type { EventLoop } from './event-loop.js'
import type { RefreshRequest } from './request.js'
import type { ServerFiles } from './server-files.js'

/** One attempt at a verified set, with a budget of its own. */
export class SetLoader {
  readonly budget: Budget = new Budget()
  readonly #request: RefreshRequest
  readonly #cached: CachedTrust
  readonly #loop: EventLoop
  readonly #files: DeclaredFiles

  constructor(request: RefreshRequest, cached: CachedTrust, server: ServerFiles, loop: EventLoop) {
    this.#request = request
    this.#cached = cached
    this.#loop = loop
    this.#files = new DeclaredFiles(request.gun, cached.files, server, this.budget)
  }

  /** The whole set. @throws TrustError */
  async load(chain: RootChain, timestamp: Uint8Array): Promise<TargetsStage> {
    return this.loadRest(await this.loadTimestamp(chain, timestamp))
  }

  /** Root and timestamp. @throws UntrustedError, StaleError */
  async loadTimestamp(chain: RootChain, file: Uint8Array): Promise<TimestampStage> {
    const root = await this.#root(chain)
    this.#tellLoaded(chain.root)
    return root.loadTimestamp(file)
  }

  /** Snapshot, targets, delegations. @throws TrustError */
  async loadRest(timestamp: TimestampStage): Promise<TargetsStage> {
    this.#tellLoaded(timestamp.timestamp)
    const snapshot = await this.#snapshot(timestamp)
    this.#tellLoaded(snapshot.snapshot)
    const declared = snapshot.fileOf('targets')
    if (declared === undefined) throw missing(this.#request.gun, 'targets', 'targets')
    const file = await this.#files.declared('targets', declared)
    await this.#loop.turn()
    let stage = TargetsStage.load(snapshot, file)
    for (let pending = stage.pending(); pending.length > 0; pending = stage.pending())
      stage = await this.#delegations(stage, pending)
    for (const { trusted } of stage.loaded.values()) this.#tellLoaded(trusted)
    return stage
  }

  /**
   * Asks for the files that the snapshot lists, before it is known whether there is a newer root. Saves a round trip on the first use
   * of a collection that has signers and whose root was ever rotated: only then has the walk another root to ask for. The files are
   * verified again by `load`, which reports what is wrong with them.
   */
  async prefetch(chain: RootChain, timestamp: Uint8Array): Promise<void> {
    await this.#snapshot((await this.#root(chain)).loadTimestamp(timestamp))
  }

  async #root(chain: RootChain): Promise<RootStage> {
    const { gun, now } = this.#request
    const anchor = await judgeRoot(chain, this.#cached, this.#request)
    return new RootStage({ gun, now, floors: this.#cached.floors, budget: this.budget }, anchor)
  }

  /** The snapshot. Starts to fetch the files that it lists. */
  async #snapshot(timestamp: TimestampStage): Promise<SnapshotStage> {
    const snapshot = timestamp.loadSnapshot(await this.#files.declared('snapshot', timestamp.snapshotFile))
    for (const [role, meta] of snapshot.prefetchable()) this.#files.prefetch(role, meta)
    return snapshot
  }

  /** Loads delegations in their order. Those that exceed the budget are left out where that is allowed. */
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
      await this.#loop.turn()
      stage = stage.loadDelegation(delegation, file)
    }
    return stage
  }

  #tellLoaded(trusted: Trusted<{ version: number; expires: number }>): void {
    const { gun, bundle, tell } = this.#request
    const isCached = this.#cached.files.metadata.get(trusted.role) === trusted.file
    tell(roleLoaded(gun, trusted, isCached ? 'cache' : bundle === undefined ? 'server' : 'bundle'))
  }
}

/** Releases first, then the shortest: when all together exceed the budget, the longest are left out. */
function leastFirst(pending: readonly PendingDelegation[]): PendingDelegation[] {
  const rank = ({ name, file }: PendingDelegation) => (name === RELEASES_ROLE ? -1 : file.length)
  return [...pending].sort((one, other) => rank(one) - rank(other))
}

/**
 * Judges whether a root is valid today, by the record of its certificates where there is one, else by reading them. Few roots are
 * new, and the library that reads certificates takes as long to load as all the rest of a run that finds nothing new.
 *
 * @throws UntrustedError, StaleError as `anchorRoot`
 */
export async function judgeRoot(chain: RootChain, prior: PriorTrust, request: RefreshRequest): Promise<Anchor> {
  checkAnchored(chain, prior, request)
  const known = recorded(chain, prior, request)
  const certificates = known ?? (await loadReader()).readCertificates(chain, request.now)
  const start = request.lock !== undefined ? 'lockfile' : prior.root === undefined ? 'first-use' : 'cached-root'
  return anchorWithAll(chain, certificates, { ...request, start })
}

/** What is on record of the certificates, when that is enough for all pins. */
function recorded(
  chain: RootChain,
  { certificates }: PriorTrust,
  { pinning, alsoPinned, now }: RefreshRequest,
): RootCertificates | undefined {
  const found = [pinning, ...alsoPinned].map((one) => onRecord(chain, certificates, { pinning: one, now }))
  return found.includes(undefined) ? undefined : found[0]
}

/** Loads the reader of certificates, if it will be needed, while the server is asked. */
export function loadReaderAhead(prior: PriorTrust, request: RefreshRequest): void {
  if (prior.root === undefined || recorded(prior.root, prior, request) === undefined) void loadReader()
}

function loadReader(): Promise<typeof import('../../trust/root-certificate.js')> {
  return import('../../trust/root-certificate.js')
}
