/** Copies errors: when one failed refresh fails several calls, each call gets an error of its own. */
import { StaleError, TrustError, UnavailableError, UnsignedError, UntrustedError, UsageError } from '../errors.js'

/** A copy that the caller may change. Other errors than TrustError, also as a cause, are returned as they are. */
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
