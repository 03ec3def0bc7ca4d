/**
 * Whom the transport believes: the default CAs of this machine, those that were given, and those in the folder that
 * Docker reads for a trust server. Always verified, TLS 1.2 at least.
 */
import { readdir } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { utf8 } from '../../bytes.js'
import { sha256Hex } from '../../crypto/hash.js'
import { systemCode } from '../../errors.js'
import { shellWord } from '../../shell-word.js'
import { engineCertificateFolders, engineFolderFor, readEngineAuthorities } from './certs-d.js'
import { nodeUsesBundledCas, readDefaultAuthorities } from './default-authorities.js'
import { distinctCertificates, readBytes, unusable, usableCertificates } from './pem-files.js'
import { tlsFolder } from './tls-folder.js'

/** Where certificates come from. */
export interface TlsSources {
  /** The folder of Docker's config.json, if there is one. */
  readonly dockerConfig: string | undefined
  /** `host[:port]` of the trust server as typed. */
  readonly host: string
  /** NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, SSL_CERT_DIR, HOME and XDG_CONFIG_HOME are read from here. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** PEM texts, added to the default CAs. */
  readonly ca?: readonly string[]
  /** For tests: other folders than those of Docker's engine on this machine. */
  readonly engineFolders?: readonly string[] | undefined
}

/** What was found. */
export interface TlsMaterial {
  /** `<dockerConfig>/tls/<host>`, whether it exists or not. */
  readonly folder: string | undefined
  /** What somebody gave for this server: the folders' and the option's; PEM, one certificate each. */
  readonly own: readonly string[]
  /** The folders of Docker's engine for this host, whether they exist or not. */
  readonly engineFolders: readonly string[]
  /** What could not be used of them, and why. */
  readonly leftOut: readonly string[]
  /** Those and the default ones. */
  readonly ca: readonly string[]
  /** Node's own default CAs are among them. */
  readonly withNodes: boolean
  /** For the trust server's own host only. */
  readonly clientPairs: readonly ClientPair[]
}

/** A client certificate (a chain, leaf first) and its key, both PEM. */
interface ClientPair {
  /** The file of the certificate. */
  readonly file: string
  readonly cert: string
  readonly key: string
}

/** A context that is made when it is wanted: to parse all CAs of a machine takes longer than a handshake. */
export type LazyContext = () => SecureContext

/**
 * The contexts to connect with, the likeliest and cheapest first: the CAs that were given for the server, those that Node
 * has parsed anyway, then all of them together. Who is believed is the same as if the last were the only one.
 */
export interface TlsContexts {
  readonly trustServer: readonly LazyContext[]
  readonly otherHosts: readonly LazyContext[]
}

/** Stops a downgrade to protocols that can be read by others; as Docker's client. */
const MINIMUM_TLS_VERSION = 'TLSv1.2'

/**
 * Reads everything.
 *
 * @throws UsageError ERR_SETTINGS_INVALID naming the file that cannot be read or used
 */
export async function readTlsMaterial(sources: TlsSources): Promise<TlsMaterial> {
  const folder = sources.dockerConfig === undefined ? undefined : tlsFolder(sources.dockerConfig, sources.host)
  const engineFolders = (sources.engineFolders ?? engineCertificateFolders(sources.env)).map((parent) =>
    engineFolderFor(parent, sources.host),
  )
  const [defaults, own, engine] = await Promise.all([
    readDefaultAuthorities(sources.env),
    readFolder(folder),
    readEngineAuthorities(engineFolders),
  ])
  const given = (sources.ca ?? []).flatMap((text) => usableCertificates(text, 'the ca option'))
  // A distribution ships mostly the same certificates as Node: parsing each once halves the cost.
  const named = distinctCertificates([...own.ca, ...given, ...engine.ca])
  let all: readonly string[] | undefined
  return {
    folder,
    own: named,
    engineFolders,
    leftOut: engine.leftOut,
    /** Rarely needed: one of the shorter lists does. */
    get ca() {
      all ??= distinctCertificates([...defaults, ...named])
      return all
    },
    withNodes: nodeUsesBundledCas(sources.env),
    clientPairs: own.clientPairs,
  }
}

/**
 * Makes the contexts.
 *
 * @throws UsageError ERR_SETTINGS_INVALID when the client certificates do not go together
 */
export function createTlsContexts(material: Omit<TlsMaterial, 'engineFolders' | 'leftOut'>): TlsContexts {
  const { own, withNodes, clientPairs, folder } = material
  const lists = [...(own.length > 0 ? [() => own] : []), ...(withNodes ? [() => undefined] : []), () => material.ca]
  const otherHosts = lists.map((list) => once(() => contextFor(list())))
  if (clientPairs.length === 0) return { trustServer: otherHosts, otherHosts }
  const cert = clientPairs.map((pair) => pair.cert)
  const key = clientPairs.map((pair) => pair.key)
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    throw unusable(folder ?? '', 'client certificates that do not go together', cause, {
      hint: 'OpenSSL takes one client certificate of each key type: leave one in the folder.',
    })
  }
  const trustServer = lists.map((list) => once(() => createSecureContext({ ...optionsFor(list()), cert, key })))
  return { trustServer, otherHosts }
}

/** The name for SNI, which knows neither addresses nor a dot at the end. */
export function serverName(hostname: string): string {
  return isIP(hostname) === 0 ? hostname.replace(/\.$/, '') : ''
}

/** Made with the first connection that wants it, and kept as long as the transport. */
function once(make: LazyContext): LazyContext {
  let made: SecureContext | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** Lists of CAs that are remembered; a program has two or three. */
const MAX_REMEMBERED = 8

/** By the hash of the list: what stands in it is read anew each time, and nobody's key is in it. */
const remembered = new Map<string, WeakRef<SecureContext>>()

/**
 * Parsing some 170 roots takes about 40 ms, and every `verifyTag` has a transport of its own. The same list makes the
 * same context, so one that is still there serves again; none is kept alive for that. No list: Node's default CAs.
 */
function contextFor(ca: readonly string[] | undefined): SecureContext {
  const key = ca === undefined ? 'default' : sha256Hex(utf8(ca.join('\n')))
  const context = remembered.get(key)?.deref() ?? createSecureContext(optionsFor(ca))
  remembered.delete(key) // the least used go first
  remembered.set(key, new WeakRef(context))
  for (const oldest of remembered.keys()) {
    if (remembered.size <= MAX_REMEMBERED) break
    remembered.delete(oldest)
  }
  return context
}

/**
 * Each certificate of a list is an anchor, as in Go: an intermediate and the server's own too (OpenSSL alone stops at
 * self-signed ones). Node's own list is without the flag; it holds self-signed roots only, so it changes nothing for them
 * where they stand in a longer list.
 */
function optionsFor(ca: readonly string[] | undefined): SecureContextOptions {
  return { minVersion: MINIMUM_TLS_VERSION, ...(ca === undefined ? {} : { ca: [...ca], allowPartialTrustChain: true }) }
}

async function readFolder(folder: string | undefined): Promise<{ ca: string[]; clientPairs: ClientPair[] }> {
  if (folder === undefined) return { ca: [], clientPairs: [] }
  const names = new Set((await listFolder(folder)).sort())
  const ca: string[] = []
  const clientPairs: ClientPair[] = []
  for (const name of names) {
    const file = join(folder, name)
    if (name.endsWith('.crt')) {
      ca.push(...usableCertificates(await readBytes(file, 'the CA file'), file))
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
    const code = systemCode(cause)
    if (code === 'ENOENT') return []
    if (code !== 'ENOTDIR') throw unusable(folder, 'cannot read the folder', cause)
    const [file, moved] = [shellWord(folder), shellWord(`${folder}.crt`)]
    throw unusable(folder, 'this is a file, and should be a folder that holds one', undefined, {
      hint: `Put it into a folder of that name: mv ${file} ${moved} && mkdir ${file} && mv ${moved} ${file}/ca.crt`,
    })
  }
}

async function readClientPair(file: string, keyFile: string): Promise<ClientPair> {
  const cert = await readBytes(file, 'the client certificate')
  const key = await readBytes(keyFile, 'the client key')
  usableCertificates(cert, file)
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    throw unusable(keyFile, `cannot use the client key with ${file}`, cause)
  }
  return { file, cert: cert.toString(), key: key.toString() }
}
