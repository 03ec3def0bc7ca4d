/** What went wrong on the wire, in the words and codes that callers know. */
import { describeCause, printable, systemCode, TrustError, type UnavailableDetails, UnavailableError } from '../errors.js'
import { ProxyFailure } from './connection/connection-failures.js'
import { AddressRefused } from './connection/private-addresses.js'
import { BodyUnreadable } from './http-body.js'
import { isCutOff, isHttpFault } from './http-faults.js'
import { TooManyInterimAnswers } from './https-client.js'
import { isNetworkFault } from './network-faults.js'
import { RedirectRefused } from './redirect.js'
import { retryAfterMs, waitInWords } from './retry-after.js'
import { isCertificateFault, isTlsFault } from './tls/certificate-faults.js'

/** Who was asked, and for what. */
export interface NetworkContext {
  readonly gun: string
  readonly role?: string
  /** `host[:port]` of the one that was asked: trust server or token server. */
  readonly host: string
  /** The folder where a CA for the trust server goes. */
  readonly tlsFolder: string
}

/** Alerts that a server sends to a client without a certificate, or with one that it does not believe. */
const CLIENT_CERTIFICATE_WANTED = /_ALERT_(?:CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA)$/

/** The error for what `HttpsClient.send` threw. Errors of this library pass as they are, and so does what is no failure of the network. */
export function networkError(cause: unknown, context: NetworkContext): unknown {
  if (cause instanceof TrustError) return cause
  const details = { gun: context.gun, role: context.role, cause }
  if (cause instanceof RedirectRefused) return serverResponse(String(cause.status), { ...details, hint: hintFor(cause) })
  if (cause instanceof BodyUnreadable) return serverResponse('200', { ...details, hint: hintFor(cause) })
  if (cause instanceof AddressRefused) return serverResponse('the redirect is not followed', { ...details, hint: hintFor(cause) })
  if (cause instanceof TooManyInterimAnswers) return serverResponse(`no HTTP answer (${cause.message})`, details)
  const code = systemCode(cause) ?? ''
  const message = `error contacting notary server: ${describeCause(cause)}`
  if (isTlsFault(code)) return new UnavailableError('ERR_TLS', message, { ...details, hint: tlsHint(cause, code, context) })
  if (isHttpFault(cause)) {
    // Without the cause, which holds a piece of the answer: that may be a token.
    return serverResponse(`no HTTP answer (${describeCause(cause)})`, { ...details, cause: undefined })
  }
  if (cause instanceof ProxyFailure) {
    const hint =
      cause.status === 407
        ? 'The proxy wants other credentials: write them into HTTPS_PROXY, as in http://user:password@host:port.'
        : 'The proxy comes from HTTPS_PROXY: correct it, or name the host in NO_PROXY.'
    return new UnavailableError('ERR_SERVER_UNREACHABLE', message, { ...details, hint })
  }
  return isNetworkFault(cause) ? new UnavailableError('ERR_SERVER_UNREACHABLE', message, details) : cause
}

/** The error for a file whose content cannot be decoded: the trust server answered, so no cached timestamp may stand in. */
export function badContentError(cause: BodyUnreadable, { gun, role, host }: NetworkContext): UnavailableError {
  return serverResponse('200', { gun, role, cause, evidence: { status: 200, host }, hint: hintFor(cause), isBadAnswer: true })
}

/** What an answer said besides its status. */
export interface StatusDetails {
  readonly retryAfter?: string | undefined
  /** The other host that the one that was asked redirected to. */
  readonly redirectedTo?: string | undefined
  readonly hint?: string | undefined
}

/** The error for a status that is neither 200 nor the 404 of the server that was asked. */
export function statusError(status: number, context: NetworkContext, more: StatusDetails = {}): UnavailableError {
  const { retryAfter, redirectedTo } = more
  const evidence = {
    status,
    host: context.host,
    ...(redirectedTo === undefined ? {} : { redirectedTo }),
    ...(retryAfter === undefined ? {} : { retryAfter: printable(retryAfter) }),
  }
  const redirected = redirectedTo === undefined ? '' : ` after a redirect from ${context.host} to ${redirectedTo}`
  const redirectHint = redirected === '' ? undefined : `The answer came${redirected}: only ${context.host} itself counts.`
  const hint = more.hint ?? redirectHint ?? waitHint(status, context.host, retryAfter)
  const details = { gun: context.gun, role: context.role, evidence, hint }
  if (status === 401 || status === 403) {
    return new UnavailableError(
      'ERR_UNAUTHORIZED',
      `you are not authorized to perform this operation: server returned ${status}.`,
      details,
    )
  }
  return serverResponse(`${status}${redirected}`, details)
}

/** The error for a token server that answers neither with a token nor with a refusal of the credentials. */
export function tokenServerError(
  status: number,
  realm: URL,
  scope: string,
  { gun, role }: NetworkContext,
  retryAfter: string | undefined,
): UnavailableError {
  const url = `${realm.origin}${realm.pathname}`
  const mayPass = status >= 500 || status === 429
  const hint = mayPass
    ? (waitHint(status, realm.host, retryAfter) ?? `The token server ${realm.host} has a fault of its own. Try again later.`)
    : `The trust server names ${url} as its token server, and that is none for ${scope}: check the address of the trust server.`
  return serverResponse(`the token server ${url} answered ${status} for the scope ${scope}`, {
    gun,
    role,
    evidence: {
      status,
      host: realm.host,
      url,
      scope,
      ...(retryAfter === undefined ? {} : { retryAfter: printable(retryAfter) }),
    },
    hint,
    retryable: mayPass,
  })
}

/** How long a server that is asked too often, or is away for a while, wants to be left alone. */
function waitHint(status: number, host: string, retryAfter: string | undefined): string | undefined {
  const wait = retryAfterMs(retryAfter)
  if (wait === undefined && status !== 429) return undefined
  const why = status === 429 ? `${host} was asked too often (429)` : `${host} is not ready (${status})`
  if (wait === undefined) return `${why} and does not say for how long: wait a minute, then type the same command again.`
  return `${why}: wait ${waitInWords(wait)} (Retry-After), then type the same command again.`
}

/** True for what another attempt may mend at once: a connection that was refused, reset or cut off. */
export function isPassing(cause: unknown): boolean {
  if (cause instanceof ProxyFailure) return false
  return PASSING.has(systemCode(cause) ?? '') || isCutOff(cause)
}

const PASSING: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EAI_AGAIN', 'UND_ERR_SOCKET'])

function serverResponse(what: string, details: UnavailableDetails): UnavailableError {
  return new UnavailableError('ERR_SERVER_RESPONSE', `unable to reach trust server at this time: ${what}.`, details)
}

function hintFor(refused: Error): string {
  return `${refused.message}. Check the address of the trust server, and what stands between.`
}

function tlsHint(cause: unknown, code: string, context: NetworkContext): string {
  if (cause instanceof ProxyFailure)
    return 'The certificate is the proxy’s: if its CA is private, give it with --tlscacert or NODE_EXTRA_CA_CERTS.'
  if (code === 'CERT_HAS_EXPIRED') return `The certificate of ${context.host} has expired, or the clock of this machine is wrong.`
  if (code === 'CERT_NOT_YET_VALID')
    return `The certificate of ${context.host} is not valid yet: is the clock of this machine right?`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH') {
    return `The certificate is not for ${context.host}: use a name that stands in it.`
  }
  if (CLIENT_CERTIFICATE_WANTED.test(code)) {
    return `${context.host} wants a client certificate that it knows: put it as client.cert, with client.key, into ${context.tlsFolder}.`
  }
  if (!isCertificateFault(code)) return `Check that ${context.host} speaks https with TLS 1.2 or later on that port.`
  return `If ${context.host} has a private CA, give it with --tlscacert or put it as ca.crt into ${context.tlsFolder}.`
}
