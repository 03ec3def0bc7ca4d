/**
 * What a trust server asks for, where it does not say so with the file itself: Docker's client asks `GET /v2/` before all else
 * and knows the challenge from there (docker/cli cli/trust/trust.go), so some servers give it nowhere else.
 */

import { withDeadline } from '../deadline.js'
import type { TransportEvent } from '../events.js'
import type { HttpsClient } from '../https-client.js'
import type { ServerAddress } from '../server-address.js'
import { type Challenge, parseChallenges } from './challenge.js'

/** Who is asked, with what. */
export interface LearnedChallengesOptions {
  readonly client: HttpsClient
  readonly server: ServerAddress
  readonly onEvent: (event: TransportEvent) => void
}

/** Milliseconds for the question: stops slow retrieval there. */
const LEARNING_MS = 15_000

/** Bytes of an answer that nothing is read from. */
const MAX_ANSWER_BYTES: number = 64 * 1024

/** Asked for once, when they are first wanted. */
export class LearnedChallenges {
  readonly #options: LearnedChallengesOptions
  #asked: Promise<readonly Challenge[]> | undefined

  constructor(options: LearnedChallengesOptions) {
    this.#options = options
  }

  /** None when the server asks for nothing there, redirects, or gives no answer: then what it said before stands. */
  async get(signal: AbortSignal): Promise<readonly Challenge[]> {
    const asked = this.#asked ?? this.#ask()
    this.#asked = asked
    try {
      return await withDeadline([signal], LEARNING_MS, () => asked)
    } catch {
      signal.throwIfAborted()
      this.#asked = undefined // the next request may reach it
      return []
    }
  }

  async #ask(): Promise<readonly Challenge[]> {
    const { client, server, onEvent } = this.#options
    const url = new URL(`${server.url.pathname.replace(/\/$/, '')}/v2/`, server.url)
    const headers = { 'accept-encoding': 'identity', 'user-agent': 'docker-content-trust' }
    const started = performance.now()
    onEvent({ type: 'request', url: url.href })
    const maxBytes = MAX_ANSWER_BYTES
    const answer = await client.send({ url, method: 'GET', headers, maxBytes, staysHere: true, signal: client.lifetime })
    const milliseconds = Math.round(performance.now() - started)
    onEvent({ type: 'response', url: url.href, status: answer.status, bytes: answer.body.length, milliseconds })
    return answer.status === 401 ? parseChallenges(answer.header('www-authenticate')) : []
  }
}
