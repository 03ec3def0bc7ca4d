/** A server as the user wrote it, and hosts as sockets and messages spell them. */

/** What a server is called in messages. */
export type ServerKind = 'trust server' | 'registry'

/** Where a server is. */
export interface ServerAddress {
  readonly kind: ServerKind
  /** As typed, without a trailing slash; for messages and results. */
  readonly typed: string
  /** `host[:port]` as typed, `:443` included; for messages and the name of the folder under `tls/`. */
  readonly host: string
  /** The base of every request; its path is the prefix without a trailing slash, or `/`. */
  readonly url: URL
}

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
