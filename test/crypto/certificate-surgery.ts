/** Changes certificates and signs them again, to make certificates that no CA would issue. */
import { constants, type KeyObject, sign } from 'node:crypto'
import { type CertificateDetails, inspectCertificate } from '../../src/crypto/certificate-details.js'
import { der, type MadeCertificate } from '../../src/testing/index.js'

const { bitString, objectIdentifier, sequence, tlv } = der

export const VALID = { notBefore: new Date('2024-01-01T00:00:00Z'), notAfter: new Date('2034-01-01T00:00:00Z') } as const

/** A moment inside VALID, in ms. */
export const NOW: number = Date.parse('2025-01-01T00:00:00Z')

/** Positions in a TBSCertificate v3. */
const TBS = { signature: 2, validity: 4, subject: 5, publicKey: 6 } as const

/** AlgorithmIdentifier: RSA ones carry NULL. */
export function algorithm(oid: string, parameters: Uint8Array = tlv(0x05)): Uint8Array {
  return sequence(objectIdentifier(oid), parameters)
}

export interface Surgery {
  /** New parts of the TBSCertificate. */
  readonly parts?: Readonly<Partial<Record<keyof typeof TBS, Uint8Array>>>
  /** The algorithm outside the signed part; also the signed one unless `parts.signature` is given. */
  readonly algorithm?: Uint8Array
  readonly sign?: (body: Uint8Array) => Uint8Array
}

/** The certificate with other parts, signed again by the key (RSA PKCS#1 or ECDSA with SHA-256 by default). */
export function remake(der: Uint8Array, issuerKey: KeyObject, surgery: Surgery): Uint8Array {
  const [oldBody = der, oldAlgorithm = der] = elements(content(der))
  const parts = elements(content(oldBody))
  if (surgery.algorithm !== undefined) parts[TBS.signature] = surgery.algorithm
  for (const place of ['signature', 'validity', 'subject', 'publicKey'] as const) {
    const part = surgery.parts?.[place]
    if (part !== undefined) parts[TBS[place]] = part
  }
  const body = sequence(...parts)
  const signature = surgery.sign?.(body) ?? sign('sha256', body, issuerKey)
  return sequence(body, surgery.algorithm ?? oldAlgorithm, bitString(signature))
}

/** RSASSA-PSS with its default parameters: SHA-1. */
export const PSS_SHA1: Uint8Array = algorithm('1.2.840.113549.1.1.10', sequence())

export function signPssSha1(key: KeyObject): (body: Uint8Array) => Uint8Array {
  return (body) => sign('sha1', body, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 20 })
}

/** RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes, as Go writes it. */
export const PSS_SHA256: Uint8Array = algorithm(
  '1.2.840.113549.1.1.10',
  Buffer.from(
    '3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120',
    'hex',
  ),
)

export function signPssSha256(key: KeyObject): (body: Uint8Array) => Uint8Array {
  return (body) => sign('sha256', body, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
}

/** Basic constraints as an extension. */
export function basicConstraints(ca: boolean): { oid: string; critical: boolean; value: Uint8Array } {
  return { oid: '2.5.29.19', critical: true, value: sequence(...(ca ? [tlv(0x01, Uint8Array.of(0xff))] : [])) }
}

/** The details of a certificate that must be readable. */
export function inspect(certificate: MadeCertificate | Uint8Array): CertificateDetails {
  const details = inspectCertificate(certificate instanceof Uint8Array ? certificate : certificate.der)
  if (typeof details === 'string') throw new Error(details)
  return details
}

/** Splits consecutive DER elements. */
export function elements(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const { header, length } = head(bytes.subarray(at))
    found.push(bytes.slice(at, at + header + length))
    at += header + length
  }
  return found
}

/** The content of the first DER element. */
export function content(element: Uint8Array): Uint8Array {
  const { header, length } = head(element)
  return element.subarray(header, header + length)
}

function head(element: Uint8Array): { header: number; length: number } {
  const first = element[1] ?? 0
  if (first < 0x80) return { header: 2, length: first }
  const digits = element.subarray(2, 2 + (first & 0x7f))
  return { header: 2 + digits.length, length: digits.reduce((sum, digit) => sum * 256 + digit, 0) }
}
