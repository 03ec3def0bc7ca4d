/**
 * `dct build` and `dct docker build` with a program that stands in for docker and BuildKit, since BuildKit with source policies was
 * not at hand; the classic builder of a real engine is in test/engines. `npm test` builds the program first.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTrustCollection, startTrustServer, type TestTrustServer } from '../../src/testing/index.js'
import { judge } from '../formats/source-policy.js'
import { type DockerRun, writeStandInDocker } from '../support/stand-in-docker.js'
import { runProgram } from './program.js'

const BIN = fileURLToPath(new URL('../../dist/cli/bin.cjs', import.meta.url))
const APP = 'registry.example/team/app'
const D = { app: '', alpine: '', frontend: '', scanner: '' }

let server: TestTrustServer
let folder: string
let work: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-build-test-'))
  const now = new Date(Date.now() - 3_600_000)
  const made = (gun: string) => createTrustCollection(gun, { now })
  const [app, alpine] = [made(APP), made('docker.io/library/alpine')]
  const [frontend, scanner] = [made('docker.io/docker/dockerfile'), made('registry.example/scanner')]
  D.app = app.sign('1.0', 'the app')
  D.alpine = alpine.sign('3.19', 'alpine')
  D.frontend = frontend.sign('1', 'the frontend')
  D.scanner = scanner.sign('1', 'the scanner')
  const collections = [app, alpine, frontend, scanner]
  for (const collection of collections) collection.publish()
  server = await startTrustServer({ collections })
  await writeFile(join(folder, 'ca.crt'), server.ca)
  await writeStandInDocker(folder)
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})
beforeEach(async () => {
  work = join(folder, 'work')
  process.env['TMPDIR'] = join(work, 'tmp')
  await rm(context(), { recursive: true, force: true })
  for (const name of ['home', 'tmp', 'context']) await mkdir(join(work, name), { recursive: true })
  await dockerfile(`FROM ${APP}:1.0\n`)
})

const dockerfile = (text: string, name = 'Dockerfile') => writeFile(join(work, 'context', name), text)

interface Ended {
  readonly status: number | null
  readonly out: string
  readonly err: string
  /** Builds that docker was given, those that prove a builder left out; the context is `.` in their words. */
  readonly builds: readonly DockerRun[]
  readonly proofs: readonly DockerRun[]
}

type Environment = Readonly<Record<string, string>>

const context = () => join(work, 'context')
const environment = (env: Environment): Environment => ({
  PATH: `${folder}:${process.env['PATH']}`,
  HOME: join(work, 'home'),
  TMPDIR: join(work, 'tmp'),
  LOG: join(work, 'log'),
  ...env,
})
const words = (args: readonly string[]) => args.map((word) => (word === '.' ? context() : word))
const common = (...own: string[]) => ['build', '--server', server.url, '--tlscacert', join(folder, 'ca.crt'), ...own, '--']

/** The program in a process of its own, with its output and that of docker. */
function start(args: readonly string[], env: Environment = {}): ChildProcess {
  return spawn(process.execPath, [BIN, ...words(args)], { env: environment(env) })
}

async function ended(child: ChildProcess): Promise<Ended> {
  let [out, err] = ['', '']
  child.stdout?.on('data', (chunk) => (out += chunk))
  child.stderr?.on('data', (chunk) => (err += chunk))
  child.stdin?.end()
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { status, out, err, ...(await readLog()) }
}

async function readLog(): Promise<Pick<Ended, 'builds' | 'proofs'>> {
  const log = await readFile(join(work, 'log'), 'utf8').catch(() => '')
  await rm(join(work, 'log'), { force: true })
  const lines = log.split('\n').filter(Boolean)
  const runs = lines.map((line): DockerRun => JSON.parse(line.replaceAll(JSON.stringify(context()), '"."')))
  const isProof = (run: DockerRun) => run.dockerfile?.includes('dct.invalid/') === true
  expect(await readdir(join(work, 'tmp')), 'what is left in the temporary folder').toEqual([])
  return { builds: runs.filter((run) => !isProof(run)), proofs: runs.filter(isProof) }
}

/** The program within this process, for what does not matter on its streams. */
async function program(argv: readonly string[], env: Environment = {}, input = ''): Promise<Ended> {
  const ran = await runProgram(words(argv), { env: environment({ SILENT: '1', ...env }), stdin: input })
  return { ...ran, ...(await readLog()) }
}

interface Given {
  readonly own?: string[]
  readonly env?: Environment
  readonly input?: string
}
const build = (args: readonly string[], { own = [], env = {}, input }: Given = {}) =>
  program([...common('-q', ...own), ...args], env, input)

describe('with BuildKit', () => {
  test('docker buildx build gets the words and a private policy; the policy converts to what is signed', async () => {
    const { status, out, err, builds } = await ended(start([...common('-q'), '-t', 'x', '.']))
    expect({ status, out, err }).toEqual({ status: 0, out: `built from ${APP}:1.0@${D.app}\n`, err: '' })
    const [run] = builds
    expect(builds).toHaveLength(1)
    expect(run?.args).toEqual(['buildx', 'build', '-t', 'x', '.'])
    expect(run?.policy).toMatchObject({ mode: '600', path: expect.stringContaining(join(work, 'tmp')) })
  })

  test('an image that is not signed fails at its place, and nothing is built or asked of docker', async () => {
    await dockerfile(`FROM ${APP}:1.0\nFROM ${APP}:2.0\n`)
    const { status, err, builds, proofs } = await build(['.'])
    expect({ status, builds, proofs }).toEqual({ status: 3, builds: [], proofs: [] })
    expect(err).toContain(`Dockerfile:2:6: ${APP}:2.0: No valid trust data for 2.0 (ERR_TAG_NOT_SIGNED)`)
  })

  test('an image that the builder finds and dct did not is denied', async () => {
    // As an image in ONBUILD of a base image: only the builder sees it.
    const { status, out, err } = await ended(start([...common('--allow-local', 'alpine:3.18'), '.'], { HIDDEN: 'alpine:3.19' }))
    expect({ status, out }).toEqual({ status: 1, out: `built from ${APP}:1.0@${D.app}\n` })
    expect(err).toContain('source "docker-image://docker.io/library/alpine:3.19" denied by policy')
  })

  test('the exit status of docker is that of dct', async () => {
    expect((await build(['.'], { env: { ENDS_WITH: '42' } })).status).toBe(42)
  })

  test.each([
    ['SIGTERM', 9],
    ['SIGINT', 10],
  ] as const)('%s reaches docker, and the policy is gone afterwards', async (name, status) => {
    const child = start([...common(), '.'], { WAITS: '1' })
    child.stdout?.on('data', (text) => void (String(text).includes('building') && child.kill(name)))
    const ran = await ended(child)
    expect(ran.status).toBe(status)
    expect(ran.builds[0]?.policy?.mode).toBe('600')
  })

  test('a Dockerfile on standard input is read once, and docker gets it', async () => {
    for (const args of [['-'], ['-f', '-', '.']]) {
      const { status, builds } = await build(args, { input: 'FROM alpine:3.19\n' })
      expect({ status, dockerfile: builds[0]?.dockerfile }).toEqual({ status: 0, dockerfile: 'FROM alpine:3.19\n' })
    }
    expect(await build(['-'], { input: 'FROM alpine:3.18\n' })).toMatchObject({ status: 3, builds: [] })
  })

  test('the frontend is verified too, unless --frontend says otherwise', async () => {
    await dockerfile(`# syntax=docker/dockerfile:1\nFROM ${APP}:1.0\n`)
    expect((await build(['.'])).builds[0]?.policy?.text).toContain(`dockerfile:1@${D.frontend}`)
    await dockerfile(`# syntax=docker/dockerfile:2\nFROM ${APP}:1.0\n`)
    expect((await build(['.'])).status).toBe(3)
    expect((await build(['.'], { own: ['--frontend', 'allow'] })).builds[0]?.policy?.text).toContain('dockerfile:2@sha256:*')
    expect((await build(['.'], { own: ['--frontend', 'deny'] })).status).toBe(3)
  })

  test.each([
    ['--build-context', ['--build-context', 'base=docker-image://alpine:3.19'], 'alpine:3.19@'],
    ['--sbom', ['--sbom=generator=registry.example/scanner:1'], 'scanner:1@'],
    ['BUILDKIT_SYNTAX', ['--build-arg', 'BUILDKIT_SYNTAX=docker/dockerfile:1'], 'dockerfile:1@'],
  ])('an image that %s names is verified, and allowed', async (_, args, allowed) => {
    const { builds, err } = await build([...args, '.'])
    expect(builds[0]?.policy?.text, err).toContain(allowed)
    const other = args.map((word) => word.replace(/:1$|:3\.19$/, ':none'))
    expect(await build([...other, '.'])).toMatchObject({ status: 3, builds: [] })
  })

  test('--sbom without a scanner asks for the usual one', async () => {
    const { status, err } = await build(['--sbom=true', '.'])
    expect(status).toBe(3)
    expect(err).toContain('--sbom docker/buildkit-syft-scanner:stable-1: ')
    expect((await build(['--sbom=false', '.'])).status).toBe(0)
  })

  test('--also adds an image, --allow-local one without a digest; with them the builder allows it', async () => {
    const { builds } = await build(['.'], { own: ['--also', 'alpine:3.19', '--allow-local', 'team/base:dev'] })
    expect(builds[0]?.policy?.text).toContain(`alpine:3.19@${D.alpine}`)
    expect(builds[0]?.policy?.text).toContain('docker-image://docker.io/team/base:dev')
    expect(await build(['.'], { own: ['--also', 'alpine:none'] })).toMatchObject({ status: 3, builds: [] })
  })
})

describe('what is refused before anything is built', () => {
  test('an option of dct among those of docker: says where it stands', async () => {
    const { status, err } = await program(['build', '--policy', 'x', '.'])
    expect(status).toBe(2)
    expect(err).toContain('dct build --policy ... -- ARGUMENT...')
  })

  test.each([
    ['a policy of the user', ['.'], { EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: '/x' }, 'is set already'],
    ['a repository as context', ['https://github.com/x/y.git'], {}, 'docker would fetch the context'],
    ['a context that is not there', ['nowhere'], {}, 'path "nowhere" not found'],
    ['no context', ['-t', 'x'], {}, 'a build takes one context'],
    ['a cache in a registry', ['--cache-from', 'alpine:3.19', '.'], {}, '--cache-from alpine:3.19'],
    ['a scanner behind a line end', ['--attest', 'type=sbom\n,type=provenance', '.'], {}, '--attest'],
    ['a builder in the background', ['--detach=true', '.'], {}, '--detach'],
    ['an option that docker does not show', ['--new-option', 'x', '.'], {}, 'unknown flag: --new-option'],
    ['a value that is none for DOCKER_BUILDKIT', ['.'], { DOCKER_BUILDKIT: 'maybe' }, 'expects boolean value'],
    ['BuildKit without buildx', ['.'], { NO_BUILDX: '1', DOCKER_BUILDKIT: '1' }, 'buildx component'],
    ['a Dockerfile that is not there', ['-f', 'none', '.'], {}, 'cannot read none'],
  ])('%s', async (_, args, env, message) => {
    const { status, err, builds, proofs } = await build(args, { env, own: [] })
    expect({ status, builds, proofs }).toEqual({ status: 2, builds: [], proofs: [] })
    expect(err).toContain(message)
  })

  test.each([
    'type=local,TYPE=registry,ref=evil',
    'type=registry,ref=evil, type=local',
    'type=local,src=a,"type=registry",ref=evil',
    'type=registry,ref=evil\n,type=local',
    'type=local,type=registry,ref=evil',
  ])('a cache in a registry that calls itself local: %j', async (cache) => {
    const { status, err, builds } = await build(['--cache-from', cache, '.'])
    expect({ status, builds }).toEqual({ status: 2, builds: [] })
    expect(err).toContain('--cache-from')
  })

  test('an archive on standard input', async () => {
    const { status, err } = await build(['-'], { input: 'FROM alpine\n\0' })
    expect({ status, err }).toEqual({ status: 2, err: expect.stringContaining('standard input is no Dockerfile') })
  })
})

test('a remote cache is given to docker only when its type is accepted', async () => {
  const words = ['--cache-from', 'type=gha', '.']
  const refused = await program([...common(), ...words])
  expect(refused).toMatchObject({ status: 2, builds: [] })
  expect(refused.err).toContain('dct build --allow-unsigned-cache gha -- ...')
  const accepted = await build(words, { own: ['--allow-unsigned-cache', 'gha'] })
  expect(accepted.builds[0]?.args).toEqual(['buildx', 'build', ...words])
})

describe('the proof of a builder', () => {
  // In other tests the builder is known since the first.
  beforeEach(() => rm(join(work, 'home', '.docker', 'trust', 'dct-builders.json'), { force: true }))

  test('a builder that ignores policies is refused each time', async () => {
    for (let time = 0; time < 2; time++) {
      const { status, err, builds, proofs } = await build(['.'], { env: { IGNORES_POLICIES: '1' } })
      expect({ status, builds, proofs: proofs.length }).toEqual({ status: 2, builds: [], proofs: 1 })
      expect(err).toContain('does not obey source policies')
    }
  })

  test('is asked once for a builder and its version', async () => {
    const times = async (env: Environment = {}, args: readonly string[] = []) =>
      (await build([...args, '.'], { env })).proofs.length
    expect(await times()).toBe(1)
    expect(await times()).toBe(0)
    expect(await times({ BUILDKIT: 'v0.14.0' })).toBe(1)
    expect(await times({ BUILDKIT: 'v0.14.0' }, ['--builder', 'other'])).toBe(1)
    expect(await times({}, ['--platform', 'linux/amd64,linux/arm64'])).toBe(2)
    expect(await times({ OPTIONS: 'image="other/buildkit:v0.13.0" network="host"' })).toBe(1)
    expect(await times({ OPTIONS: 'network="host" image="other/buildkit:v0.13.0"' })).toBe(0)
    expect(await times()).toBe(0)
  })

  test('is asked each time when docker does not say which version the builder has', async () => {
    for (let time = 0; time < 2; time++) expect((await build(['.'], { env: { BUILDKIT: '-' } })).proofs).toHaveLength(1)
  })

  test('is asked each time when --builder is empty: the current builder builds, not that of the context', async () => {
    for (let time = 0; time < 2; time++) {
      const { builds, proofs } = await build(['--builder=', '.'])
      expect([builds, proofs].map((runs) => runs.length)).toEqual([1, 1])
      expect(proofs[0]?.args).toContain('--builder=')
    }
  })

  test('is asked again when its file is not as it was written', async () => {
    const file = join(work, 'home', '.docker', 'trust', 'dct-builders.json')
    expect((await build(['.'])).proofs).toHaveLength(1)
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ version: 1, builders: [expect.stringMatching(/^[0-9a-f]{64}$/)] })
    for (const text of ['', '{"builders":"x"}']) {
      await writeFile(file, text)
      expect((await build(['.'])).proofs).toHaveLength(1)
    }
  })
})

describe('without BuildKit', () => {
  test.each([{ NO_BUILDX: '1' }, { DOCKER_BUILDKIT: '0' }])(
    'with %j docker build gets a copy with digests on standard input',
    async (env) => {
      await dockerfile(`ARG V=3.19\nFROM alpine:$V AS a\nFROM ${APP}:1.0\nCOPY --from=a /x /x\nCOPY --from="alpine:3.19" /y /y\n`)
      const { status, builds, proofs } = await build(['-f', join(context(), 'Dockerfile'), '-t', 'x', '.'], {
        env: { ...env, DOCKER_CONTENT_TRUST: '1' },
      })
      expect({ status, proofs }).toEqual({ status: 0, proofs: [] })
      expect(builds.map(({ args, trust }) => ({ args, trust }))).toEqual([
        { args: ['build', '--file=-', '-t', 'x', '.'], trust: '0' },
      ])
      expect(builds[0]?.dockerfile).toBe(
        `ARG V=3.19\nFROM alpine@${D.alpine} AS a\nFROM ${APP}@${D.app}\nCOPY --from=a /x /x\nCOPY --from="alpine@${D.alpine}" /y /y\n`,
      )
    },
  )

  test('the frontend is a comment there', async () => {
    await dockerfile(`# syntax=docker/dockerfile:none\nFROM ${APP}:1.0\n`)
    expect((await build(['.'], { env: { NO_BUILDX: '1' } })).status).toBe(0)
  })

  test.each([
    ['a here-document, whose lines it reads as instructions', `FROM ${APP}:1.0\nRUN <<EOF\nFROM evil\nEOF\n`, []],
    ['an image of this machine alone', `FROM team/base:dev\n`, ['--allow-local', 'team/base:dev']],
  ])('%s is refused', async (_, text, own) => {
    await dockerfile(text)
    expect(await build(['.'], { own, env: { NO_BUILDX: '1' } })).toMatchObject({ status: 2, builds: [] })
  })
})

describe('the switch', () => {
  test.each([
    [['--disable-content-trust', '.'], {}],
    [['.'], { DOCKER_CONTENT_TRUST: '0' }],
  ])('with %j and %j docker gets the words, and dct says that nothing is verified', async (args, env) => {
    await dockerfile('FROM nothing/signed\n')
    const { status, err, builds } = await build(args, { env })
    expect({ status, args: builds[0]?.args, policy: builds[0]?.policy }).toEqual({
      status: 0,
      args: ['buildx', 'build', ...args],
    })
    expect(err).toContain('content trust is switched off by')
  })

  test('--disable-content-trust=false forces it on, and docker does not get it', async () => {
    const { builds } = await build(['--disable-content-trust=false', '.'], { env: { DOCKER_CONTENT_TRUST: '0' } })
    expect(builds[0]?.args).toEqual(['buildx', 'build', '.'])
    expect(builds[0]?.policy).toBeDefined()
  })
})

describe('dct docker', () => {
  const ON = () => ({ DOCKER_CONTENT_TRUST: '1', DOCKER_CONTENT_TRUST_SERVER: server.url, HOME: join(work, 'home') })
  beforeEach(async () => {
    const tls = join(work, 'home', '.docker', 'tls', new URL(server.url).host)
    await mkdir(tls, { recursive: true })
    await writeFile(join(tls, 'ca.crt'), server.ca)
  })
  const names = [['build'], ['image', 'build'], ['builder', 'b'], ['buildx', 'build']]

  test.each(names.map((words) => [words.join(' '), words]))('%s is verified while content trust is on', async (_, words) => {
    const signed = await program(['docker', ...words, '-t', 'x', '.'], ON())
    expect(signed.status, signed.err).toBe(0)
    expect(signed.builds[0]).toMatchObject({ args: [...words, '-t', 'x', '.'], policy: { mode: '600' } })
    await dockerfile('FROM alpine:none\n')
    const { status, out, err, builds } = await program(['docker', ...words, '.'], ON())
    expect({ status, out, builds }).toEqual({ status: 1, out: '', builds: [] })
    expect(err).toMatch(/^No valid trust data for none$/m)
  })

  test.each(['skip', 'warn'])('a rule with action %s lets its image pass, and no other', async (action) => {
    const policy = join(work, 'policy.yaml')
    await writeFile(policy, `version: 1\nrules:\n  - { match: registry.example/free/*, action: ${action} }\n`)
    const env = { ...ON(), DCT_POLICY: policy }
    await dockerfile(`FROM registry.example/free/tool:1\nFROM ${APP}:1.0\n`)
    const passed = await program(['docker', 'build', '.'], env)
    expect(passed.status, passed.err).toBe(0)
    expect(passed.err).toContain('registry.example/free/tool:1')
    const text = passed.builds[0]?.policy?.text ?? ''
    const rules = JSON.parse(text)
    expect(judge(rules, `docker-image://registry.example/free/tool:1@${D.alpine}`).isDenied).toBe(false)
    expect(judge(rules, 'docker-image://registry.example/free/tool:2').isDenied).toBe(true)
    expect(judge(rules, 'docker-image://registry.example/free/other:1').isDenied).toBe(true)
    expect(judge(rules, `docker-image://${APP}:1.0`)).toEqual({
      identifier: `docker-image://${APP}:1.0@${D.app}`,
      isDenied: false,
    })
    const classic = await program(['docker', 'build', '.'], { ...env, DOCKER_BUILDKIT: '0' })
    expect(classic.builds[0]?.dockerfile, classic.err).toBe(`FROM registry.example/free/tool:1\nFROM ${APP}@${D.app}\n`)
    await dockerfile('FROM registry.example/free/tool:1\nFROM alpine:none\n')
    expect(await program(['docker', 'build', '.'], env)).toMatchObject({ status: 1, builds: [] })
  })

  test('with an alias in config.json docker build is no longer the builder of the context: it is proved each time', async () => {
    const config = join(work, 'home', '.docker', 'config.json')
    const proofs = async (...command: string[]) => (await program(['docker', ...command, '.'], ON())).proofs.length
    await proofs('build')
    expect(await proofs('build')).toBe(0)
    try {
      for (const text of ['{"aliases":{"builder":"buildx"}}', '{"Aliases":{"builder":"other"}}']) {
        await writeFile(config, text)
        for (let time = 0; time < 2; time++) expect(await proofs('build'), text).toBe(1)
      }
      await proofs('buildx', 'build')
      expect(await proofs('buildx', 'build')).toBe(0)
    } finally {
      await rm(config)
    }
    expect(await proofs('build')).toBe(0)
  })

  test('the copy for the classic builder goes to docker build: with an alias, docker builder build is BuildKit whatever is asked', async () => {
    const { builds, err } = await program(['docker', 'builder', 'build', '.'], { ...ON(), DOCKER_BUILDKIT: '0' })
    expect(builds[0]?.args, err).toEqual(['build', '--file=-', '.'])
  })

  test('an empty DOCKER_BUILDKIT counts as none, as in docker', async () => {
    const { status, builds } = await program(['docker', 'build', '.'], { ...ON(), DOCKER_BUILDKIT: '' })
    expect({ status, isPoliced: builds[0]?.policy !== undefined }).toEqual({ status: 0, isPoliced: true })
  })

  test.each(['run', 'create'])('docker %s: the image of --mount must be signed, and named by its digest', async (command) => {
    const ran = (source: string, env: Environment = {}) =>
      program(['docker', command, '--mount', `type=image,${source},target=/x`, `${APP}:1.0`], { ...ON(), ...env })
    const failed = command === 'run' ? 125 : 1
    expect(await ran('source=alpine:none')).toMatchObject({ status: failed, builds: [] })
    const tagged = await ran('src=alpine:3.19')
    expect(tagged).toMatchObject({ status: failed, builds: [] })
    expect(tagged.err).toContain(`source=alpine@${D.alpine}`)
    expect(await ran(`source=alpine@${D.alpine}`)).toMatchObject({ status: 0 })
    expect(await ran(`source=alpine@${D.app}`)).toMatchObject({ status: failed })
    for (const twisted of ['TYPE=IMAGE,"source=alpine:none"', 'source=a,src=alpine:none'])
      expect((await ran(twisted)).err).toContain('not certain which image')
  })

  test('off, it is handed over as it is', async () => {
    await dockerfile('FROM alpine:none\n')
    const { status, builds } = await program(['docker', 'build', '.'], { ...ON(), DOCKER_CONTENT_TRUST: '' })
    expect({ status, args: builds[0]?.args, policy: builds[0]?.policy }).toEqual({ status: 0, args: ['build', '.'] })
  })
})
