/** A trust server that refused, and which of its challenges is answered. */
import type { UnavailableError } from '../errors.js'
import type { Challenge } from './challenge.js'
import { type NetworkContext, statusError } from './network-errors.js'

/** A refusal by the trust server. */
export interface Refusal {
  /** 401 or 403. */
  readonly status: number
  readonly challenges: readonly string[]
  /** The Authorization header that was refused, if one was sent. */
  readonly refused: string | undefined
  readonly context: NetworkContext
}

/** The challenge that is answered. */
export interface ChosenChallenge {
  /** Realm, service and scope: a token is good for nothing else. */
  readonly key: string
  /** The token server; undefined for Basic. */
  readonly realm: URL | undefined
  readonly service: string | undefined
  readonly scope: string
}

/**
 * A Bearer challenge whose token server is https, else Basic. What scope the challenge names does not count: pull only.
 *
 * @throws UnavailableError ERR_UNAUTHORIZED when there is none that can be answered
 */
export function chooseChallenge(challenges: readonly Challenge[], gun: string, refusal: Refusal): ChosenChallenge {
  const scope = `repository:${gun}:pull`
  let hint: string | undefined
  for (const { scheme, parameters } of challenges) {
    if (scheme !== 'bearer') continue
    const text = parameters.get('realm') ?? ''
    const realm = URL.canParse(text) ? new URL(text) : undefined
    if (realm === undefined || realm.protocol !== 'https:' || realm.username !== '' || realm.password !== '') {
      hint = 'The server names a token server that is not a plain https address: nothing is sent there.'
      continue
    }
    const service = parameters.get('service')
    return { key: JSON.stringify([realm.href, service, scope]), realm, service, scope }
  }
  if (challenges.some(({ scheme }) => scheme === 'basic')) {
    return { key: JSON.stringify(['basic', scope]), realm: undefined, service: undefined, scope }
  }
  throw unauthorized(refusal, hint)
}

/** The error for a refusal that nothing is left to answer with. */
export function unauthorized(refusal: Refusal, hint?: string): UnavailableError {
  return statusError(refusal.status, refusal.context, { hint })
}
