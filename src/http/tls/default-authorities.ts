/**
 * The CAs that this machine believes. An explicit list in Node replaces its own, so the list is put together here:
 * Node's bundle, NODE_EXTRA_CA_CERTS, and the system's as Go finds it (SSL_CERT_FILE or the distribution's bundle,
 * SSL_CERT_DIR).
 */
import { readdir, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { systemCode } from '../../errors.js'
import { pemCertificates, readBytes, unusable, withoutCertificate } from './pem-files.js'

/** Where the variables are looked up. */
export type AuthorityEnvironment = Readonly<Record<string, string | undefined>>

// The list of Go's crypto/x509 (root_linux.go, root_bsd.go): the first that can be read counts.
const DISTRIBUTION_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
] as const

/**
 * PEM, one certificate each, with repetitions.
 *
 * @throws UsageError ERR_SETTINGS_INVALID for a variable that leads to no certificate
 */
export async function readDefaultAuthorities(env: AuthorityEnvironment): Promise<string[]> {
  const [extra, machine, folders] = await Promise.all([
    readNamedBundle(env, 'NODE_EXTRA_CA_CERTS'),
    readNamedBundle(env, 'SSL_CERT_FILE').then((certificates) => certificates ?? readDistributionBundle()),
    readFolders(env['SSL_CERT_DIR'] ?? ''),
  ])
  return [...rootCertificates, ...(extra ?? []), ...machine, ...folders]
}

/** Options of Node that have it believe other CAs than its own bundle. */
const OTHER_DEFAULTS = /--use[-_](?:openssl|system)[-_]ca/

/**
 * True when the CAs that Node itself believes are among those that are read here. It was started with the environment of
 * the process, and `env` may be another.
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

/** Some of the folders may be missing, as lists for several distributions have them; all together must hold something. */
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

/** Nobody named this very file: the next one may do. */
async function textIfReadable(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if (systemCode(cause) === undefined) throw cause
    return undefined
  }
}
