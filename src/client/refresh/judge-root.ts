/**
 * Judges whether a root is valid today, by the record of its certificates where there is one, else by reading them. Few roots are
 * new, and the library that reads certificates takes as long to load as all the rest of a run that finds nothing new.
 */
import { type Anchor, anchorWithAll, type RootCertificates } from '../../trust/anchor.js'
import { onRecord } from '../../trust/certificate-record.js'
import type { PriorTrust } from '../../trust/prior-trust.js'
import type { RootChain } from '../../trust/root-chain.js'
import type { RefreshRequest } from './request.js'

/** @throws UntrustedError, StaleError as `anchorRoot` */
export async function judgeRoot(chain: RootChain, prior: PriorTrust, request: RefreshRequest): Promise<Anchor> {
  const { now } = request
  const known = recorded(chain, prior, request)
  const certificates = known ?? (await loadReader()).readCertificates(chain, now)
  return anchorWithAll(chain, certificates, { ...request, start: prior.root === undefined ? 'first-use' : 'cached-root', now })
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
