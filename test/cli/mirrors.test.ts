/** Mirrors of a policy, in every command that takes a policy. The engine's client is a script that writes down its words. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTrustCollection, startTrustServer, type TestTrustServer } from '../../src/testing/index.js'
import { type Ran, runProgram } from './program.js'

const SIGNED = 'docker.io/library/alpine'
const NAME = 'mirror.example/hub/alpine'
/** What docker prints for `docker pull --help`. */
const HELP = 'Usage: docker pull\n\nOptions:\n  -a, --all-tags          Download all\n  -q, --quiet             Quiet\n'

const alpine = createTrustCollection(SIGNED, { now: new Date(Date.now() - 3_600_000), tags: { '3.19': 'alpine' } }).publish()
const digest = alpine.digest('3.19')
let server: TestTrustServer
let folder: string
const file = (name: string) => join(folder, name)

beforeAll(async () => {
  server = await startTrustServer({ collections: [alpine] })
  folder = await mkdtemp(join(tmpdir(), 'dct-mirrors-'))
  await writeFile(file('ca.crt'), server.ca)
  await writeFile(
    file('policy.yaml'),
    `version: 1\nrules:\n  - match: docker.io/**\n    server: ${server.url}\nmirrors:\n  mirror.example/hub/: docker.io\n`,
  )
  await writeFile(
    file('docker'),
    `#!/bin/sh\ncase "$*" in *--help*) printf '${HELP}'; exit;; esac\necho "$*" >> "${file('log')}"\n`,
    { mode: 0o755 },
  )
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})
beforeEach(() => writeFile(file('log'), ''))

const ENV = () => ({ PATH: `${folder}:${process.env['PATH']}`, HOME: folder, DOCKER_CONTENT_TRUST: '1' })
/** The server comes from the rule for the signed name. */
const dct = (command: string, ...argv: string[]): Promise<Ran> =>
  runProgram([command, '--policy', file('policy.yaml'), '--tlscacert', file('ca.crt'), '--config', folder, ...argv], {
    env: ENV(),
  })
const log = async () => (await readFile(file('log'), 'utf8')).split('\n').filter(Boolean)

test('verify prints the reference at the mirror, and says where the image is signed', async () => {
  const ran = await dct('verify', '--verbose', `${NAME}:3.19`)
  expect(ran).toMatchObject({ status: 0, out: `${NAME}@${digest}\n` })
  expect(ran.err).toContain(`verified ${SIGNED} 3.19 (named at its mirror mirror.example)`)
  const { out } = await dct('verify', '--json', `${NAME}:3.19`)
  expect(JSON.parse(out)).toMatchObject({ gun: SIGNED, mirror: 'mirror.example', canonicalReference: `${NAME}@${digest}` })
})

test.each(['bundle', 'ndjson'])(
  'export --format %s writes a collection once, named at its mirror and as it is signed',
  async (format) => {
    const ran = await dct('export', '--format', format, NAME, SIGNED)
    expect(ran.status).toBe(0)
    expect(ran.out.match(new RegExp(`"gun":"${SIGNED}"`, 'g'))).toHaveLength(1)
  },
)

test('env says under which name it is looked up, and at which server', async () => {
  const { status, out } = await runProgram(['env', '--json', '--policy', file('policy.yaml'), `${NAME}:3.19`], { env: ENV() })
  expect(status).toBe(0)
  expect(JSON.parse(out)).toMatchObject({
    collection: { value: SIGNED, why: expect.stringContaining('images of mirror.example are signed under this name') },
    trustServer: { value: server.url, why: 'the rule docker.io/** of the policy' },
    policy: { value: 'rule docker.io/**, action enforce' },
  })
})

describe('files keep the spelling of their author', () => {
  const dockerfile = async (text: string) => {
    await writeFile(file('Dockerfile'), text)
    return file('Dockerfile')
  }

  test('pin writes the signed digest behind the name of the mirror', async () => {
    const path = await dockerfile(`FROM Mirror.Example:443/hub/alpine:3.19\nFROM ${NAME}:3.19\n`)
    expect(await dct('pin', path)).toMatchObject({ status: 0, out: `${path}\n` })
    const pinned = `FROM Mirror.Example:443/hub/alpine:3.19@${digest}\nFROM ${NAME}:3.19@${digest}\n`
    expect(await readFile(path, 'utf8')).toBe(pinned)
    expect(await dct('pin', '--check', path)).toMatchObject({ status: 0 })
  })

  test('verify -f prints it, and build-policy lets the builder use the mirror alone', async () => {
    const path = await dockerfile(`FROM ${NAME}:3.19\n`)
    expect(await dct('verify', '-f', path)).toMatchObject({ status: 0, out: `${NAME}@${digest}\n` })
    const { status, out } = await dct('build-policy', '-f', path)
    expect(status).toBe(0)
    expect(out).toContain(`docker-image://${NAME}:3.19`)
    expect(out).toContain(digest)
    expect(out).not.toContain(SIGNED)
  })
})

describe('engines', () => {
  const pulled = [`pull ${NAME}@${digest}`, `tag ${NAME}@${digest} ${NAME}:3.19`]

  test('pull takes the image from the mirror, by the signed digest', async () => {
    expect(await dct('pull', `${NAME}:3.19`)).toMatchObject({ status: 0 })
    expect(await log()).toEqual(pulled)
    await writeFile(file('log'), '')
    expect(await dct('pull', '-a', NAME)).toMatchObject({ status: 0 })
    expect(await log()).toEqual(pulled)
  })

  test('docker pull does', async () => {
    const tls = { SSL_CERT_FILE: file('ca.crt'), DOCKER_CONFIG: folder, DCT_POLICY: file('policy.yaml') }
    const ran = await runProgram(['docker', 'pull', `${NAME}:3.19`], { env: { ...ENV(), ...tls } })
    expect(ran).toMatchObject({ status: 0 })
    expect(await log()).toEqual(pulled)
  })
})

test('inspect, tags and tree show the signed collection', async () => {
  for (const command of ['inspect', 'tags', 'tree']) {
    const { status, out } = await dct(command, NAME)
    expect(status, command).toBe(0)
    expect(out, command).toContain(command === 'tree' ? SIGNED : '3.19')
  }
})

test('lock records the signed collection, once for all its names, and holds for the mirror', async () => {
  const lockfile = ['--lockfile', file('lock.json')]
  const ran = await dct('lock', '--accept-new-roots', ...lockfile, `${NAME}:3.19`, 'alpine', 'Mirror.Example/hub/alpine')
  expect(ran).toMatchObject({ status: 0 })
  expect(ran.err.match(/: locked$/gm)).toHaveLength(1)
  const { collections } = JSON.parse(await readFile(file('lock.json'), 'utf8'))
  expect(Object.entries(collections)).toMatchObject([[SIGNED, { server: server.url }]])
  expect(await dct('lock', '--check', ...lockfile)).toMatchObject({ status: 0, out: `${SIGNED} holds\n` })
  expect(await dct('lock', '--check', ...lockfile, NAME)).toMatchObject({ status: 0, out: `${SIGNED} holds\n` })
  expect(await dct('lock', '--update', ...lockfile, NAME)).toMatchObject({ status: 0 })
  const verified = await dct('verify', '--json', '--frozen', ...lockfile, `${NAME}:3.19`)
  expect(JSON.parse(verified.out)).toMatchObject({ gun: SIGNED, rootTrust: 'lockfile', mirror: 'mirror.example' })
})

test('lock: firstUse: refuse of a policy does not keep a new root from being recorded; a deny does', async () => {
  const rule = (terms: string) =>
    writeFile(file('strict.yaml'), `version: 1\nrules:\n  - { match: docker.io/**, server: ${server.url}, ${terms} }\n`)
  const lock = () =>
    runProgram(
      [
        'lock',
        '--policy',
        file('strict.yaml'),
        '--tlscacert',
        file('ca.crt'),
        '--config',
        folder,
        '--accept-new-roots',
        'alpine',
      ].concat('--lockfile', file('strict.json')),
      { env: ENV() },
    )
  await rule('firstUse: refuse')
  expect(await lock()).toMatchObject({ status: 0 })
  await rule('action: deny')
  expect(await lock()).toMatchObject({ status: 3, err: expect.stringContaining('ERR_POLICY_DENIED') })
})
