/** The addresses of a registry and of its manifests. No name of an image can change the host or the rest of a request. */
import { UsageError } from '../errors.js'
import { isLoopback } from '../http/connection/no-proxy.js'
import { type ServerAddress, withoutBrackets } from '../http/server-address.js'

/** Docker Hub's registry has another name than its images. Source: distribution/reference, moby registry/config.go. */
const HOSTS: ReadonlyMap<string, string> = new Map([['docker.io', 'registry-1.docker.io']])

const HOST_AND_PORT = /^(?:\[[0-9a-f:]+\]|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.?)(?::[0-9]{1,5})?$/i
const PATH = /^[a-z0-9._-]+(?:\/[a-z0-9._-]+)*$/
const TAG_OR_DIGEST = /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|sha256:[0-9a-f]{64})$/

/** The server of a registry (`docker.io`, `host[:port]`). @throws UsageError ERR_REFERENCE_INVALID */
export function registryAddress(domain: string): ServerAddress {
  const host = HOSTS.get(domain) ?? domain
  const address = `https://${host}`
  if (!HOST_AND_PORT.test(host) || !URL.canParse(address)) throw invalidName(`${JSON.stringify(domain)} names no registry`)
  return { kind: 'registry', typed: host, host, url: new URL(address) }
}

/** The address of a manifest, by tag or by digest, or of a blob. @throws UsageError ERR_REFERENCE_INVALID */
export function contentUrl(server: ServerAddress, path: string, kind: 'manifests' | 'blobs', reference: string): URL {
  const named = `/v2/${path}/${kind}/${reference}`
  const url = new URL(named, server.url)
  // The WHATWG parser resolves dot segments, so the result must equal the input.
  if (PATH.test(path) && TAG_OR_DIGEST.test(reference) && url.href === `${server.url.origin}${named}`) return url
  throw invalidName(`no address for ${JSON.stringify(reference)} of the image repository ${JSON.stringify(path)}`)
}

/** True when the registry is on this machine: only there plain http is used, as Docker does. */
export function isOnLoopback({ url }: ServerAddress): boolean {
  return isLoopback(withoutBrackets(url.hostname))
}

function invalidName(message: string): UsageError {
  return new UsageError('ERR_REFERENCE_INVALID', message)
}
