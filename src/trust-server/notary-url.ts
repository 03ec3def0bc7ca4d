/**
 * Builds the addresses of the files of a trust server. No name of a collection or file can change the host or the path of a
 * request.
 */
import { UsageError } from '../errors.js'
import type { ServerAddress } from '../reference/server-address.js'

export { parseServer } from '../reference/server-address.js'

/** A trust server; `url.pathname` is the prefix. */
export type TrustServer = ServerAddress

const GUN = /^[A-Za-z0-9._:[\]-]+(?:\/[A-Za-z0-9._:[\]-]+)*$/
const FILE_NAME = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/

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
