/**
 * `dct docker` beside docker 28.2.2, which still has content trust: the same lines, in the same order, with the same exit
 * status. Both have an engine, a registry and a trust server that are real.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type EngineLab, expectSuccess, REGISTRY, startEngineLab, TRUST_SERVER, type User } from './lab/engine-lab.js'
import type { Ran, RunOptions } from './lab/namespace.js'

const IMAGE = `${REGISTRY}/team/app`
const ON = { DOCKER_CONTENT_TRUST: '1', DOCKER_CONTENT_TRUST_SERVER: TRUST_SERVER }
const OFF = { DOCKER_CONTENT_TRUST_SERVER: TRUST_SERVER }

let lab: EngineLab
let user: User
let oracle: User
let digest: string
beforeAll(async () => {
  lab = await startEngineLab()
  const publisher = await lab.createUser('publisher')
  digest = await lab.sign(publisher, `${IMAGE}:1.0`)
  await lab.push(publisher, `${IMAGE}:unsigned`)
  user = await lab.createUser('user')
  oracle = await lab.createUser('oracle')
})
afterAll(async () => lab?.[Symbol.asyncDispose]())
beforeEach(() => lab.removeImages())

const ours = (args: readonly string[], options: RunOptions = {}) => user.dct(['docker', ...args], options)

/** Both, one after the other, each on an engine without images. */
async function both(args: readonly string[], env: Readonly<Record<string, string>> = ON): Promise<{ ours: Ran; theirs: Ran }> {
  const theirs = await oracle.docker(args, { env })
  await lab.removeImages()
  return { theirs, ours: await ours(args, { env }) }
}

/** Without the lines of dct, and without what differs from run to run: the states of each layer, and IDs. */
function comparable({ status, stdout, stderr }: Ran): unknown {
  const lines = (text: string) => text.split('\n').filter((line) => !/^(?:dct|[0-9a-f]{12}): /.test(line))
  return { status, stdout: lines(stdout.replace(/^[0-9a-f]{64}$/gm, 'ID')), stderr: lines(stderr) }
}

describe.each([
  ['a pull', ['pull', `${IMAGE}:1.0`]],
  ['a quiet pull', ['image', 'pull', '-q', `${IMAGE}:1.0`]],
  ['a pull of all tags', ['pull', '-a', IMAGE]],
  ['a run', ['run', '--rm', '--network', 'none', `${IMAGE}:1.0`]],
  ['a quiet run', ['container', 'run', '-q', '--rm', '--network=none', `${IMAGE}:1.0`]],
  ['a run that pulls always', ['run', '--pull=always', '--rm', '--network', 'none', `${IMAGE}:1.0`]],
  ['a run whose command fails', ['run', '--rm', '--network', 'none', `${IMAGE}:1.0`, 'sh', '-c', 'exit 7']],
  ['a create', ['create', '--network', 'none', `${IMAGE}:1.0`]],
  ['a pull of a tag that is not signed', ['pull', `${IMAGE}:unsigned`]],
  ['a run of a tag that is not signed', ['run', '--rm', `${IMAGE}:unsigned`]],
  ['a create of a tag that is not signed', ['container', 'create', `${IMAGE}:unsigned`]],
  ['a pull of a collection that is not signed', ['pull', `${REGISTRY}/no/such:1`]],
  ['a run of a collection that is not signed', ['run', `${REGISTRY}/no/such:1`]],
  ['a name that is none', ['run', 'Not/A/Name']],
  ['a pull of a name that is none', ['pull', 'Not/A/Name']],
])('%s', (_, args) => {
  test('prints what docker 28 prints, with its exit status; an older docker has other words for what it refuses', async () => {
    const { ours, theirs } = await both(args)
    if (lab.versions.startsWith('docker 28') || theirs.status === 0)
      expect(comparable(ours), ours.stderr).toEqual(comparable(theirs))
    else expect({ status: ours.status, stdout: ours.stdout }).toEqual({ status: theirs.status, stdout: theirs.stdout })
  })
})

describe('the switch, as in the second part of the manual', () => {
  const unsigned = ['run', '--rm', '--network', 'none', `${IMAGE}:unsigned`]

  test('the option overrides the variable', async () => {
    const ran = await ours([unsigned[0] ?? '', '--disable-content-trust', ...unsigned.slice(1)], { env: ON })
    expect(ran).toMatchObject({ status: 0, stdout: `this is ${IMAGE}:unsigned\n` })
  })

  test('the option with =false forces it on', async () => {
    const ran = await ours([unsigned[0] ?? '', '--disable-content-trust=false', ...unsigned.slice(1)], { env: OFF })
    expect(ran).toMatchObject({ status: 125, stdout: '' })
    expect(ran.stderr).toContain('docker: No valid trust data for unsigned\n')
    const signed = ['run', '--disable-content-trust=false', '--rm', '--network', 'none', `${IMAGE}:1.0`]
    expect(await ours(signed, { env: OFF })).toMatchObject({ status: 0, stdout: `this is ${IMAGE}:1.0\n` })
  })

  test.each([[{}], [{ DOCKER_CONTENT_TRUST: '' }], [{ DOCKER_CONTENT_TRUST: '0' }]])('with %j it is off', async (env) => {
    expect(await ours(unsigned, { env })).toMatchObject({ status: 0, stdout: `this is ${IMAGE}:unsigned\n` })
  })
})

test('a signed image that is here is run by the digest that is signed, whatever the tag says', async () => {
  await user.docker(['pull', `${IMAGE}:unsigned`])
  await user.docker(['tag', `${IMAGE}:unsigned`, `${IMAGE}:1.0`])
  const ran = await ours(['run', '--rm', '--network', 'none', `${IMAGE}:1.0`], { env: ON })
  expect(ran).toMatchObject({ status: 0, stdout: `this is ${IMAGE}:1.0\n` })
  expect(ran.stderr).toContain(`Unable to find image '${IMAGE}:1.0' locally\n`)
  const { stdout } = await user.docker(['image', 'inspect', '--format', '{{join .RepoDigests " "}}', `${IMAGE}:1.0`])
  expect(stdout).toContain(digest)
})

test('global options reach docker and the trust data', async () => {
  const env = { ...ON, DOCKER_HOST: 'unix:///no/such.sock' }
  const args = ['-H', lab.host, '--config', user.config, 'run', '--rm', '--network', 'none', `${IMAGE}:1.0`]
  expect(await ours(args, { env })).toMatchObject({ status: 0, stdout: `this is ${IMAGE}:1.0\n` })
})

test('other commands are handed over with their output and exit status', async () => {
  for (const args of [
    ['ps', '--no-such'],
    ['image', 'ls', '-q'],
    ['no-such-command'],
    ['image', 'inspect', 'none'],
    ['--version'],
  ]) {
    const { ours, theirs } = await both(args)
    expect(ours).toEqual(theirs)
  }
})

test('standard input reaches the container', async () => {
  const args = ['run', '-i', '--rm', '--network', 'none', `${IMAGE}:1.0`, 'sh', '-c', 'read line; echo "got $line"']
  expect(await ours(args, { env: ON, input: 'a word\n' })).toMatchObject({ status: 0, stdout: 'got a word\n' })
})

test('docker build is refused while content trust is on, and runs when it is off', async () => {
  await writeFile(join(user.home, 'Dockerfile'), `FROM ${IMAGE}:unsigned\n`)
  const refused = await ours(['build', '.'], { env: { ...ON, DOCKER_BUILDKIT: '0' } })
  expect(refused).toMatchObject({ status: 1, stdout: '' })
  expect(refused.stderr).toContain('dct: hint: ')
  expect(await ours(['build', '.'], { env: { DOCKER_BUILDKIT: '0' } })).toMatchObject({ status: 0 })
})

test('docker push warns that dct signs nothing', async () => {
  const { stderr } = await ours(['push', `${REGISTRY}/no/such:1`], { env: ON })
  expect(stderr).toContain('dct: warning: dct signs nothing: docker push is given to docker')
})

describe('a policy with a required signer, whom the real docker adds, gives another key and removes', () => {
  const image = `${REGISTRY}/team/signed`
  const run = ['run', '--rm', '--network', 'none', `${image}:1.0`]
  const ran = async (policy: string) => {
    const file = join(user.home, 'policy.yaml')
    await writeFile(file, `version: 1\nrules:\n  - match: ${image}\n    ${policy}\n`)
    return ours(run, { env: { ...ON, DCT_POLICY: file } })
  }
  const passed = { status: 0, stdout: `this is ${image}:1.0\n` }

  test('dct docker runs the image as long as the signer has signed it', async () => {
    const publisher = await lab.createUser('publisher-of-signed')
    const trust = (...args: string[]) => expectSuccess(publisher.docker(['trust', ...args], { env: publisher.trust }))
    await lab.sign(publisher, `${image}:1.0`)
    const alice = 'requireSigners: { all: [alice] }'
    expect(await ran(alice)).toMatchObject({ status: 125, stdout: '' })

    await trust('key', 'generate', 'alice')
    await trust('signer', 'add', '--key', 'alice.pub', 'alice', image)
    await trust('sign', `${image}:1.0`)
    const first = await readFile(join(publisher.home, 'alice.pub'), 'utf8')
    const byKey = (pem: string) => `requireSigners: { all: [{ name: alice, keys: [${JSON.stringify(pem)}] }] }`
    expect(await ran(alice)).toMatchObject(passed)
    expect(await ran(byKey(first))).toMatchObject(passed)

    // As docker's manual has it: the signer is removed, and added with the new key.
    // Another key for the same signer, who signs again with that one alone.
    await trust('key', 'generate', 'alice-anew')
    await trust('signer', 'add', '--key', 'alice-anew.pub', 'alice', image)
    const second = await readFile(join(publisher.home, 'alice-anew.pub'), 'utf8')
    expect(await ran(byKey(second))).toMatchObject({ status: 125, stdout: '' })
    const privateKeys = join(publisher.config, 'trust', 'private')
    for (const name of await readdir(privateKeys))
      if (/^role: alice$/m.test(await readFile(join(privateKeys, name), 'utf8'))) await rm(join(privateKeys, name))
    // docker signs a file again when something changes in it.
    await lab.sign(publisher, `${image}:2.0`)
    expect(await ran(alice)).toMatchObject(passed)
    expect(await ran(byKey(second))).toMatchObject(passed)
    const old = await ran(byKey(first))
    expect(old).toMatchObject({ status: 125, stdout: '' })
    expect(old.stderr).toMatch(/alice: signed with key [0-9a-f]{64}, required is key [0-9a-f]{64}/)

    // docker 28 removes the last signer after a question alone; with -f it says that it does, and does not.
    const answer = { env: publisher.trust, input: 'y\n' }
    await expectSuccess(publisher.docker(['trust', 'signer', 'remove', 'alice', image], answer))
    const removed = await ran(alice)
    expect(removed).toMatchObject({ status: 125, stdout: '' })
    expect(removed.stderr).toContain('alice: did not sign this tag')
  })

  test('what the policy lets pass is run by docker as it was typed', async () => {
    const skipped = await ran('action: skip')
    expect(skipped).toMatchObject(passed)
    expect(skipped.stderr).toContain(`${image}:1.0 is used without a verification: the policy says skip`)
    expect(await ran('action: deny')).toMatchObject({ status: 125, stdout: '' })
  })
})
