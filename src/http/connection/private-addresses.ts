/**
 * Keeps a trust server of the public network from sending us to addresses that only this machine or its own network
 * can reach (server-side request forgery): to the metadata service of a cloud, to a router, to loopback.
 */
import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isSpecialAddress } from './special-addresses.js'

/** A host that the trust server named and that is not asked. */
export class AddressRefused extends Error {
  constructor(host: string) {
    super(`${host} is an address of this machine or of a private network, or a reserved one, and that of the trust server is not`)
  }
}

/** Who may be asked, as seen from one trust server. The trust server itself, whom the user named, always may. */
export class PrivateAddresses {
  readonly #trustServerHostname: string
  readonly #lookup: LookupFunction
  #allowed: boolean

  constructor(trustServerHostname: string, lookup: LookupFunction = systemLookup) {
    this.#trustServerHostname = trustServerHostname
    this.#lookup = shared(lookup)
    this.#allowed = isSpecialAddress(trustServerHostname)
  }

  /** Notes where the trust server was reached. Behind a proxy nobody knows. */
  noteConnection(hostname: string, address: string | undefined): void {
    if (hostname === this.#trustServerHostname && address !== undefined) this.#allowed = isSpecialAddress(address)
  }

  /** @throws AddressRefused for a host that is written as an address */
  check(hostname: string): void {
    if (!this.#mayBePrivate(hostname) && isSpecialAddress(hostname)) throw new AddressRefused(hostname)
  }

  /** Resolves a name and leaves out what may not be asked, so that what was judged is what is connected to. */
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
    return this.#allowed || hostname === this.#trustServerHostname
  }
}

/** Connections begun together ask for their address together: a few at a time would wait for each other. */
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
      for (const tell of waiting) tell(...answer)
    })
  }
}
