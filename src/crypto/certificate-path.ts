/**
 * A path from a leaf to a pinned CA. RFC 5280 section 6, as far as it concerns a leaf that names a trust collection:
 * signatures, validity, CA:TRUE, keyCertSign, path length, name constraints, purposes. Revocation is not asked.
 */
import { type CertificateDetails, inspectCertificate } from './certificate-details.js'
import { RSA_BITS } from './keys.js'

/** Certificates on a path, leaf and anchor included; longer ones are refused (denial of service). */
const MAX_PATH = 8

/** Purposes that a root certificate may be limited to: code signing is what Notary writes, server authentication what Go asks for. */
const PURPOSES: ReadonlySet<string> = new Set(['1.3.6.1.5.5.7.3.3', '1.3.6.1.5.5.7.3.1', '2.5.29.37.0'])

/** Undefined when a path leads from the leaf to one of the anchors; otherwise why none does. `now` in ms. */
export function checkPath(
  leaf: CertificateDetails,
  bundle: readonly CertificateDetails[],
  anchors: readonly Uint8Array[],
  now: number,
): string | undefined {
  if (leaf.purposes !== undefined && !leaf.purposes.some((oid) => PURPOSES.has(oid)))
    return 'the leaf certificate is for other purposes'
  const roots = anchors.map(inspectCertificate).filter((anchor) => typeof anchor !== 'string')
  return new PathSearch(leaf, bundle, roots, now).from(leaf, [leaf])
}

class PathSearch {
  readonly #leaf: CertificateDetails
  readonly #bundle: readonly CertificateDetails[]
  readonly #roots: readonly CertificateDetails[]
  readonly #now: number

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

  /** Each certificate of the bundle stands on a path once, so the search ends. */
  from(child: CertificateDetails, path: readonly CertificateDetails[]): string | undefined {
    if (path.length >= MAX_PATH) return `a path of more than ${MAX_PATH} certificates`
    let problem = `nobody pinned issued ${child.x509.subject.replaceAll('\n', ', ')}`
    for (const issuer of [...this.#roots, ...this.#bundle]) {
      if (path.includes(issuer) || !issued(issuer, child)) continue
      const found =
        this.#checkIssuer(issuer, path.length - 1) ??
        (this.#roots.includes(issuer) ? undefined : this.from(issuer, [...path, issuer]))
      if (found === undefined) return undefined
      problem = found
    }
    return problem
  }

  /** `below`: CA certificates between the issuer and the leaf. */
  #checkIssuer(issuer: CertificateDetails, below: number): string | undefined {
    const name = issuer.x509.subject.replaceAll('\n', ', ')
    if (!issuer.isCa) return `${name} is not a CA`
    if (!issuer.maySignCertificates) return `${name} may not sign certificates`
    if (issuer.pathLength !== undefined && below > issuer.pathLength) return `${name} allows a path of ${issuer.pathLength}`
    if (issuer.unknownCritical.length > 0) return `${name} has a critical extension that is not understood`
    if (!(this.#now >= issuer.notBefore && this.#now <= issuer.notAfter)) return `${name} is not valid now`
    // Only the common name of the leaf says anything here; constraints on other names cannot be violated by it.
    if (issuer.nameConstraints === 'directory-names') return `${name} constrains directory names`
    if (issuer.nameConstraints !== undefined && this.#leaf.hasAlternativeNames) return `${name} constrains names`
    return undefined
  }
}

function issued(issuer: CertificateDetails, child: CertificateDetails): boolean {
  const key = issuer.x509.publicKey
  const bits = key.asymmetricKeyDetails?.modulusLength
  if (bits !== undefined && bits < RSA_BITS.min) return false
  return !child.weakSignature && child.x509.checkIssued(issuer.x509) && child.x509.verify(key)
}
