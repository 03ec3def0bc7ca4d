/**
 * Fetches manifests from image registries over https. A registry is never trusted: what it sends must have the digest that was
 * asked for.
 */
import { sha256Hex } from '../crypto/hash.js'
import { checkedSink, millisecondsFor, type WriteBytes } from './blob.js'
import { checkManifest, type Manifest } from './manifest.js'
import { MAX_MANIFEST_BYTES, Registry, type RegistryClientOptions, type RegistryQuestion, tooLarge } from './registry.js'
import { registryAddress } from './registry-address.js'

export type { Manifest } from './manifest.js'
export type { RegistryClientOptions } from './registry.js'

/** A manifest by its digest. */
interface ManifestQuestion extends RegistryQuestion {
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string
  /** The signed length in bytes; a manifest of any other length is refused. Without it, MAX_MANIFEST_BYTES is the limit. */
  readonly size?: number
}

/** A manifest by its tag. */
interface TagQuestion extends RegistryQuestion {
  readonly tag: string
}

/** A blob by its digest. */
interface BlobQuestion extends RegistryQuestion {
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string
  /** Its length in bytes, by a manifest that was checked. */
  readonly size: number
}

/** Asks registries. */
export interface RegistryClient extends AsyncDisposable {
  /**
   * The manifest with this digest; undefined when the registry does not have it (404).
   *
   * @throws UntrustedError ERR_HASH_MISMATCH (other bytes), ERR_METADATA_TOO_LARGE, ERR_METADATA_MALFORMED
   * @throws UnavailableError ERR_SERVER_UNREACHABLE, ERR_TLS, ERR_SERVER_RESPONSE, ERR_UNAUTHORIZED
   */
  fetchManifest(question: ManifestQuestion): Promise<Manifest | undefined>
  /**
   * The digest that the registry has for a tag; undefined when there is no such tag. Nobody signed this answer: compare it with
   * a signed digest, and never pull by it.
   *
   * @throws UnavailableError as above; UntrustedError ERR_METADATA_TOO_LARGE
   */
  resolveTag(question: TagQuestion): Promise<string | undefined>
  /** Whether the registry has a blob. @throws UnavailableError as above */
  hasBlob(question: BlobQuestion): Promise<boolean>
  /**
   * Passes a blob on in pieces, and holds the last piece back until all bytes have the digest. False, and nothing was passed on, when the
   * registry does not have it. After an error the receiver must drop what it has.
   *
   * @throws UntrustedError ERR_HASH_MISMATCH for other bytes or another length; UnavailableError as above; what `write` throws
   */
  passBlob(question: BlobQuestion, write: WriteBytes): Promise<boolean>
  /** Closes all connections; running requests fail. */
  close(): Promise<void>
}

const DIGEST = /^sha256:[0-9a-f]{64}$/

/** Makes a client. It reads and opens nothing before the first request. */
export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  return new HttpRegistryClient(options)
}

class HttpRegistryClient implements RegistryClient {
  readonly #options: RegistryClientOptions
  readonly #registries = new Map<string, Registry>()

  constructor(options: RegistryClientOptions) {
    this.#options = options
  }

  async fetchManifest(question: ManifestQuestion): Promise<Manifest | undefined> {
    const { digest, size, domain, path } = question
    const gun = `${domain}/${path}`
    if (size !== undefined && !(size <= MAX_MANIFEST_BYTES)) throw tooLarge(gun, digest, size)
    const maxBytes = size ?? MAX_MANIFEST_BYTES
    const answer = await this.#registry(domain).ask({ ...question, method: 'GET', reference: digest, maxBytes })
    return answer && checkManifest(answer.body, answer.header('content-type')[0], { gun, digest, size })
  }

  async resolveTag(question: TagQuestion): Promise<string | undefined> {
    const registry = this.#registry(question.domain)
    const asked = { ...question, reference: question.tag, maxBytes: MAX_MANIFEST_BYTES }
    // Docker Hub does not count a HEAD against the limit of pulls. Some registries allow GET only, or send no digest.
    const head = await registry.ask({ ...asked, method: 'HEAD' })
    if (head === undefined) return undefined
    const [digest = ''] = head.header('docker-content-digest')
    if (DIGEST.test(digest)) return digest
    const answer = await registry.ask({ ...asked, method: 'GET' })
    if (answer === undefined) return undefined
    return `sha256:${sha256Hex(answer.body)}`
  }

  async hasBlob({ digest, size: _, ...question }: BlobQuestion): Promise<boolean> {
    const asked = { ...question, method: 'HEAD', kind: 'blobs', reference: digest, maxBytes: 0 } as const
    return (await this.#registry(question.domain).ask(asked)) !== undefined
  }

  async passBlob({ digest, size, ...question }: BlobQuestion, write: WriteBytes): Promise<boolean> {
    const { domain, path } = question
    const asked = { ...question, method: 'GET', kind: 'blobs', reference: digest, maxBytes: size } as const
    const sink = checkedSink({ gun: `${domain}/${path}`, digest, size }, write)
    return (await this.#registry(domain).ask({ ...asked, sink, withinMs: millisecondsFor(size) })) !== undefined
  }

  async close(): Promise<void> {
    await Promise.all([...this.#registries.values()].map((registry) => registry.close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #registry(domain: string): Registry {
    const known = this.#registries.get(domain)
    if (known !== undefined) return known
    const made = new Registry(registryAddress(domain), this.#options)
    this.#registries.set(domain, made)
    return made
  }
}
