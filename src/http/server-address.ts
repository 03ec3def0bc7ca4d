/** Hosts as sockets and messages spell them. */

export type { ServerAddress, ServerKind } from '../reference/server-address.js'

/** `host:port`, an IPv6 address in brackets. */
export function hostAndPort(hostname: string, port: number): string {
  return `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`
}

/** The `host:port` that an https URL leads to. */
export function peerOf(url: URL): string {
  return hostAndPort(withoutBrackets(url.hostname), url.port === '' ? 443 : Number(url.port))
}

/** A URL's host as sockets call it: an IPv6 address without its brackets. */
export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}
