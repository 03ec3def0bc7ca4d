/** Pins a text of the caller, for programs. Everything else is loaded with the first call. */
import type { VerifyTagOptions } from '../client/settings/options.js'
import { createTrustClient } from '../client/trust-client.js'
import type { TrustError } from '../errors.js'
import type { FindOptions, Remark } from '../formats/image-use.js'
import type { PinnedFile, PinOptions } from '../formats/pin-text.js'

/** How a text is pinned, and with which trust data. */
export interface PinDocumentOptions extends PinOptions, Omit<FindOptions, 'format'> {
  /** The name of the file, for messages and for the kind of a YAML file; nothing is read there. */
  readonly path?: string
  /** Options of the client. Content trust is always on here. */
  readonly trust?: Omit<VerifyTagOptions, 'disableContentTrust' | 'digestReferences'>
}

/** The new text, what was found, and why references were not verified. */
export interface PinnedDocument extends PinnedFile {
  /** By reference. `isComplete` is false when there are any. */
  readonly failures: ReadonlyMap<string, TrustError>
  /** What is not understood or not allowed in the file. */
  readonly problems: readonly Remark[]
}

/**
 * Writes the signed digest behind each image of a Dockerfile: `alpine:3.19` becomes `alpine:3.19@sha256:...`. Nothing else of the
 * text changes. `text` is the old one unless every image has its digest (`isComplete`) or `partial` is set.
 *
 * @throws TrustError ERR_SETTINGS_INVALID: the text cannot be read as a Dockerfile, or an option is not valid
 */
export function pinDockerfile(text: string, options: PinDocumentOptions = {}): Promise<PinnedDocument> {
  return pinDocument(text, 'dockerfile', options)
}

/**
 * The same for a Compose file, a Kubernetes manifest, a kustomization, or a CI file; `path` and content say which.
 *
 * @throws TrustError ERR_SETTINGS_INVALID: the text cannot be read, is of no known kind, or an option is not valid
 */
export function pinYaml(text: string, options: PinDocumentOptions = {}): Promise<PinnedDocument> {
  return pinDocument(text, undefined, options)
}

async function pinDocument(text: string, format: 'dockerfile' | undefined, options: PinDocumentOptions): Promise<PinnedDocument> {
  const { path = format === 'dockerfile' ? 'Dockerfile' : 'file.yaml', trust, ...rest } = options
  const [{ findImageUses }, { pinFile }, { askDigests }] = await Promise.all([
    import('../formats/find-image-uses.js'),
    import('../formats/pin-text.js'),
    import('./pin-files.js'),
  ])
  const reading = { ...rest, ...(format === undefined ? {} : { format }) }
  const { uses } = findImageUses(path, text, reading)
  const wanted = uses.filter(({ kind }) => rest.frontend === true || kind !== 'frontend')
  await using client = createTrustClient({ ...trust, disableContentTrust: false, digestReferences: 'require-signed' })
  const signed = await askDigests(client, wanted)
  const failures = new Map<string, TrustError>()
  for (const { reference, ignored } of wanted) {
    const failure = reference === undefined || ignored ? undefined : signed.failure(reference)
    if (reference !== undefined && failure !== undefined) failures.set(reference, failure)
  }
  return { ...pinFile(path, text, signed.of, reading), failures }
}
