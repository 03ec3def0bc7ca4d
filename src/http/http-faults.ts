/** Recognizes undici's errors for answers that are not valid HTTP. */
import { systemCode } from '../errors.js'

const PARSER_ERRORS: ReadonlySet<string> = new Set(['HTTPParserError', 'HeadersOverflowError'])

/** True when the answer is not valid HTTP. The error holds a piece of the answer, which may be a secret: never keep it as a cause. */
export function isHttpFault(cause: unknown): cause is Error {
  if (!(cause instanceof Error) || isCutOff(cause)) return false
  // An answer that HTTP does not allow at this point (101 to a GET) fails an assertion in undici. This library has no assertions.
  return PARSER_ERRORS.has(cause.name) || systemCode(cause) === 'ERR_ASSERTION'
}

/** True when the connection closed before the end of the body. undici has its own errors for that. */
export function isCutOff(cause: unknown): boolean {
  if (systemCode(cause) === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return true
  return cause instanceof Error && cause.name === 'HTTPParserError' && cause.message.endsWith('(Invalid EOF state)')
}
