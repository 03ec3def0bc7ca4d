/** The error of a failed TLS handshake: the peer, the reason in the words of Docker's client, and the server's certificate. */
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import { describeCause, systemCode } from '../../errors.js'
import { isCertificateFault, isUnknownAuthority } from './certificate-faults.js'

/** The names and dates in a server's certificate. The server chose them, so they are for messages only. */
export interface ShownCertificate {
  readonly subject: string
  readonly issuer: string
  readonly selfSigned: boolean
  /** As OpenSSL writes dates: `Jan  2 03:04:05 2026 GMT`. */
  readonly from: string
  readonly to: string
  /** The server did not send the certificate of the issuer. */
  readonly alone: boolean
}

/** A failed handshake. */
export class TlsFailure extends Error {
  /** The code of its cause. */
  readonly code: string
  /** `host:port` of the server. */
  readonly peer: string
  /** Undefined when the server sent no certificate. */
  readonly shown: ShownCertificate | undefined

  constructor(cause: unknown, peer: string, shown: ShownCertificate | undefined) {
    const code = systemCode(cause) ?? ''
    super(wordsFor(code, cause, peer), { cause })
    this.code = code
    this.peer = peer
    this.shown = shown
  }
}

/** OpenSSL's codes for an answer that is not TLS; they differ between its versions. */
const NO_TLS: ReadonlySet<string> = new Set([
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_UNSUPPORTED_PROTOCOL_VERSION',
  'ERR_SSL_WRONG_VERSION_NUMBER',
])

/** True when the server's answer was not TLS. */
export function answeredWithoutTls(code: string): boolean {
  return NO_TLS.has(code)
}

/**
 * Records the server's certificate before Node verifies it, since Node removes it from a socket that it refuses. Call the
 * result after the handshake.
 */
export function noteCertificate(socket: TLSSocket): () => ShownCertificate | undefined {
  let shown: ShownCertificate | undefined
  // Node verifies the certificate in a listener of the same event. Without the event, only hints would be shorter.
  // Not getPeerX509Certificate: after it, Node's check of the host name gets no certificate (Node 20 to 24).
  socket.prependOnceListener('secure', () => {
    shown = describeCertificate(socket.getPeerCertificate(true))
  })
  return () => shown
}

function describeCertificate(certificate: DetailedPeerCertificate): ShownCertificate | undefined {
  // Node returns an empty object when there is none.
  if (!Object.hasOwn(certificate, 'raw')) return undefined
  const { subject, issuer, valid_from: from, valid_to: to } = certificate
  const selfSigned = isDeepStrictEqual(subject, issuer)
  const alone = !Object.hasOwn(certificate, 'issuerCertificate')
  return { subject: nameOf(subject), issuer: nameOf(issuer), selfSigned, from, to, alone }
}

/** The CN, else the OU or O; in quotes. */
function nameOf(name: object): string {
  const parts = new Map<string, unknown>(Object.entries(name))
  const texts = ['CN', 'OU', 'O'].map((part) => [parts.get(part)].flat()[0])
  return JSON.stringify(texts.find((text) => typeof text === 'string') ?? 'no name')
}

/** The message: Go's words (crypto/tls, crypto/x509), then OpenSSL's. */
function wordsFor(code: string, cause: unknown, peer: string): string {
  if (answeredWithoutTls(code)) return `${peer} answered without TLS`
  // Node 24 appends advice about its own options after a semicolon.
  const [words = ''] = describeCause(cause).split(';')
  if (isUnknownAuthority(code))
    return `tls: failed to verify certificate: x509: certificate signed by unknown authority (${words})`
  return isCertificateFault(code) ? `tls: failed to verify certificate: x509: ${words}` : words
}
