/** Gets a token from a token server, with retries, and turns its failures into errors of this library. */
import { AddressRefused } from '../connection/private-addresses.js'
import type { AuthMethod, TransportEvent } from '../events.js'
import { BodyTooLong } from '../http-body.js'
import type { HttpsAnswer, HttpsClient } from '../https-client.js'
import { networkError, serverResponse, tokenServerError } from '../network-errors.js'
import { withRetries } from '../retry.js'
import { type ChosenChallenge, type Refusal, unauthorized } from './refusal.js'
import { NoToken, readToken, sendTokenRequest, type TokenRequest } from './token-request.js'

/** The client to ask with. */
export interface TokenServerOptions {
  readonly client: HttpsClient
  readonly onEvent: (event: TransportEvent) => void
}

/** Credentials, and the registry or server that they belong to. */
export interface Login {
  readonly credentials: NonNullable<TokenRequest['credentials']>
  readonly owner: string
}

/** An Authorization header. */
export interface AuthHeader {
  readonly authorization: string
  /** The registry or server whose credentials were used; undefined: anonymous. */
  readonly owner: string | undefined
  readonly lifetimeMs: number
}

/**
 * Gets a token: for credentials, or an anonymous one without. Undefined when the token server refuses, or the challenge names
 * none.
 *
 * @throws UnavailableError ERR_SERVER_RESPONSE, ERR_SERVER_UNREACHABLE, ERR_TLS, ERR_UNAUTHORIZED (an address that is not allowed)
 */
export async function fetchToken(
  { client, onEvent }: TokenServerOptions,
  { realm, service, scope }: ChosenChallenge,
  login: Login | undefined,
  refusal: Refusal,
): Promise<AuthHeader | undefined> {
  const credentials = login?.credentials
  if (realm === undefined) return undefined
  const context = { ...refusal.context, host: realm.host }
  const send = (): Promise<HttpsAnswer> => {
    onEvent({ type: 'auth', realm: addressOf(realm), method: methodOf(credentials) })
    return sendTokenRequest(client, { realm, service, scope, credentials }, client.lifetime)
  }
  try {
    const answer = await withRetries([client.lifetime], send, (retry) =>
      onEvent({ type: 'retry', url: addressOf(realm), ...retry }),
    )
    if (answer.status === 400 || answer.status === 401 || answer.status === 403) return undefined
    if (answer.status !== 200) throw tokenServerError(answer.status, realm, scope, context, answer.header('retry-after')[0])
    const { token, lifetimeMs } = readToken(answer.body)
    return { authorization: `Bearer ${token}`, owner: login?.owner, lifetimeMs }
  } catch (cause) {
    if (cause instanceof NoToken || cause instanceof BodyTooLong) {
      const { gun, role, host } = context
      throw serverResponse(cause.message, context, { gun, role, evidence: { host } })
    }
    if (cause instanceof AddressRefused) {
      throw unauthorized(refusal, `The server names a token server that this client does not ask: ${cause.message}.`)
    }
    throw networkError(cause, context)
  }
}

/** The address without its query, which may hold secrets. */
export function addressOf(realm: URL): string {
  return `${realm.origin}${realm.pathname}`
}

function methodOf(credentials: TokenRequest['credentials']): AuthMethod {
  if (credentials === undefined) return 'bearer-anonymous'
  return 'identityToken' in credentials ? 'identity-token' : 'bearer-credentials'
}
