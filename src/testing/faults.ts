/** A server in the same process, with the requests that it got and the faults that it has. */
import { type TrustError, UnavailableError, UntrustedError } from '../errors.js'
import type { MetadataRequest, Transport } from '../trust-server/transport.js'

/**
 * Faults of a request, by name. `tls` is only for transports in process: a server over https has one certificate for all files
 * (see `startTrustServer`).
 */
export type FaultName =
  | 'missing'
  | 'unreachable'
  | 'cut-off'
  | 'silent'
  | 'unauthorized'
  | 'forbidden'
  | 'rate-limited'
  | 'server-error'
  | 'login-page'
  | 'empty'
  | 'bad-encoding'
  | 'tls'

/** The faults that a server over https can have too. */
export const SERVER_FAULTS: readonly Exclude<FaultName, 'tls'>[] = [
  'missing',
  'unreachable',
  'cut-off',
  'silent',
  'unauthorized',
  'forbidden',
  'rate-limited',
  'server-error',
  'login-page',
  'empty',
  'bad-encoding',
]

/** What happens to a request instead of an honest answer: a named fault, other bytes, or a function of the honest bytes. */
export type Fault =
  | FaultName
  | Uint8Array
  | ((honest: Uint8Array | undefined) => Uint8Array | undefined | Promise<Uint8Array | undefined>)

/** Faults by name of a file: `timestamp`, `2.root`, `snapshot` (whatever its hash), `snapshot.<hex>`, or `*` for all others. */
export type Faults = Readonly<Record<string, Fault>>

/** Faults by name of a file. An unknown fault is a TypeError: without types, a misspelt name would mean a missing file. */
export class FaultMap<Kind extends Fault> extends Map<string, Kind> {
  readonly #names: readonly string[]

  constructor(faults: Readonly<Record<string, Kind>>, names: readonly FaultName[]) {
    super()
    this.#names = names
    for (const [file, fault] of Object.entries(faults)) this.set(file, fault)
  }

  override set(file: string, fault: Kind): this {
    const isKnown =
      typeof fault === 'string' ? this.#names.includes(fault) : typeof fault === 'function' || fault instanceof Uint8Array
    if (!isKnown) throw new TypeError(`no fault for ${file}: ${String(fault)}; by name there are ${this.#names.join(', ')}`)
    return super.set(file, fault)
  }
}

/** A transport to a simulated server. */
export interface SimulatedTransport extends Transport {
  /** Names of the files asked for, in order. */
  readonly requests: string[]
  /** Can be changed between requests. `set` throws a TypeError for an unknown fault. */
  readonly faults: Map<string, Fault>
}

/** An object that serves files by name. */
export interface FileHolder {
  readonly gun: string
  /** The file of that name (`root`, `2.root`, `snapshot.<hex>`), as a server would send it. */
  served(name: string): Uint8Array | undefined
}

/** A transport that serves these collections, without any network. */
export function createSimulatedTransport(
  collections: readonly FileHolder[],
  { faults = {} }: { readonly faults?: Faults } = {},
): SimulatedTransport {
  return new LocalTransport(new Map(collections.map((collection) => [collection.gun, collection])), faults)
}

/** The fault for a file: its own name first, then that of its role, then `*`. */
export function faultFor<Kind>(faults: ReadonlyMap<string, Kind>, name: string): Kind | undefined {
  return faults.get(name) ?? faults.get(name.replace(/\.[0-9a-f]{64}$/, '')) ?? faults.get('*')
}

/** The HTTP status of faults that are a status. */
export const FAULT_STATUS: Readonly<Partial<Record<FaultName, number>>> = {
  unauthorized: 401,
  forbidden: 403,
  'rate-limited': 429,
  'server-error': 503,
}

/** An answer as proxies and captive portals give. */
export const LOGIN_PAGE: Uint8Array = Buffer.from('<!doctype html><title>Sign in</title>')

/** The bodies that are served with status 200 instead of a file. */
export const FAULT_BODIES: Readonly<Partial<Record<FaultName, Uint8Array>>> = {
  'login-page': LOGIN_PAGE,
  empty: Buffer.alloc(0),
}

class LocalTransport implements SimulatedTransport {
  readonly requests: string[] = []
  readonly faults: Map<string, Fault>
  readonly #collections: ReadonlyMap<string, FileHolder>
  #closed = false

  constructor(collections: ReadonlyMap<string, FileHolder>, faults: Faults) {
    this.#collections = collections
    this.faults = new FaultMap(faults, [...SERVER_FAULTS, 'tls'])
  }

  async fetchMetadata({ gun, name, maxBytes, signal }: MetadataRequest): Promise<Uint8Array | undefined> {
    if (this.#closed) throw new TypeError('the transport is closed')
    signal.throwIfAborted()
    this.requests.push(name)
    const fault = faultFor(this.faults, name)
    await new Promise(setImmediate) // an answer never comes in the same turn of the event loop
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
  const body = FAULT_BODIES[fault]
  if (body !== undefined) return body
  throw failure(fault, asked)
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** The error that the transport over https would throw. */
function failure(fault: FaultName, { gun, name }: Asked): TrustError {
  const details = { gun, role: roleOf(name) }
  const status = FAULT_STATUS[fault]
  if (status === 401 || status === 403) {
    const message = `you are not authorized to perform this operation: server returned ${status}.`
    return new UnavailableError('ERR_UNAUTHORIZED', message, details)
  }
  if (status !== undefined)
    return new UnavailableError('ERR_SERVER_RESPONSE', `unable to reach trust server at this time: ${status}.`, details)
  if (fault === 'bad-encoding') {
    const message = 'unable to reach trust server at this time: 200.'
    return new UnavailableError('ERR_SERVER_RESPONSE', message, { ...details, isBadAnswer: true })
  }
  const cause = CONNECTION_FAULTS.get(fault) ?? 'connect ECONNREFUSED 192.0.2.1:443'
  const code = fault === 'tls' ? 'ERR_TLS' : 'ERR_SERVER_UNREACHABLE'
  return new UnavailableError(code, `error contacting notary server: ${cause}`, details)
}

const CONNECTION_FAULTS: ReadonlyMap<FaultName, string> = new Map([
  ['tls', 'self-signed certificate in certificate chain'],
  ['cut-off', 'the answer was cut off'],
])

function roleOf(name: string): string {
  return name.replace(/\.[0-9a-f]{64}$/, '').replace(/^\d+\./, '')
}
