/**
 * Answers a server that refused: an anonymous token first, then the credentials that may go there. What was accepted is
 * kept in memory for as long as it lasts, one for each collection.
 */
import type { CredentialSource } from '../../credentials/credentials.js'
import { UnavailableError } from '../../errors.js'
import { AddressRefused } from '../connection/private-addresses.js'
import { withDeadline } from '../deadline.js'
import type { AuthMethod, TransportEvent } from '../events.js'
import { BodyTooLong } from '../http-body.js'
import type { HttpsAnswer, HttpsClient } from '../https-client.js'
import { type NetworkContext, networkError, tokenServerError } from '../network-errors.js'
import { withRetries } from '../retry.js'
import type { ServerAddress } from '../server-address.js'
import { type Challenge, parseChallenges } from './challenge.js'
import { CredentialsAtHand } from './credentials-at-hand.js'
import { LearnedChallenges } from './learned-challenges.js'
import { type ChosenChallenge, chooseChallenge, findChallenge, type Refusal, refusedHint, unauthorized } from './refusal.js'
import {
  basicAuthorization,
  bearerAuthorization,
  NoToken,
  readToken,
  sendTokenRequest,
  type TokenRequest,
} from './token-request.js'
import { decideCredentials } from './who-gets-credentials.js'

/** What authentication needs. */
export interface RegistryAuthOptions {
  readonly client: HttpsClient
  readonly server: ServerAddress
  /** None: only anonymous tokens. */
  readonly credentials: CredentialSource | undefined
  readonly serverIsMappedForDockerIo: boolean
  readonly onEvent: (event: TransportEvent) => void
}

interface Session {
  /** That of the challenge. */
  readonly key: string
  readonly authorization: string
  /** Whose credentials it was got with; undefined: anonymous. */
  readonly owner: string | undefined
  readonly challenges: readonly Challenge[]
  readonly since: number
  readonly until: number
}

/** Milliseconds for all of one authentication, helpers and token requests: stops slow retrieval there. */
const AUTHENTICATION_MS = 60_000

/** A refused token that is older than this, in milliseconds, was withdrawn rather than too weak: it is renewed first. */
const FRESH_MS = 5_000

/** No token is used in the last seconds of its life, so that it does not end on the way; in milliseconds. */
const MARGIN_MS = 2_000

/** Collections for which something is kept: bounds the memory of a service that sees many. */
const MAX_SESSIONS = 1_000

/** Authentication at one trust server. */
export class RegistryAuth {
  readonly #options: RegistryAuthOptions
  readonly #sessions = new Map<string, Session>()
  readonly #running = new Map<string, Promise<Session>>()
  readonly #learned: LearnedChallenges
  readonly #atHand: CredentialsAtHand

  constructor(options: RegistryAuthOptions) {
    this.#options = options
    this.#learned = new LearnedChallenges(options)
    this.#atHand = new CredentialsAtHand({ ...options, lifetime: options.client.lifetime })
  }

  /** The Authorization header to begin with, if one was accepted before and still lasts. */
  current(gun: string): string | undefined {
    const session = this.#sessions.get(gun)
    return session !== undefined && performance.now() < session.until ? session.authorization : undefined
  }

  /**
   * The Authorization header to try next. Callers that are refused together wait for one request together.
   *
   * @throws UnavailableError ERR_UNAUTHORIZED when nothing is left to try; what the token server or a helper failed with
   */
  async next(refusal: Refusal, signal: AbortSignal): Promise<string> {
    const { gun } = refusal.context
    const offered = parseChallenges(refusal.challenges)
    const kept = offered.length === 0 ? (this.#sessions.get(gun)?.challenges ?? []) : offered
    const isUsable = refusal.status !== 401 || findChallenge(kept, gun) !== undefined
    const challenges = isUsable ? kept : [...kept, ...(await this.#learned.get(signal))]
    const challenge = chooseChallenge(challenges, refusal)
    const known = this.#sessions.get(gun)
    if (known?.key === challenge.key && known.authorization !== refusal.refused && this.current(gun) !== undefined) {
      return known.authorization
    }
    const running = this.#running.get(challenge.key) ?? this.#begin(challenge.key, challenge, challenges, refusal, known)
    return (await withDeadline([signal], AUTHENTICATION_MS, () => running)).authorization
  }

  /**
   * The Authorization header to try when the server has no root: some servers say 404 to those who may not know. Undefined
   * when the 404 stands: it was an answer to credentials, or there are none for this server, or it asks for none.
   *
   * @throws UnavailableError ERR_UNAUTHORIZED when the credentials are refused; what the token server failed with
   */
  async afterNotFound(sent: string | undefined, context: NetworkContext, signal: AbortSignal): Promise<string | undefined> {
    const { gun } = context
    const known = this.#sessions.get(gun)
    const current = this.current(gun)
    if (current !== undefined && current !== sent) return current
    if (sent !== undefined && (known === undefined || known.owner !== undefined)) return undefined
    if (!(await withDeadline([signal], AUTHENTICATION_MS, () => this.#atHand.has(gun)))) return undefined
    const challenges = known?.challenges ?? (await this.#learned.get(signal))
    if (challenges.length === 0) return undefined
    const refusal = { status: 401, challenges: [], refused: sent, context, wasNotFound: true }
    const chosen = chooseChallenge(challenges, refusal)
    // With credentials at once: not to be waited for by those who begin without.
    const key = `404 ${chosen.key}`
    const running = this.#running.get(key) ?? this.#begin(key, chosen, challenges, refusal, undefined)
    return (await withDeadline([signal], AUTHENTICATION_MS, () => running)).authorization
  }

  #begin(
    key: string,
    chosen: ChosenChallenge,
    challenges: readonly Challenge[],
    refusal: Refusal,
    known: Session | undefined,
  ): Promise<Session> {
    const session = this.#authenticate(chosen, challenges, refusal, known?.key === chosen.key ? known : undefined)
    this.#running.set(key, session)
    const end = (): void => void this.#running.delete(key)
    session.then(end, end)
    return session
  }

  async #authenticate(
    chosen: ChosenChallenge,
    challenges: readonly Challenge[],
    refusal: Refusal,
    known: Session | undefined,
  ): Promise<Session> {
    const { gun } = refusal.context
    const withdrawn = known !== undefined && performance.now() - known.since > FRESH_MS
    if (known?.owner !== undefined && !withdrawn && refusal.refused !== undefined) {
      throw unauthorized(refusal, refusedHint(refusal, known.owner, chosen.realm))
    }
    const mayBeAnonymous =
      refusal.wasNotFound !== true &&
      (known === undefined || (known.owner === undefined && (withdrawn || refusal.refused === undefined)))
    const header =
      (chosen.realm !== undefined && mayBeAnonymous ? await this.#token(chosen, undefined, refusal) : undefined) ??
      (await this.#withCredentials(chosen, refusal))
    const now = performance.now()
    const session = {
      key: chosen.key,
      authorization: header.authorization,
      owner: header.owner,
      challenges,
      since: now,
      until: now + header.lifetimeMs - Math.min(MARGIN_MS, header.lifetimeMs / 10),
    }
    this.#sessions.delete(gun)
    this.#sessions.set(gun, session)
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= MAX_SESSIONS) break
      this.#sessions.delete(oldest)
    }
    return session
  }

  async #withCredentials(chosen: ChosenChallenge, refusal: Refusal): Promise<Header> {
    const { credentials: source, server, serverIsMappedForDockerIo, client, onEvent } = this.#options
    if (source === undefined) throw unauthorized(refusal)
    const recipient = chosen.realm ?? server.url
    const { gun } = refusal.context
    const question = { source, server, gun, recipient, serverIsMappedForDockerIo, signal: client.lifetime }
    const decision = await decideCredentials(question)
    if (decision.credentials === undefined) throw unauthorized(refusal, decision.hint)
    const { credentials, owner } = decision
    if ('registryToken' in credentials) {
      const authorization = bearerAuthorization(credentials.registryToken)
      if (authorization === undefined) throw unauthorized(refusal, `The registry token for ${owner} is not a bearer token.`)
      onEvent({ type: 'auth', realm: addressOf(recipient), method: 'bearer-credentials' })
      return { authorization, owner, lifetimeMs: Number.POSITIVE_INFINITY }
    }
    if (chosen.realm !== undefined) {
      const token = await this.#token(chosen, { credentials, owner }, refusal)
      if (token === undefined)
        throw unauthorized(refusal, `The token server ${recipient.host} refused the credentials for ${owner}.`)
      return token
    }
    if ('identityToken' in credentials) {
      throw unauthorized(refusal, `There is only an identity token for ${owner}, and the trust server takes a password.`)
    }
    onEvent({ type: 'auth', realm: addressOf(recipient), method: 'basic' })
    return { authorization: basicAuthorization(credentials), owner, lifetimeMs: Number.POSITIVE_INFINITY }
  }

  /** Undefined when the token server refuses. */
  async #token(chosen: ChosenChallenge, login: Login | undefined, refusal: Refusal): Promise<Header | undefined> {
    const { client, onEvent } = this.#options
    const { realm, service, scope } = chosen
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
        throw new UnavailableError('ERR_SERVER_RESPONSE', `unable to reach trust server at this time: ${cause.message}.`, {
          gun: context.gun,
          role: context.role,
          evidence: { host: realm.host },
        })
      }
      if (cause instanceof AddressRefused) {
        throw unauthorized(refusal, `The server names a token server that is not asked: ${cause.message}.`)
      }
      throw networkError(cause, context)
    }
  }
}

/** Without the query, which may hold anything. */
function addressOf(realm: URL): string {
  return `${realm.origin}${realm.pathname}`
}

function methodOf(credentials: TokenRequest['credentials']): AuthMethod {
  if (credentials === undefined) return 'bearer-anonymous'
  return 'identityToken' in credentials ? 'identity-token' : 'bearer-credentials'
}

/** Credentials, and whose they are. */
interface Login {
  readonly credentials: NonNullable<TokenRequest['credentials']>
  readonly owner: string
}

interface Header {
  readonly authorization: string
  /** Undefined: anonymous. */
  readonly owner: string | undefined
  readonly lifetimeMs: number
}
