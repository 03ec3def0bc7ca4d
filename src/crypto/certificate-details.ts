/**
 * What a certificate says: names, validity, extensions, signature algorithm. The only user of an ASN.1 library.
 * RFC 5280 throughout.
 */
import { X509Certificate } from 'node:crypto'
import { AsnConvert } from '@peculiar/asn1-schema'
import {
  type AttributeValue,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  id_ce_basicConstraints,
  id_ce_certificatePolicies,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_nameConstraints,
  id_ce_subjectAltName,
  KeyUsage,
  KeyUsageFlags,
  NameConstraints,
} from '@peculiar/asn1-x509'

/** A certificate, read. */
export interface CertificateDetails {
  readonly der: Uint8Array
  /** Every common name in the subject; undefined for one in an encoding that readers disagree on. */
  readonly commonNames: readonly (string | undefined)[]
  /** Milliseconds since 1970; the last instant is part of the validity. */
  readonly notBefore: number
  readonly notAfter: number
  /** Basic constraints say CA:TRUE. */
  readonly isCa: boolean
  /** How many CA certificates may follow below this one. */
  readonly pathLength?: number
  /** The certificate may sign certificates: key usage says so, or is absent. */
  readonly maySignCertificates: boolean
  /** OIDs of the extended key usage; undefined when there is none. */
  readonly purposes?: readonly string[]
  readonly hasAlternativeNames: boolean
  /** `undefined`: none; otherwise whether directory names are among what is constrained. */
  readonly nameConstraints?: 'directory-names' | 'other-names'
  /** OIDs of critical extensions that are not understood here. */
  readonly unknownCritical: readonly string[]
  /** MD2, MD5 or SHA-1. */
  readonly weakSignature: boolean
  /** Subject and issuer are the same name. */
  readonly selfIssued: boolean
  /** Node's view of the same bytes, for signature checks. */
  readonly x509: X509Certificate
}

/** Signature algorithms that prove nothing any more. */
const WEAK_SIGNATURES: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.2', // md2WithRSAEncryption
  '1.2.840.113549.1.1.4', // md5WithRSAEncryption
  '1.2.840.113549.1.1.5', // sha1WithRSAEncryption
  '1.3.14.3.2.29', // sha1WithRSA (OIW)
  '1.2.840.10040.4.3', // dsaWithSHA1
  '1.2.840.10045.4.1', // ecdsaWithSHA1
])

const COMMON_NAME = '2.5.4.3'
const UNDERSTOOD: ReadonlySet<string> = new Set([
  id_ce_basicConstraints,
  id_ce_keyUsage,
  id_ce_extKeyUsage,
  id_ce_subjectAltName,
  id_ce_nameConstraints,
  id_ce_certificatePolicies,
])

/** Reads a DER certificate; a text says why it cannot be read. */
export function inspectCertificate(der: Uint8Array): CertificateDetails | string {
  try {
    const x509 = new X509Certificate(der)
    if (x509.raw.length !== der.length) return 'bytes after the certificate'
    return details(der, x509, AsnConvert.parse(der, Certificate))
  } catch (cause) {
    return `not an X.509 certificate (${cause instanceof Error ? cause.message : String(cause)})`
  }
}

function details(
  der: Uint8Array,
  x509: X509Certificate,
  { tbsCertificate: tbs, signatureAlgorithm }: Certificate,
): CertificateDetails {
  const extensions = new Map((tbs.extensions ?? []).map((extension) => [extension.extnID, extension]))
  const value = (oid: string) => extensions.get(oid)?.extnValue.buffer
  const constraints = value(id_ce_basicConstraints)
  const basic = constraints === undefined ? undefined : AsnConvert.parse(constraints, BasicConstraints)
  const usage = value(id_ce_keyUsage)
  const purposes = value(id_ce_extKeyUsage)
  const names = value(id_ce_nameConstraints)
  return {
    der,
    x509,
    commonNames: tbs.subject
      .flatMap((relative) => [...relative])
      .filter(({ type }) => type === COMMON_NAME)
      .map((attribute) => plainText(attribute.value)),
    notBefore: tbs.validity.notBefore.getTime().getTime(),
    notAfter: tbs.validity.notAfter.getTime().getTime(),
    isCa: basic?.cA === true,
    ...(basic?.pathLenConstraint === undefined ? {} : { pathLength: basic.pathLenConstraint }),
    maySignCertificates: usage === undefined || (AsnConvert.parse(usage, KeyUsage).toNumber() & KeyUsageFlags.keyCertSign) !== 0,
    ...(purposes === undefined ? {} : { purposes: [...AsnConvert.parse(purposes, ExtendedKeyUsage)] }),
    hasAlternativeNames: extensions.has(id_ce_subjectAltName),
    ...(names === undefined ? {} : { nameConstraints: constrained(AsnConvert.parse(names, NameConstraints)) }),
    unknownCritical: [...extensions.values()]
      .filter(({ extnID, critical }) => critical && !UNDERSTOOD.has(extnID))
      .map(({ extnID }) => extnID),
    weakSignature: WEAK_SIGNATURES.has(signatureAlgorithm.algorithm),
    selfIssued: x509.subject === x509.issuer,
  }
}

function plainText({ printableString, utf8String, ia5String }: AttributeValue): string | undefined {
  return utf8String ?? printableString ?? ia5String
}

function constrained({ permittedSubtrees = [], excludedSubtrees = [] }: NameConstraints): 'directory-names' | 'other-names' {
  return [...permittedSubtrees, ...excludedSubtrees].some(({ base }) => base.directoryName !== undefined)
    ? 'directory-names'
    : 'other-names'
}
