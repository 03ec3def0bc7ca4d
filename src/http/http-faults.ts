/** What undici says of an answer that is not proper HTTP. */
import { systemCode } from '../errors.js'

const PARSER_ERRORS: ReadonlySet<string> = new Set(['HTTPParserError', 'HeadersOverflowError'])

/** True when the answer is not HTTP. Such an error holds a piece of the answer, which may be a secret: never keep it as a cause. */
export function isHttpFault(cause: unknown): cause is Error {
  if (!(cause instanceof Error) || isCutOff(cause)) return false
  // An answer that the protocol does not allow there (101 to a GET) fails an assertion of undici; there are none of ours.
  return PARSER_ERRORS.has(cause.name) || systemCode(cause) === 'ERR_ASSERTION'
}

/** True when the body ended before its time on a connection that was to be closed after it: undici has its own words for that. */
export function isCutOff(cause: unknown): boolean {
  if (systemCode(cause) === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return true
  return cause instanceof Error && cause.name === 'HTTPParserError' && cause.message.endsWith('(Invalid EOF state)')
}
