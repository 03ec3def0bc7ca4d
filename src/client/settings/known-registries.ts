/** Registries with a known trust server of another name. Every setting wins over this table. */
import { parseServer, type TrustServer } from '../../trust-server/notary-url.js'

/** A registry whose trust server has another name. */
export interface KnownRegistry {
  /** The registry that the signed names begin with. */
  readonly registry: string
  readonly server: string
  /** Registries that serve the same images. Their signed names begin with `registry`. */
  readonly mirrors: RegExp
  /** `mirrors` in words. */
  readonly mirrorsShown: string
}

/** Source: the manual of Oracle Container Registry, "Pulling images with content trust". */
export const KNOWN_REGISTRIES: readonly KnownRegistry[] = [
  {
    registry: 'container-registry.oracle.com',
    server: 'https://container-trust.oci.oraclecloud.com:443',
    mirrors: /^container-registry-[a-z0-9]+(?:-[a-z0-9]+)*\.oracle\.com$/,
    mirrorsShown: 'container-registry-<region>.oracle.com',
  },
]

/** The entry of a registry or of one of its mirrors. */
export function knownRegistry(domain: string): KnownRegistry | undefined {
  return KNOWN_REGISTRIES.find(({ registry, mirrors }) => registry === domain || mirrors.test(domain))
}

/** The name under which a collection is signed. */
export interface SignedName {
  readonly gun: string
  /** The registry in the reference, when it is a mirror. */
  readonly mirror: string | undefined
}

/**
 * The name under which trust data of an image is signed. Only the known trust server has the images of a mirror under the name
 * of its registry, whether a setting chose that server or not. Any other server is asked for the name as typed.
 */
export function signedName({ gun, domain }: { readonly gun: string; readonly domain: string }, server: TrustServer): SignedName {
  const known = knownRegistry(domain)
  if (known === undefined || known.registry === domain || parseServer(known.server).url.href !== server.url.href)
    return { gun, mirror: undefined }
  return { gun: known.registry + gun.slice(domain.length), mirror: domain }
}
