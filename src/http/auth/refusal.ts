/** A server's refusal, the challenge to answer, and the errors when there is none. */
import { UnavailableError } from '../../errors.js'
import { shellWord } from '../../shell-word.js'
import { type NetworkContext, statusError } from '../network-errors.js'
import type { Challenge } from './challenge.js'

/** A refusal by the server. */
export interface Refusal {
  /** 401 or 403. */
  readonly status: number
  readonly challenges: readonly string[]
  /** The Authorization header that was refused, if one was sent. */
  readonly refused: string | undefined
  readonly context: NetworkContext
  /** The server answered 404 to a request without credentials before. */
  readonly wasNotFound?: boolean
}

/** The challenge to answer. */
export interface ChosenChallenge {
  /** Identifies realm, service and scope. A token is valid for these only. */
  readonly key: string
  /** The token server; undefined for Basic. */
  readonly realm: URL | undefined
  readonly service: string | undefined
  readonly scope: string
}

/**
 * Chooses a Bearer challenge whose token server is https, else Basic; undefined when there is neither. Ignores the scope in the
 * challenge: a token is requested for pull only.
 */
export function findChallenge(
  challenges: readonly Challenge[],
  { gun, repository = gun }: Pick<NetworkContext, 'gun' | 'repository'>,
): ChosenChallenge | undefined {
  const scope = `repository:${repository}:pull`
  for (const { scheme, parameters } of challenges) {
    const realm = scheme === 'bearer' ? tokenServer(parameters.get('realm') ?? '') : undefined
    if (realm === undefined) continue
    const service = parameters.get('service')
    return { key: JSON.stringify([realm.href, service, scope]), realm, service, scope }
  }
  if (!challenges.some(({ scheme }) => scheme === 'basic')) return undefined
  return { key: JSON.stringify(['basic', scope]), realm: undefined, service: undefined, scope }
}

/** The same. @throws UnavailableError ERR_UNAUTHORIZED when there is no challenge that can be answered */
export function chooseChallenge(challenges: readonly Challenge[], refusal: Refusal): ChosenChallenge {
  const found = findChallenge(challenges, refusal.context)
  if (found !== undefined) return found
  const hint = challenges.some(({ scheme }) => scheme === 'bearer')
    ? 'The server names a token server that is not a plain https address: nothing is sent there.'
    : undefined
  throw unauthorized(refusal, hint)
}

function tokenServer(text: string): URL | undefined {
  const realm = URL.canParse(text) ? new URL(text) : undefined
  return realm?.protocol === 'https:' && realm.username === '' && realm.password === '' ? realm : undefined
}

/** The hint when the server refuses credentials, or a token that was given for credentials. */
export function refusedHint({ context }: Refusal, owner: string, realm: URL | undefined): string {
  const { gun, host } = context
  const what =
    realm === undefined
      ? `${host} refused the credentials for ${owner}`
      : `${realm.host} gave a token for the credentials of ${owner}, and ${host} refused it`
  return `${what}: they may not pull ${gun}, or there is no such collection, for which some servers answer 401 too (at Azure, a repository-scoped token may be why). Check the name, or log in as somebody who may: ${loginCommand(gun)}`
}

/** The command that stores credentials for the registry of a collection. */
export function loginCommand(gun: string): string {
  return `docker login ${shellWord(gun.split('/', 1)[0] ?? gun)}`
}

/** The error for a refusal when nothing is left to try. */
export function unauthorized(refusal: Refusal, hint?: string): UnavailableError {
  const { status, context, wasNotFound } = refusal
  const error = statusError(status, context, { hint })
  if (wasNotFound !== true) return error
  return new UnavailableError('ERR_UNAUTHORIZED', `${error.message} Without credentials it returned 404.`, {
    gun: context.gun,
    role: context.role,
    evidence: { ...error.evidence, statusWithoutCredentials: 404 },
    hint: `${error.hint} If the collection is not a private one, it does not exist on ${context.host}: it answered 404 to a request without credentials.`,
  })
}
