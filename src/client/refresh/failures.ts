/** What a failure means for the rest of a refresh: whether the cache may stand in, or something newer may cure it. */
import { type ErrorDetails, StaleError, TrustError, UnavailableError } from '../../errors.js'

/** The server gave no usable answer where the cache may stand in. */
export class NoAnswer extends Error {
  override readonly cause: UnavailableError
  constructor(cause: UnavailableError) {
    super(cause.message)
    this.cause = cause
  }
}

/** Every failure to get an answer, so that the cache may stand in for it; a bad answer stays what it is. */
export async function orNoAnswer<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer
  } catch (cause) {
    if (cause instanceof UnavailableError && !cause.isBadAnswer) throw new NoAnswer(cause)
    throw cause
  }
}

/** The files that a timestamp leads to may be gone by the time they are asked for. */
export function isMissing(cause: unknown): boolean {
  return cause instanceof UnavailableError && cause.code === 'ERR_METADATA_MISSING'
}

/** What a newer root may cure that the walk did not find, or a newer timestamp after a rotation. */
export function asksForNewRoot(cause: unknown): boolean {
  if (!(cause instanceof TrustError)) return false
  if (cause.role === 'root')
    return cause instanceof StaleError || cause.code === 'ERR_HASH_MISMATCH' || cause.code === 'ERR_METADATA_TOO_LARGE'
  return cause.code === 'ERR_SIGNATURE_THRESHOLD' && (cause.role === 'timestamp' || cause.role === 'snapshot')
}

/** What an error says besides its message. */
export function detailsOf({ gun, role, evidence, hint }: TrustError): ErrorDetails {
  return { gun, role, evidence, hint }
}
