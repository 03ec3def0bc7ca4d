/**
 * Stops server-side request forgery: a server with a public address must not lead this client to an address that only this
 * machine or its network can reach, such as the metadata service of a cloud, a router or loopback.
 */
import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isSpecialAddress } from './special-addresses.js'

/** The server named a host that this client does not connect to. */
export class AddressRefused extends Error {
  constructor(host: string) {
    super(
      `${host} is an address of this machine or of a private network, or a reserved one, and the server that names it has a public address`,
    )
  }
}

/** Decides which addresses one server may lead to. The server itself may have any address, since the user named it. */
export class PrivateAddresses {
  readonly #serverHostname: string
  readonly #lookup: LookupFunction
  #allowed: boolean

  constructor(serverHostname: string, lookup: LookupFunction = systemLookup) {
    this.#serverHostname = serverHostname
    this.#lookup = shared(lookup)
    this.#allowed = isSpecialAddress(serverHostname)
  }

  /** Records the address of a connection. Not to be called for a connection through a proxy, whose address it would be. */
  noteConnection(hostname: string, address: string | undefined): void {
    if (hostname === this.#serverHostname && address !== undefined) this.#allowed = isSpecialAddress(address)
  }

  /** Checks a host that is written as an address. @throws AddressRefused */
  check(hostname: string): void {
    if (!this.#mayBePrivate(hostname) && isSpecialAddress(hostname)) throw new AddressRefused(hostname)
  }

  /** A resolver that leaves out addresses that are not allowed. So the socket connects only to addresses that were checked. */
  lookup(hostname: string): LookupFunction {
    if (this.#mayBePrivate(hostname)) return this.#lookup
    return (name, options, callback) =>
      this.#lookup(name, options, (error, found, family) => {
        if (error !== null) return callback(error, found, family)
        if (typeof found === 'string')
          return isSpecialAddress(found) ? callback(new AddressRefused(name), []) : callback(null, found, family)
        const left = found.filter(({ address }) => !isSpecialAddress(address))
        callback(left.length === 0 ? new AddressRefused(name) : null, left)
      })
  }

  #mayBePrivate(hostname: string): boolean {
    return this.#allowed || hostname === this.#serverHostname
  }
}

/** Connections that begin together share one lookup: Node runs only a few lookups at a time. */
function shared(lookup: LookupFunction): LookupFunction {
  const running = new Map<string, Parameters<LookupFunction>[2][]>()
  return (hostname, options, callback) => {
    const question = JSON.stringify([hostname, options])
    const waiting = running.get(question) ?? []
    waiting.push(callback)
    if (waiting.length > 1) return
    running.set(question, waiting)
    lookup(hostname, options, (...answer) => {
      running.delete(question)
      for (const resolve of waiting) resolve(...answer)
    })
  }
}
