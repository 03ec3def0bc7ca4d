/**
 * Classifies errors of TLS and of certificates by Node's codes, which are OpenSSL's verification results (lib/internal/tls,
 * X509_V_ERR_*).
 */

/** The certificate was issued by an unknown CA. */
const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
])

/** True when no trusted CA issued the certificate. */
export function isUnknownAuthority(code: string): boolean {
  return UNKNOWN_AUTHORITY.has(code)
}

/** Faults of any certificate on the path, including those of CAs. */
const FAULT_ON_THE_PATH: ReadonlySet<string> = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNSPECIFIED',
])

/**
 * True for a fault that may not occur with another list of CAs. An unknown CA is one. A list may also hold an expired CA, or
 * one that only shares the name of the right one, while another list holds its successor. A wrong host name does not depend
 * on the CAs.
 */
export function dependsOnAuthorities(code: string): boolean {
  return isUnknownAuthority(code) || FAULT_ON_THE_PATH.has(code)
}

/** True for every code with which OpenSSL refuses a server's certificate. */
export function isCertificateFault(code: string): boolean {
  return dependsOnAuthorities(code) || code === 'HOSTNAME_MISMATCH'
}

/** Errors of TLS itself: no common version, a plain-text server, an alert. */
const TLS_FAULT = /^(?:ERR_(?:TLS|SSL|OSSL)_|EPROTO$)/

/** True for errors of TLS, not for those of the network below it. */
export function isTlsFault(code: string): boolean {
  return isCertificateFault(code) || TLS_FAULT.test(code)
}
