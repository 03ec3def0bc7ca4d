/** What is known of particular servers, so that a failure can say what to do about it. */
import { StaleError, TrustError, UnavailableError } from '../errors.js'
import type { TrustServer } from '../transport/notary-url.js'

/** Docker's own trust server. Source: Docker's announcement of the retirement of Docker Content Trust. */
export const RETIRED_HOST = 'notary.docker.io'

/** The first moment without it; ISO date. */
export const RETIREMENT = '2026-12-08T00:00:00.000Z'

const NO_ANSWER: readonly string[] = ['ERR_SERVER_UNREACHABLE', 'ERR_TLS', 'ERR_SERVER_RESPONSE']
const WRONG_SERVER: readonly string[] = [...NO_ANSWER, 'ERR_NO_TRUST_DATA', 'ERR_METADATA_MALFORMED']

/**
 * The error with what is known of the server: that it is retired, or that Oracle's registries sign elsewhere.
 * Anything but a TrustError comes back as it was. `now` in ms.
 */
export function explainServer(cause: unknown, server: TrustServer, gun: string, now: number): unknown {
  if (!(cause instanceof TrustError)) return cause
  // A cached timestamp that has expired is no answer either; what it says carries the network error.
  const network = cause instanceof StaleError && cause.cause instanceof TrustError ? cause.cause : cause
  if (server.url.hostname === RETIRED_HOST && NO_ANSWER.includes(network.code)) {
    if (now >= Date.parse(RETIREMENT)) {
      const message = `error contacting notary server: ${RETIRED_HOST} was switched off on ${RETIREMENT.slice(0, 10)}`
      return new UnavailableError('ERR_SERVER_RETIRED', message, { gun, cause })
    }
    cause.hint = `${cause.hint} ${RETIRED_HOST} is switched off on ${RETIREMENT.slice(0, 10)}.`
  }
  if (/^container-registry[^.]*\.oracle\.com$/.test(server.url.hostname) && WRONG_SERVER.includes(cause.code)) {
    cause.hint =
      'Oracle signs on a server of its own: export DOCKER_CONTENT_TRUST_SERVER=https://container-trust.oci.oraclecloud.com:443'
  }
  return cause
}
