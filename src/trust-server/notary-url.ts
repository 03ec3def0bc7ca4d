/**
 * Parses the trust server that the user typed, and builds the addresses of its files. No name of a collection or file can
 * change the host or the path of a request.
 */
import { UsageError } from '../errors.js'
import type { ServerAddress } from '../http/server-address.js'

/** A trust server; `url.pathname` is the prefix. */
export type TrustServer = ServerAddress

const SERVER = /^https:\/\/(?<authority>[^/?#\\]*)(?<path>\/[^?#\\]*)?$/i
// A dot at the start of a name or an empty label would also make a strange folder name.
const HOST_AND_PORT = /^(?:\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?)(?::(?<port>[1-9][0-9]{0,4}))?$/i
const PREFIX = /^(?:\/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*$/
const GUN = /^[A-Za-z0-9._:[\]-]+(?:\/[A-Za-z0-9._:[\]-]+)*$/
const FILE_NAME = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/

/**
 * Reads `https://host[:port][/prefix]`.
 *
 * @throws UsageError ERR_SETTINGS_INVALID; its message leaves out what comes before an `@` or after a `?` or `#`
 */
export function parseServer(text: string): TrustServer {
  const match = SERVER.exec(text)
  if (match === null) throw invalidServer(text, 'Write it as https://host, https://host:port or https://host:port/prefix.')
  const authority = match.groups?.['authority'] ?? ''
  const prefix = (match.groups?.['path'] ?? '').replace(/\/+$/, '')
  if (authority.includes('@')) {
    throw invalidServer(text, 'Leave the credentials out of the address: use docker login, or the credentials option.')
  }
  const port = HOST_AND_PORT.exec(authority)?.groups?.['port']
  if (!HOST_AND_PORT.test(authority) || (port !== undefined && Number(port) > 65_535)) {
    throw invalidServer(
      text,
      'The host is an ASCII name (international names in their xn-- form) or an IP address; the port 1 to 65535.',
    )
  }
  const url = URL.canParse(`https://${authority}${prefix}`) ? new URL(`https://${authority}${prefix}`) : undefined
  if (url === undefined || !PREFIX.test(prefix) || url.pathname !== (prefix === '' ? '/' : prefix)) {
    throw invalidServer(text, 'The path before /v2/ must be plain: no empty, "." or ".." segments.')
  }
  return { kind: 'trust server', typed: text.replace(/\/+$/, ''), host: authority, url }
}

/**
 * The address of `<name>.json` of a collection.
 *
 * @throws UsageError ERR_REFERENCE_INVALID when the GUN or the name would change the rest of the address
 */
export function metadataUrl(server: TrustServer, gun: string, name: string): URL {
  if (!GUN.test(gun) || !FILE_NAME.test(name)) throw leadsElsewhere(gun, name)
  const prefix = server.url.pathname === '/' ? '' : server.url.pathname
  const path = `${prefix}/v2/${encodeSegments(gun)}/_trust/tuf/${encodeSegments(name)}.json`
  const url = new URL(path, server.url)
  // The WHATWG parser resolves dot segments, also those written as %2e. So the result must equal the input.
  if (url.origin !== server.url.origin || url.href !== `${server.url.origin}${path}`) throw leadsElsewhere(gun, name)
  return url
}

/** Leaves colons unencoded, as Docker sends them. */
function encodeSegments(text: string): string {
  return text
    .split('/')
    .map((segment) => encodeURIComponent(segment).replaceAll('%3A', ':'))
    .join('/')
}

function leadsElsewhere(gun: string, name: string): UsageError {
  return new UsageError('ERR_REFERENCE_INVALID', `no address for ${JSON.stringify(name)} of collection ${JSON.stringify(gun)}`, {
    hint: 'The name of a collection holds letters, digits, ".", "_", ":", "-" and "/", and no empty, "." or ".." segment.',
    gun,
  })
}

function invalidServer(text: string, hint: string): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', `valid https URL required for trust server, got ${withoutSecrets(text)}`, {
    hint,
  })
}

/** Replaces what may be a password or a token. */
function withoutSecrets(text: string): string {
  return text.replace(/^([a-z0-9+.-]*:?\/{0,2}).*@/is, '$1***@').replace(/([?#]).*$/s, '$1***')
}
