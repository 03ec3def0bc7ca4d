/** Finds out whether there are credentials for a server that did not ask for any. */
import type { CredentialSource } from '../../credentials/credentials.js'
import type { ServerAddress } from '../server-address.js'
import { decideCredentials } from './who-gets-credentials.js'

/** The server, and the source of credentials. */
export interface CredentialsAtHandOptions {
  readonly server: ServerAddress
  readonly credentials: CredentialSource | undefined
  readonly serverIsMappedForDockerIo: boolean
  /** Ends credential helpers when it aborts. */
  readonly lifetime: AbortSignal
}

/** Asks the source once for each registry and keeps the answer, since most collections that are not found are not private either. */
export class CredentialsAtHand {
  readonly #options: CredentialsAtHandOptions
  readonly #byRegistry = new Map<string, Promise<boolean>>()

  constructor(options: CredentialsAtHandOptions) {
    this.#options = options
  }

  /** True when there are credentials that may go to the server. False when a helper fails: the server did not ask for credentials. */
  has(gun: string): Promise<boolean> {
    const { server, credentials: source, serverIsMappedForDockerIo, lifetime: signal } = this.#options
    if (source === undefined) return Promise.resolve(false)
    const [registry = ''] = gun.split('/')
    const known = this.#byRegistry.get(registry)
    if (known !== undefined) return known
    const question = { source, server, gun, recipient: server.url, serverIsMappedForDockerIo, signal }
    const has = decideCredentials(question).then(
      ({ credentials }) => credentials !== undefined,
      () => false,
    )
    this.#byRegistry.set(registry, has)
    return has
  }
}
