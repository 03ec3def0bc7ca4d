/**
 * Addresses that are not public: all of IANA's special-purpose registries
 * (iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry, 2025-10-09), multicast, and unallocated
 * space.
 *
 * The table is kept here, on Node's BlockList: its entries change once in some years. Libraries (ipaddr.js) leave out some,
 * such as fec0::/10, and do not check the IPv4 address inside an IPv6 address. The table also has the entries that the
 * registries call globally reachable (anycast relays, sinkholes, identifiers), because no web server has such an address.
 */
import { BlockList, isIP } from 'node:net'

const IPV4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // shared by the customers of a carrier
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // not in IANA's registry: the host of a virtual machine in Azure, reachable from that machine only
  '169.254.0.0/16', // link-local
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // AMT
  '192.88.99.0/24', // relays of 6to4
  '192.168.0.0/16', // private
  '192.175.48.0/24', // AS112
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/3', // multicast, reserved, broadcast
]

/** Special networks inside IPV6_UNICAST. Every IPv6 address outside IPV6_UNICAST is special too. */
const IPV6 = [
  '2001::/23', // protocol assignments, Teredo, ORCHID
  '2001:db8::/32', // documentation
  '2620:4f:8000::/48', // AS112
  '3fff::/20', // documentation
]
const IPV6_UNICAST = '2000::/3'

/**
 * Prefixes of IPv6 addresses that end in an IPv4 address and are special when that address is: compatible, mapped and
 * translated ones, and NAT64 (RFC 6052), through which IPv6-only networks reach public IPv4 servers. 64:ff9b:1::/48 is not
 * among them, since its operator chooses the position of the IPv4 address.
 */
const BEFORE_IPV4 = ['::', '::ffff:', '::ffff:0:', '64:ff9b::']

const SPECIAL = new BlockList()
const KNOWN_IPV6 = new BlockList()
for (const network of IPV4) {
  const [address = '', bits = ''] = network.split('/')
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
  const groups = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  SPECIAL.addSubnet(address, Number(bits), 'ipv4')
  for (const prefix of BEFORE_IPV4) SPECIAL.addSubnet(`${prefix}${groups}`, 96 + Number(bits), 'ipv6')
  SPECIAL.addSubnet(`2002:${groups}::`, 16 + Number(bits), 'ipv6') // 6to4
}
for (const network of IPV6) addIpv6(SPECIAL, network)
addIpv6(KNOWN_IPV6, IPV6_UNICAST)
for (const prefix of BEFORE_IPV4) addIpv6(KNOWN_IPV6, `${prefix}0:0/96`)

function addIpv6(list: BlockList, network: string): void {
  const [address = '', bits = ''] = network.split('/')
  list.addSubnet(address, Number(bits), 'ipv6')
}

/** True for an IP address of this machine, of a private network, of one link, or reserved for something; false for names. */
export function isSpecialAddress(address: string): boolean {
  const [bare = ''] = address.split('%')
  const family = isIP(bare)
  if (family === 6) return !KNOWN_IPV6.check(bare, 'ipv6') || SPECIAL.check(bare, 'ipv6')
  return family === 4 && SPECIAL.check(bare, 'ipv4')
}
