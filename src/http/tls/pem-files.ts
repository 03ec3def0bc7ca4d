/** Reads PEM certificates from files, and makes the errors for files that cannot be used. */
import { readFile } from 'node:fs/promises'
import { readCertificate } from '../../crypto/certificate.js'
import { describeCause, UsageError } from '../../errors.js'
import { shellWord } from '../../shell-word.js'

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/** The certificates in a text, one PEM block each. */
export function pemCertificates(text: string): string[] {
  return (text.match(PEM_CERTIFICATE) ?? []).map((certificate) => certificate.replaceAll('\r', ''))
}

/**
 * The same, but every certificate must be readable. Node would skip an unreadable one in silence; in a file of the user that
 * is an error.
 *
 * @throws UsageError ERR_SETTINGS_INVALID
 */
export function usableCertificates(content: Uint8Array | string, source: string): string[] {
  const certificates = pemCertificates(Buffer.from(content).toString())
  if (certificates.length === 0) throw withoutCertificate(content, source)
  for (const certificate of certificates) {
    const read = readCertificate(certificate)
    if (typeof read === 'string') throw unusable(source, `a certificate that cannot be read: ${read}`)
  }
  return certificates
}

/** The list without repetitions. Bundles differ in the width of their lines. */
export function distinctCertificates(certificates: readonly string[]): string[] {
  const byContent = new Map<string, string>()
  for (const certificate of certificates) {
    const content = certificate.replace(/\s+/g, '')
    if (!byContent.has(content)) byContent.set(content, certificate)
  }
  return [...byContent.values()]
}

/**
 * Reads a file. `what` describes it in the error.
 *
 * @throws UsageError ERR_SETTINGS_INVALID that names the file
 */
export async function readBytes(file: string, what: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw unusable(file, `cannot read ${what}`, cause)
  }
}

/** What a file may hold instead of PEM certificates, and the openssl command that converts it. */
const OTHER_BLOCKS: ReadonlyMap<string, readonly [what: string, command: string | undefined]> = new Map([
  ['TRUSTED CERTIFICATE', ['a TRUSTED CERTIFICATE of OpenSSL', 'x509']],
  ['PKCS7', ['a PKCS #7 bundle', 'pkcs7 -print_certs']],
  ['CERTIFICATE REQUEST', ['a certificate request', undefined]],
  ['NEW CERTIFICATE REQUEST', ['a certificate request', undefined]],
])

/**
 * The error for a file or text without a certificate: what it holds instead, and how to convert it. `role` says what the file
 * is for: ` in the CA file of ...`.
 */
export function withoutCertificate(content: Uint8Array | string, source: string, role = ''): UsageError {
  const bytes = Buffer.from(content)
  const label = /-----BEGIN ([A-Z0-9 ]{1,64})-----/.exec(bytes.toString('latin1'))?.[1]
  const [what, command] = label === undefined ? withoutBlock(bytes) : (OTHER_BLOCKS.get(label) ?? [`a ${label}`, undefined])
  return unusable(source, `no PEM certificate${role}${what === undefined ? '' : `, but ${what}`}`, undefined, {
    hint: command === undefined ? undefined : conversion(source, command),
  })
}

function withoutBlock(bytes: Buffer): readonly [what: string | undefined, command: string | undefined] {
  if (bytes.length === 0) return ['an empty file', undefined]
  if (typeof readCertificate(bytes) !== 'string') return ['a certificate in DER', 'x509 -inform der']
  // The byte-order mark of UTF-16, which some editors and shells on Windows write.
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return ['a text in UTF-16', undefined]
  return [undefined, undefined]
}

function conversion(source: string, command: string): string {
  const file = shellWord(source)
  const made = shellWord(`${source}.pem`)
  return `Make PEM of it: openssl ${command} -in ${file} -out ${made} && mv ${made} ${file}`
}

/** The error for a file or folder that cannot be used. */
export function unusable(
  source: string,
  what: string,
  cause?: unknown,
  details: { readonly hint?: string | undefined } = {},
): UsageError {
  const reason = cause === undefined ? '' : ` (${describeCause(cause)})`
  return new UsageError('ERR_SETTINGS_INVALID', `${source}: ${what}${reason}`, {
    hint:
      details.hint ??
      (cause === undefined ? 'Correct or remove the file.' : `Check that it exists and can be read: ls -l ${shellWord(source)}`),
    cause,
  })
}
