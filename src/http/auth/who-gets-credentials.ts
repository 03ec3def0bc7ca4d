/**
 * Decides which credentials may be sent to which host. A server names its own token server, and must not get the secrets of
 * other registries that way.
 */
import type { CredentialSource, Credentials } from '../../credentials/credentials.js'
import { TrustError, UnavailableError } from '../../errors.js'
import type { ServerAddress } from '../server-address.js'

/** The server that asks for credentials, the collection, and the host that would receive them. */
export interface Recipient {
  readonly server: ServerAddress
  readonly gun: string
  /** The receiver of the secret: the token server, or the server itself. */
  readonly recipient: URL
  /** The user mapped docker.io to this server by name. */
  readonly serverIsMappedForDockerIo: boolean
}

/** A recipient, and the source of credentials. */
export interface CredentialsQuestion extends Recipient {
  readonly source: CredentialSource
  readonly signal: AbortSignal
}

/** The credentials to send, and the registry or server that they belong to; or the hint why there are none. */
export type CredentialsDecision =
  | { readonly credentials: Credentials; readonly owner: string }
  | { readonly credentials: undefined; readonly hint: string }

/** The registries and servers whose credentials may be sent, in order. */
export interface CredentialOwners {
  readonly owners: readonly string[]
  /** Why the credentials of docker.io may not be sent, if that is so. */
  readonly withheld: string | undefined
}

/**
 * At a trust server the server first, then the registry of the collection; at a registry its own name only. Credentials of
 * docker.io are sent to docker.io only.
 */
export function credentialOwners(question: Recipient): CredentialOwners {
  const { server, gun, recipient } = question
  const [registry = ''] = gun.split('/')
  // config.json mostly leaves out port 443.
  const names =
    server.kind === 'registry'
      ? [registry, registry.replace(/:443$/, '')]
      : [server.host, server.host.replace(/:443$/, ''), registry]
  const owners = [...new Set(names)]
  const allowed = mayHaveDockerHub(question) ? owners : owners.filter((owner) => !isDockerHost(hostnameOf(owner)))
  const withheld = `The credentials of docker.io are not sent to ${recipient.host} for ${server.host}: map docker.io to this ${server.kind} (servers) to allow it.`
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
 * The first credentials that are found. When the source fails for one owner, the next owner is tried; the error is thrown only
 * when there are no credentials for any of them.
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
    // A new error for each collection: the source keeps the error of a helper and throws it for others too.
    const { code, message, hint, cause } = failure
    throw new UnavailableError(code, message, { gun, hint: sentences([hint, ...explained]), cause })
  }
  if (failure !== undefined) throw failure
  const [registry = ''] = gun.split('/')
  const places = [...new Set([server.host, registry])].join(' or ')
  const missing = `There are no credentials for ${places}: log in to the registry (docker login), or give credentials that may pull this image.`
  return { credentials: undefined, hint: sentences([withheld ?? missing, ...explained]) }
}

/** Joins the texts, without repetitions. */
function sentences(texts: readonly string[]): string {
  return [...new Set(texts)].filter((text) => text !== '').join(' ')
}

/** Both server and recipient must be docker.io: a token that docker.io gives for another server is a secret too. */
function mayHaveDockerHub({ server, recipient, serverIsMappedForDockerIo }: Recipient): boolean {
  return serverIsMappedForDockerIo || (isDockerHost(server.url.hostname) && isDockerHost(recipient.hostname))
}

function isDockerHost(hostname: string): boolean {
  return /^(?:(?:.+\.)?docker\.io|.+\.docker\.com)$/.test(hostname.toLowerCase().replace(/\.$/, ''))
}

function hostnameOf(hostAndPort: string): string {
  return hostAndPort.replace(/:[0-9]*$/, '')
}
