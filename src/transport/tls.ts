/**
 * Whom the transport believes: the default CAs of this machine, those that were given, and those in the folder that
 * Docker reads for a trust server. Always verified, TLS 1.2 at least.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecureContext, rootCertificates, type SecureContext, type SecureContextOptions } from 'node:tls'
import { readCertificate } from '../crypto/certificate.js'
import { describeCause, systemCode, UsageError } from '../errors.js'

/** Where certificates come from. */
export interface TlsSources {
  /** The folder of Docker's config.json. */
  readonly dockerConfig: string
  /** `host[:port]` of the trust server as typed. */
  readonly host: string
  /** NODE_EXTRA_CA_CERTS and SSL_CERT_FILE are read from here. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** PEM texts, added to the default CAs. */
  readonly ca?: readonly string[]
}

/** What was found. */
export interface TlsMaterial {
  /** `<dockerConfig>/tls/<host>`, whether it exists or not. */
  readonly folder: string
  /** PEM, one certificate each. */
  readonly ca: readonly string[]
  /** For the trust server's own host only. */
  readonly clientPairs: readonly ClientPair[]
}

/** A client certificate (a chain, leaf first) and its key, both PEM. */
export interface ClientPair {
  /** The file of the certificate. */
  readonly file: string
  readonly cert: string
  readonly key: string
}

/** The contexts to connect with. They are the same one where there is no client certificate. */
export interface TlsContexts {
  readonly trustServer: SecureContext
  readonly otherHosts: SecureContext
}

/** Stops a downgrade to protocols that can be read by others; as Docker's client. */
const MINIMUM_TLS_VERSION = 'TLSv1.2'

// The list of Go's crypto/x509 (root_linux.go, root_bsd.go): the first that can be read counts.
const DISTRIBUTION_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
] as const

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/** The folder for one trust server. Windows has no colon in names: `%3A` there. */
export function tlsFolder(dockerConfig: string, host: string, platform: NodeJS.Platform = process.platform): string {
  return join(dockerConfig, 'tls', platform === 'win32' ? host.replaceAll(':', '%3A') : host)
}

/**
 * Reads everything.
 *
 * @throws UsageError ERR_SETTINGS_INVALID naming the file that cannot be read or used
 */
export async function readTlsMaterial(sources: TlsSources): Promise<TlsMaterial> {
  const folder = tlsFolder(sources.dockerConfig, sources.host)
  const [extra, machine, own] = await Promise.all([
    readNamedBundle(sources.env, 'NODE_EXTRA_CA_CERTS'),
    readNamedBundle(sources.env, 'SSL_CERT_FILE').then((certificates) => certificates ?? readDistributionBundle()),
    readFolder(folder),
  ])
  const given = (sources.ca ?? []).flatMap((text) => usableCertificates(text, 'the ca option'))
  // A distribution ships mostly the same certificates as Node: parsing each once halves the cost.
  const ca = [...new Set([...rootCertificates, ...(extra ?? []), ...machine, ...own.ca, ...given])]
  return { folder, ca, clientPairs: own.clientPairs }
}

/**
 * Makes the contexts, once per transport: parsing some 170 roots takes about 40 ms, as much as Node itself takes for
 * its default list on first use.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when the client certificates do not go together
 */
export function createTlsContexts(material: TlsMaterial): TlsContexts {
  const common: SecureContextOptions = { ca: [...material.ca], minVersion: MINIMUM_TLS_VERSION }
  const otherHosts = createSecureContext(common)
  if (material.clientPairs.length === 0) return { trustServer: otherHosts, otherHosts }
  try {
    const cert = material.clientPairs.map((pair) => pair.cert)
    const key = material.clientPairs.map((pair) => pair.key)
    return { trustServer: createSecureContext({ ...common, cert, key }), otherHosts }
  } catch (cause) {
    throw unusable(material.folder, 'client certificates that do not go together', cause, {
      hint: 'OpenSSL takes one client certificate of each key type: leave one in the folder.',
    })
  }
}

async function readNamedBundle(env: TlsSources['env'], variable: string): Promise<string[] | undefined> {
  const file = env[variable]
  if (file === undefined || file === '') return undefined
  const certificates = pemCertificates(await readText(file, `the CA file of ${variable}`))
  if (certificates.length === 0) throw unusable(file, `no PEM certificate in the CA file of ${variable}`)
  return certificates
}

async function readDistributionBundle(): Promise<string[]> {
  for (const file of DISTRIBUTION_BUNDLES) {
    try {
      return pemCertificates(await readFile(file, 'utf8'))
    } catch (cause) {
      // Nobody named this file: the next one may do.
      if (systemCode(cause) === undefined) throw cause
    }
  }
  return []
}

async function readFolder(folder: string): Promise<{ ca: string[]; clientPairs: ClientPair[] }> {
  const names = new Set((await listFolder(folder)).sort())
  const ca: string[] = []
  const clientPairs: ClientPair[] = []
  for (const name of names) {
    const file = join(folder, name)
    if (name.endsWith('.crt')) {
      ca.push(...usableCertificates(await readText(file, 'the CA file'), file))
    } else if (name.endsWith('.cert')) {
      const keyName = name.replace(/\.cert$/, '.key')
      // The words of docker/registry ReadCertsDirectory.
      if (!names.has(keyName)) throw unusable(file, `missing key ${keyName} for client certificate ${name}`)
      clientPairs.push(await readClientPair(file, join(folder, keyName)))
    } else if (name.endsWith('.key')) {
      const certName = name.replace(/\.key$/, '.cert')
      if (!names.has(certName)) throw unusable(file, `missing client certificate ${certName} for key ${name}`)
    }
  }
  return { ca, clientPairs }
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return []
    throw unusable(folder, 'cannot read the folder', cause)
  }
}

async function readClientPair(file: string, keyFile: string): Promise<ClientPair> {
  const cert = await readText(file, 'the client certificate')
  const key = await readText(keyFile, 'the client key')
  usableCertificates(cert, file)
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    throw unusable(keyFile, `cannot use the client key with ${file}`, cause)
  }
  return { file, cert, key }
}

async function readText(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw unusable(file, `cannot read ${what}`, cause)
  }
}

/** Node would skip what it cannot read, in silence: what a user put there himself must be usable, all of it. */
function usableCertificates(text: string, source: string): string[] {
  const certificates = pemCertificates(text)
  if (certificates.length === 0) throw unusable(source, 'no PEM certificate')
  for (const certificate of certificates) {
    const read = readCertificate(certificate)
    if (typeof read === 'string') throw unusable(source, `a certificate that cannot be read: ${read}`)
  }
  return certificates
}

function pemCertificates(text: string): string[] {
  return (text.match(PEM_CERTIFICATE) ?? []).map((certificate) => certificate.replaceAll('\r', ''))
}

function unusable(source: string, what: string, cause?: unknown, details: { readonly hint?: string } = {}): UsageError {
  const reason = cause === undefined ? '' : ` (${describeCause(cause)})`
  return new UsageError('ERR_SETTINGS_INVALID', `${source}: ${what}${reason}`, {
    hint: 'Correct the file or take it away.',
    ...details,
    cause,
  })
}
