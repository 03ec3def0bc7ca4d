/**
 * Reads the certificate that wraps a root key and binds it to the collection. That needs an ASN.1 library, so `client/` loads this
 * file only when a root is new here, or a CA is pinned.
 * Source: notary 0.7.0 trustpinning/certs.go validRootLeafCerts, tuf/utils/x509.go ValidateCertificate.
 */
import { utf8Text } from '../bytes.js'
import { certificateKey, encodePem, pemCertificates } from '../crypto/certificate.js'
import { type CertificateDetails, inspectCertificate } from '../crypto/certificate-details.js'
import { checkPath } from '../crypto/certificate-path.js'
import type { KeyId, PublicKey } from '../crypto/keys.js'
import type { RootCertificates } from './anchor.js'
import { NOT_BEFORE_LEEWAY } from './certificate-record.js'
import { nameOf } from './key-names.js'
import type { RootChain } from './root-chain.js'

/** Certificates of one root key: leaf, CAs above it, and more than a path may have (denial of service: each is read twice). */
const MAX_CERTIFICATES = 16

/** The leaf that names the collection, and the whole bundle. */
export interface RootCertificate {
  readonly leaf: CertificateDetails
  readonly bundle: readonly CertificateDetails[]
}

/** Reads the certificates of the keys that signed the newest root. `now` in ms. */
export function readCertificates({ gun, root }: RootChain, now: number): RootCertificates {
  const certificates = new Map<KeyId, RootCertificate>()
  const problems: string[] = []
  for (const id of root.signedBy) {
    const key = root.keys.keys.get(id)
    const certificate = key === undefined ? 'not listed' : rootCertificate(key, gun, now)
    if (typeof certificate === 'string') problems.push(`${nameOf(id, root.keys.keys)}: ${certificate}`)
    else certificates.set(id, certificate)
  }
  return {
    bound: new Map(
      [...certificates].map(
        ([
          id,
          {
            leaf: { notBefore, notAfter },
          },
        ]) => [id, { notBefore, notAfter }],
      ),
    ),
    problems,
    pathProblem(id, anchors, today) {
      const certificate = certificates.get(id)
      return certificate === undefined ? 'not listed' : checkPath(certificate.leaf, certificate.bundle, anchors, today)
    },
  }
}

/** The certificate of a root key, or why it does not bind the key to the collection. Expiry is for the caller to judge. `now` in ms. */
export function rootCertificate(key: PublicKey, gun: string, now: number): RootCertificate | string {
  if (!key.type.endsWith('-x509')) return `a root key must be an X.509 key, this one is ${key.type}`
  const ders = pemCertificates(key.bytes)
  // With text around the blocks, other line lengths or CRLF, Notary would re-encode the bundle and compute another key ID.
  if (ders === undefined || encodePem(ders) !== utf8Text(key.bytes)) return 'its certificates are not PEM as Notary writes it'
  if (ders.length > MAX_CERTIFICATES) return `a bundle of ${ders.length} certificates, at most ${MAX_CERTIFICATES} are read`
  const bundle: CertificateDetails[] = []
  for (const der of ders) {
    const details = inspectCertificate(der)
    if (typeof details === 'string') return details
    bundle.push(details)
  }
  const leaves = bundle.filter(({ isCa }) => !isCa)
  const [leaf] = leaves
  if (leaf === undefined || leaves.length !== 1) return `a bundle has one leaf certificate, this one ${leaves.length}`
  if (leaf !== bundle[0]) return 'the leaf certificate must come first'
  const problem = checkLeaf(leaf, gun, now)
  return problem ?? { leaf, bundle }
}

function checkLeaf(leaf: CertificateDetails, gun: string, now: number): string | undefined {
  const [commonName] = leaf.commonNames
  if (leaf.commonNames.length !== 1 || commonName === undefined) return 'its certificate does not have one readable common name'
  if (!namesCollection(commonName, gun)) return `its certificate is for ${JSON.stringify(commonName)}`
  if (leaf.weakSignature) return 'its certificate is signed with MD5 or SHA-1'
  if (leaf.unknownCritical.length > 0)
    return `its certificate has a critical extension that is not understood (${leaf.unknownCritical.join(', ')})`
  if (leaf.selfIssued && !verifiesItself(leaf)) return 'its certificate does not verify itself'
  if (leaf.notBefore > leaf.notAfter) return 'its certificate ends before it begins'
  if (!(now >= leaf.notBefore - NOT_BEFORE_LEEWAY))
    return `its certificate is valid only from ${new Date(leaf.notBefore).toISOString()}`
  return undefined
}

function verifiesItself({ x509 }: CertificateDetails): boolean {
  const key = certificateKey(x509)
  return typeof key !== 'string' && x509.verify(key)
}

/** The common name is the GUN, or a prefix of it that ends in `*`. A bare `*` would name every collection, so it counts for none. */
function namesCollection(commonName: string, gun: string): boolean {
  if (!commonName.endsWith('*')) return commonName === gun
  const end = [...commonName].findLastIndex((letter) => letter !== '*') + 1
  return end > 0 && gun.startsWith(commonName.slice(0, end))
}
