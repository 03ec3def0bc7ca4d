/** TLS sessions to take up again: a further connection to the same host needs no second handshake in full. */

/** Hosts for which one is kept: bounds the memory of a service that sees many. */
const MAX_HOSTS = 32

/** Milliseconds for which a session is taken up: whoever takes one up is not shown the certificate again. */
const LIFETIME_MS = 10 * 60_000

/** Sessions of one client. Only those of servers whose certificate and name were verified may be kept. */
export class TlsSessions {
  readonly #byHost = new Map<string, { readonly session: Buffer; readonly until: number }>()

  /** The newest session with a host, if it may still be used. */
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
