/** Checks the bytes of a manifest against what is signed, and reads its media type. */
import { utf8Text } from '../bytes.js'
import { sha256Hex } from '../crypto/hash.js'
import { UntrustedError } from '../errors.js'

/** A manifest whose bytes have the digest that was asked for. */
export interface Manifest {
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string
  readonly mediaType: string
  readonly bytes: Uint8Array
}

/** What a manifest must be. */
export interface WantedManifest {
  /** The trust collection, for errors. */
  readonly gun: string
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string
  /** The signed length; undefined when only the digest is known. */
  readonly size: number | undefined
}

const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'

/** The Accept header of every request for a manifest. */
export const ACCEPT: string = [OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST].join(', ')

/** RFC 6838 4.2, without parameters. */
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i

/**
 * Checks length, digest and shape.
 *
 * @throws UntrustedError ERR_HASH_MISMATCH for other bytes, ERR_METADATA_MALFORMED for bytes that are no manifest
 */
export function checkManifest(bytes: Uint8Array, contentType: string | undefined, wanted: WantedManifest): Manifest {
  const { gun, digest, size } = wanted
  const found = `sha256:${sha256Hex(bytes)}`
  if (found !== digest || (size !== undefined && bytes.length !== size)) {
    const length = size === undefined ? '' : `, signed length ${size}, length ${bytes.length}`
    throw new UntrustedError('ERR_HASH_MISMATCH', `the registry serves other bytes for ${gun}@${digest}: ${found}${length}`, {
      gun,
      evidence: { digest, found, length: bytes.length, ...(size === undefined ? {} : { signedLength: size }) },
      hint: 'Do not use the image from this registry: tell its operator. A proxy that changes content on the way has the same effect. Without the registry: dct verify <GUN>',
    })
  }
  return { digest, mediaType: mediaTypeOf(bytes, contentType, wanted), bytes }
}

/**
 * The media type in the bytes. Where they have none (OCI does not require it), the header's, if it is a type that fits their
 * shape: the header is not signed, and clients read the same bytes as an index or as a manifest by it (CVE-2021-41190).
 */
function mediaTypeOf(bytes: Uint8Array, contentType: string | undefined, { gun, digest }: WantedManifest): string {
  const refused = (why: string): UntrustedError =>
    new UntrustedError('ERR_METADATA_MALFORMED', `${gun}@${digest} is no image manifest: ${why}`, {
      gun,
      hint: 'The signed bytes are not an OCI or Docker manifest that engines can read. Ask the publisher of the image.',
    })
  const fields = readObject(bytes)
  if (fields === undefined) throw refused('it is no JSON object')
  const isIndex = fields.has('manifests')
  if (isIndex && (fields.has('layers') || fields.has('config'))) throw refused('it is an index and a manifest at once')
  if (fields.get('schemaVersion') !== 2) throw refused('its schemaVersion is not 2')
  const own = fields.get('mediaType')
  if (typeof own === 'string' && MEDIA_TYPE.test(own)) return own
  if (own !== undefined) throw refused('its mediaType is no media type')
  const fitting = isIndex ? [OCI_INDEX, DOCKER_LIST] : [OCI_MANIFEST, DOCKER_MANIFEST]
  const named = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return fitting.find((type) => type === named) ?? fitting[0] ?? OCI_MANIFEST
}

function readObject(bytes: Uint8Array): ReadonlyMap<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(utf8Text(bytes) ?? '')
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : undefined
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined
    throw cause
  }
}
