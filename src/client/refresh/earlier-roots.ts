/** Roots before the newest one, for a bundle: a reader whose lock or cache has one of them can walk to the newest. */
import { UntrustedError } from '../../errors.js'
import { Budget } from '../../trust/budget.js'
import { RootChain } from '../../trust/root-chain.js'
import { MAX_ROOT_BYTES, MAX_ROOT_ROTATIONS } from './limits.js'
import { counted, type ServerFiles } from './server-files.js'

/**
 * By version, from the one before `newest` downwards. Ends at the first that the server does not have, or that is not the root before:
 * such a root leads nowhere, and proves nothing about the newer ones.
 *
 * @throws UnavailableError of the transport
 * @throws UntrustedError ERR_METADATA_TOO_LARGE
 */
export async function earlierRoots(newest: RootChain, server: ServerFiles): Promise<ReadonlyMap<number, Uint8Array>> {
  const { gun } = newest
  const budget = new Budget()
  const found = new Map<number, Uint8Array>()
  let next = newest.root.file
  for (let version = newest.version - 1; version > 0 && found.size < MAX_ROOT_ROTATIONS; version--) {
    const file = await counted(budget, { gun, role: 'root' }, server.ask(`${version}.root`, MAX_ROOT_BYTES))
    if (file === undefined || !leadsTo(gun, version, file, next, budget)) break
    found.set(version, file)
    next = file
  }
  return found
}

function leadsTo(gun: string, version: number, file: Uint8Array, next: Uint8Array, budget: Budget): boolean {
  try {
    const chain = RootChain.start(gun, file, budget)
    return chain.version === version && chain.next(next, budget).version === version + 1
  } catch (cause) {
    if (cause instanceof UntrustedError) return false
    throw cause
  }
}
