/** The real containerd resolves tags at `dct serve`, with a real registry over TLS and a real Notary server. */
import { createHash } from 'node:crypto'
import { copyFile, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { freePort } from '../interop/lab/notary-server.js'
import { startLyingRegistry } from './lab/lying-registry.js'
import { type NodeLab, type Pushed, type RunningService, startNodeLab } from './lab/node-lab.js'

let lab: NodeLab
let service: RunningService
let hosts: string
let signed: Pushed

/** The form of hosts.toml that leaves no way round the resolver. */
const closed = (resolver: string, registry: string, ca: string): string => `
server = "${resolver}"
capabilities = ["pull", "resolve"]
ca = "${ca}"
[host."https://${registry}"]
  capabilities = ["pull", "push"]
  ca = "${ca}"
`

beforeAll(async () => {
  lab = await startNodeLab()
  signed = await lab.push('team/app', '1.0', 'signed')
  await lab.sign('team/app', '1.0', signed)
  await lab.push('team/app', 'unsigned', 'not signed')
  service = await lab.serve(policy())
  hosts = await lab.writeHosts(closed(service.url, lab.registry, lab.certificates.ca))
})

afterAll(async () => {
  await lab?.[Symbol.asyncDispose]()
})

beforeEach(() => lab.removeImages())

const policy = (): string => `
version: 1
default: { action: deny }
rules:
  - { match: '${lab.registry}/team/*', firstUse: accept }
  - { match: '${lab.registry}/strict/*' }
`
const policyFor = (registry: string): string => `
version: 1
default: { action: deny }
rules: [{ match: '${registry}/team/*', firstUse: accept }]
`
const image = (name: string): string => `${lab.registry}/${name}`
const manifest = (path: string, tag: string, from: RunningService = service) =>
  lab.ask(`${from.url}/v2/${path}/manifests/${tag}?ns=${encodeURIComponent(lab.registry)}`)
const codeOf = ({ body }: { body: string }): string => JSON.parse(body).errors[0].detail?.code ?? JSON.parse(body).errors[0].code

test('pulls a signed tag', async () => {
  expect(await lab.pull(hosts, image('team/app:1.0'))).toMatchObject({ status: 0 })
  expect(await lab.digestOf(image('team/app:1.0'))).toBe(signed.digest)
  expect((await service.decisions()).at(-1)).toMatchObject({ decision: 'trusted', digest: signed.digest, route: 'manifest' })
})

test('refuses a tag that is not signed', async () => {
  const { status, output } = await lab.pull(hosts, image('team/app:unsigned'))
  expect(status).not.toBe(0)
  expect(output).toContain('403 Forbidden')
  expect(await lab.digestOf(image('team/app:unsigned'))).toBeUndefined()
  const answer = await manifest('team/app', 'unsigned')
  expect([answer.status, codeOf(answer)]).toEqual([403, 'ERR_TAG_NOT_SIGNED'])
})

test('pulls what was signed when the registry has moved the tag', async () => {
  const before = await lab.push('team/moved', '1.0', 'before')
  await lab.sign('team/moved', '1.0', before)
  const after = await lab.push('team/moved', '1.0', 'after')
  expect(after.digest).not.toBe(before.digest)
  expect(await lab.pull(hosts, image('team/moved:1.0'))).toMatchObject({ status: 0 })
  expect(await lab.digestOf(image('team/moved:1.0'))).toBe(before.digest)
})

test('pulls a Docker manifest too, with its own media type', async () => {
  const type = 'application/vnd.docker.distribution.manifest.v2+json'
  const pushed = await lab.push('team/docker', '1.0', 'docker', type)
  await lab.sign('team/docker', '1.0', pushed)
  expect(await lab.pull(hosts, image('team/docker:1.0'))).toMatchObject({ status: 0 })
  expect((await manifest('team/docker', '1.0')).headers).toMatchObject({
    'content-type': type,
    'docker-content-digest': pushed.digest,
    'content-length': String(pushed.size),
  })
})

test('refuses a collection on first use unless its rule accepts that, also the second time', async () => {
  const pushed = await lab.push('strict/app', '1.0', 'strict')
  await lab.sign('strict/app', '1.0', pushed)
  for (const _ of [1, 2]) {
    const answer = await manifest('strict/app', '1.0')
    expect([answer.status, codeOf(answer)]).toEqual([403, 'ERR_ROOT_UNTRUSTED'])
  }
  expect((await lab.pull(hosts, image('strict/app:1.0'))).status).not.toBe(0)
})

test('refuses an image that no rule matches', async () => {
  const answer = await manifest('other/app', '1.0')
  expect([answer.status, codeOf(answer)]).toEqual([403, 'ERR_POLICY_DENIED'])
})

test('a signed image that the registry does not have is 404, and no alarm', async () => {
  await lab.sign('team/absent', '1.0', { digest: `sha256:${'0'.repeat(64)}`, size: 500 })
  const answer = await manifest('team/absent', '1.0')
  expect([answer.status, codeOf(answer)]).toEqual([404, 'MANIFEST_UNKNOWN'])
})

test('a signed length that is not that of the manifest is refused', async () => {
  const pushed = await lab.push('team/length', '1.0', 'length')
  await lab.sign('team/length', '1.0', { ...pushed, size: pushed.size + 1 })
  const answer = await manifest('team/length', '1.0')
  expect([answer.status, codeOf(answer)]).toEqual([403, 'ERR_HASH_MISMATCH'])
})

test('a registry that lies in its headers changes nothing, and other bytes are refused', async () => {
  await using lying = await startLyingRegistry(lab.registry, lab.certificates)
  const own = await lab.serve(policyFor(lying.registry), '--registry', lying.registry)
  const folder = await lab.writeHosts(closed(own.url, lying.registry, lab.certificates.ca), lying.registry)
  const pushed = await lab.push('team/lied', '1.0', 'lied')
  await lab.sign('team/lied', '1.0', pushed, lying.registry)
  const name = `${lying.registry}/team/lied:1.0`
  const manifestLie = (lie: (body: Buffer) => Buffer): void => {
    lying.lie = (path, answer) => (path.includes('/manifests/') ? { ...answer, body: lie(answer.body) } : answer)
  }
  manifestLie((body) => Buffer.from(body.toString().replace('"schemaVersion":2', '"schemaVersion":3')))
  expect((await lab.pull(folder, name)).output).toContain('403 Forbidden')
  manifestLie((body) => Buffer.concat([body, Buffer.from('\n')]))
  expect((await lab.pull(folder, name)).output).toContain('403 Forbidden')
  const codes = (await own.decisions()).map(({ code }) => code).filter(Boolean)
  expect(new Set(codes)).toEqual(new Set(['ERR_HASH_MISMATCH', 'ERR_METADATA_TOO_LARGE']))
  expect(await lab.digestOf(name)).toBeUndefined()
  lying.lie = (path, answer) => {
    if (!path.includes('/manifests/')) return answer
    const headers = {
      'content-type': 'application/vnd.oci.image.index.v1+json',
      'docker-content-digest': `sha256:${'0'.repeat(64)}`,
    }
    return { ...answer, headers: { ...answer.headers, ...headers } }
  }
  expect(await lab.pull(folder, name)).toMatchObject({ status: 0 })
  expect(await lab.digestOf(name)).toBe(pushed.digest)
})

test('a resolver that is killed in the middle of a pull leaves no image behind', async () => {
  await using lying = await startLyingRegistry(lab.registry, lab.certificates)
  const own = await lab.serve(policyFor(lying.registry), '--registry', lying.registry)
  const folder = await lab.writeHosts(closed(own.url, lying.registry, lab.certificates.ca), lying.registry)
  await lab.sign('team/app', '1.0', signed, lying.registry)
  const name = `${lying.registry}/team/app:1.0`
  lying.lie = () => undefined
  const pull = lab.pull(folder, name)
  await expect.poll(() => lying.asked.length, { timeout: 10_000 }).toBeGreaterThan(0)
  await own.child.kill()
  expect((await pull).status).not.toBe(0)
  expect(await lab.digestOf(name)).toBeUndefined()
  // The registry itself would have given it.
  lying.lie = (_, answer) => answer
  expect((await lab.pull(folder, name)).status).not.toBe(0)
})

test('skopeo and buildah copy by location through the service, and only what is signed', async () => {
  await using lying = await startLyingRegistry(lab.registry, lab.certificates)
  const through = await lab.serve(policyFor(lying.registry), '--registry', lying.registry, '--pass-through')
  await lab.sign('team/app', '1.0', signed, lying.registry)
  const conf = join(lab.folder, 'registries.conf')
  const location = `localhost:${through.port}/${lying.registry.replace(':', '_')}`
  await writeFile(conf, `[[registry]]\nprefix = "${lying.registry}"\nlocation = "${location}"\n`)
  const certs = await mkdtemp(join(lab.folder, 'certs-'))
  await copyFile(lab.certificates.ca, join(certs, 'ca.crt'))
  const copy = async (tag: string) => {
    const to = await mkdtemp(join(lab.folder, 'copied-'))
    const options = ['--registries-conf', conf, '--insecure-policy', 'copy', '--src-cert-dir', certs]
    const ran = await lab.run('skopeo', [...options, `docker://${lying.registry}/team/app:${tag}`, `dir:${to}`])
    return { ...ran, manifest: await readFile(join(to, 'manifest.json')).catch(() => undefined) }
  }
  const copied = await copy('1.0')
  expect(copied).toMatchObject({ status: 0 })
  expect(
    `sha256:${createHash('sha256')
      .update(copied.manifest ?? '')
      .digest('hex')}`,
  ).toBe(signed.digest)
  expect(lying.asked.filter((line) => !line.includes('sha256:'))).toEqual([])
  const refused = await copy('unsigned')
  expect(refused.status).not.toBe(0)
  expect(refused.output).toContain('ERR_TAG_NOT_SIGNED')
  lying.lie = (path, answer) =>
    path.includes('/blobs/') ? { ...answer, body: Buffer.concat([answer.body, Buffer.from('x')]) } : answer
  expect((await copy('1.0')).status).not.toBe(0)
  expect((await through.decisions()).at(-1)).toMatchObject({ route: 'blob', code: 'ERR_HASH_MISMATCH' })
  lying.lie = (_, answer) => answer
  const storage = ['--root', join(lab.folder, 'storage'), '--runroot', join(lab.folder, 'runroot'), '--storage-driver', 'vfs']
  const from = ['--registries-conf', conf, 'pull', '--cert-dir', certs, `${lying.registry}/team/app:1.0`]
  const pulled = await lab.run('buildah', [...storage, ...from])
  expect(pulled).toMatchObject({ status: 0 })
})

test('fifty pulls at once', async () => {
  const tags = Array.from({ length: 50 }, (_, at) => `t${at}`)
  const pushed = await lab.push('team/many', 'all', 'many')
  const entries = tags.map((target) => ({ target, digestHex: pushed.digest.replace('sha256:', ''), size: pushed.size }))
  await lab.sign('team/many', 'all', pushed)
  await lab.publisher.addMany(image('team/many'), entries)
  await lab.publisher.publish(image('team/many'))
  const pulls = await Promise.all(tags.map((tag) => lab.pull(hosts, image(`team/many:${tag}`))))
  expect(pulls.filter(({ status }) => status !== 0).map(({ output }) => output)).toEqual([])
})

test('promtool reads the metrics, and has no advice about them', async () => {
  const port = await freePort()
  const own = await lab.serve(policy(), '--metrics-listen', `127.0.0.1:${port}`)
  for (const tag of ['1.0', '1.0', 'unsigned']) await manifest('team/app', tag, own)
  const { status, body } = await lab.ask(`https://localhost:${port}/metrics`)
  expect(status).toBe(200)
  for (const result of ['trusted', 'untrusted']) expect(body).toContain(`dct_verifications_total{result="${result}"`)
  const check = async (text: string) => {
    const file = join(lab.folder, 'metrics.txt')
    await writeFile(file, text)
    return lab.run('bash', ['-c', 'promtool check metrics < "$0"', file])
  }
  expect(await check(body)).toEqual({ status: 0, output: '' })
  expect(await check(body.replaceAll('dct_verifications_total', 'dct_verifications'))).toMatchObject({ status: 3 })
  await own.child.stop()
})

test('lets a running request end when it is told to stop', async () => {
  const own = await lab.serve(policy())
  const [answer] = await Promise.all([
    manifest('team/app', '1.0', own),
    new Promise<void>((resolve) => setTimeout(resolve, 20)).then(() => own.child.signal('SIGTERM')),
  ])
  expect(answer.status).toBe(200)
  await own.child.stop()
  expect(own.child.ended).toBe(true)
})

test('without the registry a manifest that is kept is still answered, and another is 503', async () => {
  const pushed = await lab.push('team/later', '1.0', 'later')
  await lab.sign('team/later', '1.0', pushed)
  expect((await manifest('team/app', '1.0')).status).toBe(200)
  await lab.registryChild.stop()
  expect((await manifest('team/app', '1.0')).status).toBe(200)
  const answer = await manifest('team/later', '1.0')
  expect([answer.status, codeOf(answer)]).toEqual([503, 'ERR_SERVER_UNREACHABLE'])
})

test('without the trust server the last answer counts with a warning, and an unknown collection is 503', async () => {
  await lab.notary.kill()
  const answer = await manifest('team/app', '1.0')
  expect(answer.status).toBe(200)
  expect((await service.decisions()).at(-1)).toMatchObject({ freshness: 'stale', warnings: ['WARN_STALE_TIMESTAMP'] })
  const unknown = await manifest('team/unknown', '1.0')
  expect([unknown.status, codeOf(unknown)]).toEqual([503, 'ERR_SERVER_UNREACHABLE'])
})
