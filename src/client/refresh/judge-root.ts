/**
 * Whether a root stands up today: by what is on record of its certificates, or else by reading them. Few roots are new, and a
 * library for certificates takes as long to load as all the rest of a run that finds nothing new.
 */
import { type Anchor, anchorRoot } from '../../trust/anchor.js'
import { onRecord } from '../../trust/certificate-record.js'
import type { RootChain } from '../../trust/root-chain.js'
import type { PriorTrust } from './prior-trust.js'
import type { RefreshRequest } from './refresh.js'

/** @throws UntrustedError, StaleError as `anchorRoot` */
export async function judgeRoot(chain: RootChain, cached: PriorTrust, request: RefreshRequest): Promise<Anchor> {
  const { pinning, now } = request
  const known = onRecord(chain, cached.certificates, request)
  const certificates = known ?? (await reader()).readCertificates(chain, now)
  return anchorRoot(chain, certificates, { start: cached.root === undefined ? 'first-use' : 'cached-root', pinning, now })
}

/** Loads, while the server is asked, what reading the certificates will need. */
export function loadAhead({ root, certificates }: PriorTrust, request: RefreshRequest): void {
  if (root === undefined || onRecord(root, certificates, request) === undefined) void reader()
}

function reader(): Promise<typeof import('../../trust/root-certificate.js')> {
  return import('../../trust/root-certificate.js')
}
