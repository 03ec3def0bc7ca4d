/**
 * Authenticates at a server that refused a request: with an anonymous token first, then with the credentials that may be sent
 * to it. Keeps what was accepted in memory until it expires, one header for each collection.
 */
import type { CredentialSource } from '../../credentials/credentials.js'
import { withDeadline } from '../deadline.js'
import type { TransportEvent } from '../events.js'
import type { HttpsClient } from '../https-client.js'
import type { NetworkContext } from '../network-errors.js'
import type { ServerAddress } from '../server-address.js'
import { type Challenge, parseChallenges } from './challenge.js'
import { CredentialsAtHand } from './credentials-at-hand.js'
import { LearnedChallenges } from './learned-challenges.js'
import {
  type ChosenChallenge,
  chooseChallenge,
  findChallenge,
  loginCommand,
  type Refusal,
  refusedHint,
  unauthorized,
} from './refusal.js'
import { basicAuthorization, bearerAuthorization } from './token-request.js'
import { type AuthHeader, addressOf, fetchToken } from './token-server.js'
import { decideCredentials } from './who-gets-credentials.js'

/** What authentication needs. */
export interface RegistryAuthOptions {
  readonly client: HttpsClient
  readonly server: ServerAddress
  /** Without it, only anonymous tokens are tried. */
  readonly credentials: CredentialSource | undefined
  readonly serverIsMappedForDockerIo: boolean
  readonly onEvent: (event: TransportEvent) => void
}

interface Session {
  /** The key of the challenge. */
  readonly key: string
  readonly authorization: string
  /** The registry or server whose credentials were used; undefined: anonymous. */
  readonly owner: string | undefined
  readonly challenges: readonly Challenge[]
  readonly since: number
  readonly until: number
}

/** Milliseconds for one authentication, helpers and token requests included: stops slow retrieval. */
const AUTHENTICATION_MS = 60_000

/** Milliseconds. A refused token that is older was probably withdrawn, so it is renewed before credentials are tried. */
const FRESH_MS = 5_000

/** Milliseconds before its end when a token is no longer used, so that it does not expire on the way. */
const MARGIN_MS = 2_000

/** Collections with a session: bounds the memory of a service that asks for many. */
const MAX_SESSIONS = 1_000

/** Authentication at one server. */
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

  /** The Authorization header that was accepted before, if it has not expired. */
  current(gun: string): string | undefined {
    const session = this.#sessions.get(gun)
    return session !== undefined && performance.now() < session.until ? session.authorization : undefined
  }

  /**
   * The Authorization header to try next. Callers that are refused at the same time share one authentication.
   *
   * @throws UnavailableError ERR_UNAUTHORIZED when nothing is left to try; the error of the token server or of a helper
   */
  async next(refusal: Refusal, signal: AbortSignal): Promise<string> {
    const { gun } = refusal.context
    const offered = parseChallenges(refusal.challenges)
    const kept = offered.length === 0 ? (this.#sessions.get(gun)?.challenges ?? []) : offered
    const isUsable = refusal.status !== 401 || findChallenge(kept, refusal.context) !== undefined
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
   * The Authorization header to try when the server answers 404 for the root: some servers hide a collection from clients
   * that may not read it. Undefined when the 404 is final: it was the answer to credentials, or there are no credentials for
   * this server, or it sends no challenge.
   *
   * @throws UnavailableError ERR_UNAUTHORIZED when the credentials are refused; the error of the token server
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
    // A key of its own: this authentication uses credentials at once, and callers of `next` begin with an anonymous token.
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
      (mayBeAnonymous ? await fetchToken(this.#options, chosen, undefined, refusal) : undefined) ??
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

  async #withCredentials(chosen: ChosenChallenge, refusal: Refusal): Promise<AuthHeader> {
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
      const token = await fetchToken(this.#options, chosen, { credentials, owner }, refusal)
      if (token === undefined)
        throw unauthorized(
          refusal,
          `The token server ${recipient.host} refused the credentials for ${owner}. Log in again: ${loginCommand(gun)}`,
        )
      return token
    }
    if ('identityToken' in credentials) {
      throw unauthorized(refusal, `There is only an identity token for ${owner}, and the ${server.kind} takes a password.`)
    }
    onEvent({ type: 'auth', realm: addressOf(recipient), method: 'basic' })
    return { authorization: basicAuthorization(credentials), owner, lifetimeMs: Number.POSITIVE_INFINITY }
  }
}
