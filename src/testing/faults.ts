/** A server in process: what it has, what it is asked, and what goes wrong on the way. */
import { type TrustError, UnavailableError, UntrustedError } from '../errors.js'
import type { MetadataRequest, Transport } from '../transport/transport.js'

/** What happens to one file instead of its being served. A function gets the honest bytes, and may do something meanwhile. */
export type Fault =
  | 'missing'
  | 'unreachable'
  | 'unauthorized'
  | 'server-error'
  | 'tls'
  | 'silent'
  | Uint8Array
  | ((honest: Uint8Array | undefined) => Uint8Array | undefined | Promise<Uint8Array | undefined>)

/** Faults by name of a file: `timestamp`, `2.root`, `snapshot` (whatever its hash), `snapshot.<hex>`, or `*` for all others. */
export type Faults = Readonly<Record<string, Fault>>

/** A transport to a simulated server. */
export interface SimulatedTransport extends Transport {
  /** Names of the files asked for, in order. */
  readonly requests: string[]
  /** Open to be changed between requests. */
  readonly faults: Map<string, Fault>
}

/** Something that serves files by name. */
export interface FileHolder {
  readonly gun: string
  /** The file of that name (`root`, `2.root`, `snapshot.<hex>`), as a server would send it. */
  served(name: string): Uint8Array | undefined
}

/** A transport that serves these collections and no others. Nothing leaves the process. */
export function createSimulatedTransport(
  collections: readonly FileHolder[],
  { faults = {} }: { readonly faults?: Faults } = {},
): SimulatedTransport {
  return new LocalTransport(new Map(collections.map((collection) => [collection.gun, collection])), faults)
}

/** The fault for a file: its own name first, then that of its role, then `*`. */
export function faultFor(faults: ReadonlyMap<string, Fault>, name: string): Fault | undefined {
  return faults.get(name) ?? faults.get(name.replace(/\.[0-9a-f]{64}$/, '')) ?? faults.get('*')
}

class LocalTransport implements SimulatedTransport {
  readonly requests: string[] = []
  readonly faults: Map<string, Fault>
  readonly #collections: ReadonlyMap<string, FileHolder>
  #closed = false

  constructor(collections: ReadonlyMap<string, FileHolder>, faults: Faults) {
    this.#collections = collections
    this.faults = new Map(Object.entries(faults))
  }

  async fetchMetadata({ gun, name, maxBytes, signal }: MetadataRequest): Promise<Uint8Array | undefined> {
    if (this.#closed) throw new TypeError('the transport is closed')
    signal.throwIfAborted()
    this.requests.push(name)
    const fault = faultFor(this.faults, name)
    await new Promise(setImmediate) // an answer always takes a turn
    const bytes = await answer(fault, this.#collections.get(gun)?.served(name), { gun, name, signal })
    signal.throwIfAborted()
    if (bytes !== undefined && bytes.length > maxBytes) {
      const message = `trust data for ${gun} is too large: ${name}: more than ${maxBytes} bytes`
      throw new UntrustedError('ERR_METADATA_TOO_LARGE', message, { gun, role: roleOf(name) })
    }
    return bytes
  }

  close(): Promise<void> {
    this.#closed = true
    return Promise.resolve()
  }
}

interface Asked {
  readonly gun: string
  readonly name: string
  readonly signal: AbortSignal
}

async function answer(fault: Fault | undefined, honest: Uint8Array | undefined, asked: Asked): Promise<Uint8Array | undefined> {
  if (fault === undefined) return honest
  if (fault instanceof Uint8Array) return fault
  if (typeof fault === 'function') return fault(honest)
  if (fault === 'missing') return undefined
  if (fault === 'silent') await untilAborted(asked.signal)
  throw failure(fault, asked)
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}

function failure(fault: string, { gun, name }: Asked): TrustError {
  const details = { gun, role: roleOf(name) }
  switch (fault) {
    case 'unauthorized':
      return new UnavailableError(
        'ERR_UNAUTHORIZED',
        'you are not authorized to perform this operation: server returned 401.',
        details,
      )
    case 'server-error':
      return new UnavailableError('ERR_SERVER_RESPONSE', 'unable to reach trust server at this time: 503.', details)
    case 'tls':
      return new UnavailableError(
        'ERR_TLS',
        'error contacting notary server: self-signed certificate in certificate chain',
        details,
      )
    default:
      return new UnavailableError(
        'ERR_SERVER_UNREACHABLE',
        'error contacting notary server: connect ECONNREFUSED 192.0.2.1:443',
        details,
      )
  }
}

function roleOf(name: string): string {
  return name.replace(/\.[0-9a-f]{64}$/, '').replace(/^\d+\./, '')
}
