/** `dct pull` with a real Docker Engine, real registries, and images that the real docker signed. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type EngineLab,
  expectSuccess,
  ORACLE,
  ORACLE_MIRROR,
  REGISTRY,
  startEngineLab,
  TRUST_SERVER,
  type User,
} from './lab/engine-lab.js'
import type { Ran } from './lab/namespace.js'

const APP = `${REGISTRY}/team/app`
const ORACLE_LINUX = `${ORACLE}/os/oraclelinux`
/** A digest that no registry has. */
const NOWHERE = `${'ab'.repeat(32)}`

let lab: EngineLab
let publisher: User
/** Digests of what was signed, by tag. */
const signed = new Map<string, string>()
beforeAll(async () => {
  lab = await startEngineLab()
  console.info(`engine suite: ${lab.versions}`)
  publisher = await lab.createUser('publisher')
  for (const tag of ['1.10', '1.9', 'latest']) signed.set(tag, await lab.sign(publisher, `${APP}:${tag}`))
  // The registry moves on without its publisher.
  signed.set('moved', await lab.sign(publisher, `${APP}:moved`))
  await lab.push(publisher, `${APP}:moved`)
  await lab.push(publisher, `${APP}:unsigned`)
  await expectSuccess(publisher.notary(['addhash', APP, 'gone', '1000', '--sha256', NOWHERE, '-p']))
  signed.set('9', await lab.sign(publisher, `${ORACLE_LINUX}:9`))
})
afterAll(async () => lab?.[Symbol.asyncDispose]())

let user: User
let users = 0
beforeEach(async () => {
  await lab.removeImages()
  user = await lab.createUser(`user-${users++}`)
})

const digestOf = (tag: string) => signed.get(tag) ?? ''
const dct = (...args: string[]): Promise<Ran> => user.dct(['pull', ...args], { env: user.trust })
const docker = (...args: string[]): Promise<Ran> => user.docker(['pull', ...args], { env: user.trust })
/** `name:tag` and `name@digest` of everything that the engine has. */
async function images(): Promise<string[]> {
  const format = '{{range .RepoTags}}{{println .}}{{end}}{{range .RepoDigests}}{{println .}}{{end}}'
  const { stdout: ids } = await expectSuccess(user.docker(['images', '--quiet', '--no-trunc']))
  const unique = [...new Set(ids.split('\n').filter(Boolean))]
  if (unique.length === 0) return []
  const { stdout } = await expectSuccess(user.docker(['image', 'inspect', '--format', format, ...unique]))
  return stdout.split('\n').filter(Boolean).sort()
}
async function runs(image: string): Promise<string> {
  return (await expectSuccess(user.docker(['run', '--rm', '--network', 'none', image]))).stdout
}
/** Progress of layers comes as the network has it. */
const withoutLayers = ({ stdout }: Ran) => stdout.replace(/^[0-9a-f]{12}: .*\n/gm, '')
const withoutWarnings = ({ stderr }: Ran) => stderr.replace(/^dct: .*\n/gm, '')

describe('what docker printed, dct prints', () => {
  test.each([
    ['a tag', [`${APP}:1.9`]],
    ['no tag', [APP]],
    ['-q', ['-q', `${APP}:1.9`]],
    ['-q without a tag', ['-q', APP]],
  ])('%s', async (_, args) => {
    const theirs = await docker(...args)
    await lab.removeImages()
    const ours = await dct(...args)
    expect({ status: ours.status, out: withoutLayers(ours), err: withoutWarnings(ours) }).toEqual({
      status: 0,
      out: withoutLayers(theirs),
      err: theirs.stderr,
    })
  })

  test('a digest, which docker does not verify', async () => {
    const theirs = await docker(`${APP}@${digestOf('1.9')}`)
    await lab.removeImages()
    const ours = await dct(`${APP}@${digestOf('1.9')}`)
    expect({ status: ours.status, out: withoutLayers(ours), err: withoutWarnings(ours) }).toEqual({
      status: 0,
      out: withoutLayers(theirs),
      err: theirs.stderr,
    })
    expect(await images()).toEqual([`${APP}@${digestOf('1.9')}`])
  })

  test('an engine that is away', async () => {
    const away = { ...user.trust, DOCKER_HOST: `unix://${user.home}/nothing.sock` }
    const theirs = await user.docker(['pull', `${APP}:1.9`], { env: away })
    const ours = await user.dct(['pull', `${APP}:1.9`], { env: away })
    expect(ours.status).toBe(1)
    expect(ours.stdout).toBe(theirs.stdout)
    expect(ours.stdout).toBe(`Pull (1 of 1): ${APP}:1.9@${digestOf('1.9')}\n`)
    expect(withoutWarnings(ours)).toBe(theirs.stderr)
  })
})

test('the lines of a pull are those of docker 28.2.2 on record', async () => {
  const ours = await dct(`${APP}:1.9`)
  const at = `${APP}@${digestOf('1.9')}`
  expect(withoutLayers(ours)).toBe(
    [
      `Pull (1 of 1): ${APP}:1.9@${digestOf('1.9')}`,
      `${at}: Pulling from team/app`,
      `Digest: ${digestOf('1.9')}`,
      `Status: Downloaded newer image for ${at}`,
      `${APP}:1.9\n`,
    ].join('\n'),
  )
  expect(withoutWarnings(ours)).toBe(`Tagging ${at} as ${APP}:1.9\n`)
  expect(await runs(`${APP}:1.9`)).toBe(`this is ${APP}:1.9\n`)
})

test('a tag that moved in the registry is pulled as it was signed', async () => {
  expect((await dct(`${APP}:moved`)).status).toBe(0)
  expect(await images()).toEqual([`${APP}:moved`, `${APP}@${digestOf('moved')}`])
})

test('-a pulls every released tag in natural order; docker 28 gives the same lines in any order', async () => {
  await expectSuccess(publisher.notary(['remove', APP, 'gone', '-p']))
  try {
    const ours = await dct('-a', APP)
    expect(ours.status).toBe(0)
    const tags = ['1.9', '1.10', 'latest', 'moved']
    const pulls = ours.stdout.split('\n').filter((line) => line.startsWith('Pull ('))
    expect(pulls).toEqual(tags.map((tag, index) => `Pull (${index + 1} of 4): ${APP}:${tag}@${digestOf(tag)}`))
    expect(withoutWarnings(ours)).toBe(tags.map((tag) => `Tagging ${APP}@${digestOf(tag)} as ${APP}:${tag}\n`).join(''))
    expect(ours.stdout.endsWith(`\n${APP}\n`)).toBe(true)
    const names = tags.flatMap((tag) => [`${APP}:${tag}`, `${APP}@${digestOf(tag)}`])
    expect(await images()).toEqual(names.sort())
  } finally {
    await expectSuccess(publisher.notary(['addhash', APP, 'gone', '1000', '--sha256', NOWHERE, '-p']))
  }
})

describe('refused, and the engine is not asked', () => {
  test.each([
    ['a tag that the registry has and nobody signed', [`${APP}:unsigned`], 3, 'No valid trust data for unsigned'],
    ['a digest that no signed tag carries', [`${APP}@sha256:${'cd'.repeat(32)}`], 3, 'No valid trust data for sha256:cd'],
    ['-a with a tag', ['-a', `${APP}:1.9`], 2, "tag can't be used with --all-tags/-a"],
    [
      'an image without a collection',
      [`${REGISTRY}/team/other:1`],
      3,
      `remote trust data does not exist for ${REGISTRY}/team/other`,
    ],
    ['a reference that is an option', ['--', '--all-tags'], 2, 'invalid reference format'],
  ])('%s', async (_, args, status, message) => {
    const ours = await dct(...args)
    expect(ours).toMatchObject({ status, stdout: '', stderr: expect.stringContaining(`dct: error: ${message}`) })
    expect(await images()).toEqual([])
  })

  test('another root than the pinned one', async () => {
    const pins = join(user.home, 'pins.json')
    await writeFile(pins, JSON.stringify({ trust_pinning: { certs: { [APP]: ['ff'.repeat(32)] } } }))
    const ours = await dct('--pinning', pins, `${APP}:1.9`)
    expect(ours).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('ERR_PIN_MISMATCH') })
    expect(await images()).toEqual([])
  })

  test('name:tag@digest when another digest is signed for the tag', async () => {
    const ours = await dct(`${APP}:1.9@${digestOf('1.10')}`)
    expect(ours).toMatchObject({ status: 3, stdout: '', stderr: expect.stringContaining('ERR_DIGEST_MISMATCH') })
    expect(await images()).toEqual([])
  })
})

test('name:tag@digest is pulled by digest, without a tag, as docker does it', async () => {
  const reference = `${APP}:1.9@${digestOf('1.9')}`
  const ours = await dct(reference)
  expect(ours.status).toBe(0)
  expect(ours.stdout.endsWith(`\n${reference}\n`)).toBe(true)
  expect(await images()).toEqual([`${APP}@${digestOf('1.9')}`])
})

test('the tag stays as it was when the registry does not have what was signed, and the status is that of docker', async () => {
  expect((await dct(`${APP}:1.9`)).status).toBe(0)
  await expectSuccess(user.docker(['tag', `${APP}:1.9`, `${APP}:gone`]))
  const before = await images()
  const theirs = await docker(`${APP}:gone`)
  const ours = await dct(`${APP}:gone`)
  expect(ours.status).toBe(theirs.status)
  expect(ours.status).not.toBe(0)
  expect(withoutWarnings(ours)).toBe(theirs.stderr)
  expect(await images()).toEqual(before)
})

test('--platform is passed on: of an image for several, the engine takes that one', async () => {
  const { digest, size } = await lab.pushIndex(publisher, `${REGISTRY}/team/index:1`)
  const collection = `${REGISTRY}/team/index`
  await expectSuccess(publisher.notary(['init', collection, '-p']))
  await expectSuccess(
    publisher.notary(['addhash', collection, '1', String(size), '--sha256', digest.slice('sha256:'.length), '-p']),
  )
  await lab.removeImages()
  const ours = await dct('--platform', 'linux/s390x', `${collection}:1`)
  expect(ours.status, ours.stderr).toBe(0)
  const command = async () => (await user.docker(['image', 'inspect', '--format', '{{.Config.Cmd}}', `${collection}:1`])).stdout
  expect(await command()).toContain(`this is ${collection}:1-s390x`)
  expect(await images()).toEqual([`${collection}:1`, `${collection}@${digest}`])
  await lab.removeImages()
  expect((await dct(`${collection}:1`)).status).toBe(0)
  expect(await command()).toContain(`this is ${collection}:1-here`)
})

test('an image of a mirror is verified under the name that was signed, pulled at the mirror and tagged as it was typed', async () => {
  const mirrored = `${ORACLE_MIRROR}/os/oraclelinux`
  // No variable: the trust server is the one that is known for the registry.
  const ours = await user.dct(['pull', `${mirrored}:9`])
  expect(ours.status, ours.stderr).toBe(0)
  expect(ours.stdout).toContain(`Pull (1 of 1): ${mirrored}:9@${digestOf('9')}\n`)
  expect(await images()).toEqual([`${mirrored}:9`, `${mirrored}@${digestOf('9')}`])
  expect(await runs(`${mirrored}:9`)).toBe(`this is ${ORACLE_LINUX}:9\n`)
})

describe('switched off', () => {
  test('the engine pulls what was typed, and dct says that nothing was verified', async () => {
    const ours = await user.dct(['pull', `${APP}:unsigned`], { env: { ...user.trust, DOCKER_CONTENT_TRUST: '0' } })
    expect(ours.status).toBe(0)
    expect(ours.stderr).toBe(
      `dct: content trust is switched off by DOCKER_CONTENT_TRUST: ${APP}:unsigned is pulled without a verification\n`,
    )
    expect(ours.stdout.endsWith(`\n${APP}:unsigned\n`)).toBe(true)
  })

  test('by the flag, although the variable would have docker ask', async () => {
    const ours = await dct('--disable-content-trust', '-q', `${APP}:unsigned`)
    expect(ours).toMatchObject({ status: 0, stdout: `${APP}:unsigned\n` })
  })
})

test('without the variable it is on', async () => {
  const ours = await user.dct(['pull', '--server', TRUST_SERVER, `${APP}:unsigned`])
  expect(ours).toMatchObject({ status: 3, stdout: '' })
})

test('an engine is named by a path, and run without a shell', async () => {
  const folder = join(user.home, 'my docker; echo $HOME')
  await mkdir(folder)
  const program = join(folder, 'docker')
  await expectSuccess(lab.namespace.run('/bin/sh', ['-c', 'ln -s "$(command -v docker)" "$0"', program]))
  expect((await dct('--engine', program, `${APP}:1.9`)).status).toBe(0)
  expect(await images()).toContain(`${APP}:1.9`)
})

test('an engine that is not there is said before anything is tagged', async () => {
  const ours = await dct('--engine', 'no-such-engine', `${APP}:1.9`)
  expect(ours).toMatchObject({ status: 2, stderr: expect.stringContaining("the engine's client cannot be run: no-such-engine") })
})

test('Ctrl-C ends the engine too', async () => {
  const program = join(user.home, 'slow')
  await writeFile(program, '#!/bin/sh\necho "slow $$"\nexec sleep 60\n', { mode: 0o755 })
  const pids: number[] = []
  const ran = await user.dct(['pull', '--engine', program, `${APP}:1.9`], {
    env: user.trust,
    onOutput: (text, pid) => {
      const slow = /slow (\d+)/.exec(text)?.[1]
      if (slow === undefined) return
      pids.push(Number(slow))
      process.kill(pid, 'SIGINT')
    },
  })
  expect(ran.status).toBe(130)
  expect(pids).toHaveLength(1)
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  expect(ran.stderr).not.toContain('Tagging')
})
