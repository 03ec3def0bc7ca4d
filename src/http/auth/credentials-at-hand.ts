/** Whether there are credentials for a trust server at all, before it asked for any. */
import type { CredentialSource } from '../../credentials/credentials.js'
import type { ServerAddress } from '../server-address.js'
import { decideCredentials } from './who-gets-credentials.js'

/** Where to look. */
export interface CredentialsAtHandOptions {
  readonly server: ServerAddress
  readonly credentials: CredentialSource | undefined
  readonly serverIsMappedForDockerIo: boolean
  /** Ends a helper. */
  readonly lifetime: AbortSignal
}

/** Helpers and functions are asked once for each registry, whatever comes of it: most collections that are not there are not private. */
export class CredentialsAtHand {
  readonly #options: CredentialsAtHandOptions
  readonly #byRegistry = new Map<string, Promise<boolean>>()

  constructor(options: CredentialsAtHandOptions) {
    this.#options = options
  }

  /** True when there are some that may go to the server. What a helper fails with says nothing of a server that asked for nothing. */
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
