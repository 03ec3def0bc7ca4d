/** Tells whether two addresses, as typed or as recorded, are one trust server. */

/** An address in its one normal spelling. Two addresses are one server when their identities are equal. */
export type ServerIdentity = string

/**
 * The identity of a server: host in lower case, no default port, no dot behind the host, no slash behind the path. It can be read
 * back as an address. A text that is no URL is its own identity, and so is no server's.
 */
export function serverIdentity(address: URL | string): ServerIdentity {
  if (typeof address === 'string' && !URL.canParse(address)) return address
  const url = new URL(address)
  url.hostname = url.hostname.replace(/\.$/, '')
  url.pathname = url.pathname.replace(/\/+$/, '')
  return url.href
}
