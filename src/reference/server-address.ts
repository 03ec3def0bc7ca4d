/** The address of a trust server, as the user wrote it. */
import { UsageError } from '../errors.js'

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

const SERVER = /^https:\/\/(?<authority>[^/?#\\]*)(?<path>\/[^?#\\]*)?$/i
// A dot at the start of a name or an empty label would also make a strange folder name.
const HOST_AND_PORT = /^(?:\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?)(?::(?<port>[1-9][0-9]{0,4}))?$/i
const PREFIX = /^(?:\/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*$/

/**
 * Reads `https://host[:port][/prefix]`.
 *
 * @throws UsageError ERR_SETTINGS_INVALID; its message leaves out what comes before an `@` or after a `?` or `#`
 */
export function parseServer(text: string): ServerAddress {
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

function invalidServer(text: string, hint: string): UsageError {
  return new UsageError('ERR_SETTINGS_INVALID', `valid https URL required for trust server, got ${withoutSecrets(text)}`, {
    hint,
  })
}

/** The text without what may be a password or a token. */
function withoutSecrets(text: string): string {
  return text.replace(/^([a-z0-9+.-]*:?\/{0,2}).*@/is, '$1***@').replace(/([?#]).*$/s, '$1***')
}
