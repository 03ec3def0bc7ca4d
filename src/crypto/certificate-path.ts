/**
 * Finds a path from a leaf to a pinned CA, by the parts of RFC 5280 section 6 that apply to a leaf that names a trust
 * collection: signatures, validity, CA:TRUE, keyCertSign, path length, name constraints, purposes. Revocation is not checked.
 */
import { certificateKey } from './certificate.js'
import { type CertificateDetails, inspectCertificate } from './certificate-details.js'
import { mayIssue } from './keys.js'

/** Certificates on a path, leaf and anchor included; longer paths are refused (denial of service). */
const MAX_PATH = 8

/** Signatures checked in one search: CAs that issued each other could make it very long (denial of service). */
const MAX_CHECKS = 100

/** Purposes that are accepted: code signing, which Notary writes; server authentication, which Go requires; and any purpose. */
const PURPOSES: ReadonlySet<string> = new Set(['1.3.6.1.5.5.7.3.3', '1.3.6.1.5.5.7.3.1', '2.5.29.37.0'])

/** Undefined when a path leads from the leaf to one of the anchors; else the reason why none does. `now` in ms. */
export function checkPath(
  leaf: CertificateDetails,
  bundle: readonly CertificateDetails[],
  anchors: readonly Uint8Array[],
  now: number,
): string | undefined {
  if (!hasPurpose(leaf)) return 'the leaf certificate is for other purposes'
  const roots = anchors.map(inspectCertificate).filter((anchor) => typeof anchor !== 'string')
  return new PathSearch(leaf, bundle, roots, now).from(leaf, [leaf])
}

class PathSearch {
  readonly #leaf: CertificateDetails
  readonly #bundle: readonly CertificateDetails[]
  readonly #roots: readonly CertificateDetails[]
  readonly #now: number
  #checks = 0

  constructor(
    leaf: CertificateDetails,
    bundle: readonly CertificateDetails[],
    roots: readonly CertificateDetails[],
    now: number,
  ) {
    this.#leaf = leaf
    this.#bundle = bundle
    this.#roots = roots
    this.#now = now
  }

  /** Searches the issuers of `child`. The search ends because a certificate is on a path only once. */
  from(child: CertificateDetails, path: readonly CertificateDetails[]): string | undefined {
    if (path.length >= MAX_PATH) return `a path of more than ${MAX_PATH} certificates`
    let problem = `no pinned CA issued ${nameOf(child)}`
    for (const issuer of [...this.#roots, ...this.#bundle]) {
      if (path.includes(issuer) || !this.#issued(issuer, child)) continue
      const found =
        this.#checkIssuer(issuer, path.length - 1) ??
        (this.#roots.includes(issuer) ? undefined : this.from(issuer, [...path, issuer]))
      if (found === undefined) return undefined
      problem = found
    }
    return this.#checks > MAX_CHECKS ? `more than ${MAX_CHECKS} signatures to check` : problem
  }

  #issued({ x509 }: CertificateDetails, child: CertificateDetails): boolean {
    if (child.weakSignature || !child.x509.checkIssued(x509) || this.#checks++ >= MAX_CHECKS) return false
    const key = certificateKey(x509)
    if (typeof key === 'string' || !mayIssue(key)) return false
    try {
      return child.x509.verify(key)
    } catch {
      return false // OpenSSL cannot verify with this key
    }
  }

  /** `below`: CA certificates between the issuer and the leaf. */
  #checkIssuer(issuer: CertificateDetails, below: number): string | undefined {
    const name = nameOf(issuer)
    if (!issuer.isCa) return `${name} is not a CA`
    if (!issuer.maySignCertificates) return `${name} may not sign certificates`
    if (!hasPurpose(issuer)) return `${name} is for other purposes`
    if (issuer.pathLength !== undefined && below > issuer.pathLength) return `${name} allows a path of ${issuer.pathLength}`
    if (issuer.unknownCritical.length > 0) return `${name} has a critical extension that is not understood`
    if (!(this.#now >= issuer.notBefore && this.#now <= issuer.notAfter)) return `${name} is not valid now`
    // Only the common name of the leaf is used here, and it cannot violate constraints on other kinds of names.
    if (issuer.nameConstraints === 'directory-names') return `${name} constrains directory names`
    if (issuer.nameConstraints !== undefined && this.#leaf.hasAlternativeNames) return `${name} constrains names`
    return undefined
  }
}

function hasPurpose({ purposes }: CertificateDetails): boolean {
  return purposes === undefined || purposes.some((oid) => PURPOSES.has(oid))
}

/** The subject. Node returns undefined when there is none, although its types say otherwise. */
function nameOf({ x509 }: CertificateDetails): string {
  return String(x509.subject ?? 'a CA without a name').replaceAll('\n', ', ')
}
