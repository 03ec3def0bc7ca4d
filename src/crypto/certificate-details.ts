/** Parses a certificate (RFC 5280): names, validity, extensions, signature algorithm. The only user of an ASN.1 library. */
import { X509Certificate } from 'node:crypto'
import { AsnConvert } from '@peculiar/asn1-schema'
import {
  type AlgorithmIdentifier,
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
import { hex, sameBytes } from '../bytes.js'
import { describeCause } from '../errors.js'

/** The content of a certificate. */
export interface CertificateDetails {
  readonly der: Uint8Array
  /** Every common name in the subject; undefined for one in an encoding that readers disagree on. */
  readonly commonNames: readonly (string | undefined)[]
  /** Milliseconds since 1970; the last instant is part of the validity. */
  readonly notBefore: number
  readonly notAfter: number
  /** Basic constraints say CA:TRUE. */
  readonly isCa: boolean
  /** How many CA certificates may be below this one. */
  readonly pathLength?: number
  /** The certificate may sign certificates: key usage says so, or is absent. */
  readonly maySignCertificates: boolean
  /** OIDs of the extended key usage; undefined when there is none. */
  readonly purposes?: readonly string[]
  readonly hasAlternativeNames: boolean
  /** `undefined`: none; otherwise whether directory names are among what is constrained. */
  readonly nameConstraints?: 'directory-names' | 'other-names'
  /** OIDs of critical extensions that this library does not know. */
  readonly unknownCritical: readonly string[]
  /** MD5, SHA-1, or anything else that is not known to be strong. */
  readonly weakSignature: boolean
  /** Subject and issuer are the same name. */
  readonly selfIssued: boolean
  /** Node's view of the same bytes, for signature checks. */
  readonly x509: X509Certificate
}

/** Signature algorithms that are secure: SHA-224 and up. All others count as weak. */
const STRONG_SIGNATURES: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.14', // sha224WithRSAEncryption
  '1.2.840.113549.1.1.11', // sha256WithRSAEncryption
  '1.2.840.113549.1.1.12', // sha384WithRSAEncryption
  '1.2.840.113549.1.1.13', // sha512WithRSAEncryption
  '1.2.840.10045.4.3.1', // ecdsa-with-SHA224
  '1.2.840.10045.4.3.2', // ecdsa-with-SHA256
  '1.2.840.10045.4.3.3', // ecdsa-with-SHA384
  '1.2.840.10045.4.3.4', // ecdsa-with-SHA512
  '1.3.101.112', // Ed25519
])

const RSASSA_PSS = '1.2.840.113549.1.1.10'

/** RSASSA-PSS-params that begin with the hash SHA-256, -384 or -512 (RFC 4055 section 3.1; without a hash it is SHA-1). */
const STRONG_PSS = /^30..a0(?:0f300d|0d300b)0609608648016503040(?:201|202|203)/

const COMMON_NAME = '2.5.4.3'
const UNDERSTOOD: ReadonlySet<string> = new Set([
  id_ce_basicConstraints,
  id_ce_keyUsage,
  id_ce_extKeyUsage,
  id_ce_subjectAltName,
  id_ce_nameConstraints,
  id_ce_certificatePolicies,
])

/** Parses a DER certificate. A text says why it cannot be parsed. */
export function inspectCertificate(der: Uint8Array): CertificateDetails | string {
  try {
    const x509 = new X509Certificate(der)
    if (!sameBytes(x509.raw, der)) return 'not DER, or bytes after it'
    return details(der, x509, AsnConvert.parse(der, Certificate))
  } catch (cause) {
    return `not an X.509 certificate (${describeCause(cause)})`
  }
}

function details(der: Uint8Array, x509: X509Certificate, certificate: Certificate): CertificateDetails | string {
  const { tbsCertificate: tbs, signatureAlgorithm } = certificate
  const extensions = new Map((tbs.extensions ?? []).map((extension) => [extension.extnID, extension]))
  if (extensions.size !== (tbs.extensions?.length ?? 0)) return 'an extension stands twice'
  const notBefore = tbs.validity.notBefore.getTime().getTime()
  const notAfter = tbs.validity.notAfter.getTime().getTime()
  if (!readsAs(x509.validFrom, notBefore) || !readsAs(x509.validTo, notAfter)) return 'a date that readers disagree on'
  const read = <Value>(oid: string, type: new () => Value): Value | undefined => {
    const value = extensions.get(oid)?.extnValue.buffer
    return value === undefined ? undefined : AsnConvert.parse(value, type)
  }
  const basic = read(id_ce_basicConstraints, BasicConstraints)
  const usage = read(id_ce_keyUsage, KeyUsage)
  const purposes = read(id_ce_extKeyUsage, ExtendedKeyUsage)
  const names = read(id_ce_nameConstraints, NameConstraints)
  return {
    der,
    x509,
    commonNames: tbs.subject
      .flatMap((relative) => [...relative])
      .filter(({ type }) => type === COMMON_NAME)
      .map((attribute) => plainText(attribute.value)),
    notBefore,
    notAfter,
    isCa: basic?.cA === true,
    ...(basic?.pathLenConstraint === undefined ? {} : { pathLength: basic.pathLenConstraint }),
    maySignCertificates: usage === undefined || (usage.toNumber() & KeyUsageFlags.keyCertSign) !== 0,
    ...(purposes === undefined ? {} : { purposes: [...purposes] }),
    hasAlternativeNames: extensions.has(id_ce_subjectAltName),
    ...(names === undefined ? {} : { nameConstraints: constrained(names) }),
    unknownCritical: [...extensions.values()]
      .filter(({ extnID, critical }) => critical && !UNDERSTOOD.has(extnID))
      .map(({ extnID }) => extnID),
    weakSignature: !isStrong(signatureAlgorithm) || !isStrong(tbs.signature),
    selfIssued: x509.subject === x509.issuer,
  }
}

/** True when two independent parsers agree on a date: OpenSSL's text, and the library's milliseconds. */
function readsAs(text: string, time: number): boolean {
  return text.endsWith(' GMT') && Date.parse(text) === time
}

function isStrong({ algorithm, parameters }: AlgorithmIdentifier): boolean {
  if (algorithm !== RSASSA_PSS) return STRONG_SIGNATURES.has(algorithm)
  return STRONG_PSS.test(hex(new Uint8Array(parameters ?? [])))
}

function plainText({ printableString, utf8String, ia5String }: AttributeValue): string | undefined {
  return utf8String ?? printableString ?? ia5String
}

function constrained({ permittedSubtrees = [], excludedSubtrees = [] }: NameConstraints): 'directory-names' | 'other-names' {
  return [...permittedSubtrees, ...excludedSubtrees].some(({ base }) => base.directoryName !== undefined)
    ? 'directory-names'
    : 'other-names'
}
