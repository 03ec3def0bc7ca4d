/** Which credentials may go where. A trust server names its token server itself: it must not get others' secrets by that. */
import type { CredentialSource, Credentials } from '../../credentials/credentials.js'
import { TrustError, UnavailableError } from '../../errors.js'
import type { ServerAddress } from '../server-address.js'

/** Who asks, for which collection, and who would get it. */
export interface Recipient {
  readonly server: ServerAddress
  readonly gun: string
  /** Who would receive the secret: the token server, or the trust server itself. */
  readonly recipient: URL
  /** The user mapped docker.io to this trust server by name. */
  readonly serverIsMappedForDockerIo: boolean
}

/** A recipient, and where secrets come from. */
export interface CredentialsQuestion extends Recipient {
  readonly source: CredentialSource
  readonly signal: AbortSignal
}

/** What was decided. */
export type CredentialsDecision =
  | { readonly credentials: Credentials; readonly owner: string }
  | { readonly credentials: undefined; readonly hint: string }

/** Whose credentials may be sent, in order, and why those of docker.io may not, if so. */
export interface CredentialOwners {
  readonly owners: readonly string[]
  readonly withheld: string | undefined
}

/** The trust server, then the registry; docker.io's secrets stay with docker.io. */
export function credentialOwners(question: Recipient): CredentialOwners {
  const { server, gun, recipient } = question
  const [registry = ''] = gun.split('/')
  // Under 443 the port is mostly left out of config.json.
  const owners = [...new Set([server.host, server.host.replace(/:443$/, ''), registry])]
  const allowed = mayHaveDockerHub(question) ? owners : owners.filter((owner) => !isDockerHost(hostnameOf(owner)))
  const withheld = `The credentials of docker.io are not sent to ${recipient.host} for ${server.host}: map docker.io to this trust server (servers) to allow it.`
  return { owners: allowed, withheld: allowed.length === owners.length ? undefined : withheld }
}

/** Names the places where credentials are looked for, without asking a helper. */
export interface CredentialPlaces {
  /** Sentences without a secret; `isCertain` when the last place holds credentials. */
  describe(owner: string): Promise<{ readonly places: readonly string[]; readonly isCertain: boolean }>
}

/** Where `decideCredentials` would look for this recipient, in order, up to the first place that is certain to hold some. */
export async function credentialPlaces(question: Recipient, source: CredentialPlaces): Promise<readonly string[]> {
  const found: string[] = []
  for (const owner of credentialOwners(question).owners) {
    const { places, isCertain } = await source.describe(owner)
    found.push(...places)
    if (isCertain) break
  }
  return found
}

/**
 * The first owner's that are found. An owner for whom asking fails does not hide the next: the failure is told when
 * nothing was found.
 */
export async function decideCredentials(question: CredentialsQuestion): Promise<CredentialsDecision> {
  const { source, server, gun, signal } = question
  const { owners, withheld } = credentialOwners(question)
  let failure: TrustError | undefined
  for (const owner of owners) {
    try {
      const credentials = await source.get(owner, signal)
      if (credentials !== undefined) return { credentials, owner }
    } catch (cause) {
      if (!(cause instanceof TrustError) || signal.aborted) throw cause
      failure ??= cause
    }
  }
  const explained = await Promise.all(owners.map((owner) => source.explain?.(owner) ?? ''))
  if (failure instanceof UnavailableError) {
    // Its own error for each collection: that of a helper is kept for the next who asks.
    const { code, message, hint, cause } = failure
    throw new UnavailableError(code, message, { gun, hint: sentences([hint, ...explained]), cause })
  }
  if (failure !== undefined) throw failure
  const [registry = ''] = gun.split('/')
  const places = [...new Set([server.host, registry])].join(' or ')
  const missing = `There are no credentials for ${places}: log in to the registry (docker login), or give credentials that may pull this image.`
  return { credentials: undefined, hint: sentences([withheld ?? missing, ...explained]) }
}

/** Each once. */
function sentences(texts: readonly string[]): string {
  return [...new Set(texts)].filter((text) => text !== '').join(' ')
}

/** Both the one that asks and the one that gets: a token made at docker.io for another server is a secret too. */
function mayHaveDockerHub({ server, recipient, serverIsMappedForDockerIo }: Recipient): boolean {
  return serverIsMappedForDockerIo || (isDockerHost(server.url.hostname) && isDockerHost(recipient.hostname))
}

function isDockerHost(hostname: string): boolean {
  return /^(?:(?:.+\.)?docker\.io|.+\.docker\.com)$/.test(hostname.toLowerCase().replace(/\.$/, ''))
}

function hostnameOf(hostAndPort: string): string {
  return hostAndPort.replace(/:[0-9]*$/, '')
}
