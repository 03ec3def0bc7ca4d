/** Keeps TLS sessions, so that a further connection to a host resumes one instead of making a full handshake. */

/** Hosts with a session: bounds the memory of a service that connects to many. */
const MAX_HOSTS = 32

/** Milliseconds for which a session is resumed: a server that resumes a session does not show its certificate again. */
const LIFETIME_MS = 10 * 60_000

/** Sessions of one client. Keep only sessions of servers whose certificate and name were verified. */
export class TlsSessions {
  readonly #byHost = new Map<string, { readonly session: Buffer; readonly until: number }>()

  /** The newest session with a host, if it has not expired. */
  find(host: string): Buffer | undefined {
    const kept = this.#byHost.get(host)
    return kept !== undefined && performance.now() < kept.until ? kept.session : undefined
  }

  keep(host: string, session: Buffer): void {
    this.#byHost.delete(host)
    this.#byHost.set(host, { session, until: performance.now() + LIFETIME_MS })
    for (const oldest of this.#byHost.keys()) {
      if (this.#byHost.size <= MAX_HOSTS) break
      this.#byHost.delete(oldest)
    }
  }
}
