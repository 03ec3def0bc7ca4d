/**
 * `dct inspect` beside the real `docker trust inspect`: the same bytes for collections of every shape.
 * With RECORD_DOCKER_TRUST=1 what was served and printed is kept for test/report/docker-trust.test.ts.
 */
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeSignerKey } from '../interop/lab/certificates.js'
import { type EngineLab, expectSuccess, REGISTRY, startEngineLab, type User } from './lab/engine-lab.js'

const RECORD = fileURLToPath(new URL('../report/docker-trust', import.meta.url))
const at = (name: string) => `${REGISTRY}/matrix/${name}`
const hex = (byte: string) => byte.repeat(32)

/** Names that notary signs, whatever docker would let be pulled; their order is part of what is compared. */
const ODD_TAGS = [
  ...[
    '2.9',
    '2.10',
    '02.9',
    '2.09',
    '10',
    '9',
    '1.0-rc1',
    '1.0-rc10',
    '1.0',
    '1.0_',
    'v1',
    'V1',
    'latest',
    'LATEST',
    '__proto__',
  ],
  ...['constructor', 'a<b>&c', 'with space', 'é', '①±', 'שלום', 'quo"te', 'back\\slash', 'zz00', 'zz0'],
]

let lab: EngineLab
let publisher: User
let user: User
beforeAll(async () => {
  lab = await startEngineLab()
  publisher = await lab.createUser('publisher')
  user = await lab.createUser('reader')
  const { notary, docker, trust } = publisher
  const signed = (...args: string[]) => expectSuccess(notary(args))
  const add = (name: string, tag: string, byte: string, ...roles: string[]) =>
    signed('addhash', at(name), tag, '1000', '--sha256', hex(byte), ...roles.flatMap((role) => ['-r', `targets/${role}`]))
  // By docker alone: an administrator, then signers.
  await lab.sign(publisher, `${at('administrator')}:1.0`)
  await lab.sign(publisher, `${at('administrator')}:latest`)
  for (const tag of ['1.0', '2.0']) await lab.sign(publisher, `${at('signers')}:${tag}`)
  for (const name of ['alice', 'bob']) {
    await expectSuccess(docker(['trust', 'key', 'generate', name], { env: trust }))
    await expectSuccess(docker(['trust', 'signer', 'add', '--key', `${name}.pub`, name, at('signers')], { env: trust }))
  }
  await expectSuccess(docker(['trust', 'sign', `${at('signers')}:2.0`], { env: trust }))
  // By notary: what docker's own commands do not make.
  const keys = join(lab.folder, 'signer-keys')
  const [carol, dave, dev] = await Promise.all(['carol', 'dave', 'dev'].map((name) => makeSignerKey(keys, name)))
  if (carol === undefined || dave === undefined || dev === undefined) throw new Error('there are no keys')
  await signed('init', at('empty'), '-p')
  await signed('init', at('odd'), '-p')
  for (const tag of ODD_TAGS) await add('odd', tag, 'ab')
  await signed('publish', at('odd'))
  await signed('init', at('combining'), '-p')
  for (const tag of ['e\u0301', 'e', '👍🏽', '👍', '日本']) await add('combining', tag, 'ab')
  await signed('publish', at('combining'))
  await signed('init', at('nested'), '-p')
  await signed('key', 'rotate', at('nested'), 'snapshot', '-r')
  for (const [name, key] of Object.entries({ carol, dave, releases: dave })) {
    await signed('key', 'import', key.key, '--role', `targets/${name}`)
    await signed('delegation', 'add', at('nested'), `targets/${name}`, key.cert, '--all-paths')
  }
  // A second key of one signer, listed behind the first.
  await signed('delegation', 'add', at('nested'), 'targets/dave', carol.cert, '--all-paths')
  await signed('publish', at('nested'))
  await signed('key', 'import', dev.key, '--role', 'targets/carol/dev')
  await signed('delegation', 'add', at('nested'), 'targets/carol/dev', dev.cert, '--all-paths')
  await signed('publish', at('nested'))
  await add('nested', 'all', 'aa', 'releases', 'dave', 'carol', 'carol/dev')
  await add('nested', 'other-digest', 'ab', 'releases')
  await add('nested', 'other-digest', 'ac', 'carol')
  await add('nested', 'unreleased', 'ad', 'carol', 'dave')
  await add('nested', 'administrator', 'ae')
  await signed('publish', at('nested'))
  // The same tag in targets and in releases.
  await signed('init', at('shadowed'), '-p')
  await signed('key', 'rotate', at('shadowed'), 'snapshot', '-r')
  await signed('delegation', 'add', at('shadowed'), 'targets/releases', dave.cert, '--all-paths')
  await signed('delegation', 'add', at('shadowed'), 'targets/carol', carol.cert, '--all-paths')
  await signed('publish', at('shadowed'))
  await add('shadowed', 'same', 'ba')
  await add('shadowed', 'same', 'ba', 'releases')
  await add('shadowed', 'two', 'bb')
  await add('shadowed', 'two', 'bc', 'releases')
  await add('shadowed', 'two', 'bb', 'carol')
  await signed('publish', at('shadowed'))
})
afterAll(async () => lab?.[Symbol.asyncDispose]())

/** What is asked; everything that docker defines. */
const MATRIX: Readonly<Record<string, readonly string[]>> = {
  'signed by the administrator': [at('administrator')],
  'one tag of it': [`${at('administrator')}:1.0`],
  'a tag that is not there': [`${at('administrator')}:nope`],
  'signed by delegations': [at('signers')],
  'one tag that a signer signed': [`${at('signers')}:2.0`],
  'one tag that no signer signed': [`${at('signers')}:1.0`],
  'nested delegations': [at('nested')],
  'a tag of several signers': [`${at('nested')}:all`],
  'a tag that is not released': [`${at('nested')}:unreleased`],
  'nothing signed': [at('empty')],
  'odd tags': [at('odd')],
  'the same digest in two roles': [`${at('shadowed')}:same`],
  'several references': [`${at('signers')}:2.0`, at('empty'), at('administrator')],
}

/** Docker 20.10 counts wide and combining letters as one column each. */
const ONLY_28: Readonly<Record<string, readonly string[]>> = { 'letters of several characters': [at('combining')] }
const casesOf = (versions: string) => Object.entries({ ...MATRIX, ...(versions.startsWith('docker 28') && ONLY_28) })

const docker = (...args: string[]) => user.docker(['trust', 'inspect', ...args], { env: user.trust })
const dct = (...args: string[]) => user.dct(['inspect', '--server', user.trust['DOCKER_CONTENT_TRUST_SERVER'] ?? '', ...args])

async function expectTheSame(options: readonly string[], references: readonly string[]): Promise<void> {
  const [theirs, ours] = await Promise.all([docker(...options, ...references), dct(...options, ...references)])
  expect(theirs.status, theirs.stderr).toBe(0)
  expect(ours.stdout).toBe(theirs.stdout)
  expect(ours.status).toBe(0)
}

test('docker here has docker trust', async () => {
  expect((await docker(at('administrator'))).status).toBe(0)
})

describe.each(Object.entries(MATRIX))('%s', (_, references) => {
  test('JSON', () => expectTheSame([], references))
  test('--pretty', () => expectTheSame(['--pretty'], references))
})

test('letters of several characters, where docker is a 28', async () => {
  for (const [about, references] of casesOf(lab.versions)) if (about in ONLY_28) await expectTheSame(['--pretty'], references)
})

test('two digests of a tag: docker prints both in any order, dct the released one first', async () => {
  const [theirs, ours] = await Promise.all([docker(`${at('shadowed')}:two`), dct(`${at('shadowed')}:two`)])
  const rows = (text: string) => JSON.parse(text)[0].SignedTags
  expect(rows(ours.stdout)).toEqual([
    { SignedTag: 'two', Digest: hex('bc'), Signers: ['Repo Admin'] },
    { SignedTag: 'two', Digest: hex('bb'), Signers: ['carol'] },
  ])
  expect(rows(theirs.stdout)).toEqual(expect.arrayContaining(rows(ours.stdout)))
})

describe('one that fails among several', () => {
  const references = [at('none'), `${at('signers')}:2.0`, at('empty')]

  test('JSON has the others; the error is ours, with an exit status that says what it is', async () => {
    const [theirs, ours] = await Promise.all([docker(...references), dct(...references)])
    expect(ours.stdout).toBe(theirs.stdout)
    expect([theirs.status, ours.status]).toEqual([1, 3])
    expect(ours.stderr).toContain('ERR_NO_TRUST_DATA')
  })

  test.each([[references], [references.toReversed()]])('--pretty ends there', async (order) => {
    const [theirs, ours] = await Promise.all([docker('--pretty', ...order), dct('--pretty', ...order)])
    expect(ours.stdout).toBe(theirs.stdout)
    expect([theirs.status, ours.status]).toEqual([1, 3])
  })

  test('none succeeds', async () => {
    const [theirs, ours] = await Promise.all([docker(at('none')), dct(at('none'))])
    expect([theirs.stdout, ours.stdout]).toEqual(['[]\n', '[]\n'])
  })
})

test('a digest reference shows the tags that carry the digest; docker shows all', async () => {
  const reference = `${at('nested')}@sha256:${hex('aa')}`
  const [theirs, ours] = await Promise.all([docker(reference), dct(reference)])
  const all = JSON.parse(theirs.stdout)
  const [, ...rest] = JSON.parse(ours.stdout)
  expect(rest).toEqual([])
  expect(JSON.parse(ours.stdout)[0]).toEqual({
    ...all[0],
    SignedTags: all[0].SignedTags.filter(({ SignedTag: tag }: { SignedTag: string }) => tag === 'all'),
  })
})

test.runIf(process.env['RECORD_DOCKER_TRUST'] === '1')('what was served and printed is kept', async () => {
  await rm(RECORD, { recursive: true, force: true })
  const cases: unknown[] = []
  for (const [about, references] of casesOf(lab.versions)) {
    const json = await expectSuccess(docker(...references))
    const pretty = await expectSuccess(docker('--pretty', ...references))
    cases.push({ about, references, json: json.stdout, pretty: pretty.stdout })
  }
  for (const name of ['administrator', 'signers', 'nested', 'empty', 'odd', 'shadowed', 'combining']) {
    const kept = join(user.config, 'trust', 'tuf', REGISTRY, 'matrix', name, 'metadata')
    await mkdir(join(RECORD, 'served'), { recursive: true })
    await cp(kept, join(RECORD, 'served', name), { recursive: true })
  }
  const about = { docker: lab.versions, now: new Date().toISOString(), registry: `${REGISTRY}/matrix/`, cases }
  await writeFile(join(RECORD, 'cases.json'), `${JSON.stringify(about, undefined, 2)}\n`)
})
