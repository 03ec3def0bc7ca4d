/** How `dct docker` hands over to a program: which one, its signals, its streams. `npm test` builds the program first. */
import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTrustCollection, startTrustServer, type TestTrustServer } from '../../src/testing/index.js'

const BIN = fileURLToPath(new URL('../../dist/cli/bin.cjs', import.meta.url))
const CTRL_C = '\u0003'

let folder: string
let pathFolder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-docker-'))
  pathFolder = join(folder, 'bin')
  await mkdir(pathFolder)
})
afterEach(() => rm(folder, { recursive: true }))

async function program(name: string, text: string): Promise<string> {
  const file = join(pathFolder, name)
  await writeFile(file, `#!/bin/sh\n${text}\n`)
  await chmod(file, 0o755)
  return file
}

interface Running {
  readonly pid: number
  readonly ended: Promise<{ status: number | null; out: string; err: string }>
  printed(text: string): Promise<void>
  type(text: string): void
}

function start(words: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const PATH = `${pathFolder}:${process.env['PATH']}`
  const [first = '', ...rest] = words
  const child = spawn(first, rest, { env: { PATH, HOME: folder, SHELL: '/bin/sh', ...env }, stdio: 'pipe' })
  let out = ''
  let err = ''
  let look = (): void => undefined
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
    look()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  return {
    pid: child.pid ?? 0,
    ended: new Promise((resolve, reject) => child.on('error', reject).on('close', (status) => resolve({ status, out, err }))),
    printed: (text) =>
      new Promise((resolve) => {
        look = () => void (out.includes(text) && resolve())
        look()
      }),
    type: (text) => void child.stdin.write(text),
  }
}

const dct = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  start([process.execPath, BIN, 'docker', ...args], env)

describe('what docker gets while content trust is off', () => {
  test('is every word as it was typed, and standard input', async () => {
    await program('docker', 'for word; do printf "[%s]" "$word"; done; read -r line; echo "$line"')
    const words = ['run', '--help', '', '-q', '--', '--version', "it's", '$HOME', '*']
    const running = dct(words)
    running.type('typed\n')
    expect(await running.ended).toEqual({ status: 0, out: `${words.map((word) => `[${word}]`).join('')}typed\n`, err: '' })
  })

  test('is its own exit status, and 128 and the signal that ended it', async () => {
    await program('docker', 'echo to-err >&2; exit 42')
    expect(await dct(['ps']).ended).toEqual({ status: 42, out: '', err: 'to-err\n' })
    await program('docker', 'kill -KILL $$')
    expect(await dct(['ps']).ended).toMatchObject({ status: 137 })
  })

  test.each(['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR2'] as const)('is the signal %s, and dct waits', async (name) => {
    await program('docker', `trap 'echo caught; exit 9' ${name.slice(3)}; echo ready; while :; do sleep 0.05; done`)
    const running = dct(['run', 'x'])
    await running.printed('ready')
    process.kill(running.pid, name)
    expect(await running.ended).toMatchObject({ status: 9, out: 'ready\ncaught\n' })
  })

  // Other systems have another `script`, or none.
  test.runIf(process.platform === 'linux')('is Ctrl-C on a terminal once each time, and dct outlives it', async () => {
    const stops = `n=0; trap 'n=$((n+1)); echo "stop $n"; [ $n = 3 ] && exit 5' INT; echo ready; while :; do sleep 0.05; done`
    await program('docker', stops)
    const running = start(['script', '-qec', `exec '${process.execPath}' '${BIN}' docker run x`, '/dev/null'])
    await running.printed('ready')
    for (const stop of ['stop 1', 'stop 2', 'stop 3']) {
      running.type(CTRL_C)
      await running.printed(stop)
    }
    const { status, out } = await running.ended
    expect(status).toBe(5)
    expect(out.match(/stop \d/g)).toEqual(['stop 1', 'stop 2', 'stop 3'])
  })
})

describe('a docker that is dct itself', () => {
  test('is refused when it is a link, with the variable that names the real one', async () => {
    await symlink(BIN, join(pathFolder, 'docker'))
    const { status, err } = await dct(['ps']).ended
    expect(status).toBe(1)
    expect(err).toContain(`${join(pathFolder, 'docker')} is dct itself`)
    expect(err).toContain('dct: hint: Name the real docker program: export DCT_DOCKER=/')
  })

  test('is refused when it is a script around dct', async () => {
    await program('docker', `exec '${process.execPath}' '${BIN}' docker "$@"`)
    const { status, err } = await dct(['ps']).ended
    expect(status).toBe(1)
    expect(err).toContain('is dct itself')
  }, 60_000)

  test('DCT_DOCKER names the real one', async () => {
    await symlink(BIN, join(pathFolder, 'docker'))
    const real = await program('real-docker', 'echo real "$@"')
    expect(await dct(['ps'], { DCT_DOCKER: real }).ended).toEqual({ status: 0, out: 'real ps\n', err: '' })
    expect(await dct(['ps'], { DCT_DOCKER: 'real-docker' }).ended).toMatchObject({ out: 'real ps\n' })
  })

  test('without a docker the hint says what to do', async () => {
    const { status, err } = await dct(['ps'], { PATH: pathFolder }).ended
    expect(status).toBe(1)
    expect(err).toBe(
      'docker is not in PATH\ndct: hint: Install the docker program, or name it: export DCT_DOCKER=/usr/bin/docker\n',
    )
  })
})

test('DCT_DOCKER that names no program is refused by its name', async () => {
  const missing = join(folder, 'no-docker')
  for (const argv of [['ps'], ['build', '.']]) {
    const { status, err } = await dct(argv, { DCT_DOCKER: missing }).ended
    expect(status).toBe(1)
    expect(err).toBe(
      `DCT_DOCKER names ${missing}, which is no program that can be run\ndct: hint: Look at it: ls -l ${missing}. Name the docker program: export DCT_DOCKER=/usr/bin/docker\n`,
    )
  }
})

describe('while content trust is on', () => {
  const ON = { DOCKER_CONTENT_TRUST: '1' }

  test('a program that is no docker is refused', async () => {
    await program('docker', 'echo hello')
    const { status, err } = await dct(['run', 'alpine'], ON).ended
    expect(status).toBe(1)
    expect(err).toContain('docker does not say which options it has')
  })

  test.each([
    ['compose', ['compose', 'up'], 'content trust does not reach docker compose'],
    ['bake', ['bake', 'x'], 'content trust does not reach docker bake'],
    ['service', ['service', 'create', 'x'], 'content trust does not reach docker service'],
    ['stack', ['stack', 'deploy', 'x'], 'content trust does not reach docker stack'],
    ['plugin install', ['plugin', 'install', 'x'], 'content trust does not reach docker plugin install'],
    ['trust sign', ['trust', 'sign', 'x'], 'dct signs nothing: docker trust sign'],
    ['image push', ['image', 'push', 'x'], 'dct signs nothing: docker image push'],
  ])('%s is handed over with a warning', async (_, words, warning) => {
    const help = 'Options:\\n  -D, --debug   Enable debug mode\\n'
    await program('docker', `[ "$1" = --help ] && printf '${help}' && exit; echo ran "$@"; exit 3`)
    const { status, out, err } = await dct(words, ON).ended
    expect({ status, out }).toEqual({ status: 3, out: `ran ${words.join(' ')}\n` })
    expect(err).toContain(`dct: warning: ${warning}`)
    expect((await dct(words).ended).err).toBe('')
  })
})

describe('a policy and a lockfile of the environment', { timeout: 60_000 }, () => {
  const APP = 'registry.example/team/app'
  // The program that is run has the clock of the system.
  const collection = createTrustCollection(APP, { now: new Date() })
  const digest = collection.sign('1.0', 'the app')
  collection.sign('2.0', 'signed by the publisher alone')
  collection.delegate('targets/alice').sign('1.0', 'the app', { role: 'targets/alice' })
  collection.publish()

  let server: TestTrustServer
  beforeAll(async () => {
    server = await startTrustServer({ collections: [collection] })
  })
  afterAll(() => server.close())

  /** Takes words as docker does, has every image, and says what it is told to run. */
  const DOCKER = `case "$*" in
*--help) printf 'Options:\\n  -D, --debug        Debug\\n      --rm           Remove\\n  -q, --quiet        Quiet\\n      --config string   Folder\\n' ;;
'image inspect'*) ;;
*) echo "$* [trust $DOCKER_CONTENT_TRUST]" ;;
esac`

  async function docker(words: readonly string[], policy: string, env: Readonly<Record<string, string>> = {}) {
    await program('docker', DOCKER)
    await writeFile(join(folder, 'ca.crt'), server.ca)
    await writeFile(join(folder, 'policy.yaml'), `version: 1\nrules: []\n${policy}\n`)
    const on = { DOCKER_CONTENT_TRUST: '1', DOCKER_CONTENT_TRUST_SERVER: server.url, SSL_CERT_FILE: join(folder, 'ca.crt') }
    return dct(words, { ...on, DOCKER_CONFIG: folder, DCT_POLICY: join(folder, 'policy.yaml'), ...env }).ended
  }

  test.each([
    ['run', 125],
    ['create', 1],
    ['pull', 1],
  ])('%s: what a rule denies is refused, with %i as docker 28', async (command, status) => {
    const denied = await docker([command, `${APP}:1.0`], 'default: { action: deny }')
    expect(denied).toMatchObject({ status, out: '' })
    expect(denied.err).toContain(`${APP}:1.0 is denied by the default of the policy`)
    expect(denied.err).toContain('dct: hint: Which rule decides, and why: dct policy explain')
  })

  test('a signer who is missing and a broken policy are refused, each in its own words', async () => {
    const unsigned = await docker(['run', `${APP}:2.0`], 'default: { requireSigners: { all: [alice] } }')
    expect(unsigned).toMatchObject({ status: 125, out: '' })
    expect(unsigned.err).toContain('alice: did not sign this tag')
    const broken = await docker(['run', `${APP}:1.0`], 'defualt: { action: skip }')
    expect(broken).toMatchObject({ status: 125, out: '' })
    expect(broken.err).toContain('policy.yaml:3:1')
  })

  test('what the policy is content with is run by its digest', async () => {
    const ran = await docker(['run', '--rm', `${APP}:1.0`], 'default: { requireSigners: { all: [alice] } }')
    expect(ran).toMatchObject({ status: 0, out: `run --rm ${APP}@${digest} [trust 1]\n` })
  })

  test.each([
    ['skip', ['run', '--rm', `${APP}:1.0`, 'sh'], 'used', ''],
    ['warn', ['create', '--disable-content-trust=false', `${APP}:9.9`, 'sh'], 'used', '(ERR_TAG_NOT_SIGNED)'],
    ['warn', ['pull', `${APP}:9.9`], 'pulled', '(ERR_TAG_NOT_SIGNED)'],
  ])('%s: docker gets what was typed, is told not to ask for trust, and dct says so: %j', async (action, words, done, why) => {
    const ran = await docker(words, `default: { action: ${action} }`)
    const given = words.filter((word) => !word.includes('content-trust')).join(' ')
    expect(ran, ran.err).toMatchObject({ status: 0, out: `${given} [trust 0]\n` })
    expect(ran.err).toMatch(
      new RegExp(`^dct: warning: ${APP}:\\S+ is ${done} without a verification: the policy says ${action} \\(default\\)`),
    )
    expect(ran.err).toContain(why)
  })

  test('mirrors of the policy lead to the signed name, and docker gets the mirror', async () => {
    const policy = 'mirrors: { mirror.example: registry.example }'
    const ran = await docker(['run', 'mirror.example/team/app:1.0'], policy)
    expect(ran, ran.err).toMatchObject({ status: 0, out: `run mirror.example/team/app@${digest} [trust 1]\n` })
  })

  test('a lockfile binds: another root than the locked one is refused', async () => {
    const other = createTrustCollection(APP, { now: new Date(), seed: 'another publisher' })
    other.sign('1.0', 'the app')
    other.publish()
    const theirs = await startTrustServer({ collections: [other] })
    try {
      await writeFile(join(folder, 'other.crt'), theirs.ca)
      const lockfile = join(folder, 'content-trust.lock.json')
      const lock = start(
        [process.execPath, BIN, 'lock', '--accept-new-roots', '--lockfile', lockfile, '--server', theirs.url, `${APP}:1.0`],
        { SSL_CERT_FILE: join(folder, 'other.crt'), DOCKER_CONFIG: folder },
      )
      expect(await lock.ended).toMatchObject({ status: 0 })
      const ran = await docker(['run', `${APP}:1.0`], '', { DCT_LOCKFILE: lockfile })
      expect(ran).toMatchObject({ status: 125, out: '' })
      expect(ran.err).toMatch(/lock/)
      expect((await docker(['run', `${APP}:1.0`], '')).status).toBe(0)
    } finally {
      await theirs.close()
    }
  })

  test('while content trust is off, the policy is not read', async () => {
    const ran = await docker(['run', `${APP}:1.0`], 'defualt: {}', { DOCKER_CONTENT_TRUST: '' })
    expect(ran).toEqual({ status: 0, out: `run ${APP}:1.0 [trust ]\n`, err: '' })
  })
})
