/**
 * Reads certificates with Node's own X509Certificate: PEM bundles, and the key of a leaf. The parts that it does not give
 * (signature algorithm, extensions, names) are in certificate-details.ts, which imports an ASN.1 library.
 */
import { type KeyObject, X509Certificate } from 'node:crypto'
import { base64, fromBase64, utf8Text } from '../bytes.js'
import { describeCause } from '../errors.js'

export type { X509Certificate } from 'node:crypto'

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]{1,64})-----\r?\n([A-Za-z0-9+/=\r\n]*?)-----END \1-----/g

/** One block of a PEM text. */
interface PemBlock {
  /** `CERTIFICATE`, `PUBLIC KEY`, ... */
  readonly label: string
  /** Undefined when its base64 cannot be read. */
  readonly der: Uint8Array | undefined
}

/** Every block of a PEM text, in order. */
export function pemBlocks(text: string): PemBlock[] {
  return [...text.matchAll(PEM_BLOCK)].map(([, label = '', body = '']) => ({ label, der: fromBase64(body) }))
}

/** True when there is only white space around the blocks. */
export function isOnlyPem(text: string): boolean {
  return text.replaceAll(PEM_BLOCK, '').trim() === ''
}

/** DER of every CERTIFICATE block in a PEM text, in order; undefined when it holds none, or a block of another kind. */
export function pemCertificates(pem: Uint8Array): Uint8Array[] | undefined {
  const text = utf8Text(pem)
  if (text === undefined) return undefined
  const found: Uint8Array[] = []
  for (const { label, der } of pemBlocks(text)) {
    if (label !== 'CERTIFICATE' || der === undefined) return undefined
    found.push(der)
  }
  return found.length === 0 ? undefined : found
}

/** The PEM text of a bundle as Notary writes it: lines of 64 characters, LF, nothing between the blocks. */
export function encodePem(certificates: readonly Uint8Array[]): string {
  return certificates
    .map((der) => {
      const lines = base64(der).match(/.{1,64}/g) ?? []
      return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
    })
    .join('')
}

/** A certificate, DER or PEM, or why it cannot be read. */
export function readCertificate(certificate: Uint8Array | string): X509Certificate | string {
  try {
    return new X509Certificate(certificate)
  } catch (cause) {
    return `not an X.509 certificate (${describeCause(cause)})`
  }
}

/** The public key of the first certificate of a bundle, or why there is none. Source: notary 0.7.0 tuf/signed/verifiers.go. */
export function firstCertificateKey(pem: Uint8Array): KeyObject | string {
  const first = pemCertificates(pem)?.[0]
  if (first === undefined) return 'not a PEM bundle of certificates'
  const certificate = readCertificate(first)
  return typeof certificate === 'string' ? certificate : certificateKey(certificate)
}

/** When the first certificate of a bundle ends, in ms since 1970; undefined when there is none that can be read. */
export function certificateEnd(pem: Uint8Array): number | undefined {
  const first = pemCertificates(pem)?.[0]
  const certificate = first === undefined ? undefined : readCertificate(first)
  if (certificate === undefined || typeof certificate === 'string') return undefined
  const end = Date.parse(certificate.validTo)
  return Number.isNaN(end) ? undefined : end
}

/** The public key of a certificate, or why it cannot be read. Node parses it only on access. */
export function certificateKey(certificate: X509Certificate): KeyObject | string {
  try {
    return certificate.publicKey
  } catch (cause) {
    return `a certificate without a readable key (${describeCause(cause)})`
  }
}
