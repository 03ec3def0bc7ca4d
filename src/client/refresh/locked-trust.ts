/**
 * The lock of a collection, beside what the cache knows.
 *
 * Invariant: a lock only tightens. A verified chain leads from the locked root and from the cached one to the root that a refresh
 * begins with, or the refresh is refused.
 */
import { sha256Hex } from '../../crypto/hash.js'
import { TrustError, UnavailableError, UntrustedError } from '../../errors.js'
import { judgeLock } from '../../lockfile/judge-lock.js'
import { lockEntry, lockedChain } from '../../lockfile/lock-entry.js'
import { otherCachedRoot, otherRoot } from '../../lockfile/lock-refusals.js'
import { Budget } from '../../trust/budget.js'
import { mergePriorTrust, type PriorTrust } from '../../trust/prior-trust.js'
import { RootChain } from '../../trust/root-chain.js'
import type { TargetsStage } from '../../trust/targets-stage.js'
import type { Lock } from '../settings/lockfile-setting.js'
import type { CachedTrust } from './cached-trust.js'
import { noTrustData } from './failures.js'
import { MAX_ROOT_BYTES, MAX_ROOT_ROTATIONS } from './limits.js'
import type { RefreshRequest } from './request.js'
import { counted, type ServerFiles } from './server-files.js'

/**
 * What the cache knows, from the newer of the two roots on. Without a lock it is unchanged.
 *
 * @throws UntrustedError ERR_LOCK_MISMATCH
 * @throws UnavailableError ERR_OFFLINE and those of the transport, when the roots between the two are needed and cannot be had
 */
export async function withLock(cached: CachedTrust, request: RefreshRequest, server: ServerFiles): Promise<CachedTrust> {
  const { lock } = request
  if (lock === undefined) return cached
  const budget = new Budget()
  const start = lock.chain ?? (await servedStart(cached, lock, request, server, budget))
  const locked: PriorTrust = { root: start, floors: new Map(), certificates: undefined, origin: undefined }
  const join = (between: ReadonlyMap<number, Uint8Array>): CachedTrust => {
    const { root, certificates } = mergePriorTrust(cached, locked, { between, budget, refuse: (why) => new RootsApart(why) })
    return { ...cached, root, certificates }
  }
  const { root } = cached
  if (root === undefined) return join(new Map())
  if (root.version > start.version) {
    // The cache's own chain led to its root, so the signature of the locked keys is enough, and no server is needed.
    const joined = orApart(() => join(new Map()))
    if (!(joined instanceof RootsApart)) return joined
  }
  const { files, failure } = await rootsBetween(root, start, request.gun, server, budget)
  const joined = orApart(() => join(files))
  if (!(joined instanceof RootsApart)) return joined
  if (failure !== undefined) throw notWalked(lock, start, root, failure)
  throw otherCachedRoot(lock, lock.entry, lockEntry({ chain: root, server: request.server.typed, embedRoot: false }))
}

/** Judges a verified set by the lock: server, root and floors. @throws UntrustedError ERR_LOCK_MISMATCH */
export function judgeUnderLock(stage: TargetsStage, { lock, server }: RefreshRequest): void {
  if (lock === undefined) return
  judgeLock(lock, lock.entry, {
    chain: stage.anchor.chain,
    leadsFromLock: true,
    server: server.typed,
    versions: versionsOf(stage),
  })
}

/** Versions of a verified set, by role. */
export function versionsOf(stage: TargetsStage): Map<string, number> {
  return new Map([...stage.trusted()].map(({ role, metadata }) => [role, metadata.version]))
}

/** No verified chain joins the two roots with the files at hand. */
class RootsApart extends Error {
  override readonly name = 'RootsApart'
}

function orApart(join: () => CachedTrust): CachedTrust | RootsApart {
  try {
    return join()
  } catch (cause) {
    if (cause instanceof RootsApart) return cause
    throw cause
  }
}

/** The locked root where the lock has its hash alone: from the cache, else from the server. */
async function servedStart(
  { root }: CachedTrust,
  { entry }: Lock,
  request: RefreshRequest,
  server: ServerFiles,
  budget: Budget,
): Promise<RootChain> {
  const { gun } = request
  const ask = (name: string) => counted(budget, { gun, role: 'root' }, server.ask(name, MAX_ROOT_BYTES))
  const isCached = root !== undefined && sha256Hex(root.root.file) === entry.root.sha256
  const file = isCached ? root.root.file : ((await ask(`${entry.root.version}.root`)) ?? (await ask('root')))
  const chain = lockedChain(gun, entry, file)
  if (chain === undefined) throw noTrustData(request)
  return chain
}

/** The roots between two, up to the first that the server does not have or does not give. */
async function rootsBetween(
  one: RootChain,
  other: RootChain,
  gun: string,
  server: ServerFiles,
  budget: Budget,
): Promise<{ readonly files: ReadonlyMap<number, Uint8Array>; readonly failure?: UnavailableError }> {
  const [older, newer] = [Math.min(one.version, other.version), Math.max(one.version, other.version)]
  const files = new Map<number, Uint8Array>()
  for (let version = older + 1; version < newer && files.size < MAX_ROOT_ROTATIONS; version++) {
    try {
      const file = await counted(budget, { gun, role: 'root' }, server.ask(`${version}.root`, MAX_ROOT_BYTES))
      if (file === undefined) break
      files.set(version, file)
    } catch (cause) {
      if (cause instanceof UnavailableError) return { files, failure: cause }
      throw cause
    }
  }
  return { files }
}

function notWalked({ gun, file }: Lock, locked: RootChain, cached: RootChain, cause: UnavailableError): UnavailableError {
  if (cause.code !== 'ERR_OFFLINE') return cause
  const message = `${file} records root version ${locked.version} of ${gun} and the cache holds version ${cached.version}; the roots between them cannot be asked for, since the client is offline`
  return new UnavailableError('ERR_OFFLINE', message, {
    gun,
    role: 'root',
    hint: 'Run once without --offline. When the lock is the older one, record the newer root: dct lock --update <GUN>',
  })
}

/** The error for a root that does not follow from the locked one; any other error as it is. */
export async function underLock(
  cause: unknown,
  { gun, lock, server: { typed } }: RefreshRequest,
  server: ServerFiles,
): Promise<unknown> {
  if (lock === undefined || !(cause instanceof UntrustedError) || cause.code !== 'ERR_ROOT_ROTATION') return cause
  try {
    const file = await server.ask('root', MAX_ROOT_BYTES)
    if (file === undefined || sha256Hex(file) === lock.entry.root.sha256) return cause
    return otherRoot(
      lock,
      lock.entry,
      lockEntry({ chain: RootChain.start(gun, file, new Budget()), server: typed, embedRoot: false }),
    )
  } catch (error) {
    if (error instanceof TrustError) return cause // the root that is offered cannot be read: the first error says why
    throw error
  }
}
