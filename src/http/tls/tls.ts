/**
 * Reads the CAs and client certificates for a server, and makes TLS contexts of them: the default CAs of this machine, the CAs
 * of the `ca` option, and those in Docker's folders for the server. Contexts allow TLS 1.2 and later.
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
  /** `host[:port]` of the server as typed. */
  readonly host: string
  /** Holds NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, SSL_CERT_DIR, HOME and XDG_CONFIG_HOME. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** PEM texts, added to the default CAs. */
  readonly ca?: readonly string[]
  /** For tests: replaces the folders of Docker's engine on this machine. */
  readonly engineFolders?: readonly string[] | undefined
}

/** The certificates that were read. */
export interface TlsMaterial {
  /** `<dockerConfig>/tls/<host>`, whether it exists or not. */
  readonly folder: string | undefined
  /** CAs for this server: those of the folders and of the option; PEM, one certificate each. */
  readonly own: readonly string[]
  /** The folders of Docker's engine for this host, whether they exist or not. */
  readonly engineFolders: readonly string[]
  /** Files of these folders that could not be used, and why. */
  readonly leftOut: readonly string[]
  /** `own` and the default CAs. */
  readonly ca: readonly string[]
  /** `ca` includes Node's default CAs. */
  readonly withNodes: boolean
  /** Only for the host and port of the server. */
  readonly clientPairs: readonly ClientPair[]
}

/** A client certificate (a chain, leaf first) and its key, both PEM. */
interface ClientPair {
  /** The file of the certificate. */
  readonly file: string
  readonly cert: string
  readonly key: string
}

/** Makes a context at its first call, because parsing all CAs of a machine takes longer than a handshake. */
export type LazyContext = () => SecureContext

/**
 * The contexts to try in turn, the cheapest first. Up to three lists of CAs:
 *
 * 1. the CAs for this server, a handful;
 * 2. Node's default CAs, which Node parses in any case for the first context of a process;
 * 3. all CAs: those two lists and the system's. Parsing them costs more processor time than the rest of a connection.
 *
 * The lists decide the cost, not who is trusted: the third holds the other two, so it accepts every certificate that one of
 * them accepts. The first handshake that verifies the certificate decides, and the connector starts there the next time.
 */
export interface TlsContexts {
  /** With the client certificate, if there is one. */
  readonly server: readonly LazyContext[]
  readonly otherHosts: readonly LazyContext[]
}

/** Stops a downgrade to older protocols, which attackers can decrypt; the same as in Docker's client. */
const MINIMUM_TLS_VERSION = 'TLSv1.2'

/**
 * Reads all certificates for a server.
 *
 * @throws UsageError ERR_SETTINGS_INVALID that names the file that cannot be read or used
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
  // A distribution has mostly the same certificates as Node: parsing each once halves the cost.
  const named = distinctCertificates([...own.ca, ...given, ...engine.ca])
  let all: readonly string[] | undefined
  return {
    folder,
    own: named,
    engineFolders,
    leftOut: engine.leftOut,
    /** Made on demand, since mostly a shorter list is enough. */
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
  if (clientPairs.length === 0) return { server: otherHosts, otherHosts }
  const cert = clientPairs.map((pair) => pair.cert)
  const key = clientPairs.map((pair) => pair.key)
  try {
    createSecureContext({ cert, key })
  } catch (cause) {
    throw unusable(folder ?? '', 'client certificates that do not go together', cause, {
      hint: 'OpenSSL takes one client certificate of each key type: keep one of each in the folder.',
    })
  }
  const server = lists.map((list) => once(() => createSecureContext({ ...optionsFor(list()), cert, key })))
  return { server, otherHosts }
}

/** The name for SNI: no address, and no dot at the end. */
export function serverName(hostname: string): string {
  return isIP(hostname) === 0 ? hostname.replace(/\.$/, '') : ''
}

/** Makes the context at the first call and keeps it. */
function once(make: LazyContext): LazyContext {
  let made: SecureContext | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** Contexts that are remembered; a program has two or three lists of CAs. */
const MAX_REMEMBERED = 8

/** Contexts by the hash of their list of CAs. None of them holds a client key. */
const remembered = new Map<string, WeakRef<SecureContext>>()

/**
 * The context for a list of CAs; for Node's default CAs without a list. Parsing some 170 roots takes about 40 ms, and every
 * `verifyTag` makes its own transport, so a context that is still alive is used again for the same list.
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
 * With `allowPartialTrustChain`, each certificate of a list is an anchor, as in Go: an intermediate CA or the server's own
 * certificate too. OpenSSL alone accepts self-signed ones only. Node's default CAs are all self-signed, so they need no flag.
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
