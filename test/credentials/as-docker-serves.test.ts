/**
 * Unusual, invalid or missing parts of config.json must not stop users who have valid credentials. docker 28.2.2 was run with
 * the same files: it works for such users, or warns and goes on.
 */
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createMemoryStore, TrustError, type VerifyResult, verifyTag } from '../../src/index.js'
import { createTrustCollection, startTrustServer, type TestTrustServer } from '../../src/testing/index.js'
import { runProgram } from '../cli/program.js'

const REFERENCE = 'registry.example/team/app:1.0'
const REGISTRY = 'registry.example'
const auth = (text: string): string => Buffer.from(text).toString('base64')
const login = { auth: auth('me:pa55word') }
const auths = { [REGISTRY]: login }
const json = (config: unknown): string => (typeof config === 'string' ? config : JSON.stringify(config))

let closed: TestTrustServer
let open: TestTrustServer
let folder: string

beforeAll(async () => {
  const collection = createTrustCollection('registry.example/team/app', { now: new Date(), tags: { '1.0': 'the image' } })
  const collections = [collection.publish()]
  closed = await startTrustServer({ collections, auth: { type: 'basic', username: 'me', password: 'pa55word' } })
  open = await startTrustServer({ collections })
})
afterAll(async () => {
  await closed.close()
  await open.close()
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-served-'))
  await mkdir(join(folder, 'bin'))
})
afterEach(() => rm(folder, { recursive: true }))

const file = (): string => join(folder, 'config.json')
const write = (config: unknown): Promise<void> => writeFile(file(), json(config))

async function helper(name: string, script: string): Promise<void> {
  const path = join(folder, 'bin', `docker-credential-${name}`)
  await writeFile(path, `#!/bin/sh\nPATH=/bin:/usr/bin\nserver=$(cat)\necho "$server" >> '${folder}/asked'\n${script}\n`)
  await chmod(path, 0o755)
}
const asked = async (): Promise<string[]> => (await readFile(join(folder, 'asked'), 'utf8')).trim().split('\n')
const gives = `echo '{"ServerURL":"x","Username":"me","Secret":"pa55word"}'`

function verify(server: TestTrustServer, env: Record<string, string> = {}, options: object = {}): Promise<VerifyResult> {
  return verifyTag(REFERENCE, {
    env: { PATH: join(folder, 'bin'), ...env },
    disableContentTrust: false,
    server: server.url,
    ca: server.ca,
    dockerConfig: folder,
    store: createMemoryStore(),
    ...options,
  })
}

/** The codes and messages of WARN_CONFIG. */
function told(result: VerifyResult): string[] {
  if (result.status !== 'trusted') throw new Error(result.status)
  return result.warnings.flatMap(({ code, message }) => (code === 'WARN_CONFIG' ? [message] : []))
}

async function refusal(server: TestTrustServer, env?: Record<string, string>): Promise<TrustError> {
  const error: unknown = await verify(server, env).catch((cause: unknown) => cause)
  if (error instanceof TrustError) return error
  throw new Error('not refused', { cause: error })
}

describe('a login in auths is used', () => {
  test.each<[string, unknown]>([
    ['as it is', { auths }],
    ['beside a credsStore that is not installed', { auths, credsStore: 'missing' }],
    ['beside a helper of the registry that is not installed', { auths, credHelpers: { [REGISTRY]: 'missing' } }],
    ['beside a helper that fails', { auths, credsStore: 'fails' }],
    ['beside a helper without output', { auths, credsStore: 'silent' }],
    ['beside a helper with an empty answer', { auths, credsStore: 'blank' }],
    ['beside a helper that answers a name without a secret', { auths, credsStore: 'nameless' }],
    ['beside a helper without credentials', { auths, credsStore: 'nothing' }],
    ['beside an invalid name of a helper', { auths, credsStore: '../x' }],
    ['beside a helper that is null', { auths, credHelpers: { [REGISTRY]: null } }],
    ['beside nulls', { auths: { ...auths, x: null }, credsStore: null, credHelpers: null }],
    ['with nulls inside', { auths: { [REGISTRY]: { ...login, identitytoken: null, username: null } } }],
    ['beside an entry that is not an object', { auths: { other: 7, ...auths } }],
    ['beside an entry that is not base64', { auths: { other: { auth: '%%' }, ...auths } }],
    ['beside an entry that is not a text', { auths: { other: { auth: 7 }, ...auths } }],
    ['beside a credsStore that is not a text', { auths, credsStore: 7 }],
    ['beside credHelpers that are not an object', { auths, credHelpers: [] }],
    ['beside a helper of another registry that is not a text', { auths, credHelpers: { other: 7 } }],
    ['beside headers that are not an object', { auths, HttpHeaders: 7 }],
    ['beside almost a megabyte of text', { auths, x: 'x'.repeat(1_000_000) }],
    ['before more text', `${json({ auths })}} trailing`],
    ['after a byte order mark', `\ufeff${json({ auths })}`],
    ['in names of any case', `{"Auths":{"${REGISTRY}":{"AUTH":"${login.auth}"}}}`],
    ['in names with a long s', `{"auth\u017f":{"${REGISTRY}":{"auth":"${login.auth}"}}}`],
    ['in the second of two auths', `{"auths":{"o":{}},"auths":${json(auths)}}`],
    ['in the first of two auths', `{"auths":${json(auths)},"auths":{"o":{}}}`],
    ['in the last of two entries', `{"auths":{"${REGISTRY}":{"auth":"%"},"${REGISTRY}":${json(login)}}}`],
    ['under the exact one of two names', `{"auths":${json(auths)},"AUTHS":{"${REGISTRY}":{"auth":"${auth('me:wrong')}"}}}`],
    ['under https://host/v1/', { auths: { [`https://${REGISTRY}/v1/`]: login } }],
    ['under http://host', { auths: { [`http://${REGISTRY}`]: login } }],
    ['under host/', { auths: { [`${REGISTRY}/`]: login } }],
    ['under host/path', { auths: { [`${REGISTRY}/team`]: login } }],
    ['under a name before the host', { auths: { [`https://u:p@${REGISTRY}/v1/`]: login } }],
    [
      'beside __proto__ and constructor',
      `{"__proto__":{"auths":{}},"auths":{"__proto__":{},"constructor":{},"${REGISTRY}":${json(login)}}}`,
    ],
  ])('%s', async (_, config) => {
    await helper('fails', 'echo boom; exit 3')
    await helper('silent', 'true')
    await helper('blank', `echo '{"Username":"","Secret":""}'`)
    await helper('nameless', `echo '{"Username":"me","Secret":""}'`)
    await helper('nothing', 'echo credentials not found in native keychain; exit 1')
    await write(config)
    expect((await verify(closed)).status).toBe('trusted')
  })

  test('in a file behind links, as clusters mount secrets', async () => {
    await mkdir(join(folder, '..data'))
    await writeFile(join(folder, '..data', 'config.json'), json({ auths }))
    await symlink(join('..data', 'config.json'), file())
    expect((await verify(closed)).status).toBe('trusted')
  })
})

describe('a helper', () => {
  test.each([
    ['fails', 'echo "not my registry"; exit 1'],
    ['has no output', 'true'],
    ['has an empty answer', 'echo "{}"'],
    ['has nothing', 'echo credentials not found in native keychain; exit 1'],
  ])('that %s for the trust server is asked for the registry too', async (_, otherwise) => {
    await helper('one', `[ "$server" = ${REGISTRY} ] || { ${otherwise}; exit; }\n${gives}`)
    await write({ credsStore: 'one' })
    expect((await verify(closed)).status).toBe('trusted')
    expect(await asked()).toEqual([new URL(closed.url).host, REGISTRY])
  })

  test('of the trust server that is not installed does not stop that of the registry', async () => {
    await helper('one', gives)
    await write({ credsStore: 'missing', credHelpers: { [REGISTRY]: 'one' } })
    expect((await verify(closed)).status).toBe('trusted')
  })

  test('may write names in any case, and text after its answer, as in Go', async () => {
    await helper('one', `echo '{"username":"me","SECRET":"pa55word"} junk'`)
    await write({ credHelpers: { [REGISTRY]: 'one' } })
    expect((await verify(closed)).status).toBe('trusted')
  })

  test('that failed is reported only when there are no credentials', async () => {
    await helper('one', 'exit 3')
    await write({ credsStore: 'one' })
    expect(await refusal(closed)).toMatchObject({
      code: 'ERR_UNAUTHORIZED',
      message: 'error getting credentials - err: docker-credential-one: exit status 3',
    })
    await write({ credsStore: 'one', auths })
    expect(told(await verify(closed))).toEqual([])
  })

  test('that failed is reported together with other possible reasons', async () => {
    await write({ credsStore: 'missing' })
    const error = await refusal(closed, { DOCKER_AUTH_CONFIG: '{' })
    expect(error).toMatchObject({
      code: 'ERR_UNAUTHORIZED',
      gun: 'registry.example/team/app',
      hint: expect.stringMatching(/which is not installed: .* DOCKER_AUTH_CONFIG is not used: it is not JSON$/),
    })
  })
})

describe('when the server asks for no credentials, config.json is no error', () => {
  const isRoot = process.getuid?.() === 0
  test.each<[string, string | RegExp | undefined, () => Promise<unknown>]>([
    ['that does not exist', undefined, async () => undefined],
    ['that is empty', undefined, () => write('')],
    ['that is white space', undefined, () => write(' \n\t\r\n')],
    ['that is null', undefined, () => write('null')],
    ['that is a link to nothing', undefined, () => symlink('nowhere', file())],
    ['that is a link to itself', 'config.json: cannot be read (ELOOP', () => symlink('config.json', file())],
    ['that is a folder', 'config.json: is not a regular file', () => mkdir(file())],
    ['that is a device without end', 'config.json: is not a regular file', () => symlink('/dev/zero', file())],
    ['that is an empty device', 'config.json: is not a regular file', () => symlink('/dev/null', file())],
    ['that is a FIFO', 'config.json: is not a regular file', async () => execFileSync('mkfifo', [file()])],
    ['that is too long', 'config.json: is longer than 1048576 bytes', () => write({ x: 'x'.repeat(1_100_000) })],
    [
      'with a broken entry',
      'config.json: auths: host.example: is not base64 of user:password',
      () => write({ auths: { 'host.example': { auth: '%' } } }),
    ],
    [
      'with three broken entries',
      /auths: a\.example: .* \(and 2 more\)$/,
      () => write({ auths: { 'a.example': 1, 'b.example': 2, 'c.example': 3 } }),
    ],
    ['with invalid auths', 'config.json: auths is not an object', () => write({ auths: [] })],
    ['with an invalid store', 'config.json: credsStore is not the name of a helper', () => write({ credsStore: '/x' })],
    [
      'with invalid helpers',
      'credHelpers: host.example: is not the name of a helper',
      () => write({ credHelpers: { 'host.example': 'a b' } }),
    ],
  ])('%s', async (_, warning, prepare) => {
    await prepare()
    const started = Date.now()
    const messages = told(await verify(open))
    expect(Date.now() - started).toBeLessThan(5_000)
    if (warning === undefined) expect(messages).toEqual([])
    else
      expect(messages).toEqual([typeof warning === 'string' ? expect.stringContaining(warning) : expect.stringMatching(warning)])
  })

  test.runIf(isRoot)('that another user may not read', async () => {
    await write({ auths })
    await chmod(file(), 0o000)
    const seteuid = process.seteuid?.bind(process)
    if (seteuid === undefined) throw new Error('no seteuid')
    await chmod(folder, 0o755)
    seteuid(65_534)
    try {
      expect(told(await verify(open))).toEqual([expect.stringContaining('config.json: cannot be read (EACCES')])
    } finally {
      seteuid(0)
    }
  })
})

describe('when the server asks for credentials, a problem in config.json is a usage error that names it', () => {
  test.each<[string, string, () => Promise<unknown>]>([
    ['a folder', 'config.json: is not a regular file', () => mkdir(file())],
    ['too long', 'config.json: is longer than', () => write({ auths, x: 'x'.repeat(1_100_000) })],
    ['a broken entry', `config.json: auths: ${REGISTRY}: is not base64`, () => write({ auths: { [REGISTRY]: { auth: '%' } } })],
    ['an invalid entry', `config.json: auths: ${REGISTRY}: is not an object`, () => write({ auths: { [REGISTRY]: 'x' } })],
    ['invalid auths', 'config.json: auths is not an object', () => write({ auths: 'x' })],
    ['an invalid store', 'config.json: credsStore is not the name', () => write({ credsStore: ['x'] })],
  ])('%s', async (_, message, prepare) => {
    await prepare()
    expect(await refusal(closed)).toMatchObject({ code: 'ERR_SETTINGS_INVALID', message: expect.stringContaining(message) })
  })

  test('but not when only the entry of another registry is broken', async () => {
    await write({ auths: { other: { auth: '%' } } })
    expect(await refusal(closed)).toMatchObject({ code: 'ERR_UNAUTHORIZED' })
  })
})

describe('text that is not a JSON object, of which Docker warns at every command, is a usage error at once', () => {
  test.each(['{', '[]', '"x"', '7', '{"auths":{"x":}}', '{"a":1,}', "{'a':1}", '{"a":"\u0001"}', '['.repeat(100_000)])(
    '%s',
    async (text) => {
      await write(text)
      expect(await refusal(open)).toMatchObject({ code: 'ERR_SETTINGS_INVALID', message: expect.stringContaining(file()) })
    },
  )

  test.each<[string, string[]]>([
    ['an offline verification', ['verify', '--offline', REFERENCE]],
    ['dct cache list', ['cache', 'list']],
    ['dct cache forget', ['cache', 'forget', 'registry.example/none']],
    ['dct cache verify', ['cache', 'verify']],
  ])('%s does not read it', async (_, argv) => {
    await write('{')
    const { err, status } = await runProgram([...argv, '--config', folder])
    expect(err).not.toContain('config.json')
    expect(status).toBe(argv[0] === 'verify' ? 5 : 0)
  })
})

describe('DOCKER_AUTH_CONFIG, as in Docker 28.3', () => {
  const env = (value: unknown): Record<string, string> => ({ DOCKER_AUTH_CONFIG: json(value) })
  const wrong = { [REGISTRY]: { auth: auth('me:wrong') } }

  test('gives access to a private collection', async () => {
    expect(told(await verify(closed, env({ auths })))).toEqual([])
  })

  test('is used before file and helpers', async () => {
    await helper('one', `echo '{"Username":"me","Secret":"wrong"}'`)
    await write({ auths: wrong, credHelpers: { [REGISTRY]: 'one' } })
    expect((await verify(closed, env({ auths }))).status).toBe('trusted')
    await expect(asked()).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('is not used for other keys', async () => {
    await write({ auths })
    expect((await verify(closed, env({ auths: { other: login, [`https://${REGISTRY}`]: wrong[REGISTRY] } }))).status).toBe(
      'trusted',
    )
  })

  test.each<[string, unknown]>([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['a further member', { auths: wrong, credsStore: 'x' }],
    ['a further member of an entry', { auths: { [REGISTRY]: { ...wrong[REGISTRY], username: 'me' } } }],
    ['no auth', { auths: { other: {}, ...wrong } }],
    ['no base64', { auths: { other: { auth: '%' }, ...wrong } }],
    ['two objects', `${json({ auths: wrong })}{}`],
    ['more than is read', { auths: wrong, x: 'x'.repeat(1_100_000) }],
  ])('with %s gives a warning, and the file is used', async (_, value) => {
    await write({ auths })
    expect(told(await verify(closed, env(value)))).toEqual([expect.stringMatching(/^DOCKER_AUTH_CONFIG is not used: /)])
    await write({})
    const error = await refusal(closed, env(value))
    expect(error).toMatchObject({ code: 'ERR_UNAUTHORIZED', hint: expect.stringContaining('DOCKER_AUTH_CONFIG is not used: ') })
  })

  test.each(['', ' ', 'null', '{}', '{"auths":null}', '{"AUTHS":{}} }'])('%j holds no credentials', async (value) => {
    await write({ auths })
    expect(told(await verify(closed, env(value)))).toEqual([])
  })

  test('is not given to helpers', async () => {
    await helper('one', `env > '${folder}/env'; ${gives}`)
    await write({ credHelpers: { [REGISTRY]: 'one' } })
    expect((await verify(closed, { ...env({ auths: { other: login } }), OTHER: 'kept' })).status).toBe('trusted')
    const seen = await readFile(join(folder, 'env'), 'utf8')
    expect(seen).toContain('OTHER=kept')
    expect(seen).not.toContain('DOCKER_AUTH_CONFIG')
  })
})

describe('the hint names a login under a name that Docker does not match', () => {
  test.each([
    [`${REGISTRY}:443`, `${REGISTRY}:443`],
    [`https://${REGISTRY}:443/v1/`, `${REGISTRY}:443`],
    ['REGISTRY.example', 'REGISTRY.example'],
    ['registry.example.', 'registry.example.'],
    [`https://user:pa55word@${REGISTRY}:443/`, `${REGISTRY}:443`],
  ])('%s', async (key, shown) => {
    for (const [config, env] of [
      [{ auths: { [key]: login } }, {}],
      [{}, { DOCKER_AUTH_CONFIG: json({ auths: { [key]: login } }) }],
    ] as const) {
      await write(config)
      const error = await refusal(closed, env)
      expect(error).toMatchObject({
        code: 'ERR_UNAUTHORIZED',
        hint: expect.stringMatching(new RegExp(`There is a login for ${shown.replaceAll('.', '\\.')}, which .* not ${REGISTRY}`)),
      })
      expect(JSON.stringify(error)).not.toContain('pa55word')
    }
  })
})
