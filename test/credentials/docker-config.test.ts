import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Credentials, givenCredentials } from '../../src/credentials/credentials.js'
import { dockerCredentials } from '../../src/credentials/docker-config.js'
import { UsageError } from '../../src/errors.js'

const SECRET = 'pa55word'
const auth = (text: string): string => Buffer.from(text).toString('base64')

let dockerConfig: string

beforeEach(async () => {
  dockerConfig = await mkdtemp(join(tmpdir(), 'dct-config-'))
})
afterEach(() => rm(dockerConfig, { recursive: true }))

async function write(config: unknown): Promise<void> {
  await writeFile(join(dockerConfig, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config))
}

async function find(key: string): Promise<Credentials | undefined> {
  return dockerCredentials({ dockerConfig, env: { PATH: join(dockerConfig, 'bin') } }).get(key)
}

/** A credential helper: a shell script that records its input. */
async function helper(name: string, script: string): Promise<void> {
  const bin = join(dockerConfig, 'bin')
  await mkdir(bin, { recursive: true })
  const file = join(bin, `docker-credential-${name}`)
  await writeFile(file, `#!/bin/sh\nPATH=/bin:/usr/bin\nserver=$(cat)\necho "$1 $server" >> '${bin}/asked'\n${script}\n`)
  await chmod(file, 0o755)
}

async function asked(): Promise<string[]> {
  return (await readFile(join(dockerConfig, 'bin', 'asked'), 'utf8')).trim().split('\n')
}

describe('auths', () => {
  test.each([
    [{ auth: auth('me:pass:word') }, { username: 'me', password: 'pass:word' }],
    [{ auth: auth('me:pass\0\0') }, { username: 'me', password: 'pass' }],
    [{ auth: auth('me:pässwörd') }, { username: 'me', password: 'pässwörd' }],
    [{ auth: auth('me:') }, { username: 'me', password: '' }],
    [
      { username: 'me', password: 'pass' },
      { username: 'me', password: 'pass' },
    ],
    [{ auth: auth('me:x'), identitytoken: 'idt' }, { identityToken: 'idt' }],
    [{ auth: '', registrytoken: 'reg' }, { registryToken: 'reg' }],
    [{}, undefined],
    [{ auth: null, email: 'a@b' }, undefined],
    [{ username: 'me' }, undefined],
  ])('%j', async (entry, expected) => {
    await write({ auths: { host: entry } })
    expect(await find('host')).toEqual(expected)
  })

  test.each([
    ['docker.io', 'https://index.docker.io/v1/', true],
    ['docker.io', 'https://index.docker.io/v1', true],
    ['docker.io', 'index.docker.io', true],
    ['docker.io', 'docker.io', true],
    ['index.docker.io', 'https://index.docker.io/v1/', true],
    ['docker.io', 'hub.docker.com', false],
    ['host', 'host', true],
    ['host', 'https://host', true],
    ['host', 'https://host/v1/', true],
    ['host', 'http://host/v2/', true],
    ['host:5000', 'https://host:5000/v1/', true],
    ['host', 'host:5000', false],
    ['host:5000', 'host', false],
    ['host', 'host.example', false],
    ['evil.example', 'https://index.docker.io/v1/', false],
    ['__proto__', 'host', false],
    ['constructor', 'host', false],
  ])('for %s the key %s: %s', async (key, stored, found) => {
    await write({ auths: { [stored]: { auth: auth('me:x') } } })
    expect((await find(key)) !== undefined).toBe(found)
  })

  test('the exact key is used first', async () => {
    await write({ auths: { 'https://host/v1/': { auth: auth('old:x') }, host: { auth: auth('new:x') } } })
    expect(await find('host')).toEqual({ username: 'new', password: 'x' })
  })
})

describe('the file', () => {
  test('that does not exist holds no credentials', async () => {
    expect(await find('host')).toBeUndefined()
    await dockerCredentials({ dockerConfig, env: {} }).check()
  })

  test.each([
    '',
    ' \n',
    'null',
    '{}',
    '{"auths":null,"credHelpers":null,"credsStore":null}',
    '{"detachKeys":"x","HttpHeaders":{}}',
  ])('%s holds no credentials', async (text) => {
    await write(text)
    expect(await find('host')).toBeUndefined()
  })

  test.each([`{"auths":{"host":{"auth":"${SECRET}`, `${SECRET}`, '[]', `["${SECRET}"]`, `"${SECRET}"`, `{"auths":${SECRET}}`])(
    '%s is not a JSON object: a usage error at once that names the file and holds no secret',
    async (text) => {
      await write(text)
      const failure = await dockerCredentials({ dockerConfig, env: {} })
        .check()
        .catch((cause: unknown) => cause)
      expect(failure).toBeInstanceOf(UsageError)
      expect(failure).toMatchObject({
        code: 'ERR_SETTINGS_INVALID',
        message: expect.stringContaining(join(dockerConfig, 'config.json')),
      })
      expect(inspect(failure, { depth: 9 })).not.toMatch(new RegExp(`${SECRET}|${auth(SECRET)}`))
      await expect(find('host')).rejects.toBeInstanceOf(UsageError)
    },
  )

  test.each([
    '{"auths":[]}',
    '{"auths":{"host":"x"}}',
    '{"auths":{"host":{"auth":7}}}',
    `{"auths":{"host":{"auth":"${SECRET}%%"}}}`,
    `{"auths":{"host":{"auth":"${auth(SECRET)}"}}}`,
    `{"auths":{"host":{"auth":"${auth(`:${SECRET}`)}"}}}`,
    `{"auths":{"https://${SECRET}@host/${SECRET}":7}}`,
    '{"credsStore":7}',
    '{"credsStore":"../evil"}',
    '{"credsStore":"a b"}',
    '{"credHelpers":{"host":"a;b"}}',
    '{"credHelpers":{"host":{}}}',
    '{"credHelpers":"x"}',
  ])('%s is a usage error when a login for the host is needed, and holds no secret', async (text) => {
    await write(text)
    const credentials = dockerCredentials({ dockerConfig, env: {} })
    expect(credentials.problems()).toEqual([])
    await credentials.check()
    expect(credentials.problems()).toEqual([expect.stringContaining(join(dockerConfig, 'config.json'))])
    const failure = await credentials.get('host').catch((cause: unknown) => cause)
    expect(failure).toMatchObject({ code: 'ERR_SETTINGS_INVALID', message: credentials.problems()[0] })
    expect(inspect(failure, { depth: 9 })).not.toMatch(new RegExp(`${SECRET}|${auth(SECRET)}`))
  })

  test.each(['[]', '{"host":"x"}', '{"host":{"auth":7}}'])(
    'a login of another host is found beside auths of %s',
    async (wrong) => {
      await write(`{"auths":${wrong},"AUTHS":{"other":{"auth":"${auth('me:x')}"}}}`)
      expect(await find('other')).toEqual({ username: 'me', password: 'x' })
    },
  )

  test('is not read without a folder', async () => {
    const credentials = dockerCredentials({
      dockerConfig: undefined,
      env: { DOCKER_AUTH_CONFIG: `{"auths":{"host":{"auth":"${auth('me:x')}"}}}` },
    })
    expect(await credentials.get('host')).toEqual({ username: 'me', password: 'x' })
    expect(await credentials.get('other')).toBeUndefined()
  })
})

describe('helpers', () => {
  const gives = (username: string): string => `echo '{"ServerURL":"x","Username":"${username}","Secret":"${SECRET}"}'`

  test('credHelpers for a host, credsStore for the others, docker.io by its old name', async () => {
    await helper('one', gives('one'))
    await helper('two', gives('two'))
    await write({ credHelpers: { host: 'one' }, credsStore: 'two' })
    expect(await find('host')).toEqual({ username: 'one', password: SECRET })
    expect(await find('other:5000')).toEqual({ username: 'two', password: SECRET })
    expect(await find('docker.io')).toEqual({ username: 'two', password: SECRET })
    expect(await asked()).toEqual(['get host', 'get other:5000', 'get https://index.docker.io/v1/'])
  })

  test('an empty helper means the file', async () => {
    await write({ credHelpers: { host: '' }, credsStore: 'none', auths: { host: { auth: auth('me:x') } } })
    expect(await find('host')).toEqual({ username: 'me', password: 'x' })
  })

  test('<token> is an identity token', async () => {
    await helper('one', gives('<token>'))
    await write({ credsStore: 'one' })
    expect(await find('host')).toEqual({ identityToken: SECRET })
  })

  test('the file is used when a helper has no credentials', async () => {
    await helper('one', "echo 'credentials not found in native keychain'; exit 1")
    await write({ credsStore: 'one' })
    expect(await find('host')).toBeUndefined()
    await write({ credsStore: 'one', auths: { host: { auth: auth('me:x') } } })
    expect(await find('host')).toEqual({ username: 'me', password: 'x' })
  })

  test('is asked once for many collections', async () => {
    await helper('one', gives('one'))
    await write({ credsStore: 'one' })
    const credentials = dockerCredentials({ dockerConfig, env: { PATH: join(dockerConfig, 'bin') } })
    await Promise.all([credentials.get('host'), credentials.get('host')])
    await credentials.get('host')
    expect(await asked()).toEqual(['get host'])
  })

  test.each([
    [
      'is not installed',
      undefined,
      /^error getting credentials - err: exec: "docker-credential-one": executable file not found in \$PATH$/,
    ],
    ['fails', `echo '${SECRET}'; echo '${SECRET}' >&2; exit 3`, /docker-credential-one: exit status 3$/],
    ['is killed', 'kill -9 $$', /docker-credential-one: ended by SIGKILL$/],
    ['does not answer with JSON', `echo '${SECRET}'`, /docker-credential-one: answered something that is not JSON$/],
    [
      'answers without end',
      'while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done',
      /more than 65536 bytes of output$/,
    ],
  ])('one that %s is ERR_UNAUTHORIZED, and the error holds no secret', async (_, script, message) => {
    if (script !== undefined) await helper('one', script)
    await write({ credsStore: 'one' })
    const failure = await find('host').catch((cause: unknown) => cause)
    expect(failure).toMatchObject({ code: 'ERR_UNAUTHORIZED', kind: 'unavailable', message: expect.stringMatching(message) })
    expect(JSON.stringify(failure)).not.toContain(SECRET)
  })

  test('is asked once also when it fails', async () => {
    await helper('one', 'exit 3')
    await write({ credsStore: 'one' })
    const credentials = dockerCredentials({ dockerConfig, env: { PATH: join(dockerConfig, 'bin') } })
    const failures = await Promise.allSettled([credentials.get('host'), credentials.get('host')])
    expect(failures.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await expect(credentials.get('host')).rejects.toMatchObject({ code: 'ERR_UNAUTHORIZED' })
    expect(await asked()).toEqual(['get host'])
  })

  test('is asked again when the first caller aborted', async () => {
    await helper('one', `[ -e '${dockerConfig}/second' ] || { touch '${dockerConfig}/second'; exec sleep 30; }; ${gives('one')}`)
    await write({ credsStore: 'one' })
    const credentials = dockerCredentials({ dockerConfig, env: { PATH: join(dockerConfig, 'bin') } })
    const controller = new AbortController()
    const first = credentials.get('host', controller.signal).catch((cause: unknown) => cause)
    await expect.poll(() => readFile(join(dockerConfig, 'second'), 'utf8').catch(() => undefined)).toBe('')
    controller.abort('stop')
    expect(await first).toBe('stop')
    expect(await credentials.get('host')).toEqual({ username: 'one', password: SECRET })
  })

  test('that never answers is stopped once for all hosts, and auths is used', async () => {
    await helper('one', 'exec sleep 30')
    await write({ credsStore: 'one', auths: { host: { auth: auth('me:x') } } })
    const env = { PATH: join(dockerConfig, 'bin') }
    const credentials = dockerCredentials({ dockerConfig, env, helperTimeoutMs: 500 })
    await expect(credentials.get('trust.example')).rejects.toMatchObject({
      message: expect.stringContaining('no answer within 0.5 s'),
    })
    expect(await credentials.get('host')).toEqual({ username: 'me', password: 'x' })
    expect(await asked()).toEqual(['get trust.example'])
  })

  test("credsStore is Docker's choice before a helper under another spelling of the host, which is asked after it", async () => {
    await helper('one', gives('one'))
    await helper('two', `[ "$server" = host ] || { echo 'credentials not found in native keychain'; exit 1; }; ${gives('two')}`)
    await write({ credHelpers: { 'docker.io': 'one', 'https://host': 'one' }, credsStore: 'two' })
    expect(await find('host')).toEqual({ username: 'two', password: SECRET })
    expect(await find('docker.io')).toEqual({ username: 'one', password: SECRET })
  })

  test('relative folders of PATH are not searched', async () => {
    await helper('one', gives('one'))
    await write({ credsStore: 'one' })
    const PATH = `.:${relative(process.cwd(), join(dockerConfig, 'bin'))}:`
    await expect(dockerCredentials({ dockerConfig, env: { PATH } }).get('host')).rejects.toMatchObject({
      message: expect.stringContaining('not found'),
    })
  })
})

describe('given by a program', () => {
  test('for every registry', async () => {
    const source = givenCredentials({ username: 'me', password: SECRET })
    expect(await source.get('any')).toEqual({ username: 'me', password: SECRET })
  })

  test('by registry', async () => {
    const source = givenCredentials({ host: { identityToken: 'x' } })
    expect(await source.get('host')).toEqual({ identityToken: 'x' })
    expect(await source.get('constructor')).toBeUndefined()
  })

  test('by a function', async () => {
    const source = givenCredentials(async (key) => (key === 'host' ? { registryToken: 'x' } : undefined))
    expect(await source.get('host')).toEqual({ registryToken: 'x' })
    expect(await source.get('other')).toBeUndefined()
  })

  test('an invalid value is a usage error that does not hold it', async () => {
    const wrong: Record<string, Credentials> = JSON.parse(`{"host":{"username":"me","pass":"${SECRET}"}}`)
    for (const attempt of [async () => givenCredentials(wrong), () => givenCredentials(() => wrong['host']).get('host')]) {
      const failure = await attempt().catch((cause: unknown) => cause)
      expect(failure).toBeInstanceOf(UsageError)
      expect(JSON.stringify(failure)).not.toContain(SECRET)
    }
  })
})
