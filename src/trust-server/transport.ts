/** What carries metadata files from a trust server. A transport never judges what it carries. */

/** One file of one collection. */
export interface MetadataRequest {
  /** The trust collection, e.g. `docker.io/library/alpine`. */
  readonly gun: string
  /** The name without `.json`: `root`, `2.root`, `timestamp`, `snapshot.<sha256 hex>`, `targets/releases.<sha256 hex>`. */
  readonly name: string
  /** More bytes than this are refused while they arrive (endless data). */
  readonly maxBytes: number
  /** Ends the request; the promise then rejects with `signal.reason`. */
  readonly signal: AbortSignal
  /** Nobody is sure to want it: when it fails it is not worth a second attempt. */
  readonly guess?: boolean
}

/** A connection to one trust server. */
export interface Transport {
  /**
   * The bytes as served, or undefined when the server says that it does not have the file (404). Only the server that was
   * asked can say so, not a host that it redirected to.
   *
   * An UnavailableError means that there is no usable answer: network, TLS, deadline, every status but 200 and 404. Then a
   * timestamp that was verified before may stand in. When there is an answer with status 200 whose content cannot be
   * decoded, say so with `isBadAnswer: true` in the details of the error: nothing stands in for that.
   *
   * @throws UnavailableError ERR_SERVER_UNREACHABLE, ERR_TLS, ERR_SERVER_RESPONSE, ERR_UNAUTHORIZED
   * @throws UntrustedError ERR_METADATA_TOO_LARGE
   */
  fetchMetadata(request: MetadataRequest): Promise<Uint8Array | undefined>
  /**
   * Begins to connect, for requests that will come in a moment. Resolves when all that is left is to wait for the server;
   * never rejects: what fails is told to those requests.
   */
  connectAhead?(): Promise<void>
  /** Closes connections; running requests fail. */
  close(): Promise<void>
}
