/** Whether a certificate is for the host that was connected to: the rule of Go, which Docker's client followed. */
import { isIP } from 'node:net'
import type { PeerCertificate } from 'node:tls'
import { readCertificate, type X509Certificate } from '../../crypto/certificate.js'

/** A certificate for other hosts, or for none. */
export class NotForThisHost extends Error {
  /** Node's code for it. */
  readonly code = 'ERR_TLS_CERT_ALTNAME_INVALID'
  /** Without a subjectAltName, a certificate is for no host at all. */
  readonly hasNames: boolean

  constructor(reason: string, hasNames: boolean) {
    super(`tls: failed to verify certificate: x509: ${reason}`)
    this.hasNames = hasNames
  }
}

/**
 * For `checkServerIdentity` of Node's TLS. Only the subjectAltName counts; Node's own check takes the CN of a certificate
 * that names no host. A wildcard is the whole first label and stands for one label.
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
  // OpenSSL's wildcards would also stand for a part of a label, and never right below a top-level name.
  const parent = hostname.slice(hostname.indexOf('.') + 1)
  return parent !== hostname && certificate.checkHost(`*.${parent}`, literally) !== undefined
}
