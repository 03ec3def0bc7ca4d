/** PEM certificates in files, and what is said of those that cannot be used. */
import { readFile } from 'node:fs/promises'
import { readCertificate } from '../crypto/certificate.js'
import { describeCause, UsageError } from '../errors.js'

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/** The certificates in a text, one PEM block each. */
export function pemCertificates(text: string): string[] {
  return (text.match(PEM_CERTIFICATE) ?? []).map((certificate) => certificate.replaceAll('\r', ''))
}

/**
 * The same, where each must be readable: Node would skip what it cannot read, in silence, and what a user put there
 * himself must be usable, all of it.
 *
 * @throws UsageError ERR_SETTINGS_INVALID
 */
export function usableCertificates(text: string, source: string): string[] {
  const certificates = pemCertificates(text)
  if (certificates.length === 0) throw unusable(source, 'no PEM certificate')
  for (const certificate of certificates) {
    const read = readCertificate(certificate)
    if (typeof read === 'string') throw unusable(source, `a certificate that cannot be read: ${read}`)
  }
  return certificates
}

/** The list without repetitions; authors of bundles break the lines at different widths. */
export function distinctCertificates(certificates: readonly string[]): string[] {
  const byContent = new Map<string, string>()
  for (const certificate of certificates) {
    const content = certificate.replace(/\s+/g, '')
    if (!byContent.has(content)) byContent.set(content, certificate)
  }
  return [...byContent.values()]
}

/**
 * The text of a file that somebody named.
 *
 * @throws UsageError ERR_SETTINGS_INVALID naming the file
 */
export async function readText(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw unusable(file, `cannot read ${what}`, cause)
  }
}

/** The error for a file or folder that cannot be used. */
export function unusable(source: string, what: string, cause?: unknown, details: { readonly hint?: string } = {}): UsageError {
  const reason = cause === undefined ? '' : ` (${describeCause(cause)})`
  return new UsageError('ERR_SETTINGS_INVALID', `${source}: ${what}${reason}`, {
    hint: 'Correct the file or take it away.',
    ...details,
    cause,
  })
}
