/** The real containerd resolves tags at `dct serve`, with a real registry over TLS and a real Notary server. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
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
