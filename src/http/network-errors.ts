/** Turns errors of connections and answers into errors of this library. */
import { describeCause, printable, systemCode, TrustError, type UnavailableDetails, UnavailableError } from '../errors.js'
import { ProxyFailure } from './connection/connection-failures.js'
import { AddressRefused } from './connection/private-addresses.js'
import { BodyUnreadable } from './http-body.js'
import { isCutOff, isHttpFault } from './http-faults.js'
import { TooManyInterimAnswers } from './https-client.js'
import { isNetworkFault } from './network-faults.js'
import { RedirectRefused } from './redirect.js'
import { retryAfterMs, waitInWords } from './retry-after.js'
import type { ServerKind } from './server-address.js'
import { isCertificateFault, isTlsFault } from './tls/certificate-faults.js'

/** The request that failed. */
export interface NetworkContext {
  readonly gun: string
  readonly role?: string
  /** The name in the scope of a token, where it is not the GUN: a registry leaves out its own name. */
  readonly repository?: string
  /** `host[:port]` of the server that was asked, or of its token server. */
  readonly host: string
  readonly serverKind: ServerKind
  /** The folder for a CA and a client certificate of the server. */
  readonly tlsFolder: string
}

/** Alerts that a server sends to a client without a certificate, or with one that it does not trust. */
const CLIENT_CERTIFICATE_WANTED = /_ALERT_(?:CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA)$/

/** How a message begins when a server cannot be reached. The first is notary's. */
const UNREACHABLE: Readonly<Record<ServerKind, string>> = {
  'trust server': 'error contacting notary server',
  registry: 'error contacting registry',
}

/** The error for what `HttpsClient.send` threw. Returns errors of this library, and those that are not of the network, unchanged. */
export function networkError(cause: unknown, context: NetworkContext): unknown {
  if (cause instanceof TrustError) return cause
  const details = { gun: context.gun, role: context.role, cause }
  const refused = (what: string, { message }: Error): UnavailableError =>
    serverResponse(what, context, {
      ...details,
      hint: `${message}. Check the address of the ${context.serverKind}, and the proxies on the way.`,
    })
  if (cause instanceof RedirectRefused) return refused(String(cause.status), cause)
  if (cause instanceof BodyUnreadable) return refused('200', cause)
  if (cause instanceof AddressRefused) return refused('the redirect is not followed', cause)
  if (cause instanceof TooManyInterimAnswers) return serverResponse(`no HTTP answer (${cause.message})`, context, details)
  const code = systemCode(cause) ?? ''
  const message = `${UNREACHABLE[context.serverKind]}: ${describeCause(cause)}`
  if (isTlsFault(code)) return new UnavailableError('ERR_TLS', message, { ...details, hint: tlsHint(cause, code, context) })
  if (isHttpFault(cause)) {
    // Without the cause: it holds a piece of the answer, which may be a token.
    return serverResponse(`no HTTP answer (${describeCause(cause)})`, context, { ...details, cause: undefined })
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

/** The error for a file that cannot be decoded. The server answered, so the client must not use a cached timestamp instead. */
export function badContentError(cause: BodyUnreadable, context: NetworkContext): UnavailableError {
  const { gun, role, host, serverKind } = context
  const hint = `${cause.message}. Check the address of the ${serverKind}, and the proxies on the way.`
  return serverResponse('200', context, { gun, role, cause, evidence: { status: 200, host }, hint, isBadAnswer: true })
}

/** What is known of an answer besides its status. */
export interface StatusDetails {
  readonly retryAfter?: string | undefined
  /** The other host that the server redirected to. */
  readonly redirectedTo?: string | undefined
  readonly hint?: string | undefined
}

/** The error for a status that is neither 200 nor the 404 of the server itself. */
export function statusError(status: number, context: NetworkContext, more: StatusDetails = {}): UnavailableError {
  const { retryAfter, redirectedTo } = more
  const evidence = {
    status,
    host: context.host,
    ...(redirectedTo === undefined ? {} : { redirectedTo }),
    ...(retryAfter === undefined ? {} : { retryAfter: printable(retryAfter) }),
  }
  const redirected = redirectedTo === undefined ? '' : ` after a redirect from ${context.host} to ${redirectedTo}`
  const redirectHint =
    redirected === '' ? undefined : `The answer came${redirected}. Only an answer of ${context.host} itself is accepted.`
  const hint = more.hint ?? redirectHint ?? waitHint(status, context.host, retryAfter)
  const details = { gun: context.gun, role: context.role, evidence, hint }
  if (status === 401 || status === 403) {
    return new UnavailableError(
      'ERR_UNAUTHORIZED',
      `you are not authorized to perform this operation: server returned ${status}.`,
      details,
    )
  }
  return serverResponse(`${status}${redirected}`, context, details)
}

/** The error for a token server that neither gives a token nor refuses the credentials. */
export function tokenServerError(
  status: number,
  realm: URL,
  scope: string,
  context: NetworkContext,
  retryAfter: string | undefined,
): UnavailableError {
  const { gun, role, serverKind } = context
  const url = `${realm.origin}${realm.pathname}`
  const mayPass = status >= 500 || status === 429
  const hint = mayPass
    ? (waitHint(status, realm.host, retryAfter) ?? `The token server ${realm.host} has a fault of its own. Try again later.`)
    : `The ${serverKind} names ${url} as its token server, which gives no tokens for ${scope}: check the address of the ${serverKind}.`
  return serverResponse(`the token server ${url} answered ${status} for the scope ${scope}`, context, {
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

/** The hint for a server that limits requests or is unavailable for a while: how long to wait. */
function waitHint(status: number, host: string, retryAfter: string | undefined): string | undefined {
  const wait = retryAfterMs(retryAfter)
  if (wait === undefined && status !== 429) return undefined
  const why = status === 429 ? `${host} was asked too often (429)` : `${host} is not ready (${status})`
  if (wait === undefined) return `${why} and does not say for how long: wait a minute, then type the same command again.`
  return `${why}: wait ${waitInWords(wait)} (Retry-After), then type the same command again.`
}

/** True for errors after which another attempt may succeed at once: a connection that was refused, reset or cut off. */
export function isPassing(cause: unknown): boolean {
  if (cause instanceof ProxyFailure) return false
  return PASSING.has(systemCode(cause) ?? '') || isCutOff(cause)
}

const PASSING: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EAI_AGAIN', 'UND_ERR_SOCKET'])

/** The error for an answer that cannot be used. The words are those of Docker's client. */
export function serverResponse(
  what: string,
  { serverKind }: Pick<NetworkContext, 'serverKind'>,
  details: UnavailableDetails,
): UnavailableError {
  return new UnavailableError('ERR_SERVER_RESPONSE', `unable to reach ${serverKind} at this time: ${what}.`, details)
}

function tlsHint(cause: unknown, code: string, context: NetworkContext): string {
  if (cause instanceof ProxyFailure)
    return 'The certificate is the proxy’s: if its CA is private, give it with --tlscacert or NODE_EXTRA_CA_CERTS.'
  if (code === 'CERT_HAS_EXPIRED') return `The certificate of ${context.host} has expired, or the clock of this machine is wrong.`
  if (code === 'CERT_NOT_YET_VALID')
    return `The certificate of ${context.host} is not valid yet: is the clock of this machine right?`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH') {
    return `The certificate is not for ${context.host}: use a name that it lists.`
  }
  if (CLIENT_CERTIFICATE_WANTED.test(code)) {
    return `${context.host} requires a client certificate that it trusts: put it as client.cert, with client.key, into ${context.tlsFolder}.`
  }
  if (!isCertificateFault(code)) return `Check that ${context.host} speaks https with TLS 1.2 or later on that port.`
  return `If ${context.host} has a private CA, give it with --tlscacert or put it as ca.crt into ${context.tlsFolder}.`
}
