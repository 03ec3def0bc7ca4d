/** What is known of particular servers, so that a failure can say what to do about it. */
import { StaleError, TrustError, UnavailableError } from '../../errors.js'
import { shellWord } from '../../shell-word.js'
import type { TrustServer } from '../../trust-server/notary-url.js'
import type { Warning } from '../results.js'
import { knownRegistry } from '../settings/known-registries.js'
import { type Choice, describeSource, type Reader, settingName } from '../settings/setting-source.js'

/** Docker's own trust server. Source: Docker's announcement of the retirement of Docker Content Trust. */
export const RETIRED_HOST = 'notary.docker.io'

/** The first moment without it; ISO date. */
export const RETIREMENT = '2026-12-08T00:00:00.000Z'

const NO_ANSWER: readonly string[] = ['ERR_SERVER_UNREACHABLE', 'ERR_TLS', 'ERR_SERVER_RESPONSE']
const WRONG_SERVER: readonly string[] = [...NO_ANSWER, 'ERR_NO_TRUST_DATA', 'ERR_METADATA_MALFORMED']

/** What was asked of which server, and what is known beside the failure. */
export interface Asked {
  readonly choice: Choice<TrustServer>
  readonly gun: string
  /** What `dct env` understands for it. */
  readonly name: string
  /** Milliseconds since 1970. */
  readonly now: number
  /** What the answer would have carried whatever the server says. */
  readonly warnings: readonly Warning[]
  /** Who reads the hint. */
  readonly reader: Reader
}

/**
 * The error with what is known of the server: that it is retired, that the registry signs elsewhere, or that no setting
 * names it. Anything but a TrustError comes back as it was.
 */
export function explainServer(cause: unknown, { choice, gun, name, now, warnings, reader }: Asked): unknown {
  if (!(cause instanceof TrustError)) return cause
  const { hostname } = choice.value.url
  // What is added comes first, so that the hint still ends in the next command.
  // A cached timestamp that has expired is no answer either; what it says carries the network error.
  const network = cause instanceof StaleError && cause.cause instanceof TrustError ? cause.cause : cause
  if (hostname === RETIRED_HOST && NO_ANSWER.includes(network.code)) {
    if (now >= Date.parse(RETIREMENT)) {
      const message = `error contacting notary server: ${RETIRED_HOST} was switched off on ${RETIREMENT.slice(0, 10)}`
      return new UnavailableError('ERR_SERVER_RETIRED', message, { gun, role: network.role, cause })
    }
    cause.hint = `${RETIRED_HOST} is switched off on ${RETIREMENT.slice(0, 10)}. ${cause.hint}`
  }
  const known = knownRegistry(hostname)
  if (known !== undefined && WRONG_SERVER.includes(cause.code)) {
    cause.hint = `${known.registry} signs on a server of its own: export DOCKER_CONTENT_TRUST_SERVER=${known.server}`
  } else if (choice.source.kind === 'registry-address' && WRONG_SERVER.includes(network.code)) {
    const ways = `DOCKER_CONTENT_TRUST_SERVER or ${settingName(reader === 'command' ? 'server' : 'servers', reader)}`
    cause.hint = `No trust server is set, so ${choice.value.typed}, the address of the registry itself, was taken for it: name the server with ${ways}. ${cause.hint}`
  }
  if (cause instanceof UnavailableError) for (const { message } of warnings) cause.hint = `Note: ${message}. ${cause.hint}`
  if (network.code === 'ERR_SERVER_UNREACHABLE') cause.hint = awayHint(cause, network, choice, name, reader)
  return cause
}

/** Says who was asked and which setting names it, and ends in the command that shows the settings. */
function awayHint(
  error: TrustError,
  network: TrustError,
  { value, source }: Choice<TrustServer>,
  name: string,
  reader: Reader,
): string {
  // The publisher has nothing to renew: newer files exist, and the server that has them is away.
  const known =
    error === network ? error.hint : `The trust server gives no answer, and what is kept of it has expired. ${network.hint}`
  // The command that shows the settings knows the environment, and no option of this call.
  const option = source.kind === 'option' ? ` --server ${shellWord(value.typed)}` : ''
  return `${known} The trust server is ${value.typed} (${describeSource(source, reader)}). What is used, and why: dct env${option} ${shellWord(name)}`
}
