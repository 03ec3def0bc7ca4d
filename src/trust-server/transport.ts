/** The interface of transports, which fetch metadata files from a trust server. A transport never verifies a file. */

/** One file of one collection. */
export interface MetadataRequest {
  /** The trust collection, e.g. `docker.io/library/alpine`. */
  readonly gun: string
  /** The name without `.json`: `root`, `2.root`, `timestamp`, `snapshot.<sha256 hex>`, `targets/releases.<sha256 hex>`. */
  readonly name: string
  /** The transport refuses a longer file as soon as it has received that many bytes (endless data). */
  readonly maxBytes: number
  /** Ends the request; the promise then rejects with `signal.reason`. */
  readonly signal: AbortSignal
  /** The file may turn out not to be needed, so the transport does not try again when the request fails. */
  readonly guess?: boolean
}

/** A connection to one trust server. */
export interface Transport {
  /**
   * Fetches the bytes as served; undefined when the server answers that it does not have the file (404). A 404 counts only
   * from the server itself, not from a host that it redirected to.
   *
   * An UnavailableError means that there is no usable answer: network, TLS, deadline, every status but 200 and 404. The
   * client may then use a timestamp that it verified before. For an answer with status 200 whose content cannot be decoded,
   * set `isBadAnswer: true` in the details of the error: the client then uses no cached timestamp.
   *
   * @throws UnavailableError ERR_SERVER_UNREACHABLE, ERR_TLS, ERR_SERVER_RESPONSE, ERR_UNAUTHORIZED
   * @throws UntrustedError ERR_METADATA_TOO_LARGE
   */
  fetchMetadata(request: MetadataRequest): Promise<Uint8Array | undefined>
  /**
   * Begins to connect for requests that follow soon. Resolves when nothing is left to do but to wait for the server. Never
   * rejects: those requests report a failure.
   */
  connectAhead?(): Promise<void>
  /** Closes all connections; running requests fail. */
  close(): Promise<void>
}
