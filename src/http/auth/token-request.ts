/** The request to a token server and its answer (distribution spec: token authentication, and its OAuth2 form). */
import { utf8Text } from '../../bytes.js'
import type { Credentials } from '../../credentials/credentials.js'
import type { HttpsAnswer, HttpsClient } from '../https-client.js'

/** A request for a token. */
export interface TokenRequest {
  /** The token server; https. */
  readonly realm: URL
  readonly service: string | undefined
  /** `repository:<GUN>:pull` */
  readonly scope: string
  /** Undefined: an anonymous token. */
  readonly credentials: Exclude<Credentials, { readonly registryToken: string }> | undefined
}

/** A bearer token, and how long it is valid. */
export interface BearerToken {
  readonly token: string
  readonly lifetimeMs: number
}

/** The answer holds no usable token. The message holds nothing of the answer, which may be a secret. */
export class NoToken extends Error {}

/** Bytes of a token server's answer: real ones have 2,000 to 5,000. Stops endless data. */
export const MAX_TOKEN_ANSWER_BYTES: number = 64 * 1024

/** Seconds, for an answer without expires_in (distribution spec). */
const DEFAULT_LIFETIME_S = 60

/** Seconds. No token is used longer, even when its server allows it. */
const MAX_LIFETIME_S = 3_600

const CLIENT_ID = 'docker-content-trust'

/**
 * Visible ASCII. RFC 6750 allows fewer characters, but some token servers give opaque texts with `|` or `:`, and Docker sends
 * them unchanged. Other characters could end or split the header, or be decoded differently by the server (RFC 9110 5.5).
 */
const BEARER_TOKEN = /^[\x21-\x7e]+$/

/** Sends the request. */
export function sendTokenRequest(client: HttpsClient, request: TokenRequest, signal: AbortSignal): Promise<HttpsAnswer> {
  const { realm, service, scope, credentials } = request
  const common = { headers: { 'accept-encoding': 'identity', 'user-agent': CLIENT_ID }, maxBytes: MAX_TOKEN_ANSWER_BYTES, signal }
  const fields = new URLSearchParams({ ...(service === undefined ? {} : { service }), scope })
  if (credentials !== undefined && 'identityToken' in credentials) {
    fields.set('grant_type', 'refresh_token')
    fields.set('refresh_token', credentials.identityToken)
    fields.set('client_id', CLIENT_ID)
    const headers = { ...common.headers, 'content-type': 'application/x-www-form-urlencoded' }
    return client.send({ ...common, url: realm, method: 'POST', headers, body: fields.toString() })
  }
  const url = new URL(realm)
  for (const [name, value] of fields) url.searchParams.append(name, value)
  if (credentials === undefined) return client.send({ ...common, url, method: 'GET' })
  url.searchParams.append('account', credentials.username)
  return client.send({ ...common, url, method: 'GET', authorization: basicAuthorization(credentials) })
}

/** The Authorization header for a name and a password (RFC 7617, UTF-8). */
export function basicAuthorization(credentials: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
}

/** The Authorization header for a token; undefined when it cannot be one. */
export function bearerAuthorization(token: string): string | undefined {
  return BEARER_TOKEN.test(token) ? `Bearer ${token}` : undefined
}

/**
 * Parses `{"token" or "access_token", "expires_in"?, "issued_at"?}`.
 *
 * @throws NoToken
 */
export function readToken(body: Uint8Array): BearerToken {
  let answer: unknown
  try {
    answer = JSON.parse(utf8Text(body) ?? '')
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    // Without the cause: Node's message quotes the text.
    throw new NoToken('the token server answered something that is not JSON')
  }
  if (typeof answer !== 'object' || answer === null) throw new NoToken('the token server answered no JSON object')
  const fields = new Map<string, unknown>(Object.entries(answer))
  const token = [fields.get('token'), fields.get('access_token')].find((value) => typeof value === 'string' && value !== '')
  if (typeof token !== 'string' || !BEARER_TOKEN.test(token))
    throw new NoToken('the token server answered without a usable token')
  const seconds = fields.get('expires_in')
  const lifetime = typeof seconds === 'number' && seconds > 0 ? Math.min(seconds, MAX_LIFETIME_S) : DEFAULT_LIFETIME_S
  const lifetimeMs = lifetime * 1000
  const ageMs = ageOf(fields.get('issued_at'))
  // A token that has expired on arrival shows that the clocks differ, so its age is ignored.
  return { token, lifetimeMs: ageMs < lifetimeMs ? lifetimeMs - ageMs : lifetimeMs }
}

/** Milliseconds since the token was issued; 0 for a time in the future or none. */
function ageOf(issuedAt: unknown): number {
  const issued = typeof issuedAt === 'string' ? Date.parse(issuedAt) : Number.NaN
  return Number.isNaN(issued) ? 0 : Math.max(0, Date.now() - issued)
}
