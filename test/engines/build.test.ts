/**
 * Builds on a real engine, with a registry and a trust server that are real: `dct docker build` beside docker 28.2.2, whose classic
 * builder verified FROM lines, `dct build`, and buildah with a pinned file. The tag 1.0 was moved in the registry after it was
 * signed, so that a build that does not verify gets another image.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type EngineLab, expectSuccess, REGISTRY, startEngineLab, TRUST_SERVER, type User } from './lab/engine-lab.js'
import type { Ran, RunOptions } from './lab/namespace.js'

const IMAGE = `${REGISTRY}/team/app`
const OFF = { DOCKER_CONTENT_TRUST_SERVER: TRUST_SERVER, DOCKER_BUILDKIT: '0' }
const ON = { ...OFF, DOCKER_CONTENT_TRUST: '1' }
const SIGNED = `this is ${IMAGE}:1.0\n`
const UNSIGNED = `this is ${IMAGE}:unsigned\n`

let lab: EngineLab
let publisher: User
let user: User
let oracle: User
let work: string
beforeAll(async () => {
  lab = await startEngineLab()
  publisher = await lab.createUser('publisher')
  await lab.sign(publisher, `${IMAGE}:1.0`)
  await lab.push(publisher, `${IMAGE}:unsigned`)
  await expectSuccess(publisher.docker(['tag', `${IMAGE}:unsigned`, `${IMAGE}:1.0`]))
  await expectSuccess(publisher.docker(['push', '-q', `${IMAGE}:1.0`]))
  user = await lab.createUser('user')
  oracle = await lab.createUser('oracle')
  work = join(user.home, 'work')
  await mkdir(work)
})
afterAll(async () => lab?.[Symbol.asyncDispose]())
beforeEach(() => lab.removeImages())

/** dct in the folder of the context, after its Dockerfile was written. */
async function dct(args: readonly string[], dockerfile: string, options: RunOptions = {}): Promise<Ran> {
  await writeFile(join(work, 'Dockerfile'), dockerfile)
  return user.dct(args, { cwd: work, env: ON, ...options })
}
const runs = (image: string, ...command: string[]) => user.docker(['run', '--rm', '--network', 'none', image, ...command])

describe('beside docker 28', () => {
  /** Without lines of dct and of the deprecated builder, IDs, the size of the context and the pull, which dct does before. */
  const lines = (text: string) =>
    text
      .split('\n')
      .map((line) =>
        line.replace(
          /(?<=^(?:sha256:| ---> | ---> Running in |Removing intermediate container |Successfully built ))[0-9a-f]{12,64}$/,
          'ID',
        ),
      )
      .filter(
        (line) =>
          !/^(?:dct: |DEPRECATED| {12}|Sending build context|[0-9a-f]{12}: |Digest: |Status: |\S+: Pulling from |\S+@sha256:\S+$)/.test(
            line,
          ),
      )

  test('a build prints what docker prints, and tags what was verified', async () => {
    const args = ['image', 'build', '-t', 'built', '.']
    const text = `FROM ${IMAGE}:1.0\nLABEL a=b\n`
    await writeFile(join(work, 'Dockerfile'), text)
    const theirs = await oracle.docker(args, { cwd: work, env: ON })
    await lab.removeImages()
    const mine = await dct(['docker', ...args], text)
    expect(mine.status, mine.stderr).toBe(0)
    if (lab.versions.startsWith('docker 28')) {
      expect(lines(mine.stdout)).toEqual(lines(theirs.stdout))
      expect(lines(mine.stderr)).toEqual(lines(theirs.stderr))
    }
    expect((await runs(`${IMAGE}:1.0`)).stdout).toBe(SIGNED)
  })

  test('a tag that is not signed is refused with its exit status and its reason', async () => {
    const text = `FROM ${IMAGE}:unsigned\n`
    await writeFile(join(work, 'Dockerfile'), text)
    const theirs = await oracle.docker(['build', '.'], { cwd: work, env: ON })
    const mine = await dct(['docker', 'build', '.'], text)
    expect(mine).toMatchObject({ status: 1, stdout: '' })
    expect(mine.stderr).toMatch(/^No valid trust data for unsigned\ndct: hint: /m)
    expect(theirs.status).toBe(mine.status)
    if (lab.versions.startsWith('docker 28')) expect(theirs.stderr).toContain('No valid trust data for unsigned')
  })
})

describe('the switch, as in the second part of the manual', () => {
  const unsigned = `FROM ${IMAGE}:unsigned\n`

  test('the option overrides the variable', async () => {
    const ran = await dct(['docker', 'build', '--disable-content-trust', '-t', 'built', '.'], unsigned)
    expect(ran.status, ran.stderr).toBe(0)
    expect((await runs('built')).stdout).toBe(UNSIGNED)
  })

  test('the option with =false forces it on', async () => {
    const args = ['docker', 'build', '--disable-content-trust=false', '-t', 'built', '.']
    expect(await dct(args, unsigned, { env: OFF })).toMatchObject({ status: 1, stdout: '' })
    expect((await dct(args, `FROM ${IMAGE}:1.0\n`, { env: OFF })).status).toBe(0)
    expect((await runs('built')).stdout).toBe(SIGNED)
  })

  test('with the variable unset docker builds what the tag is now; dct build goes on verifying', async () => {
    expect((await dct(['docker', 'build', '-t', 'built', '.'], `FROM ${IMAGE}:1.0\n`, { env: OFF })).status).toBe(0)
    expect((await runs('built')).stdout).toBe(UNSIGNED)
    expect(await dct(['build', '.'], unsigned, { env: OFF })).toMatchObject({ status: 3, stdout: '' })
  })
})

describe('the copy for the classic builder', () => {
  test('has digests for stages, arguments and COPY --from; context, .dockerignore and docker options stay', async () => {
    await writeFile(join(work, 'kept'), 'kept\n')
    await writeFile(join(work, 'left-out'), 'left out\n')
    await writeFile(join(work, '.dockerignore'), 'left-out\n')
    const text = [
      `ARG TAG=unsigned`,
      `FROM ${IMAGE}:$TAG AS base`,
      `FROM base AS second`,
      `COPY . /src/`,
      `COPY --from="${IMAGE}:1.0" /bin/sh /copied`,
      `FROM ${IMAGE}:unsigned AS never`,
      '',
    ].join('\n')
    const args = ['build', '--build-arg', 'TAG=1.0', '--target=second', '-t', 'built', '.']
    expect(await dct(args, text)).toMatchObject({ status: 3, stderr: expect.stringContaining('Dockerfile:6:6: ') })
    const ran = await dct(args, text.replace(/FROM .* AS never\n$/, ''))
    expect(ran.status, ran.stderr).toBe(0)
    expect(ran.stderr).toContain('dct: the classic builder builds from a copy of Dockerfile with the verified digests\n')
    expect((await runs('built')).stdout).toBe(SIGNED)
    const { stdout } = await runs('built', '/bin/busybox', 'ls', '/src', '/copied')
    expect(stdout.split(/\s+/).filter(Boolean)).toEqual(['/copied', '/src:', 'Dockerfile', 'kept'])
  })

  test('is read from standard input where docker reads it there', async () => {
    const input = `FROM ${IMAGE}:1.0\n`
    const ran = await dct(['build', '-t', 'built', '-f', '-', '.'], 'FROM nothing\n', { input })
    expect(ran.status, ran.stderr).toBe(0)
    const other = await dct(['build', '-t', 'other', '-'], 'FROM nothing\n', { input })
    expect(other.status, other.stderr).toBe(0)
    expect((await runs('built')).stdout + (await runs('other')).stdout).toBe(SIGNED + SIGNED)
  })

  test('uses the signed image when a local tag says another', async () => {
    await user.docker(['pull', '-q', `${IMAGE}:unsigned`])
    await user.docker(['tag', `${IMAGE}:unsigned`, `${IMAGE}:1.0`])
    expect((await dct(['build', '-t', 'built', '.'], `FROM ${IMAGE}:1.0\n`)).status).toBe(0)
    expect((await runs('built')).stdout).toBe(SIGNED)
  })

  test('is refused for a signed base image whose ONBUILD names an image', async () => {
    const text = `FROM ${IMAGE}:unsigned\nONBUILD COPY --from=${IMAGE}:unsigned /bin/sh /x\n`
    await writeFile(join(work, 'Dockerfile'), text)
    const image = `${IMAGE}:onbuild`
    await expectSuccess(publisher.docker(['build', '-q', '-t', image, '.'], { cwd: work, env: { DOCKER_BUILDKIT: '0' } }))
    await expectSuccess(publisher.docker(['push', image], { env: publisher.trust }))
    const { status, stderr } = await dct(['build', '.'], `FROM ${image}\n`)
    expect(status).toBe(3)
    expect(stderr).toContain(`runs ONBUILD COPY --from=${IMAGE}:unsigned /bin/sh /x`)
  })

  test('ends with the exit status of a build that fails', async () => {
    const ran = await dct(['build', '--network', 'none', '.'], `FROM ${IMAGE}:1.0\nRUN exit 7\n`)
    expect(ran.status).toBe(7)
  })
})

test('BuildKit of an engine that knows no source policies is refused: it does not deny what a policy denies', async () => {
  // The client of Docker 20.10 has BuildKit built in. Newer ones want a plugin, which Debian does not have.
  const plugins = join(user.config, 'cli-plugins')
  await mkdir(plugins, { recursive: true })
  const script = `#!/bin/sh
[ "$1" = docker-cli-plugin-metadata ] && { echo '{"SchemaVersion":"0.1.0","Vendor":"test"}'; exit; }
shift
[ "$1" = version ] && { echo 'github.com/docker/buildx v0.11.0'; exit; }
DOCKER_CONFIG=/none DOCKER_BUILDKIT=1 exec /usr/bin/docker "$@"
`
  await writeFile(join(plugins, 'docker-buildx'), script)
  await chmod(join(plugins, 'docker-buildx'), 0o755)
  const env = { ...ON, DOCKER_BUILDKIT: '1' }
  const { status, stdout, stderr } = await dct(['build', '-t', 'built', '.'], `FROM ${IMAGE}:1.0\n`, { env })
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  expect(stderr).toContain('the builder of docker buildx build does not obey source policies')
  const unverified = await user.docker(['buildx', 'build', '-t', 'built', '.'], { cwd: work, env })
  expect(unverified.stderr).toContain('[internal] load build definition from Dockerfile')
  expect(unverified.status).toBe(0)
  expect((await runs('built')).stdout).toBe(UNSIGNED)
})

test('buildah builds a pinned file from the signed image', async () => {
  expect((await dct(['pin', 'Dockerfile'], `FROM ${IMAGE}:1.0\n`)).status).toBe(0)
  const policy = join(lab.folder, 'containers-policy.json')
  await writeFile(policy, '{"default":[{"type":"insecureAcceptAnything"}]}')
  const folder = join(lab.folder, 'buildah')
  const places = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs']
  const run = (args: readonly string[]) => lab.namespace.run('buildah', [...places, ...args], { cwd: work })
  const build = (file: string, name: string) => run(['build', '--signature-policy', policy, '-f', file, '-t', name, '.'])
  await writeFile(join(work, 'Unpinned'), `FROM ${IMAGE}:1.0\n`)
  await expectSuccess(build('Dockerfile', 'pinned'))
  await expectSuccess(build('Unpinned', 'unpinned'))
  const shown = async (name: string) => (await expectSuccess(run(['inspect', '--type', 'image', name]))).stdout
  expect(await shown('pinned')).toContain(`this is ${IMAGE}:1.0`)
  expect(await shown('unpinned')).toContain(`this is ${IMAGE}:unsigned`)
})
