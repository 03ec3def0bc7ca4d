/** Checks that a certificate is for the host of the connection, by Go's rules, which Docker's client used. */
import { isIP } from 'node:net'
import type { PeerCertificate } from 'node:tls'
import { readCertificate, type X509Certificate } from '../../crypto/certificate.js'

/** The certificate is for other hosts, or for none. */
export class NotForThisHost extends Error {
  /** Node's code for it. */
  readonly code = 'ERR_TLS_CERT_ALTNAME_INVALID'
  /** False without a subjectAltName: then the certificate is for no host at all. */
  readonly hasNames: boolean

  constructor(reason: string, hasNames: boolean) {
    super(`tls: failed to verify certificate: x509: ${reason}`)
    this.hasNames = hasNames
  }
}

/**
 * For `checkServerIdentity` of Node's TLS. Only the subjectAltName counts; Node's own check accepts the CN of a certificate
 * that names no host. A wildcard must be the whole first label, and matches one label.
 *
 * Source: Go crypto/x509 verify.go, matchHostnames.
 */
export function checkServerIdentity(hostname: string, { raw }: Pick<PeerCertificate, 'raw'>): NotForThisHost | undefined {
  const certificate = readCertificate(raw)
  if (typeof certificate === 'string') return new NotForThisHost(certificate, true)
  if (isNamed(certificate, hostname.replace(/\.$/, ''))) return undefined
  const names = certificate.subjectAltName
  // Go's words (crypto/x509 HostnameError).
  if (names === undefined) return new NotForThisHost('certificate relies on legacy Common Name field, use SANs instead', false)
  return new NotForThisHost(`certificate is valid for ${names}, not ${hostname}`, true)
}

function isNamed(certificate: X509Certificate, hostname: string): boolean {
  if (isIP(hostname) !== 0) return certificate.checkIP(hostname) !== undefined
  const literally = { subject: 'never', wildcards: false } as const
  if (certificate.checkHost(hostname, literally) !== undefined) return true
  // OpenSSL's own wildcard rule also matches a part of a label, and never matches directly below a top-level domain.
  const parent = hostname.slice(hostname.indexOf('.') + 1)
  return parent !== hostname && certificate.checkHost(`*.${parent}`, literally) !== undefined
}
