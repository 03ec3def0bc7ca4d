/** A real collection taken down: verified after its server is gone, and served by nginx to the real clients. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeSignerKey } from './lab/certificates.js'
import { runDct } from './lab/dct.js'
import { createReader } from './lab/notary-cli.js'
import { type NotaryServer, startNotaryServer } from './lab/notary-server.js'
import { createOurReader, digestOf } from './lab/our-reader.js'
import { createPublisher } from './lab/publisher.js'
import { requirePrograms } from './lab/requirements.js'
import { startStaticServer } from './lab/static-server.js'

const gun = 'registry.example/team/app'
const digest = (tag: string) => `sha256:${digestOf(tag)}`

let folder: string
let server: NotaryServer
const at = (name: string) => join(folder, name)

beforeAll(async () => {
  requirePrograms('docker', 'nginx')
  folder = await mkdtemp(join(tmpdir(), 'notary-lab-export-'))
  server = await startNotaryServer({ signer: true })
  await using publisher = await createPublisher({ server })
  await publisher.init(gun)
  const alice = await makeSignerKey(folder, 'alice')
  for (const role of ['targets/releases', 'targets/alice']) {
    await publisher.importKey(alice.key, role)
    await publisher.addDelegation(gun, role, [alice.cert])
  }
  await publisher.addHash(gun, '1.0', digestOf('1.0'), 1000)
  await publisher.addHash(gun, '1.1', digestOf('1.1'), 1100, { roles: ['targets/releases', 'targets/alice'] })
  await publisher.publish(gun)
  const always = ['--server', server.url, '--tlscacert', server.ca, '--config', at('exporter')]
  const online = (...args: string[]) => runDct([...args, ...always], { HOME: folder })
  expect(await online('lock', '--accept-new-roots', '--lockfile', at('lock.json'), gun)).toMatchObject({ status: 0 })
  for (let times = 0; times < 2; times++) await publisher.rotateRoot(gun)
  expect(await online('export', '--out', at('b'), gun)).toMatchObject({ status: 0, stdout: '' })
  expect((await online('export', gun)).stdout).toBe(await readFile(at('b'), 'utf8'))
  expect(await online('export', '--format', 'static', '--out', at('tree'), gun)).toMatchObject({ status: 0 })
  await server.kill()
})
afterAll(async () => {
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

test('a bundle verifies under a lock that is two rotations older, after the server is gone', async () => {
  const verify = (...args: string[]) =>
    runDct(['verify', '--bundle', at('b'), '--config', at('nobody'), ...args], { HOME: at('nobody') })
  expect(await verify(`${gun}:1.0`)).toMatchObject({ status: 1, stdout: '' })
  const run = await verify('--lockfile', at('lock.json'), '--frozen', '--json', `${gun}:1.1`, `${gun}@${digest('1.0')}`)
  expect(run).toMatchObject({ status: 0, stderr: '' })
  const [tag, byDigest] = run.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(tag).toMatchObject({ status: 'trusted', digest: digest('1.1'), signers: ['alice'], rootTrust: 'lockfile' })
  expect(byDigest).toMatchObject({ status: 'trusted-digest', tags: ['1.0'], freshness: 'offline' })
  expect(await readdir(folder)).not.toContain('nobody')
})

test('notary, docker trust inspect and dct verify against the tree on nginx', async () => {
  await using nginx = await startStaticServer(at('tree'), server.certificates)
  await using notary = await createReader({ server: nginx })
  expect(await notary.lookup(gun, '1.0')).toEqual({ target: '1.0', digest: digest('1.0'), size: 1000 })
  expect(await notary.list(gun)).toHaveLength(2)
  await using ours = await createOurReader(nginx)
  expect(await ours.verify(`${gun}:1.1`)).toMatchObject({ digest: digest('1.1'), freshness: 'fresh', signers: ['alice'] })
  const config = at('docker')
  const tls = join(config, 'tls', new URL(nginx.url).host)
  await mkdir(tls, { recursive: true })
  await cp(nginx.ca, join(tls, 'ca.crt'))
  const env = { PATH: process.env['PATH'], HOME: folder, DOCKER_CONFIG: config, DOCKER_CONTENT_TRUST_SERVER: nginx.url }
  const { stdout } = await promisify(execFile)('docker', ['trust', 'inspect', gun], { env, timeout: 60_000 })
  expect(JSON.parse(stdout)[0]).toMatchObject({
    Name: gun,
    SignedTags: [
      { SignedTag: '1.0', Digest: digestOf('1.0'), Signers: ['Repo Admin'] },
      { SignedTag: '1.1', Digest: digestOf('1.1'), Signers: ['alice'] },
    ],
  })
})
