/** Which credentials may go where. A trust server names its token server itself: it must not get others' secrets by that. */
import type { CredentialSource, Credentials } from '../credentials/credentials.js'
import type { TrustServer } from './notary-url.js'

/** Who asks, and for which collection. */
export interface CredentialsQuestion {
  readonly source: CredentialSource
  readonly server: TrustServer
  readonly gun: string
  /** Who would receive the secret: the token server, or the trust server itself. */
  readonly recipient: URL
  /** The user mapped docker.io to this trust server by name. */
  readonly serverIsMappedForDockerIo: boolean
  readonly signal: AbortSignal
}

/** What was decided. */
export type CredentialsDecision =
  | { readonly credentials: Credentials; readonly owner: string }
  | { readonly credentials: undefined; readonly hint: string }

/** The trust server's own entry, else the registry's; docker.io's stays with docker.io. */
export async function decideCredentials(question: CredentialsQuestion): Promise<CredentialsDecision> {
  const { source, server, gun, signal } = question
  const [registry = ''] = gun.split('/')
  // Under 443 the port is mostly left out of config.json.
  for (const owner of new Set([server.host, server.host.replace(/:443$/, ''), registry])) {
    const confined = isDockerHost(hostnameOf(owner)) && !mayHaveDockerHub(question)
    const credentials = await source.get(owner, signal)
    if (credentials === undefined) continue
    if (!confined) return { credentials, owner }
    const hint = `The credentials of docker.io are not sent to ${question.recipient.host} for ${server.host}: map docker.io to this trust server (servers) to allow it.`
    return { credentials: undefined, hint }
  }
  const places = [...new Set([server.host, registry])].join(' or ')
  const hint = `There are no credentials for ${places}: log in to the registry (docker login), or give credentials that may pull this image.`
  return { credentials: undefined, hint }
}

/** Both the one that asks and the one that gets: a token made at docker.io for another server is a secret too. */
function mayHaveDockerHub({ server, recipient, serverIsMappedForDockerIo }: CredentialsQuestion): boolean {
  return serverIsMappedForDockerIo || (isDockerHost(server.url.hostname) && isDockerHost(recipient.hostname))
}

function isDockerHost(hostname: string): boolean {
  return /^(?:(?:.+\.)?docker\.io|.+\.docker\.com)$/.test(hostname.toLowerCase().replace(/\.$/, ''))
}

function hostnameOf(hostAndPort: string): string {
  return hostAndPort.replace(/:[0-9]*$/, '')
}
