/** A server as the user wrote it, and hosts as sockets and messages spell them. */

/** Where a server is. */
export interface ServerAddress {
  /** As typed, less a trailing slash; for messages and results. */
  readonly typed: string
  /** `host[:port]` as typed, `:443` included; for messages and the name of the folder under `tls/`. */
  readonly host: string
  /** What is asked; its path is the prefix without a trailing slash, or `/`. */
  readonly url: URL
}

/** `host:port`, an IPv6 address in brackets. */
export function hostAndPort(hostname: string, port: number): string {
  return `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`
}

/** A URL's host as sockets call it: an IPv6 address without its brackets. */
export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}
