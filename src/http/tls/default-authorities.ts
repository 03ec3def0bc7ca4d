/**
 * Reads the CAs that this machine trusts: Node's bundle, NODE_EXTRA_CA_CERTS, and the system's CAs as Go finds them
 * (SSL_CERT_FILE or the distribution's bundle, SSL_CERT_DIR). They are read here because in Node an explicit list of CAs
 * replaces the default ones.
 */
import { readdir, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { systemCode } from '../../errors.js'
import { pemCertificates, readBytes, unusable, withoutCertificate } from './pem-files.js'

/** Environment variables. */
export type AuthorityEnvironment = Readonly<Record<string, string | undefined>>

// The list of Go's crypto/x509 (root_linux.go, root_bsd.go). The first file that can be read is used.
const DISTRIBUTION_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
] as const

/**
 * Reads all of them: PEM, one certificate each, possibly repeated.
 *
 * @throws UsageError ERR_SETTINGS_INVALID for a variable that names no file or folder with certificates
 */
export async function readDefaultAuthorities(env: AuthorityEnvironment): Promise<string[]> {
  const [extra, machine, folders] = await Promise.all([
    readNamedBundle(env, 'NODE_EXTRA_CA_CERTS'),
    readNamedBundle(env, 'SSL_CERT_FILE').then((certificates) => certificates ?? readDistributionBundle()),
    readFolders(env['SSL_CERT_DIR'] ?? ''),
  ])
  return [...rootCertificates, ...(extra ?? []), ...machine, ...folders]
}

/** Options with which Node trusts other CAs than its own bundle. */
const OTHER_DEFAULTS = /--use[-_](?:openssl|system)[-_]ca/

/**
 * True when Node's default CAs are among those that `readDefaultAuthorities(env)` returns. Node takes them from the
 * environment of the process, which may differ from `env`.
 */
export function nodeUsesBundledCas(env: AuthorityEnvironment): boolean {
  const { NODE_EXTRA_CA_CERTS: extra, NODE_OPTIONS: options = '', NODE_USE_SYSTEM_CA: system } = process.env
  if (OTHER_DEFAULTS.test([options, ...process.execArgv].join(' ')) || system === '1') return false
  return extra === undefined || extra === '' || extra === env['NODE_EXTRA_CA_CERTS']
}

async function readNamedBundle(env: AuthorityEnvironment, variable: string): Promise<string[] | undefined> {
  const file = env[variable]
  if (file === undefined || file === '') return undefined
  const content = await readBytes(file, `the CA file of ${variable}`)
  const certificates = pemCertificates(content.toString())
  if (certificates.length === 0) throw withoutCertificate(content, file, ` in the CA file of ${variable}`)
  return certificates
}

async function readDistributionBundle(): Promise<string[]> {
  for (const file of DISTRIBUTION_BUNDLES) {
    const text = await textIfReadable(file)
    if (text !== undefined) return pemCertificates(text)
  }
  return []
}

/** Reads SSL_CERT_DIR. Some of its folders may be missing, since lists are written for several distributions; one must hold a certificate. */
async function readFolders(list: string): Promise<string[]> {
  if (list === '') return []
  const found: string[] = []
  for (const folder of list.split(delimiter).filter((one) => one !== '')) {
    for (const name of await namesIn(folder)) found.push(...pemCertificates((await textIfReadable(join(folder, name))) ?? ''))
  }
  if (found.length === 0) throw unusable(list, 'no PEM certificate in the CA folders of SSL_CERT_DIR')
  return found
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort()
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return []
    throw unusable(folder, 'cannot read the CA folder of SSL_CERT_DIR', cause)
  }
}

/** Undefined for a file that cannot be read. The user did not name it, so this is no error. */
async function textIfReadable(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if (systemCode(cause) === undefined) throw cause
    return undefined
  }
}
