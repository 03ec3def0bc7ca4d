/**
 * The address of a request for a manifest or a blob -> the image that is meant. Two forms:
 *
 *   /v2/<path>/manifests/<tag>?ns=<registry>      containerd and Docker Engine
 *   /v2/<registry>/<path>/manifests/<tag>         podman, skopeo and others by location; the port as `_5000`
 *
 * With `blobs` in place of `manifests` and a digest: a part of an image.
 *
 * Nothing is decoded or completed: an address in any other spelling is refused. The Host header is never read.
 */
import { type ImageReference, parseReference } from '../reference/reference.js'

/** The image that a client asks for. */
export interface ResolverRequest {
  readonly kind: 'manifest' | 'blob'
  /** `docker.io` or `host[:port]`. */
  readonly registry: string
  /** The name without the registry. */
  readonly path: string
  /** Tag or digest, as in the address. */
  readonly reference: string
  readonly isDigest: boolean
}

/** Why an address is refused, for the answer with status 400. */
export interface RefusedAddress {
  readonly problem: string
}

/** Characters of an address. The longest sensible one has under 1,000. */
const MAX_ADDRESS = 2_048

const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const DIGEST = /^sha256:[0-9a-f]{64}$/
/** The last separator counts: a reference has no slash. */
const ADDRESS = /^\/v2\/(?<name>.+)\/(?<kind>manifest|blob)s\/(?<reference>[^/]*)$/

/** Parses the target of a request. Undefined when it is not the address of a manifest or blob. */
export function parseResolverRequest(target: string): ResolverRequest | RefusedAddress | undefined {
  if (target.length > MAX_ADDRESS) return { problem: `the address is longer than ${MAX_ADDRESS} characters` }
  const [path = '', query] = splitOnce(target, '?')
  const { name = '', kind, reference = '' } = ADDRESS.exec(path)?.groups ?? {}
  if (kind !== 'manifest' && kind !== 'blob') return undefined
  const isDigest = DIGEST.test(reference)
  if (!isDigest && kind === 'blob') return { problem: `${shown(reference)} is no sha256 digest` }
  if (!isDigest && !TAG.test(reference)) return { problem: `${shown(reference)} is neither a tag nor a sha256 digest` }
  const namespaces = new URLSearchParams(query ?? '').getAll('ns')
  if (namespaces.length > 1) return { problem: 'ns is given more than once' }
  const [namespace] = namespaces
  const located = namespace === undefined ? locationOf(name) : { registry: namespace, path: name }
  if (located === undefined) return { problem: 'ns is missing: it names the registry, as in ?ns=registry.example%3A5000' }
  // The grammar of references decides: what it would complete or read in another way is not the name of a registry or path.
  const parsed = parsedOrNone(`${located.registry}/${located.path}:${isDigest ? 'latest' : reference}`)
  const port = Number(/:([0-9]+)$/.exec(located.registry)?.[1] ?? 0)
  if (parsed?.domain !== located.registry || parsed.path !== located.path || port > 65_535 || /[A-Z]/.test(located.registry))
    return { problem: `${shown(located.registry)} and ${shown(located.path)} are not the names of a registry and an image in it` }
  return { kind, ...located, reference, isDigest }
}

/** `registry.example_5000/team/app` -> registry.example:5000 and team/app; undefined when the first segment is no registry. */
function locationOf(name: string): { registry: string; path: string } | undefined {
  const [first = '', path] = splitOnce(name, '/')
  const registry = first.replace(/_([0-9]{1,5})$/, ':$1')
  return path !== undefined && /[.:]|^localhost$/.test(registry) ? { registry, path } : undefined
}

function parsedOrNone(reference: string): ImageReference | undefined {
  try {
    return parseReference(reference)
  } catch {
    return undefined // any fault of the grammar: the caller says which names were given
  }
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)]
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 200))
}
