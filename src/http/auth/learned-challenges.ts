/**
 * Gets the challenge of a server that sends none with the file itself. Docker's client requests `GET /v2/` first and takes the
 * challenge from that answer (docker/cli cli/trust/trust.go), so some servers send it nowhere else.
 */

import { withDeadline } from '../deadline.js'
import type { TransportEvent } from '../events.js'
import type { HttpsClient } from '../https-client.js'
import type { ServerAddress } from '../server-address.js'
import { type Challenge, parseChallenges } from './challenge.js'

/** The server, and the client to ask it with. */
export interface LearnedChallengesOptions {
  readonly client: HttpsClient
  readonly server: ServerAddress
  readonly onEvent: (event: TransportEvent) => void
}

/** Milliseconds for this request: stops slow retrieval. */
const LEARNING_MS = 15_000

/** Bytes of the answer, whose body is not used. */
const MAX_ANSWER_BYTES: number = 64 * 1024

/** The challenges of one server. It is asked once, when they are first needed. */
export class LearnedChallenges {
  readonly #options: LearnedChallengesOptions
  #asked: Promise<readonly Challenge[]> | undefined

  constructor(options: LearnedChallengesOptions) {
    this.#options = options
  }

  /** The challenges; none when the server sends none here, redirects or does not answer. */
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
    const answer = await client.send({ url, method: 'GET', headers, maxBytes, returnsRedirects: true, signal: client.lifetime })
    const milliseconds = Math.round(performance.now() - started)
    onEvent({ type: 'response', url: url.href, status: answer.status, bytes: answer.body.length, milliseconds })
    return answer.status === 401 ? parseChallenges(answer.header('www-authenticate')) : []
  }
}
