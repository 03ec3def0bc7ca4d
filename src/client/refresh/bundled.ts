/**
 * What a refresh from a bundle checks beside the rest.
 *
 * Invariant: a bundle anchors nothing by itself, and weakens nothing that is known. Its files are judged like those of a server, under
 * the lock, the pins and the floors of the cache, and nothing of it is written to the cache.
 */
import { UntrustedError } from '../../errors.js'
import { canonicalIds, namesOf } from '../../trust/key-names.js'
import { pinFor } from '../../trust/pinning.js'
import type { PriorTrust } from '../../trust/prior-trust.js'
import { rollback } from '../../trust/refusals.js'
import type { RootChain } from '../../trust/root-chain.js'
import type { RefreshRequest } from './request.js'

/** The newest root of a bundle is not older than the cached one. @throws UntrustedError ERR_VERSION_ROLLBACK */
export function checkBundleAge({ root }: PriorTrust, { gun, bundle }: RefreshRequest): void {
  if (bundle === undefined || root === undefined || root.version <= bundle.newestRoot) return
  throw rollback({ gun, role: 'root' }, bundle.newestRoot, root.version)
}

/** Something else than the bundle says which root the collection has. @throws UntrustedError ERR_ROOT_UNTRUSTED */
export function checkAnchored(chain: RootChain, { root }: PriorTrust, request: RefreshRequest): void {
  const { gun, bundle, lock, pinning, alsoPinned } = request
  if (bundle === undefined || bundle.acceptsRoot || lock !== undefined || root !== undefined) return
  if ([pinning, ...alsoPinned].some((one) => pinFor(gun, one).kind !== 'none')) return
  const { signedBy, keys } = chain.root
  throw new UntrustedError(
    'ERR_ROOT_UNTRUSTED',
    `the bundle ${bundle.file} alone says which root ${gun} has: no lock, pin or cached root confirms it; it is signed by ${namesOf(signedBy, keys.keys)}`,
    {
      gun,
      role: 'root',
      evidence: { bundle: bundle.file, signedBy, ...canonicalIds(signedBy, keys.keys) },
      hint: 'Name what you know of the root: a lockfile (--lockfile FILE), pins (--pinning FILE) or a cache that has verified the collection (--trust-dir DIR). When the bundle came in a way that you trust: --accept-bundle-root',
    },
  )
}
