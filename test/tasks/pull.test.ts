/**
 * What `dct pull` hands to an engine's client. The client here is a script that writes down its words; a real Docker Engine is in
 * test/engines. podman and nerdctl were not at hand: that they take these words is from their documents.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTrustCollection, startTrustServer, type TestTrustServer } from '../../src/testing/index.js'
import { runProgram, type World } from '../cli/program.js'

const NOW = new Date('2026-03-01T00:00:00Z')
const GUN = 'docker.io/library/demo'

let folder: string
let server: TestTrustServer
const digests = new Map<string, string>()
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-pull-'))
  const collection = createTrustCollection(GUN, { now: NOW })
  for (const tag of ['v1', 'v10', 'v9', 'latest']) digests.set(tag, collection.sign(tag, `the image ${tag}`))
  collection.publish()
  const empty = createTrustCollection('docker.io/library/empty', { now: NOW })
  empty.publish()
  server = await startTrustServer({ collections: [collection, empty] })
  await writeFile(join(folder, 'ca.crt'), server.ca)
  for (const name of ['docker', 'podman', 'nerdctl']) await writeFile(join(folder, name), `#!/bin/sh\n${CLIENT}`, { mode: 0o755 })
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})
beforeEach(() => writeFile(join(folder, 'log'), ''))

/** Says what docker says; FAIL names the command that fails. */
const CLIENT = `echo "$(basename "$0") $* [trust $DOCKER_CONTENT_TRUST, config $DOCKER_CONFIG]" >> "$LOG"
[ "$FAIL" = "$1" ] && exit 42
[ "$1" = pull ] && { echo progress; for last; do :; done; echo "$last"; }
exit 0
`

async function pull(args: readonly string[], env: Readonly<Record<string, string>> = {}, world: World = {}) {
  const own = { PATH: `${folder}:${process.env['PATH']}`, HOME: folder, LOG: join(folder, 'log'), DOCKER_CONTENT_TRUST: '1' }
  const options = ['--server', server.url, '--tlscacert', join(folder, 'ca.crt'), '--config', folder]
  const ran = await runProgram(['pull', ...options, ...args], { now: NOW, ...world, env: { ...own, ...env } })
  const log = (await readFile(join(folder, 'log'), 'utf8')).split('\n').filter(Boolean)
  return { ...ran, log: log.map((line) => line.replace(` [trust 0, config ${folder}]`, '')) }
}
const digest = (tag: string) => digests.get(tag) ?? ''
const notOurs = (err: string) => err.replace(/^dct: .*\n/gm, '')

describe.each(['docker', 'podman', 'nerdctl'])('%s', (engine) => {
  test('pulls by digest under the full name, then tags', async () => {
    const { status, out, err, log } = await pull(['--engine', engine, 'demo:v1'])
    expect(status).toBe(0)
    expect(log).toEqual([`${engine} pull ${GUN}@${digest('v1')}`, `${engine} tag ${GUN}@${digest('v1')} ${GUN}:v1`])
    expect(out).toBe(`Pull (1 of 1): demo:v1@${digest('v1')}\nprogress\n${GUN}:v1\n`)
    expect(notOurs(err)).toBe(`Tagging demo@${digest('v1')} as demo:v1\n`)
  })

  test('is told the platform', async () => {
    const { log } = await pull(['--engine', engine, '--platform', 'linux/arm64', 'demo:v1'])
    expect(log[0]).toBe(`${engine} pull --platform=linux/arm64 ${GUN}@${digest('v1')}`)
  })
})

test('an engine may be a path', async () => {
  const { log } = await pull(['--engine', join(folder, 'podman'), 'demo:v1'])
  expect(log[0]).toMatch(/^podman pull /)
})

test('the engine is told not to ask for trust again, and to use the folder of the configuration that was named', async () => {
  await pull(['demo:v1'])
  expect(await readFile(join(folder, 'log'), 'utf8')).toContain(`[trust 0, config ${folder}]`)
})

test('-a pulls in natural order, each by digest', async () => {
  const { status, out, log } = await pull(['-a', 'demo'])
  expect(status).toBe(0)
  expect(out.split('\n').filter((line) => line.startsWith('Pull'))).toEqual(
    ['latest', 'v1', 'v9', 'v10'].map((tag, index) => `Pull (${index + 1} of 4): demo:${tag}@${digest(tag)}`),
  )
  expect(out.endsWith(`\n${GUN}\n`)).toBe(true)
  expect(log).toHaveLength(8)
})

test('-a of a collection without a released tag is refused in words of docker', async () => {
  const { status, out, err, log } = await pull(['-a', 'empty'])
  expect({ status, out, log }).toEqual({ status: 3, out: '', log: [] })
  expect(err).toContain('dct: error: No trusted tags for docker.io/library/empty (ERR_TAG_NOT_SIGNED)')
})

test('a pull that fails is not tagged, and its status is ours', async () => {
  const { status, log, out } = await pull(['-a', 'demo'], { FAIL: 'pull' })
  expect(status).toBe(42)
  expect(log).toHaveLength(1)
  expect(out).toBe(`Pull (1 of 4): demo:latest@${digest('latest')}\n`)
})

test('a tag that cannot be set is a failure', async () => {
  const { status, out } = await pull(['demo:v1'], { FAIL: 'tag' })
  expect(status).toBe(42)
  expect(out).not.toContain(`${GUN}:v1\n`)
})

test('digest references that are accepted as they are, are pulled with a warning', async () => {
  const reference = `demo@sha256:${'cd'.repeat(32)}`
  const { status, err, log } = await pull(['--digest-references', 'accept', reference])
  expect(status).toBe(0)
  expect(err).toContain(`dct: warning: ${reference} was not verified`)
  expect(log).toEqual([`docker pull docker.io/library/${reference}`])
})

describe('switched off', () => {
  test('what was typed is handed over as it was typed', async () => {
    const { status, log, err } = await pull(['-q', '-a', '--platform', 'linux/arm64', 'demo'], { DOCKER_CONTENT_TRUST: '0' })
    expect(status).toBe(0)
    expect(log).toEqual(['docker pull --all-tags --quiet --platform=linux/arm64 demo'])
    expect(err).toContain('pulled without a verification')
  })

  test('what is no reference is not handed over', async () => {
    const { status, log } = await pull(['--', '--privileged'], { DOCKER_CONTENT_TRUST: '0' })
    expect({ status, log }).toEqual({ status: 2, log: [] })
  })
})

test.each([
  [['demo:v1', 'demo:v9'], 'dct pull takes REFERENCE, got "demo:v9" too'],
  [[], 'dct pull needs REFERENCE: REFERENCE is missing'],
  [['--engine', '', 'demo:v1'], '--engine takes a name, got ""'],
  [['--engine=-x', 'demo:v1'], '--engine takes a name, got "-x"'],
  [['--platform=--privileged', 'demo:v1'], '--platform takes a name, got "--privileged"'],
])('%j is a usage error', async (args, message) => {
  const { status, err, log } = await pull(args)
  expect({ status, log }).toEqual({ status: 2, log: [] })
  expect(err).toContain(`dct: error: ${message}`)
})
