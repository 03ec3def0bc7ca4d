/** The addresses that a public server must not lead to: every entry of IANA's registries, also as an IPv4 address inside IPv6. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSpecialAddress } from '../../../src/http/connection/special-addresses.js'

/** Every entry of https://www.iana.org/assignments/iana-ipv4-special-registry (updated 2025-10-09). */
const IPV4_REGISTRY = [
  '0.0.0.0/8',
  '0.0.0.0/32',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.0.0/29',
  '192.0.0.8/32',
  '192.0.0.9/32',
  '192.0.0.10/32',
  '192.0.0.170/32',
  '192.0.0.171/32',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.88.99.2/32',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '240.0.0.0/4',
  '255.255.255.255/32',
]

/** Every entry of https://www.iana.org/assignments/iana-ipv6-special-registry (updated 2025-10-09), except those that hold an IPv4 address. */
const IPV6_REGISTRY = [
  '::1/128',
  '::/128',
  '64:ff9b:1::/48',
  '100::/64',
  '100:0:0:1::/64',
  '2001::/23',
  '2001::/32',
  '2001:1::1/128',
  '2001:1::2/128',
  '2001:1::3/128',
  '2001:2::/48',
  '2001:3::/32',
  '2001:4:112::/48',
  '2001:10::/28',
  '2001:20::/28',
  '2001:30::/28',
  '2001:db8::/32',
  '2620:4f:8000::/48',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
]

/** Forms of IPv6 addresses that hold an IPv4 address: entries of the registry, and forms that are deprecated or were never registered. */
const AROUND_IPV4: Readonly<Record<string, (high: string, low: string) => string>> = {
  '::ffff:0:0/96, mapped': (high, low) => `::ffff:${high}:${low}`,
  '64:ff9b::/96, NAT64': (high, low) => `64:ff9b::${high}:${low}`,
  '2002::/16, 6to4': (high, low) => `2002:${high}:${low}::1`,
  '::/96, compatible (RFC 4291)': (high, low) => `::${high}:${low}`,
  '::ffff:0:0:0/96, translated (RFC 2765)': (high, low) => `::ffff:0:${high}:${low}`,
}

const ipv4 = (number: number): string => [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.')
const groups = (number: number): [string, string] => [(number >>> 16).toString(16), (number & 0xffff).toString(16)]
const ipv6 = (number: bigint): string =>
  Array.from({ length: 8 }, (_, at) => ((number >> BigInt(112 - 16 * at)) & 0xffffn).toString(16)).join(':')

/** First and last address of a network, computed without the code under test and Node's BlockList. */
function bounds4(network: string): [number, number] {
  const [address = '', bits = ''] = network.split('/')
  const first = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  return [first, first + 2 ** (32 - Number(bits)) - 1]
}
function bounds6(network: string): [bigint, bigint] {
  const [address = '', bits = ''] = network.split('/')
  const [head = '', tail = ''] = address.split('::')
  const [before, after] = [head, tail].map((part) => part.split(':').filter((group) => group !== ''))
  const zeros = Array.from({ length: 8 - (before?.length ?? 0) - (after?.length ?? 0) }, () => '0')
  const all = address.includes('::') ? [...(before ?? []), ...zeros, ...(after ?? [])] : (before ?? [])
  const first = all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n)
  return [first, first + (1n << BigInt(128 - Number(bits))) - 1n]
}

/** Multicast is in another registry; the address of Azure's host is in none. */
const SPECIAL_IPV4 = [...IPV4_REGISTRY, '224.0.0.0/4', '168.63.129.16/32'].map(bounds4)
const isSpecialIpv4 = (number: number): boolean => SPECIAL_IPV4.some(([first, last]) => number >= first && number <= last)

/** Any address, with those at the edges of networks more often. */
const anyIpv4 = fc.oneof(
  fc.nat(0xffff_ffff),
  fc
    .tuple(fc.constantFrom(...SPECIAL_IPV4.flat()), fc.integer({ min: -2, max: 2 }))
    .map(([edge, off]) => (edge + off + 2 ** 32) % 2 ** 32),
)

describe.each(IPV4_REGISTRY)('%s of the registry for IPv4', (network) => {
  test('is special from the first address to the last', () => {
    const [first, last] = bounds4(network)
    for (const number of [first, Math.floor((first + last) / 2), last]) expect(isSpecialAddress(ipv4(number))).toBe(true)
  })
})

describe.each(IPV6_REGISTRY)('%s of the registry for IPv6', (network) => {
  test('is special from the first address to the last', () => {
    const [first, last] = bounds6(network)
    for (const number of [first, (first + last) / 2n, last]) expect(isSpecialAddress(ipv6(number))).toBe(true)
  })
})

test('an IPv4 address is special exactly when one of the registries holds it', () => {
  const isClassifiedRight = (number: number): void =>
    expect(isSpecialAddress(ipv4(number)), ipv4(number)).toBe(isSpecialIpv4(number))
  fc.assert(
    fc.property(anyIpv4, (number) => void isClassifiedRight(number)),
    { numRuns: 2_000 },
  )
})

test.each(Object.entries(AROUND_IPV4))(
  '%s: an IPv4 address inside an IPv6 address is special exactly when it is special by itself',
  (_, around) => {
    const isClassifiedAlike = (number: number): void => {
      const address = around(...groups(number))
      expect(isSpecialAddress(address), address).toBe(isSpecialAddress(ipv4(number)))
    }
    fc.assert(
      fc.property(anyIpv4, (number) => void isClassifiedAlike(number)),
      { numRuns: 2_000 },
    )
  },
)

test('every IPv6 address outside 2000::/3 is special, unless it ends in an IPv4 address', () => {
  const nat64 = 0x64_ff9b_0000_0000n
  const outside = fc.bigInt(1n << 64n, (1n << 128n) - 1n).filter((number) => number >> 125n !== 1n && number >> 64n !== nat64)
  const isSpecial = (number: bigint): void => expect(isSpecialAddress(ipv6(number)), ipv6(number)).toBe(true)
  fc.assert(fc.property(outside, (number) => void isSpecial(number)))
})

test.each([
  ['fe80::1%eth0', true],
  ['fec0::1', true],
  ['ff02::1', true],
  ['64:ff9b::169.254.169.254', true],
  ['64:ff9b::93.184.216.34', false],
  ['64:ff9b:1::93.184.216.34', true],
  ['::ffff:10.0.0.1', true],
  ['::ffff:93.184.216.34', false],
  ['192.0.0.192', true],
  ['100.100.100.200', true],
  ['fd00:ec2::254', true],
  ['172.32.0.1', false],
  ['93.184.216.34', false],
  ['2606:4700::1111', false],
  ['2a00:1450:4001::1', false],
  ['2001:4860:4860::8888', false],
  ['auth.example', false],
  ['', false],
])('%s is special: %s', (address, expected) => {
  expect(isSpecialAddress(address)).toBe(expected)
})
