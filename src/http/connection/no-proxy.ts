/**
 * Decides which hosts are reached without the proxy: NO_PROXY by the rules of Go's golang.org/x/net/http/httpproxy, which
 * Docker 28 uses. Two unambiguous spellings are accepted too: `[fd00::1]` without a port, and a dot at the end of a name.
 */
import { isIP } from 'node:net'
import { withoutBrackets } from '../server-address.js'

/** Four bytes, or sixteen. An IPv4-mapped IPv6 address has four, since Go's net.IP.Equal treats it as the IPv4 address. */
type Address = readonly number[]

/** True when a host (in lower case, without brackets) is one of the exceptions, which are separated by commas. */
export function isException(exceptions: string, hostname: string, port: number): boolean {
  const address = parseAddress(hostname)
  return exceptions.split(',').some((entry) => excepts(entry.trim().toLowerCase(), hostname, address, String(port)))
}

/** True for `localhost` and for an address that only this machine can reach. In lower case, without brackets. */
export function isLoopback(hostname: string): boolean {
  if (hostname === 'localhost') return true
  const address = parseAddress(hostname)
  return address !== undefined && (isIn('127.0.0.0/8', address) === true || isIn('::1/128', address) === true)
}

/** `*`, an address, a CIDR block, `host` (the host and its subdomains) or `.host` (subdomains only). A block never has a port. */
function excepts(entry: string, hostname: string, address: Address | undefined, port: string): boolean {
  if (entry === '*') return true
  const inBlock = isIn(entry, address)
  if (inBlock !== undefined) return inBlock
  const withPort = /^(?<host>\[[^[\]]*\]|[^:[\]]*):(?<port>[^:[\]]*)$/.exec(entry)
  const host = withoutBrackets(withPort?.groups?.['host'] ?? entry).replace(/(?<=[^.])\.$/, '')
  const wanted = withPort?.groups?.['port'] ?? ''
  if (host === '' || (wanted !== '' && wanted !== port)) return false
  const given = parseAddress(host)
  if (given !== undefined || address !== undefined) return given !== undefined && isSame(given, address)
  const below = host.replace(/^\*\./, '.')
  return below.startsWith('.') ? hostname.endsWith(below) : hostname === below || hostname.endsWith(`.${below}`)
}

/** Undefined when the entry is not a CIDR block. */
function isIn(entry: string, address: Address | undefined): boolean | undefined {
  const [network = '', bits = '', ...more] = entry.split('/')
  const bytes = parseBytes(network)
  if (bytes === undefined || more.length > 0 || !/^[0-9]{1,3}$/.test(bits) || Number(bits) > bytes.length * 8) return undefined
  const masked = mask(bytes, Number(bits))
  // A block of mapped addresses is one of IPv4.
  const [first, length] = isMapped(masked) ? [masked.slice(12), Number(bits) - 96] : [masked, Number(bits)]
  return address?.length === first.length && isSame(first, mask(address, length))
}

function parseAddress(text: string): Address | undefined {
  const bytes = parseBytes(text)
  return bytes !== undefined && isMapped(bytes) ? bytes.slice(12) : bytes
}

/** The bytes of an address as written; undefined for one with a zone, which a URL cannot have. */
function parseBytes(text: string): Address | undefined {
  const family = isIP(text)
  if (family === 4) return text.split('.').map(Number)
  if (family !== 6 || text.includes('%')) return undefined
  // A URL normalizes the address: groups in hexadecimal, no dotted end, one `::` at most.
  const [head = '', tail = ''] = withoutBrackets(new URL(`http://[${text}]`).hostname).split('::')
  const [first, last] = [groups(head), groups(tail)]
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => 0)
  return [...first, ...zeros, ...last].flatMap((group) => [group >> 8, group & 0xff])
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}

function isMapped(bytes: Address): boolean {
  return bytes.length === 16 && bytes.slice(0, 12).every((byte, at) => byte === (at < 10 ? 0 : 0xff))
}

function mask(bytes: Address, bits: number): Address {
  return bytes.map((byte, at) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - at * 8))) & 0xff)
}

function isSame(one: Address, other: Address | undefined): boolean {
  return one.length === other?.length && one.every((byte, at) => byte === other[at])
}
