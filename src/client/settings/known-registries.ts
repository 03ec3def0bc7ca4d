/** Registries whose trust server is known though no setting names it. Every setting goes before this table. */
import { parseServer, type TrustServer } from '../../trust-server/notary-url.js'

/** A registry that signs on a server of another name. */
export interface KnownRegistry {
  /** The registry in whose name its images are signed. */
  readonly registry: string
  readonly server: string
  /** Registries that serve the same images, signed in the name of `registry`. */
  readonly mirrors: RegExp
  /** How `mirrors` is shown. */
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

/** A collection under the name that was signed. */
export interface SignedName {
  readonly gun: string
  /** The registry that was named, when it is a mirror of the one in whose name the collection is signed. */
  readonly mirror: string | undefined
}

/**
 * The name under which trust data of an image is signed. The names of a mirror are known of one server alone, whether a setting
 * chose it or not; any other server is asked for the name as typed.
 */
export function signedName({ gun, domain }: { readonly gun: string; readonly domain: string }, server: TrustServer): SignedName {
  const known = knownRegistry(domain)
  if (known === undefined || known.registry === domain || parseServer(known.server).url.href !== server.url.href)
    return { gun, mirror: undefined }
  return { gun: known.registry + gun.slice(domain.length), mirror: domain }
}
