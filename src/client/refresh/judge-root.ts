/**
 * Judges whether a root is valid today, by the record of its certificates where there is one, else by reading them. Few roots are
 * new, and the library that reads certificates takes as long to load as all the rest of a run that finds nothing new.
 */
import { type Anchor, anchorRoot } from '../../trust/anchor.js'
import { onRecord } from '../../trust/certificate-record.js'
import type { PriorTrust } from '../../trust/prior-trust.js'
import type { RootChain } from '../../trust/root-chain.js'
import type { RefreshRequest } from './request.js'

/** @throws UntrustedError, StaleError as `anchorRoot` */
export async function judgeRoot(chain: RootChain, prior: PriorTrust, request: RefreshRequest): Promise<Anchor> {
  const { pinning, now } = request
  const known = onRecord(chain, prior.certificates, request)
  const certificates = known ?? (await loadReader()).readCertificates(chain, now)
  return anchorRoot(chain, certificates, { start: prior.root === undefined ? 'first-use' : 'cached-root', pinning, now })
}

/** Loads the reader of certificates, if it will be needed, while the server is asked. */
export function loadReaderAhead({ root, certificates }: PriorTrust, request: RefreshRequest): void {
  if (root === undefined || onRecord(root, certificates, request) === undefined) void loadReader()
}

function loadReader(): Promise<typeof import('../../trust/root-certificate.js')> {
  return import('../../trust/root-certificate.js')
}
