/** A TLS handshake that failed: with whom, why in the words of Docker's client, and the certificate that was shown. */
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import { describeCause, systemCode } from '../../errors.js'
import { isCertificateFault, isUnknownAuthority } from './certificate-faults.js'

/** What a server's certificate says of itself. A server chooses these texts: nothing is decided by them. */
export interface ShownCertificate {
  readonly subject: string
  readonly issuer: string
  readonly selfSigned: boolean
  /** As OpenSSL writes dates: `Jan  2 03:04:05 2026 GMT`. */
  readonly from: string
  readonly to: string
  /** The certificate of its issuer did not come with it. */
  readonly alone: boolean
}

/** With the code of the error underneath. */
export class TlsFailure extends Error {
  readonly code: string
  /** `host:port` of the other side. */
  readonly peer: string
  /** Undefined when it came to no certificate. */
  readonly shown: ShownCertificate | undefined

  constructor(cause: unknown, peer: string, shown: ShownCertificate | undefined) {
    const code = systemCode(cause) ?? ''
    super(wordsFor(code, cause, peer), { cause })
    this.code = code
    this.peer = peer
    this.shown = shown
  }
}

/** What OpenSSL makes of an answer that is no TLS; which of them depends on its version. */
const NO_TLS: ReadonlySet<string> = new Set([
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_UNSUPPORTED_PROTOCOL_VERSION',
  'ERR_SSL_WRONG_VERSION_NUMBER',
])

/** True when the other side answered something else than TLS. */
export function answeredWithoutTls(code: string): boolean {
  return NO_TLS.has(code)
}

/** Keeps the certificate that is shown before Node judges it: a socket that is refused has none any more. Ask afterwards. */
export function noteCertificate(socket: TLSSocket): () => ShownCertificate | undefined {
  let shown: ShownCertificate | undefined
  // Node's own judgement listens to the same event. Without the event only hints would be shorter.
  // Not getPeerX509Certificate: it takes the certificate away from those who ask after it, Node's check of the name too (Node 20 to 24).
  socket.prependOnceListener('secure', () => {
    shown = describeCertificate(socket.getPeerCertificate(true))
  })
  return () => shown
}

function describeCertificate(certificate: DetailedPeerCertificate): ShownCertificate | undefined {
  // Node gives an empty object where there is none.
  if (!Object.hasOwn(certificate, 'raw')) return undefined
  const { subject, issuer, valid_from: from, valid_to: to } = certificate
  const selfSigned = isDeepStrictEqual(subject, issuer)
  const alone = !Object.hasOwn(certificate, 'issuerCertificate')
  return { subject: nameOf(subject), issuer: nameOf(issuer), selfSigned, from, to, alone }
}

/** The CN, else what is most like one; in quotes. */
function nameOf(name: object): string {
  const parts = new Map<string, unknown>(Object.entries(name))
  const texts = ['CN', 'OU', 'O'].map((part) => [parts.get(part)].flat()[0])
  return JSON.stringify(texts.find((text) => typeof text === 'string') ?? 'no name')
}

/** Go's words first (crypto/tls, crypto/x509), then OpenSSL's. */
function wordsFor(code: string, cause: unknown, peer: string): string {
  if (answeredWithoutTls(code)) return `${peer} answered without TLS`
  // Node 24 recommends a switch of its own behind a semicolon.
  const [words = ''] = describeCause(cause).split(';')
  if (isUnknownAuthority(code))
    return `tls: failed to verify certificate: x509: certificate signed by unknown authority (${words})`
  return isCertificateFault(code) ? `tls: failed to verify certificate: x509: ${words}` : words
}
