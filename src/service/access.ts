/**
 * Which credentials a client's request may use at a registry: those that it passes on itself, else those of the service where it may, else
 * none. What one kind opened is not for the others.
 */
import { randomBytes } from 'node:crypto'
import { sha256Hex } from '../crypto/hash.js'

/** How a registry is asked for one client. */
export interface Access {
  /** The service's own credentials may be used. */
  readonly isShared: boolean
  /** The client's Authorization header; no other credentials are then used. Never kept, never logged. */
  readonly authorization: string | undefined
  /** What was fetched is kept for requests with the same key. Holds no secret. */
  readonly key: string
}

/** As Node lets it through, less what HTTP does not allow in a value. */
const HEADER_VALUE = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/

/** Keys of this process only: a hash of a short password alone could be guessed. */
const salt = randomBytes(16).toString('hex')

/** `mayShare`: the client showed a certificate, or the registry was named for all. Undefined for a header that cannot be passed on. */
export function accessOf(authorization: string | undefined, mayShare: boolean): Access | undefined {
  if (authorization === undefined) return { isShared: mayShare, authorization, key: mayShare ? 'shared' : 'anonymous' }
  if (!HEADER_VALUE.test(authorization)) return undefined
  return { isShared: false, authorization, key: `passed ${sha256Hex(Buffer.from(`${salt} ${authorization}`))}` }
}
