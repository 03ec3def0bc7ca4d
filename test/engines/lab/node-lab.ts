/** A node: the real containerd, a real registry over TLS, a real Notary server, and `dct serve` between them. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { makeServerCertificates, type ServerCertificates } from '../../interop/lab/certificates.js'
import { type LabChild, startChild } from '../../interop/lab/child.js'
import { type NotaryServer, startNotaryServer } from '../../interop/lab/notary-server.js'
import { createPublisher, type Publisher } from '../../interop/lab/publisher.js'

const DCT = fileURLToPath(new URL('../../../dist/cli/bin.cjs', import.meta.url))

/** A program that has ended. */
interface Ran {
  readonly status: number
  readonly output: string
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** An image in the registry. */
export interface Pushed {
  readonly digest: string
  readonly size: number
}

/** `dct serve`, started. */
export interface RunningService {
  readonly port: number
  readonly url: string
  readonly child: LabChild
  /** The decisions so far, oldest first. */
  decisions(): Promise<Record<string, unknown>[]>
}

export interface NodeLab extends AsyncDisposable {
  readonly folder: string
  readonly certificates: ServerCertificates
  readonly notary: NotaryServer
  readonly publisher: Publisher
  /** `localhost:<port>`, or with the name that was asked for. */
  readonly registry: string
  readonly registryChild: LabChild
  /** Pushes an image whose one file holds the text, under a tag. */
  push(path: string, tag: string, text: string, mediaType?: string): Promise<Pushed>
  /** Makes the collection if it is new, and signs the tag. */
  sign(path: string, tag: string, image: Pushed, registry?: string): Promise<void>
  serve(policy: string, ...more: string[]): Promise<RunningService>
  /** Writes the hosts.toml of a registry for containerd. Default: the registry of the laboratory. */
  writeHosts(text: string, registry?: string): Promise<string>
  /** `ctr images pull` with a folder of hosts.toml files. */
  pull(hosts: string, image: string): Promise<Ran>
  /** The digest of an image that containerd has. */
  digestOf(image: string): Promise<string | undefined>
  /** Removes all images of containerd. */
  removeImages(): Promise<void>
  /** Runs a program that knows the registry's name, with the laboratory's folder as home. `mounts`: folders and files of its own, by path. */
  run(
    program: string,
    args: readonly string[],
    options?: { readonly env?: Readonly<Record<string, string>>; readonly mounts?: Readonly<Record<string, string>> },
  ): Promise<Ran>
  /** Runs `dct` with the engine's programs and this containerd. */
  dct(args: readonly string[], env?: Readonly<Record<string, string>>, mounts?: Readonly<Record<string, string>>): Promise<Ran>
  ask(url: string, options?: { method?: string; body?: string; headers?: Record<string, string> }): Promise<Answer>
}

/**
 * Everything started and ready. `host`: the name of the registry. Engines treat localhost in a way of its own; any other name is
 * known to `dct` and to the engine's programs alone, by an /etc/hosts in a mount namespace.
 *
 * Rejects, with the logs, when something is missing. */
export async function startNodeLab({ host = 'localhost' }: { readonly host?: string } = {}): Promise<NodeLab> {
  const folder = await mkdtemp(join(tmpdir(), 'dct-node-'))
  const children: LabChild[] = []
  const made = new Set<string>()
  let notary: NotaryServer | undefined
  let publisher: Publisher | undefined
  const stop = async (): Promise<void> => {
    for (const child of children.reverse()) await child.stop()
    await publisher?.close()
    await notary?.stop()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  const hostsFile = join(folder, 'etc-hosts')
  await writeFile(hostsFile, `127.0.0.1 localhost ${host}\n`)
  const binds: Record<string, string> = host === 'localhost' ? {} : { '/etc/hosts': hostsFile }
  const start = async (name: string, program: string, args: string[], env: Record<string, string> = {}): Promise<LabChild> => {
    const [inside, words] = withBinds(name.startsWith('serve') ? binds : {}, program, args)
    const child = await startChild(inside, words, join(folder, `${name}.log`), {
      PATH: process.env['PATH'],
      HOME: folder,
      ...env,
    })
    children.push(child)
    return child
  }
  try {
    const certificates = await makeServerCertificates(join(folder, 'certificates'), [host])
    notary = await startNotaryServer({ certificates })
    const signer = await createPublisher({ server: notary })
    publisher = signer
    const registryPort = await freePort()
    const registry = `${host}:${registryPort}`
    const pushAddress = `localhost:${registryPort}`
    await writeFile(
      join(folder, 'registry.yml'),
      JSON.stringify({
        version: '0.1',
        log: { accesslog: { disabled: true }, level: 'error' },
        storage: { inmemory: {} },
        http: { addr: `127.0.0.1:${registryPort}`, tls: { certificate: certificates.cert, key: certificates.key } },
      }),
    )
    const registryChild = await start('registry', 'docker-registry', ['serve', join(folder, 'registry.yml')])
    const socket = join(folder, 'containerd.sock')
    const quoted = JSON.stringify
    await writeFile(
      join(folder, 'containerd.toml'),
      [
        'version = 2',
        `root = ${quoted(join(folder, 'root'))}`,
        `state = ${quoted(join(folder, 'state'))}`,
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
        '[grpc]',
        `  address = ${quoted(socket)}`,
      ].join('\n'),
    )
    await start('containerd', 'containerd', ['-c', join(folder, 'containerd.toml')])
    const ask: NodeLab['ask'] = (url, options) => askOnce(url, certificates.caPem, options)
    const programEnv = {
      PATH: process.env['PATH'],
      HOME: folder,
      TMPDIR: folder,
      CONTAINERD_ADDRESS: socket,
      CONTAINERD_SNAPSHOTTER: 'native',
      // The machine trusts the registry.
      SSL_CERT_FILE: certificates.ca,
    }
    const inside: NodeLab['run'] = (program, args, { env = {}, mounts = {} } = {}) =>
      run(...withBinds({ ...binds, ...mounts }, program, args), { ...programEnv, ...env })
    const ctr = (...args: string[]): Promise<Ran> => inside('ctr', args)
    await until('the registry', registryChild, async () => (await ask(`https://${pushAddress}/v2/`)).status === 200)
    await until('containerd', children.at(-1), async () => (await ctr('version')).status === 0)
    const dockerConfig = join(folder, 'docker')
    for (const host of [registry, `localhost:${notary.port}`]) {
      await mkdir(join(dockerConfig, 'tls', host), { recursive: true })
      await copyFile(certificates.ca, join(dockerConfig, 'tls', host, 'ca.crt'))
    }
    const server = notary
    let services = 0
    return {
      folder,
      certificates,
      notary: server,
      publisher: signer,
      registry,
      registryChild,
      ask,
      push: (path, tag, text, mediaType) => push(ask, pushAddress, path, tag, text, mediaType),
      async sign(path, tag, { digest, size }, host = registry) {
        const gun = `${host}/${path}`
        if (!made.has(gun)) await signer.init(gun)
        made.add(gun)
        await signer.addHash(gun, tag, digest.replace('sha256:', ''), size)
        await signer.publish(gun)
      },
      async serve(policy, ...more) {
        services += 1
        const file = join(folder, `policy-${services}.yaml`)
        await writeFile(file, policy)
        const name = `serve-${services}`
        const { cert, key } = certificates
        const places = ['--config', dockerConfig, '--trust-dir', join(folder, `trust-${services}`), '--server', server.url]
        const listen = ['--listen', '127.0.0.1:0', '--tls-cert', cert, '--tls-key', key, '--registry', registry]
        const args = [DCT, 'serve', '--policy', file, ...places, ...listen, ...more]
        const child = await start(name, process.execPath, args, { NODE_EXTRA_CA_CERTS: certificates.ca })
        const log = (): Promise<string> => readFile(join(folder, `${name}.log`), 'utf8')
        let port = 0
        await until('dct serve', child, async () => {
          port = Number(/listening on https port ([0-9]+)/.exec(await log())?.[1] ?? 0)
          return port > 0
        })
        const decisions = async (): Promise<Record<string, unknown>[]> =>
          (await log()).split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
        return { port, url: `https://localhost:${port}`, child, decisions }
      },
      async writeHosts(text, host = registry) {
        const hosts = await mkdtemp(join(folder, 'hosts-'))
        await mkdir(join(hosts, host))
        await writeFile(join(hosts, host, 'hosts.toml'), text)
        return hosts
      },
      run: inside,
      dct: (args, env = {}, mounts = {}) => inside(process.execPath, [DCT, ...args], { env, mounts }),
      pull: (hosts, image) => ctr('images', 'pull', '--hosts-dir', hosts, image),
      async digestOf(image) {
        const { output } = await ctr('images', 'list', `name==${image}`)
        return /sha256:[0-9a-f]{64}/.exec(output)?.[0]
      },
      async removeImages() {
        const { output } = await ctr('images', 'list', '--quiet')
        const images = output.split('\n').filter(Boolean)
        if (images.length > 0) await ctr('images', 'remove', '--sync', ...images)
      },
      [Symbol.asyncDispose]: stop,
    }
  } catch (cause) {
    await stop()
    throw cause
  }
}

/** An OCI image with one layer of one file, made and pushed without any program. */
async function push(
  ask: NodeLab['ask'],
  registry: string,
  path: string,
  tag: string,
  text: string,
  mediaType = 'application/vnd.oci.image.manifest.v1+json',
): Promise<Pushed> {
  const tar = tarOf('hello.txt', text)
  const layer = gzipSync(tar)
  const config = Buffer.from(
    JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [sha256(tar)] } }),
  )
  for (const blob of [layer, config]) {
    const begun = await ask(`https://${registry}/v2/${path}/blobs/uploads/`, { method: 'POST' })
    const location = String(begun.headers['location'])
    const headers = { 'content-type': 'application/octet-stream' }
    const body = blob.toString('latin1')
    const put = await ask(`${location}&digest=${sha256(blob)}`, { method: 'PUT', body, headers })
    if (put.status !== 201) throw new Error(`blob: ${put.status} ${put.body}`)
  }
  const isOci = mediaType.includes('oci')
  const describe = (type: string, bytes: Buffer) => ({ mediaType: type, digest: sha256(bytes), size: bytes.length })
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: describe(
        isOci ? 'application/vnd.oci.image.config.v1+json' : 'application/vnd.docker.container.image.v1+json',
        config,
      ),
      layers: [
        describe(
          isOci ? 'application/vnd.oci.image.layer.v1.tar+gzip' : 'application/vnd.docker.image.rootfs.diff.tar.gzip',
          layer,
        ),
      ],
    }),
  )
  const put = await ask(`https://${registry}/v2/${path}/manifests/${tag}`, {
    method: 'PUT',
    body: manifest.toString('latin1'),
    headers: { 'content-type': mediaType },
  })
  if (put.status !== 201) throw new Error(`manifest: ${put.status} ${put.body}`)
  return { digest: sha256(manifest), size: manifest.length }
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** A tar file (ustar) with one file. */
function tarOf(name: string, text: string): Buffer {
  const header = Buffer.alloc(512)
  const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`
  header.write(name, 0)
  header.write(octal(0o644, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(octal(Buffer.byteLength(text), 12), 124)
  header.write(octal(0, 12), 136)
  header.write('        ', 148)
  header.write('0', 156)
  header.write('ustar\x0000', 257, 'latin1')
  header.write(
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      7,
    )} `,
    148,
  )
  const content = Buffer.alloc(Math.ceil(Buffer.byteLength(text) / 512) * 512)
  content.write(text)
  return Buffer.concat([header, content, Buffer.alloc(1024)])
}

function askOnce(
  url: string,
  ca: string,
  { method = 'GET', body, headers = {} }: { method?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, ca, agent: false, timeout: 60_000 }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('latin1'),
        }),
      )
    })
    asked.on('error', reject)
    asked.end(body, 'latin1')
  })
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: 60_000, env }, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      resolve({ status, output: `${stdout}${stderr}${error === null ? '' : error.message}` })
    })
  })
}

/** The words that run a program with mounts that no other program sees. */
function withBinds(binds: Readonly<Record<string, string>>, program: string, args: readonly string[]): [string, string[]] {
  const pairs = Object.entries(binds)
  if (pairs.length === 0) return [program, [...args]]
  const script = 'while [ "$1" != -- ]; do mount --bind "$2" "$1" || exit 99; shift 2; done; shift; exec "$@"'
  return ['unshare', ['--mount', '/bin/sh', '-c', script, 'sh', ...pairs.flat(), '--', program, ...args]]
}

async function until(what: string, child: LabChild | undefined, isReady: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await isReady().catch(() => false))) {
    if (child?.ended === true || Date.now() > deadline) throw new Error(`${what} did not start: ${child?.logTail()}`)
    await sleep(50)
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const bound = probe.address()
      probe.close(() => resolve(bound !== null && typeof bound === 'object' ? bound.port : 0))
    })
  })
}
