/** `dct cache`, and names of collections that every command accepts. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTrustCollection, startTrustServer, type TestTrustServer } from '../../src/testing/index.js'
import { type Ran, runProgram } from './program.js'

const IPV6 = '[::1]:5000/app'
const LONG = `registry.example/${'a'.repeat(250)}`
const GUNS = [IPV6, LONG, 'registry.example/team/app']

let server: TestTrustServer
let folder: string
beforeAll(async () => {
  const collections = GUNS.map((gun) => {
    const collection = createTrustCollection(gun, { now: new Date() })
    collection.sign('1.0', gun)
    return collection.publish()
  })
  server = await startTrustServer({ collections })
})
afterAll(() => server.close())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-cache-'))
  await writeFile(join(folder, 'ca.crt'), server.ca)
})
afterEach(() => rm(folder, { recursive: true }))

const dct = (...argv: string[]): Promise<Ran> => {
  const where = ['--server', server.url]
  const asking = [...where, '--tlscacert', join(folder, 'ca.crt')]
  const options = argv[0] !== 'cache' ? asking : argv[1] === 'verify' ? where : []
  return runProgram([...argv, ...options, '--config', folder])
}
const lines = (out: string): unknown[] =>
  out
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line))

describe.each(GUNS)('%s', (gun) => {
  test('is accepted by every command after verify accepted it', async () => {
    expect((await dct('verify', `${gun}:1.0`)).status).toBe(0)
    expect((await dct('cache', 'list')).out).toBe(`${gun}\n`)
    expect(await dct('lookup', gun, '1.0')).toMatchObject({ status: 0, out: expect.stringMatching(/^1\.0 sha256:/) })
    expect(await dct('cache', 'verify', gun)).toMatchObject({ status: 0, out: expect.stringContaining(gun) })
    expect(await dct('cache', 'forget', gun)).toMatchObject({ status: 0, err: expect.stringContaining('is forgotten') })
    expect((await dct('cache', 'list')).out).toBe('')
  })
})

test('--json prints one object a line, for failures too', async () => {
  for (const gun of GUNS) await dct('verify', '-q', `${gun}:1.0`)
  expect(lines((await dct('cache', 'list', '--json')).out)).toEqual(GUNS.map((gun) => ({ gun })))
  const verified = await dct('cache', 'verify', '--json', ...GUNS, 'no//gun', 'registry.example/none')
  expect(verified.status).toBe(2)
  expect(lines(verified.out)).toMatchObject([
    ...GUNS.map((gun) => ({ gun, freshness: 'offline', roles: [{ role: 'root', version: 1 }, {}, {}, {}] })),
    { status: 'failed', gun: 'no//gun', error: { code: 'ERR_REFERENCE_INVALID' } },
    { status: 'failed', gun: 'registry.example/none', error: { code: 'ERR_OFFLINE' } },
  ])
  const forgotten = await dct('cache', 'forget', '--json', ...GUNS, 'no//gun', 'registry.example/none')
  expect(lines(forgotten.out)).toMatchObject([
    ...GUNS.map((gun) => ({ gun, forgotten: true })),
    { status: 'failed', gun: 'no//gun', error: { code: 'ERR_REFERENCE_INVALID' } },
    { gun: 'registry.example/none', forgotten: false },
  ])
})

test('warns of a cache that cannot be written even with -q, once for all references', async () => {
  await writeFile(join(folder, 'no-folder'), '')
  const unwritable = ['--trust-dir', join(folder, 'no-folder')]
  const quiet = await dct('verify', '-q', ...unwritable, 'registry.example/team/app:1.0', 'registry.example/team/app:1.0')
  expect(quiet.status).toBe(0)
  expect(quiet.err).toMatch(/^dct: warning: the cache of registry\.example\/team\/app cannot be written, [^\n]*\n$/)
  expect((await dct('lookup', '-q', ...unwritable, 'registry.example/team/app', '1.0')).err).toContain('cannot be written')
})

describe('a typing error', () => {
  test.each([
    [['verify', '--pinnig', 'x', 'alpine'], 'Did you mean --pinning?'],
    [['verify', '--trustdir', 'x', 'alpine'], 'Did you mean --trust-dir?'],
    [['verfy', 'alpine'], 'Did you mean: dct verify'],
    [['lokup', 'alpine'], 'Did you mean: dct lookup'],
    [['alpine:3.19'], 'Did you mean: dct verify alpine:3.19'],
    [['xyzzy'], 'help. See: dct help\n'],
    [['help', 'lokup'], 'Did you mean: dct lookup'],
    [['cache', 'verfy'], 'Did you mean: dct cache verify'],
    [['cache'], 'Type one of: dct cache list, dct cache verify, dct cache forget'],
    [['cache', 'forget', '--jsn', 'x'], 'Did you mean --json? See: dct cache forget --help'],
  ])('%j: %s', async (argv, hint) => {
    expect(await runProgram(argv)).toMatchObject({ status: 2, err: expect.stringContaining(hint) })
  })
})

describe('a --pinning file whose pins would be ignored', () => {
  const key = 'a'.repeat(64)
  test.each([
    ['pins beside an empty trust_pinning', { trust_pinning: {}, certs: { x: [key] } }],
    ['a member beside trust_pinning', { trust_pinning: { certs: { x: [key] } }, ca: {} }],
    ['a misspelt trust_pinning', { trust_pining: { certs: { x: [key] } } }],
    ['trust_pinning within trust_pinning', { trust_pinning: { trust_pinning: {} } }],
    ['null', null],
    ['trust_pinning null', { trust_pinning: null }],
    ['a list', [{ certs: {} }]],
    ['a misspelt field', { cert: { x: [key] } }],
    ['certs twice', `{"certs": {"x": ["${key}"]}, "certs": {}}`],
    ['__proto__', `{"__proto__": {"certs": {"x": ["${key}"]}}}`],
  ])('%s: a usage error', async (_what, content) => {
    await writeFile(join(folder, 'pins.json'), typeof content === 'string' ? content : JSON.stringify(content))
    const ran = await dct('verify', '--pinning', join(folder, 'pins.json'), 'registry.example/team/app:1.0')
    expect(ran).toMatchObject({ status: 2, out: '' })
    expect(ran.err).toContain('pinning')
  })

  test('reads trust_pinning from the config.json of notary, and ignores its other members', async () => {
    const own = { trust_dir: '~/.docker/trust', remote_server: { url: 'https://x.example' } }
    await writeFile(join(folder, 'none.json'), JSON.stringify({ ...own, trust_pinning: { certs: null, ca: null } }))
    expect((await dct('verify', '--pinning', join(folder, 'none.json'), 'registry.example/team/app:1.0')).status).toBe(0)
    await writeFile(
      join(folder, 'pins.json'),
      JSON.stringify({ ...own, trust_pinning: { certs: { 'registry.example/*': [key] } } }),
    )
    const ran = await dct('verify', '--pinning', join(folder, 'pins.json'), 'registry.example/team/app:1.0')
    expect(ran).toMatchObject({ status: 1, err: expect.stringContaining('root') })
  })
})
