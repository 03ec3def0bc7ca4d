/** The root that a test of the later stages begins with. */
import { RootChain } from '../../src/trust/root-chain.js'
import { RootStage } from '../../src/trust/trusted-metadata-set.js'
import type { VersionFloors } from '../../src/trust/version-floors.js'
import { GUN, rootDocument, SIGNERS, signedFile } from '../metadata/documents.js'

export const NOW = Date.parse('2029-01-01T00:00:00Z')
export const ROOT_FILE = signedFile(rootDocument(), [SIGNERS.root])

/** No stage asks about certificates. */
const NONE = { bound: new Map(), problems: [], pathProblem: () => undefined }

export function rootStage(floors: VersionFloors = new Map(), file: Uint8Array = ROOT_FILE, now = NOW): RootStage {
  const chain = RootChain.start(GUN, file)
  return new RootStage({ gun: GUN, now, floors }, { chain, trust: 'first-use', certificates: NONE, certificateExpires: NOW })
}
