/**
 * Why TLS with a server failed, and why its certificate was refused: Node's spellings of OpenSSL's verification results
 * (lib/internal/tls, X509_V_ERR_*).
 */

/** By an unknown CA. */
const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
])

/** True when no CA that is believed has issued the certificate. */
export function isUnknownAuthority(code: string): boolean {
  return UNKNOWN_AUTHORITY.has(code)
}

/** Of any certificate on the path, that of a CA included. */
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
 * True for what other CAs may see otherwise. That is more than an unknown CA: one that ended, or that only has the name of
 * the right one, may stand in one list, and its successor in the next. A wrong host name is wrong whoever signed it.
 */
export function dependsOnAuthorities(code: string): boolean {
  return isUnknownAuthority(code) || FAULT_ON_THE_PATH.has(code)
}

/** True for every refusal of a server's certificate that OpenSSL gives. */
export function isCertificateFault(code: string): boolean {
  return dependsOnAuthorities(code) || code === 'HOSTNAME_MISMATCH'
}

/** Errors of TLS itself: no common version, a plain-text server, an alert. */
const TLS_FAULT = /^(?:ERR_(?:TLS|SSL|OSSL)_|EPROTO$)/

/** True for all that fails in TLS, and not in the network below it. */
export function isTlsFault(code: string): boolean {
  return isCertificateFault(code) || TLS_FAULT.test(code)
}
