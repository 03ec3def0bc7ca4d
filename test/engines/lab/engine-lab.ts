/**
 * A Docker Engine, registries over TLS and a Notary server, all real, with the real docker to sign and to pull.
 * Hosts have the names that people type, the registry and the trust server of Oracle among them.
 */
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeServerCertificates, type ServerCertificates } from '../../interop/lab/certificates.js'
import type { LabChild } from '../../interop/lab/child.js'
import { createNamespace, type Namespace, type Ran, type RunOptions, waitUntil } from './namespace.js'
import { requireEngines } from './requirements.js'

/** A registry of everybody, with a certificate of the laboratory's CA. */
export const REGISTRY = 'registry.example:5000'
/** One that wants the login below. */
export const CLOSED_REGISTRY = 'closed.example:5000'
export const LOGIN = { user: 'lab', password: 'passphrase' }
export const ORACLE = 'container-registry.oracle.com'
export const ORACLE_MIRROR = 'container-registry-phx.oracle.com'
/** Known for Oracle's registry; signs for the other registries here too, when the variable says so. */
export const TRUST_SERVER = 'https://container-trust.oci.oraclecloud.com:443'

const ADDRESSES = { registry: '192.0.2.10', closed: '192.0.2.11', oracle: '192.0.2.12', trust: '192.0.2.13' }
const HOSTS = {
  [ADDRESSES.registry]: ['registry.example'],
  [ADDRESSES.closed]: ['closed.example'],
  [ADDRESSES.oracle]: [ORACLE, ORACLE_MIRROR],
  [ADDRESSES.trust]: ['container-trust.oci.oraclecloud.com'],
}

/** lab:passphrase, bcrypt, as docker-registry wants it. */
const HTPASSWD = 'lab:$2y$10$eoOhk8Z2DIMqSZOuYBIJ7.uHpg8cI6J7r.oVbxklNO5eyVMkK5FI2\n'

const DCT = fileURLToPath(new URL('../../../dist/cli/bin.cjs', import.meta.url))

const S390X = { os: 'linux', architecture: 's390x' }

/** A registry takes the index of an image by HTTP; docker makes one only with an experimental command. */
const PUT_INDEX = `
const { image, manifests } = JSON.parse(await new Response(process.stdin).text())
const [, host, path, tag] = /^([^/]+)\\/(.*):(.*)$/.exec(image)
const type = 'application/vnd.docker.distribution.manifest'
for (const one of manifests) {
  const answer = await fetch('https://' + host + '/v2/' + path + '/manifests/' + one.digest, { headers: { accept: type + '.v2+json' } })
  Object.assign(one, { mediaType: answer.headers.get('content-type'), size: (await answer.arrayBuffer()).byteLength })
}
const body = JSON.stringify({ schemaVersion: 2, mediaType: type + '.list.v2+json', manifests })
const put = { method: 'PUT', body, headers: { 'content-type': type + '.list.v2+json' } }
const answer = await fetch('https://' + host + '/v2/' + path + '/manifests/' + tag, put)
if (!answer.ok) throw new Error(await answer.text())
console.log(JSON.stringify({ digest: answer.headers.get('docker-content-digest'), size: body.length }))
`

/** One user of the machine: a home, with a folder of Docker's. */
export interface User {
  readonly home: string
  readonly config: string
  /** The docker program, told where the engine is. */
  docker(args: readonly string[], options?: RunOptions): Promise<Ran>
  /** Ours. */
  dct(args: readonly string[], options?: RunOptions): Promise<Ran>
  /** The notary program, on the trust folder of docker. */
  notary(args: readonly string[], options?: RunOptions): Promise<Ran>
  /** What docker is told for signing and trusted pulls: switch, server, passphrases. */
  readonly trust: Readonly<Record<string, string>>
}

export interface EngineLab extends AsyncDisposable {
  readonly folder: string
  readonly namespace: Namespace
  readonly certificates: ServerCertificates
  /** DOCKER_HOST of the engine. */
  readonly host: string
  readonly trustServer: LabChild
  /** First words of docker's own version, and the engine's. */
  readonly versions: string
  createUser(name: string): Promise<User>
  /** Makes an image that prints its name, and pushes it signed. Rejects with what docker printed. The digest. */
  sign(user: User, image: string): Promise<string>
  /** The same without a signature. */
  push(user: User, image: string): Promise<string>
  /** Makes and pushes an image for two platforms, this machine's and s390x. Its digest and size; not signed. */
  pushIndex(user: User, image: string): Promise<{ readonly digest: string; readonly size: number }>
  /** Of the engine. */
  removeImages(): Promise<void>
}

/** Everything started and ready. Rejects, with its logs, when something is missing. */
export async function startEngineLab(): Promise<EngineLab> {
  requireEngines()
  const folder = await mkdtemp(join(tmpdir(), 'dct-lab-'))
  const children: LabChild[] = []
  let namespace: Namespace | undefined
  const stop = async (): Promise<void> => {
    for (const child of children.reverse()) await child.stop()
    await namespace?.run('/bin/sh', ['-c', `umount -R ${folder}/exec/netns/default 2>/dev/null; true`])
    await namespace?.stop()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    namespace = await createNamespace(folder, HOSTS)
    const names = Object.values(HOSTS).flat()
    const certificates = await makeServerCertificates(join(folder, 'certificates'), names)
    const keep = (child: LabChild): LabChild => {
      children.push(child)
      return child
    }
    const htpasswd = join(folder, 'htpasswd')
    await writeFile(htpasswd, HTPASSWD)
    const closed = { htpasswd: { realm: 'lab', path: htpasswd } }
    keep(await startRegistry(namespace, folder, certificates, `${ADDRESSES.registry}:5000`))
    keep(await startRegistry(namespace, folder, certificates, `${ADDRESSES.closed}:5000`, closed))
    keep(await startRegistry(namespace, folder, certificates, `${ADDRESSES.oracle}:443`))
    const trustServer = keep(await startNotary(namespace, folder, certificates, `${ADDRESSES.trust}:443`))
    for (const host of [REGISTRY, CLOSED_REGISTRY, ORACLE, ORACLE_MIRROR]) await giveAuthority(namespace, certificates, host)
    const { child: engine, host } = await startEngine(namespace, folder)
    keep(engine)
    const lab = new Lab(folder, namespace, certificates, host, trustServer, stop)
    await lab.prepare()
    return lab
  } catch (cause) {
    await stop()
    throw cause
  }
}

async function startRegistry(
  namespace: Namespace,
  folder: string,
  { cert, key }: ServerCertificates,
  addr: string,
  auth?: unknown,
): Promise<LabChild> {
  const name = `registry-${addr.replace(/\W/g, '-')}`
  const file = join(folder, `${name}.yml`)
  const http = { addr, tls: { certificate: cert, key } }
  // JSON is YAML.
  const log = { accesslog: { disabled: true }, level: 'error' }
  await writeFile(
    file,
    JSON.stringify({ version: '0.1', log, storage: { inmemory: {} }, http, ...(auth !== undefined && { auth }) }),
  )
  const child = await namespace.start('docker-registry', ['serve', file], join(folder, `${name}.log`))
  const [address = '', port = ''] = addr.split(':')
  await namespace.waitForPort(address, Number(port), child)
  return child
}

async function startNotary(
  namespace: Namespace,
  folder: string,
  { cert, key }: ServerCertificates,
  addr: string,
): Promise<LabChild> {
  const file = join(folder, 'notary-server.json')
  await writeFile(
    file,
    JSON.stringify({
      server: { http_addr: addr, tls_cert_file: cert, tls_key_file: key },
      trust_service: { type: 'local' },
      storage: { backend: 'memory' },
      logging: { level: 'error' },
    }),
  )
  const child = await namespace.start('notary-server', ['-config', file], join(folder, 'notary-server.log'))
  const [address = '', port = ''] = addr.split(':')
  await namespace.waitForPort(address, Number(port), child)
  return child
}

/** Where a Docker Engine looks for the CA of a registry. */
async function giveAuthority({ etc }: Namespace, { ca }: ServerCertificates, host: string): Promise<void> {
  const place = join(etc, 'docker', 'certs.d', host)
  await mkdir(place, { recursive: true })
  await copyFile(ca, join(place, 'ca.crt'))
}

async function startEngine(namespace: Namespace, folder: string): Promise<{ child: LabChild; host: string }> {
  const at = (name: string) => join(folder, name)
  const host = `unix://${at('d.sock')}`
  const places = ['--data-root', at('root'), '--exec-root', at('exec'), '--pidfile', at('d.pid'), '--host', host]
  const noNetwork = ['--bridge=none', '--iptables=false', '--ip6tables=false']
  const child = await namespace.start('dockerd', [...places, ...noNetwork, '--storage-driver=vfs'], at('dockerd.log'))
  await waitUntil('dockerd', child, async () => {
    const { status } = await namespace.run('docker', ['--host', host, 'version'])
    return status === 0
  })
  return { child, host }
}

class Lab implements EngineLab {
  versions = ''
  readonly #stop: () => Promise<void>
  readonly folder: string
  readonly namespace: Namespace
  readonly certificates: ServerCertificates
  readonly host: string
  readonly trustServer: LabChild

  constructor(
    folder: string,
    namespace: Namespace,
    certificates: ServerCertificates,
    host: string,
    trustServer: LabChild,
    stop: () => Promise<void>,
  ) {
    this.folder = folder
    this.namespace = namespace
    this.certificates = certificates
    this.host = host
    this.trustServer = trustServer
    this.#stop = stop
  }

  async prepare(): Promise<void> {
    const bin = join(this.folder, 'rootfs', 'bin')
    await mkdir(bin, { recursive: true })
    const { stdout } = await expectSuccess(this.namespace.run('/bin/sh', ['-c', 'command -v busybox']))
    await copyFile(stdout.trim(), join(bin, 'busybox'))
    await symlink('busybox', join(bin, 'sh'))
    await expectSuccess(this.namespace.run('tar', ['-C', dirname(bin), '-cf', join(this.folder, 'rootfs.tar'), '.']))
    const format = 'docker {{.Client.Version}}, engine {{.Server.Version}}'
    this.versions = (
      await expectSuccess(this.namespace.run('docker', ['--host', this.host, 'version', '--format', format]))
    ).stdout.trim()
  }

  async createUser(name: string): Promise<User> {
    const home = join(this.folder, 'users', name)
    const config = join(home, '.docker')
    const tls = join(config, 'tls', TRUST_SERVER.replace('https://', ''))
    await mkdir(tls, { recursive: true })
    await copyFile(this.certificates.ca, join(tls, 'ca.crt'))
    const own = { HOME: home, DOCKER_HOST: this.host }
    const passphrases = {
      DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE: 'passphrase',
      DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE: 'passphrase',
    }
    const forNotary = Object.fromEntries(
      ['ROOT', 'TARGETS', 'SNAPSHOT', 'DELEGATION'].map((role) => [`NOTARY_${role}_PASSPHRASE`, 'passphrase']),
    )
    const run =
      (program: string, first: readonly string[]): User['docker'] =>
      (args, options = {}) =>
        this.namespace.run(program, [...first, ...args], { cwd: home, ...options, env: { ...own, ...options.env } })
    const notary = run('notary', ['-s', TRUST_SERVER, '-d', join(config, 'trust'), '--tlscacert', this.certificates.ca])
    return {
      home,
      config,
      docker: run('docker', []),
      dct: run(process.execPath, [DCT]),
      notary: (args, options = {}) => notary(args, { ...options, env: { ...forNotary, ...options.env } }),
      trust: { DOCKER_CONTENT_TRUST: '1', DOCKER_CONTENT_TRUST_SERVER: TRUST_SERVER, ...passphrases },
    }
  }

  async sign(user: User, image: string): Promise<string> {
    return this.#push(user, image, user.trust)
  }

  async push(user: User, image: string): Promise<string> {
    return this.#push(user, image, {})
  }

  async pushIndex(user: User, image: string): Promise<{ digest: string; size: number }> {
    const manifests = [
      {
        digest: await this.#push(user, `${image}-here`, {}),
        platform: { os: 'linux', architecture: await this.#architecture() },
      },
      { digest: await this.#push(user, `${image}-s390x`, {}), platform: S390X },
    ]
    const ask = { input: JSON.stringify({ image, manifests }), env: { NODE_EXTRA_CA_CERTS: this.certificates.ca } }
    const { stdout } = await expectSuccess(this.namespace.run(process.execPath, ['--input-type=module', '-e', PUT_INDEX], ask))
    return JSON.parse(stdout)
  }

  async #architecture(): Promise<string> {
    const asked = this.namespace.run('docker', ['--host', this.host, 'version', '--format', '{{.Server.Arch}}'])
    return (await expectSuccess(asked)).stdout.trim()
  }

  async #push(user: User, image: string, env: Readonly<Record<string, string>>): Promise<string> {
    const command = JSON.stringify(['/bin/sh', '-c', `echo this is ${image}`])
    const change = ['--change', `CMD ${command}`]
    await expectSuccess(user.docker(['import', ...change, join(this.folder, 'rootfs.tar'), image]))
    const { stdout } = await expectSuccess(user.docker(['push', image], { env }))
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(stdout)?.[1]
    if (digest === undefined) throw new Error(`docker push ${image} named no digest: ${stdout}`)
    return digest
  }

  async removeImages(): Promise<void> {
    const { stdout } = await expectSuccess(this.namespace.run('docker', ['--host', this.host, 'images', '--quiet', '--no-trunc']))
    const images = [...new Set(stdout.split('\n').filter(Boolean))]
    if (images.length > 0) await expectSuccess(this.namespace.run('docker', ['--host', this.host, 'rmi', '--force', ...images]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop()
  }
}

/** What a program printed, or an Error with it when it failed. */
export async function expectSuccess(running: Promise<Ran>): Promise<Ran> {
  const ran = await running
  if (ran.status !== 0) throw new Error(`exit status ${ran.status}: ${ran.stdout}${ran.stderr}`)
  return ran
}
