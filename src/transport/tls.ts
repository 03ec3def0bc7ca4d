/**
 * Whom the transport believes: the default CAs of this machine, those that were given, and those in the folder that
 * Docker reads for a trust server. Always verified, TLS 1.2 at least.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import { utf8 } from '../bytes.js'
import { sha256Hex } from '../crypto/hash.js'
import { systemCode } from '../errors.js'
import { readDefaultAuthorities } from './default-authorities.js'
import { distinctCertificates, readText, unusable, usableCertificates } from './pem-files.js'

/** Where certificates come from. */
export interface TlsSources {
  /** The folder of Docker's config.json. */
  readonly dockerConfig: string
  /** `host[:port]` of the trust server as typed. */
  readonly host: string
  /** NODE_EXTRA_CA_CERTS, SSL_CERT_FILE and SSL_CERT_DIR are read from here. */
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
  const [defaults, own] = await Promise.all([readDefaultAuthorities(sources.env), readFolder(folder)])
  const given = (sources.ca ?? []).flatMap((text) => usableCertificates(text, 'the ca option'))
  // A distribution ships mostly the same certificates as Node: parsing each once halves the cost.
  return { folder, ca: distinctCertificates([...defaults, ...own.ca, ...given]), clientPairs: own.clientPairs }
}

/**
 * Makes the contexts.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when the client certificates do not go together
 */
export function createTlsContexts(material: TlsMaterial): TlsContexts {
  const otherHosts = contextFor(material.ca)
  if (material.clientPairs.length === 0) return { trustServer: otherHosts, otherHosts }
  try {
    const cert = material.clientPairs.map((pair) => pair.cert)
    const key = material.clientPairs.map((pair) => pair.key)
    const trustServer = createSecureContext({ ca: [...material.ca], minVersion: MINIMUM_TLS_VERSION, cert, key })
    return { trustServer, otherHosts }
  } catch (cause) {
    throw unusable(material.folder, 'client certificates that do not go together', cause, {
      hint: 'OpenSSL takes one client certificate of each key type: leave one in the folder.',
    })
  }
}

/** Lists of CAs that are remembered; a program has one or two. */
const MAX_REMEMBERED = 4

/** By the hash of the list: what stands in it is read anew each time, and nobody's key is in it. */
const remembered = new Map<string, WeakRef<SecureContext>>()

/**
 * Parsing some 170 roots takes about 40 ms, and every `verifyTag` has a transport of its own. The same list makes the
 * same context, so one that is still there serves again; none is kept alive for that.
 */
function contextFor(ca: readonly string[]): SecureContext {
  const key = sha256Hex(utf8(ca.join('\n')))
  const known = remembered.get(key)?.deref()
  if (known !== undefined) return known
  const made = createSecureContext({ ca: [...ca], minVersion: MINIMUM_TLS_VERSION })
  remembered.delete(key)
  remembered.set(key, new WeakRef(made))
  for (const oldest of remembered.keys()) {
    if (remembered.size <= MAX_REMEMBERED) break
    remembered.delete(oldest)
  }
  return made
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
