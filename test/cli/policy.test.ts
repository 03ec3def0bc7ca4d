/** `dct policy`, and what `--policy` and `--require-signer` make of the other commands. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTrustCollection, startTrustServer, type TestTrustServer } from '../../src/testing/index.js'
import { type Ran, runProgram } from './program.js'

const collection = createTrustCollection('registry.example/team/app')
const digest = collection.sign('1.0', 'the app')
collection.delegate('targets/alice').sign('1.0', 'the app', { role: 'targets/alice' })
collection.publish()

let server: TestTrustServer
let folder: string
const file = (name: string) => join(folder, name)

beforeAll(async () => {
  server = await startTrustServer({ collections: [collection] })
  folder = await mkdtemp(join(tmpdir(), 'dct-cli-policy-'))
  await writeFile(file('ca.crt'), server.ca)
  const rules = ['1.0', '2.0, action: warn', '3.0, action: skip', '4.0, action: deny']
  const lines = rules.map((rule) => `  - { match: registry.example/team/app:${rule} }`)
  await writeFile(file('policy.yaml'), ['version: 1', 'rules:', ...lines, ''].join('\n'))
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

const dct = (...argv: string[]): Promise<Ran> => runProgram(argv, { now: collection.now })
const verify = (...argv: string[]): Promise<Ran> =>
  dct('verify', '--server', server.url, '--tlscacert', file('ca.crt'), '--config', folder, ...argv)
const app = (tag: string) => `registry.example/team/app:${tag}`

test('init prints a policy that check accepts, with a rule for each repository', async () => {
  const names = ['alpine:3.19', 'Registry.Example:443/team/app:1.0', 'registry.example/team/app', '[::1]:5000/x']
  const made = await dct('policy', 'init', ...names)
  await writeFile(file('first.yaml'), made.out)
  const { status, err } = await dct('policy', 'check', file('first.yaml'))
  expect({ status, err }).toEqual({ status: 0, err: `dct: ${file('first.yaml')}: 3 rules, nothing is wrong\n` })
  expect((await dct('policy', 'explain', '--policy', file('first.yaml'), 'alpine')).out).toContain('action enforce')
  expect((await dct('policy', 'explain', '--policy', file('first.yaml'), 'busybox')).out).toContain('action warn')
  await writeFile(file('empty.yaml'), (await dct('policy', 'init')).out)
  expect(await dct('policy', 'check', file('empty.yaml'))).toMatchObject({ status: 0 })
})

test('check tells every fault, also when the version is missing', async () => {
  await writeFile(file('faults.yaml'), 'rules:\n  - { match: alpine, actoin: warn }\n')
  const { err } = await dct('policy', 'check', file('faults.yaml'))
  expect(err.match(/^dct: error: .*$/gm)).toHaveLength(3)
  expect(err).toContain('dct: hint: Write version: 1 here.\n')
})

test('permitted and skipped print nothing on standard output, are said even with --quiet, and exit with 0', async () => {
  const ran = await verify('--quiet', '--policy', file('policy.yaml'), app('1.0'), app('2.0'), app('3.0'))
  expect(ran).toMatchObject({ status: 0, out: `registry.example/team/app@${digest}\n` })
  expect(ran.err).toContain(
    `dct: warning: ${app('2.0')} is not verified, and the rule ${app('2.0')} of the policy lets it pass: `,
  )
  expect(ran.err).toContain('(ERR_TAG_NOT_SIGNED)\n')
  expect(ran.err).toContain(`dct: ${app('3.0')} was not verified: the rule ${app('3.0')} of the policy skips it\n`)
})

test('deny exits with 3, and its hint is a command that works', async () => {
  const ran = await verify('--policy', file('policy.yaml'), app('4.0'))
  expect(ran).toMatchObject({ status: 3, out: '' })
  expect(ran.err).toContain('(ERR_POLICY_DENIED)')
  const [, hinted = ''] = /why: dct (policy explain .+)\n/.exec(ran.err) ?? []
  const explained = await dct(...hinted.split(' '))
  expect(explained).toMatchObject({ status: 0 })
  expect(explained.out).toContain('action deny')
})

test('--json prints the variants', async () => {
  const ran = await verify('--json', '--policy', file('policy.yaml'), app('1.0'), app('2.0'), app('3.0'), app('4.0'))
  const [trusted, permitted, skipped, failed] = ran.out
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line))
  expect(trusted).toMatchObject({ status: 'trusted', policy: { match: app('1.0'), action: 'enforce' } })
  expect(permitted).toMatchObject({
    status: 'permitted',
    error: { code: 'ERR_TAG_NOT_SIGNED', kind: 'unsigned' },
    policy: { action: 'warn' },
  })
  expect(skipped).toEqual({ status: 'skipped', reference: app('3.0'), policy: { match: app('3.0'), action: 'skip' } })
  expect(failed).toMatchObject({ status: 'failed', error: { code: 'ERR_POLICY_DENIED' } })
})

test('--require-signer, by name and by key file', async () => {
  expect(await verify('--require-signer', 'alice', app('1.0'))).toMatchObject({ status: 0 })
  const missing = await verify('--require-signer', 'alice', '--require-signer', 'bob', app('1.0'))
  expect(missing).toMatchObject({ status: 3, out: '' })
  expect(missing.err).toContain('bob: did not sign this tag')
  expect(await verify('--require-signer', `alice=${'0'.repeat(64)}`, app('1.0'))).toMatchObject({ status: 3 })
  expect(await verify('--require-signer', `alice=${file('none.pub')}`, app('1.0'))).toMatchObject({ status: 2 })
})

test('dct pin and dct build-policy write only what the required signers signed', async () => {
  const asking = ['--server', server.url, '--tlscacert', file('ca.crt'), '--config', folder]
  const text = `FROM ${app('1.0')}\n`
  await writeFile(file('Dockerfile'), text)
  const pin = (...argv: string[]) => dct('pin', ...asking, ...argv, file('Dockerfile'))
  const policy = (...argv: string[]) => dct('build-policy', ...asking, ...argv, '-f', file('Dockerfile'))
  for (const command of [pin, policy]) {
    const missing = await command('--require-signer', 'bob')
    expect(missing, missing.err).toMatchObject({ status: 3, out: '' })
    expect(missing.err).toContain('bob: did not sign this tag')
  }
  expect(await readFile(file('Dockerfile'), 'utf8')).toBe(text)
  expect((await policy('--require-signer', 'alice')).out).toContain(digest)
  expect((await pin('--require-signer', 'alice')).status).toBe(0)
  expect(await readFile(file('Dockerfile'), 'utf8')).toBe(`FROM ${app('1.0')}@${digest}\n`)
  expect(await pin('--check', '--require-signer', 'bob')).toMatchObject({ status: 3 })
  expect(await pin('--check', '--require-signer', 'alice')).toMatchObject({ status: 0 })
})

test('a broken policy is a usage error with its line, also by DCT_POLICY', async () => {
  await writeFile(file('broken.yaml'), 'version: 1\nrules:\n  - match: "**"\n    acton: deny\n')
  const ran = await verify('--policy', file('broken.yaml'), app('1.0'))
  expect(ran).toMatchObject({ status: 2, out: '' })
  expect(ran.err).toMatch(
    /broken\.yaml:4:5: rules\[0\]: unknown name "acton" \(ERR_SETTINGS_INVALID\)\ndct: hint: Did you mean action\?/,
  )
  expect(await runProgram(['policy', 'explain', 'alpine'], { env: { DCT_POLICY: file('broken.yaml') } })).toMatchObject({
    status: 2,
  })
})

describe('commands that show a collection', () => {
  const shown = (...argv: string[]): Promise<Ran> => {
    const [command = '', ...rest] = argv
    return dct(command, '--server', server.url, '--tlscacert', file('ca.crt'), '--config', folder, ...rest)
  }
  const REPOSITORY = 'registry.example/team/app'
  const policy = (name: string, ...lines: string[]) =>
    writeFile(file(name), ['version: 1', 'rules:', ...lines.map((line) => `  - ${line}`), ''].join('\n'))

  beforeAll(async () => {
    await policy('carol.yaml', `{ match: ${app('*')}, requireSigners: { all: [carol] } }`)
    await policy('mild.yaml', `{ match: ${app('*')}, action: warn, requireSigners: { all: [carol] } }`)
    await policy('skip.yaml', `{ match: ${app('*')}, action: skip }`)
    await policy('deny-tag.yaml', `{ match: ${app('1.0')}, action: deny }`)
    await policy('deny.yaml', `{ match: '**', action: deny }`)
  })

  test('dct tags shows every tag, and says which the policy refuses, permits or skips', async () => {
    const marks = async (name: string) =>
      (await shown('tags', '--policy', file(name), REPOSITORY)).out.split('\n')[1]?.split(/ {2,}/)[5]
    expect(await marks('carol.yaml')).toBe('refused (ERR_SIGNER_MISSING)')
    expect(await marks('mild.yaml')).toBe('permitted (ERR_SIGNER_MISSING)')
    expect(await marks('skip.yaml')).toBe('skipped')
    expect(await marks('deny-tag.yaml')).toBe('refused (ERR_POLICY_DENIED)')
    expect((await shown('tags', '--policy', file('policy.yaml'), REPOSITORY)).out).not.toContain('POLICY')
    const json = await shown('tags', '--json', '--require-signer', 'carol', REPOSITORY)
    expect(JSON.parse(json.out)).toMatchObject({ tag: '1.0', digest, error: { code: 'ERR_SIGNER_MISSING' } })
    expect(json.status).toBe(0)
  })

  test('dct inspect leaves out a tag that is refused, and says why; naming it is an error', async () => {
    for (const [name, code] of [
      ['carol.yaml', 'ERR_SIGNER_MISSING'],
      ['deny-tag.yaml', 'ERR_POLICY_DENIED'],
    ] as const) {
      const all = await shown('inspect', '--quiet', '--policy', file(name), REPOSITORY)
      expect(all.status).toBe(0)
      expect(JSON.parse(all.out)[0]).toMatchObject({ SignedTags: [], Signers: [{ Name: 'alice' }] })
      expect(all.err).toContain(`dct: warning: ${app('1.0')} is signed and refused by the policy: `)
      expect(all.err).toContain(`(${code})`)
      for (const named of [app('1.0'), `${REPOSITORY}@${digest}`]) {
        const one = await shown('inspect', '--policy', file(name), named)
        expect(one).toMatchObject({ status: 3, out: '[]\n' })
        expect(one.err).toContain(`(${code})`)
      }
      const pretty = await shown('inspect', '--pretty', '--policy', file(name), app('1.0'))
      expect(pretty).toMatchObject({ status: 3, out: '' })
    }
  })

  test('dct inspect shows what warn permits, with a warning, and what skip does not judge', async () => {
    const mild = await shown('inspect', '--policy', file('mild.yaml'), app('1.0'))
    expect(JSON.parse(mild.out)[0].SignedTags).toHaveLength(1)
    expect(mild.err).toContain(`${app('1.0')} is signed and permitted by the policy: `)
    const skipped = await shown('inspect', '--policy', file('skip.yaml'), app('1.0'))
    expect(JSON.parse(skipped.out)[0].SignedTags).toHaveLength(1)
  })

  test('a collection that is denied as a whole is not shown', async () => {
    for (const command of ['tags', 'inspect', 'tree']) {
      const { status, out, err } = await shown(command, '--policy', file('deny.yaml'), REPOSITORY)
      expect({ status, out }).toEqual({ status: 3, out: command === 'inspect' ? '[]\n' : '' })
      expect(err).toContain('(ERR_POLICY_DENIED)')
    }
    expect((await shown('tree', '--policy', file('carol.yaml'), REPOSITORY)).status).toBe(0)
  })

  test('dct pull refuses what the policy refuses, with -a too, before anything is pulled', async () => {
    const env = { PATH: folder }
    await writeFile(file('docker'), '#!/bin/sh\necho ran\n', { mode: 0o755 })
    for (const [name, code] of [
      ['carol.yaml', 'ERR_SIGNER_MISSING'],
      ['deny-tag.yaml', 'ERR_POLICY_DENIED'],
    ] as const)
      for (const words of [[app('1.0')], ['-a', REPOSITORY]]) {
        const options = ['--server', server.url, '--tlscacert', file('ca.crt'), '--config', folder, '--policy', file(name)]
        const ran = await runProgram(['pull', ...options, ...words], { now: collection.now, env })
        expect(ran).toMatchObject({ status: 3, out: '' })
        expect(ran.err).toContain(`(${code})`)
      }
    for (const [name, code] of [
      ['mild.yaml', 'ERR_SIGNER_MISSING'],
      ['skip.yaml', 'ERR_POLICY_DENIED'],
    ] as const) {
      const options = ['--server', server.url, '--tlscacert', file('ca.crt'), '--config', folder, '--policy', file(name)]
      const ran = await runProgram(['pull', ...options, '-a', REPOSITORY], { now: collection.now, env })
      expect(ran).toMatchObject({ status: 3, out: '' })
      expect(ran.err).toContain(`(${code})`)
      const one = await runProgram(['pull', ...options, app('1.0')], { now: collection.now, env })
      expect(one).toMatchObject({ status: 0, out: 'ran\n' })
      expect(one.err).toContain('is pulled without a verification')
    }
  })
})

test('explain asks a built-in mirror of Oracle under both names, as verify does', async () => {
  const [mirror, signed] = ['container-registry-fra.oracle.com/os/linux', 'container-registry.oracle.com/os/linux']
  const rules = 'version: 1\nrules: [{ match: container-registry.oracle.com/**, action: deny }]\n'
  await writeFile(file('oracle.yaml'), rules)
  await writeFile(file('oracle-off.yaml'), `${rules}knownRegistries: false\n`)
  const explained = async (policy: string): Promise<unknown> =>
    JSON.parse((await dct('policy', 'explain', '--json', '--policy', file(policy), mirror)).out)
  expect((await verify('--policy', file('oracle.yaml'), mirror)).err).toContain('ERR_POLICY_DENIED')
  expect(await explained('oracle.yaml')).toMatchObject({ names: [signed, mirror], action: 'deny' })
  expect(await explained('oracle-off.yaml')).toMatchObject({ names: [mirror], action: 'enforce' })
})

test('explain, check and import', async () => {
  const explained = await dct('policy', 'explain', '--policy', file('policy.yaml'), app('2.0'))
  expect(explained).toMatchObject({ status: 0, err: '' })
  expect(explained.out).toContain(`rule ${app('2.0')} decides\n  action warn\n`)
  expect(JSON.parse((await dct('policy', 'explain', '--json', '--policy', file('policy.yaml'), app('4.0'))).out)).toMatchObject({
    action: 'deny',
  })
  expect(await dct('policy', 'explain', 'alpine')).toMatchObject({ status: 2, out: '' })
  expect(await dct('policy', 'check', file('policy.yaml'))).toMatchObject({ status: 0, out: '' })
  expect(await dct('policy', 'check', file('broken.yaml'))).toMatchObject({ status: 2 })
  await writeFile(file('config.json'), '{"trust_pinning": {"disable_tofu": true}}')
  const imported = await dct('policy', 'import', 'notary', file('config.json'))
  expect(JSON.parse(imported.out)).toMatchObject({ version: 1 })
  await writeFile(file('imported.json'), imported.out)
  expect(await dct('policy', 'check', file('imported.json'))).toMatchObject({ status: 0 })
  expect(await dct('policy', 'import', 'other', file('config.json'))).toMatchObject({ status: 2 })
})

test('check tells every fault at its line and column with its own hint, and rules without effect', async () => {
  await writeFile(file('faults.yaml'), 'version: 1\nrules:\n  - match: alpine\n  - match: quay.io/**\n    action: dney\n  - {}\n')
  const ran = await dct('policy', 'check', file('faults.yaml'))
  expect(ran).toMatchObject({ status: 2, out: '' })
  expect(ran.err.replaceAll(file('faults.yaml'), 'faults.yaml').split('\n')).toEqual([
    'dct: error: policy faults.yaml:3:12: rules[0].match: "alpine": no repository (ERR_SETTINGS_INVALID)',
    'dct: hint: Write docker.io/library/alpine',
    expect.stringContaining('faults.yaml:5:13: rules[1].action: '),
    'dct: hint: Did you mean deny?',
    expect.stringContaining('faults.yaml:6:5: rules[2]: match is missing'),
    expect.stringContaining('dct: hint: '),
    '',
  ])
  const json = (await dct('policy', 'check', '--json', file('faults.yaml'))).out.trim().split('\n')
  expect(json.map((line) => JSON.parse(line))).toMatchObject([
    { status: 'failed', line: 3, column: 12, path: 'rules[0].match', hint: 'Write docker.io/library/alpine' },
    { line: 5, column: 13 },
    { line: 6, column: 5 },
  ])
  await writeFile(file('idle.yaml'), 'version: 1\nrules:\n  - match: quay.io/a\n  - match: quay.io/a:*\n')
  const idle = await dct('policy', 'check', file('idle.yaml'))
  expect(idle).toMatchObject({ status: 0, out: '' })
  expect(idle.err).toContain('idle.yaml:3:5: rule quay.io/a never decides: quay.io/a:* (line 4) is more specific')
  expect(JSON.parse((await dct('policy', 'check', '--json', file('idle.yaml'))).out)).toMatchObject({
    status: 'warning',
    line: 3,
  })
  expect(await dct('policy', 'check', file('no-such-file.yaml'))).toMatchObject({ status: 2 })
})

test('dct env shows the policy, its rule and its server', async () => {
  await writeFile(file('server.yaml'), 'version: 1\nrules:\n  - { match: "registry.example/**", server: https://rule.example }\n')
  const ran = await dct('env', '--json', '--config', folder, '--policy', file('server.yaml'), app('1.0'))
  expect(JSON.parse(ran.out)).toMatchObject({
    trustServer: { value: 'https://rule.example', why: 'the rule registry.example/** of the policy' },
    policy: { value: 'rule registry.example/**, action enforce' },
  })
})
