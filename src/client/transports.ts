/** The transports of one client: one for each trust server, made when it is first asked. */
import { createHttpTransport } from '../trust-server/http-transport.js'
import type { TrustServer } from '../trust-server/notary-url.js'
import type { Transport } from '../trust-server/transport.js'
import type { Settings } from './settings/settings.js'

export class Transports {
  readonly #settings: Settings
  readonly #made = new Map<string, Transport>()

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** The transport of the settings answers for every server. */
  to(server: TrustServer): Transport {
    const { transport, dockerConfig, env, ca, credentials, connections, onEvent, isMappedForDockerIo } = this.#settings
    if (transport !== undefined) return transport
    const known = this.#made.get(server.typed)
    if (known !== undefined) return known
    const made = createHttpTransport({
      server,
      dockerConfig,
      env,
      ca,
      credentials,
      connections,
      onEvent,
      serverIsMappedForDockerIo: isMappedForDockerIo(server),
    })
    this.#made.set(server.typed, made)
    return made
  }

  /** Closes those that were made here; that of the settings belongs to the caller. */
  async close(): Promise<void> {
    await Promise.all([...this.#made.values()].map((transport) => transport.close()))
  }
}
