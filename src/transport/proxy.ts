/** Whether a request goes through a proxy, by the environment: the rules of Go's golang.org/x/net/http/httpproxy. */
import { BlockList, isIP } from 'node:net'
import { UsageError } from '../errors.js'
import { withoutBrackets } from './notary-url.js'

/** An HTTP proxy that is asked to CONNECT. */
export interface ProxyServer {
  readonly tls: boolean
  readonly hostname: string
  readonly port: number
  /** The value of Proxy-Authorization. */
  readonly authorization?: string
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** Where to look up the variables. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>

/**
 * The proxy for an https address, if any. HTTP_PROXY never applies, since nothing but https is asked.
 *
 * `localhost` and loopback addresses are never asked through a proxy.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when the variable holds no http or https URL; its value is not repeated
 */
export function proxyFor(hostname: string, port: number, env: ProxyEnvironment): ProxyServer | undefined {
  const variable = firstSet(env, 'HTTPS_PROXY', 'https_proxy')
  if (variable === undefined) return undefined
  const host = bareHost(hostname)
  if (host === 'localhost' || isLoopback(host)) return undefined
  const exceptions = firstSet(env, 'NO_PROXY', 'no_proxy')?.value ?? ''
  if (exceptions.split(',').some((entry) => excepts(entry.trim().toLowerCase(), host, port))) return undefined
  return parseProxy(variable.name, variable.value)
}

function firstSet(env: ProxyEnvironment, ...names: readonly string[]): { name: string; value: string } | undefined {
  for (const name of names) {
    const value = env[name]?.trim()
    if (value !== undefined && value !== '') return { name, value }
  }
  return undefined
}

function parseProxy(variable: string, value: string): ProxyServer {
  // Go takes `proxy:3128` as http too.
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new UsageError('ERR_SETTINGS_INVALID', `${variable} is not the address of an http or https proxy`, {
      hint: `Write ${variable} as http://host:port.`,
    })
  }
  const tls = url.protocol === 'https:'
  const proxy = { tls, hostname: bareHost(url.hostname), port: url.port === '' ? (tls ? 443 : 80) : Number(url.port) }
  if (url.username === '' && url.password === '') return proxy
  const secret = `${percentDecoded(url.username)}:${percentDecoded(url.password)}`
  return { ...proxy, authorization: `Basic ${Buffer.from(secret).toString('base64')}` }
}

/** `*`, an address, a CIDR block, `host` (with what is below it) or `.host` (only that), each but `*` with `:port` or not. */
function excepts(entry: string, hostname: string, port: number): boolean {
  if (entry === '*') return true
  if (entry === '') return false
  if (entry.includes('/')) return inBlock(entry, hostname)
  const withPort = /^(?<host>\[[^\]]*\]|[^:]*):(?<port>[0-9]+)$/.exec(entry)
  if (withPort !== null && Number(withPort.groups?.['port']) !== port) return false
  const host = bareHost(withPort?.groups?.['host'] ?? entry).replace(/^\*\./, '.')
  if (host.startsWith('.')) return hostname.endsWith(host)
  return hostname === host || (isIP(hostname) === 0 && hostname.endsWith(`.${host}`))
}

function isLoopback(host: string): boolean {
  const family = isIP(host)
  // It also knows an IPv4 address that is written as IPv6.
  return family !== 0 && LOOPBACK.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

function inBlock(entry: string, hostname: string): boolean {
  const [network = '', bits = ''] = entry.split('/')
  const family = isIP(network)
  if (family === 0 || isIP(hostname) !== family || !/^[0-9]{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128))
    return false
  const block = new BlockList()
  block.addSubnet(network, Number(bits), family === 4 ? 'ipv4' : 'ipv6')
  return block.check(hostname, family === 4 ? 'ipv4' : 'ipv6')
}

/** Without the brackets of IPv6 and the dot at the end of a full name. */
function bareHost(host: string): string {
  return withoutBrackets(host).replace(/\.$/, '').toLowerCase()
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    if (cause instanceof URIError) return text
    throw cause
  }
}
