/**
 * Keeps a trust server of the public network from sending us to addresses that only this machine or its own network
 * can reach (server-side request forgery): to the metadata service of a cloud, to a router, to loopback.
 */
import { lookup as systemLookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** Not reachable from outside (IANA's special-purpose registries). */
const PRIVATE = new BlockList()
for (const network of [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
])
  addSubnet(network, 'ipv4')
for (const network of ['::/127', 'fc00::/7', 'fe80::/10']) addSubnet(network, 'ipv6')

function addSubnet(network: string, family: 'ipv4' | 'ipv6'): void {
  const [address = '', bits = ''] = network.split('/')
  PRIVATE.addSubnet(address, Number(bits), family)
}

/** A host that the trust server named and that is not asked. */
export class AddressRefused extends Error {
  constructor(host: string) {
    super(`${host} is an address of this machine or of a private network, and the trust server is not`)
  }
}

/** True for an IP address of this machine, of a private network or of one link; false for names. */
export function isPrivateAddress(address: string): boolean {
  const [bare = ''] = address.split('%')
  const family = isIP(bare)
  // It also knows an IPv4 address that is written as IPv6.
  return family !== 0 && PRIVATE.check(bare, family === 4 ? 'ipv4' : 'ipv6')
}

/** Who may be asked, as seen from one trust server. The trust server itself, whom the user named, always may. */
export class PrivateAddresses {
  readonly #trustServerHostname: string
  readonly #lookup: LookupFunction
  #allowed: boolean

  constructor(trustServerHostname: string, lookup: LookupFunction = systemLookup) {
    this.#trustServerHostname = trustServerHostname
    this.#lookup = shared(lookup)
    this.#allowed = isPrivateAddress(trustServerHostname)
  }

  /** Notes where the trust server was reached. Behind a proxy nobody knows. */
  noteConnection(hostname: string, address: string | undefined): void {
    if (hostname === this.#trustServerHostname && address !== undefined) this.#allowed = isPrivateAddress(address)
  }

  /** @throws AddressRefused for a host that is written as an address */
  check(hostname: string): void {
    if (!this.#mayBePrivate(hostname) && isPrivateAddress(hostname)) throw new AddressRefused(hostname)
  }

  /** Resolves a name and leaves out what may not be asked, so that what was judged is what is connected to. */
  lookup(hostname: string): LookupFunction {
    if (this.#mayBePrivate(hostname)) return this.#lookup
    return (name, options, callback) =>
      this.#lookup(name, options, (error, found, family) => {
        if (error !== null) return callback(error, found, family)
        if (typeof found === 'string')
          return isPrivateAddress(found) ? callback(new AddressRefused(name), []) : callback(null, found, family)
        const left = found.filter(({ address }) => !isPrivateAddress(address))
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
