/** Debian's notary-server on a loopback port with storage in memory, and optionally notary-signer behind it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeServerCertificates, type ServerCertificates } from './certificates.js'
import { type LabChild, startChild } from './child.js'
import { get } from './http.js'
import { requirePrograms } from './requirements.js'

/** Token authentication as in distribution. */
export interface TokenAuth {
  readonly realm: string
  readonly service: string
  readonly issuer: string
  /** PEM file with the certificate of the token signer. */
  readonly rootCertBundle: string
}

export interface NotaryServerOptions {
  /** True to keep keys in notary-signer (ECDSA, as in production); otherwise the server makes ed25519 keys itself. */
  readonly signer?: boolean
  readonly auth?: TokenAuth
  /** True if clients must have a certificate of the same CA, for example the server's own. */
  readonly clientCertificates?: boolean
  /** The host name in the URL and in the certificate; default localhost. The caller must make another name reach `address`. */
  readonly host?: string
  /** The address to listen on; default 127.0.0.1. */
  readonly address?: string
  /** Default: a free port. */
  readonly port?: number
  /** The certificates of another server, which must end after this one. With `port`, this makes an empty server at the same address. */
  readonly certificates?: ServerCertificates
}

export interface NotaryServer extends AsyncDisposable {
  readonly url: string
  readonly host: string
  readonly port: number
  /** The CA's certificate: a PEM file, and its text. */
  readonly ca: string
  readonly caPem: string
  readonly certificates: ServerCertificates
  /** Makes the server accept connections without answering, until `resume`. */
  pause(): void
  resume(): void
  /** Kills the server with all its data; its certificates remain until `stop`. */
  kill(): Promise<void>
  /** Ends the server and removes its temporary folder. */
  stop(): Promise<void>
}

const startMilliseconds = 15_000
const portTaken = 'address already in use'

/** Resolves once the server answers over TLS; rejects with the end of its log if it does not. */
export async function startNotaryServer(options: NotaryServerOptions = {}): Promise<NotaryServer> {
  requirePrograms('notary-server', ...(options.signer === true ? (['notary-signer'] as const) : []))
  // A free port can be taken by another program before the server binds it.
  for (let left = options.port === undefined ? 2 : 0; ; left -= 1) {
    try {
      return await startOnce(options)
    } catch (cause) {
      if (left === 0 || !(cause instanceof Error && cause.message.includes(portTaken))) throw cause
    }
  }
}

async function startOnce(options: NotaryServerOptions): Promise<NotaryServer> {
  const { host = 'localhost', address = '127.0.0.1' } = options
  const folder = await mkdtemp(join(tmpdir(), 'notary-lab-'))
  const children: LabChild[] = []
  const all = (act: (child: LabChild) => Promise<void>): Promise<unknown> => Promise.all(children.map(act))
  const stop = async (): Promise<void> => {
    await all((child) => child.stop())
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const certificates = options.certificates ?? (await makeServerCertificates(join(folder, 'certificates'), [host, address]))
    const signerPort = options.signer === true ? await freePort() : undefined
    if (signerPort !== undefined) {
      children.push(await startSigner(folder, signerPort, certificates))
      await waitFor('notary-signer', children, () => connectOnce(signerPort))
    }
    const port = options.port ?? (await freePort())
    const server = await startServer(folder, `${address}:${port}`, { certificates, signerPort, ...options })
    children.push(server)
    const ask = { ca: certificates.caPem, timeoutMilliseconds: 2_000 }
    await waitFor('notary-server', children, () =>
      options.clientCertificates === true ? connectOnce(port) : get(`https://${address}:${port}/v2/`, ask),
    )
    return {
      url: `https://${host}:${port}`,
      host,
      port,
      ca: certificates.ca,
      caPem: certificates.caPem,
      certificates,
      pause: () => server.signal('SIGSTOP'),
      resume: () => server.signal('SIGCONT'),
      kill: async () => void (await all((child) => child.kill())),
      stop,
      [Symbol.asyncDispose]: stop,
    }
  } catch (cause) {
    await stop()
    throw cause
  }
}

const storageAndLog = { storage: { backend: 'memory' }, logging: { level: 'error' } }

interface ServerSettings {
  certificates: ServerCertificates
  signerPort: number | undefined
  auth?: TokenAuth | undefined
  clientCertificates?: boolean | undefined
}

async function startServer(folder: string, http_addr: string, settings: ServerSettings): Promise<LabChild> {
  const { certificates, signerPort, auth, clientCertificates } = settings
  const remote = {
    type: 'remote',
    hostname: 'localhost',
    port: String(signerPort),
    tls_ca_file: certificates.ca,
    tls_client_cert: certificates.cert,
    tls_client_key: certificates.key,
    key_algorithm: 'ecdsa',
  }
  const token = auth && { realm: auth.realm, service: auth.service, issuer: auth.issuer, rootcertbundle: auth.rootCertBundle }
  const config = {
    server: {
      http_addr,
      tls_cert_file: certificates.cert,
      tls_key_file: certificates.key,
      ...(clientCertificates === true && { client_ca_file: certificates.ca }),
    },
    trust_service: signerPort === undefined ? { type: 'local' } : remote,
    ...(token && { auth: { type: 'token', options: token } }),
    ...storageAndLog,
  }
  const file = join(folder, 'server.json')
  await writeFile(file, JSON.stringify(config))
  return startChild('notary-server', ['-config', file], join(folder, 'server.log'), environment(folder))
}

async function startSigner(folder: string, port: number, certificates: ServerCertificates): Promise<LabChild> {
  const config = join(folder, 'signer.json')
  const server = {
    grpc_addr: `127.0.0.1:${port}`,
    tls_cert_file: certificates.cert,
    tls_key_file: certificates.key,
    client_ca_file: certificates.ca,
  }
  await writeFile(config, JSON.stringify({ server, ...storageAndLog }))
  const secrets = { NOTARY_SIGNER_DEFAULT_ALIAS: 'lab', NOTARY_SIGNER_LAB: 'passphrase' }
  return startChild('notary-signer', ['-config', config], join(folder, 'signer.log'), { ...environment(folder), ...secrets })
}

function environment(folder: string): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: folder }
}

/** Repeats `ask` until it succeeds, while the children run. */
async function waitFor(what: string, children: readonly LabChild[], ask: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + startMilliseconds
  for (;;) {
    try {
      await ask()
      // If a child has ended, another program answered.
      if (children.every((child) => !child.ended)) return
    } catch (cause) {
      if (Date.now() > deadline) throw new Error(`${what} does not answer:\n${logs(children)}`, { cause })
    }
    if (children.some((child) => child.ended)) throw new Error(`${what} did not start:\n${logs(children)}`)
    await sleep(10)
  }
}

function connectOnce(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve()
    }).once('error', reject)
  })
}

function logs(children: readonly LabChild[]): string {
  return children.map((child) => child.logTail()).join('\n')
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const bound = probe.address()
      const port = bound !== null && typeof bound === 'object' ? bound.port : 0
      probe.close(() => resolve(port))
    })
  })
}
