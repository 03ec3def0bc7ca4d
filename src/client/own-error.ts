/** One failed refresh may fail many questions: each of them gets an error of its own. */
import { StaleError, TrustError, UnavailableError, UnsignedError, UntrustedError, UsageError } from '../errors.js'

/** The same error once more, to be changed as its owner likes. What is no TrustError, and a foreign cause, stay as they are. */
export function ownError(error: unknown): unknown {
  if (!(error instanceof TrustError)) return error
  const copy = copyOf(error)
  if (error.stack !== undefined) copy.stack = error.stack
  return copy
}

function copyOf(error: TrustError): TrustError {
  const { message, hint, gun, role, evidence, cause } = error
  const details = { hint, gun, role, evidence: structuredClone(evidence), cause: ownError(cause) }
  if (error instanceof UntrustedError) return new UntrustedError(error.code, message, details)
  if (error instanceof UsageError) return new UsageError(error.code, message, details)
  if (error instanceof UnsignedError) return new UnsignedError(error.code, message, details)
  if (error instanceof StaleError) return new StaleError(error.code, message, details)
  if (error instanceof UnavailableError) {
    const { isBadAnswer, retryable } = error
    return new UnavailableError(error.code, message, { ...details, isBadAnswer, retryable })
  }
  return error
}
