import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { dockerCredentials } from '../../src/credentials/docker-config.js'
import { decideCredentials } from '../../src/http/auth/who-gets-credentials.js'
import { parseReference } from '../../src/reference/reference.js'
import { createCertificate } from '../../src/testing/index.js'
import { parseServer } from '../../src/trust-server/notary-url.js'
import { startServer, testAuthority } from '../support/loopback-server.js'
import { runProgram, type World } from './program.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-env-'))
})
afterEach(() => rm(folder, { recursive: true }))

type Findings = Record<string, { readonly value: string; readonly why: string }>

/** What `dct env --json` finds. */
async function findings(argv: readonly string[] = [], world: World = {}): Promise<Findings & { status: number }> {
  const { out, status } = await runProgram(['env', '--json', ...argv], { env: { HOME: folder }, ...world })
  return Object.assign(JSON.parse(out) as Findings, { status })
}

test('prints two lines for each subject: the value and its reason', async () => {
  const { status, out, err } = await runProgram(['env'], { env: { HOME: folder } })
  expect({ status, err }).toEqual({ status: 0, err: '' })
  expect(out).toContain('content trust:    on\n')
  expect(out).toContain("trust server:     https://notary.docker.io\n                  Docker's default for docker.io: ")
  expect(out).toContain(`cache:            ${join(folder, '.docker', 'trust')}\n`)
  expect(out.split('\n')).toHaveLength(2 * 12 + 1)
})

describe('the switch', () => {
  test.each([
    [{}, [], 'on', 'off'],
    [{ DOCKER_CONTENT_TRUST: '1' }, [], 'on', 'on'],
    [{ DOCKER_CONTENT_TRUST: '0' }, [], 'off', 'off'],
    [{ DOCKER_CONTENT_TRUST: '1' }, ['--disable-content-trust'], 'off', 'on'],
    [{ DOCKER_CONTENT_TRUST: '0' }, ['--disable-content-trust=false'], 'on', 'off'],
  ])('with %j and %j is %s for the command, %s for the library', async (env, argv, command, library) => {
    const { contentTrust } = await findings(argv, { env: { HOME: folder, ...env } })
    expect(contentTrust?.value).toBe(command)
    expect(contentTrust?.why).toContain(`follows Docker: ${library},`)
  })
})

describe('the trust server', () => {
  test('is that of the option, the environment, or the registry, as typed', async () => {
    const env = { HOME: folder, DOCKER_CONTENT_TRUST_SERVER: 'https://trust.example:443' }
    expect((await findings(['ghcr.io/a/b:1']))['trustServer']).toMatchObject({ value: 'https://ghcr.io' })
    expect((await findings([], { env }))['trustServer']).toEqual({
      value: 'https://trust.example:443',
      why: 'DOCKER_CONTENT_TRUST_SERVER',
    })
    expect((await findings(['--server', 'https://own.example'], { env }))['trustServer']).toEqual({
      value: 'https://own.example',
      why: '--server',
    })
  })

  test('with an unusable address is reported, and the other subjects are shown', async () => {
    const found = await findings([], { env: { HOME: folder, DOCKER_CONTENT_TRUST_SERVER: 'http://plain.example' } })
    expect(found.status).toBe(2)
    expect(found['trustServer']).toEqual({
      value: 'unusable (ERR_SETTINGS_INVALID)',
      why: expect.stringContaining('valid https URL required for trust server, got http://plain.example'),
    })
    expect(found['cache']?.value).toBe(join(folder, '.docker', 'trust'))
  })
})

test('the proxy is shown without its password', async () => {
  const env = { HOME: folder, HTTPS_PROXY: 'http://me:secret@proxy.example:3128' }
  expect((await findings([], { env }))['proxy']).toEqual({ value: 'http://proxy.example:3128', why: 'HTTPS_PROXY' })
  expect((await findings([], { env: { ...env, NO_PROXY: 'docker.io' } }))['proxy']?.value).toBe('none')
})

describe('certificates', () => {
  test('are counted, and the folder for them is named', async () => {
    const before = (await findings())['caCertificates']
    const tls = join(folder, '.docker', 'tls', 'notary.docker.io')
    expect(before?.value).toMatch(/^[0-9]+, no client certificate$/)
    expect(before?.why).toContain(tls)
    await mkdir(tls, { recursive: true })
    const { pem } = createCertificate({ subject: { cn: 'a CA' }, notBefore: new Date(0), notAfter: new Date(4e12), ca: true })
    await writeFile(join(tls, 'ca.crt'), pem)
    expect(Number.parseInt((await findings())['caCertificates']?.value ?? '', 10)).toBe(
      Number.parseInt(before?.value ?? '', 10) + 1,
    )
  })

  test("the folders of Docker's engine are named, and the files that are left out", async () => {
    const engine = join(folder, '.config', 'docker', 'certs.d', 'notary.docker.io')
    await mkdir(engine, { recursive: true })
    await writeFile(join(engine, 'ca.crt'), 'x')
    const why = (await findings())['caCertificates']?.why
    expect(why).toContain('*.crt in /etc/docker/certs.d/notary.docker.io')
    expect(why).toContain(`*.crt in ${engine}; left out: ${join(engine, 'ca.crt')} (no usable PEM certificate); *.crt in `)
  })

  test('that cannot be used are named', async () => {
    const tls = join(folder, '.docker', 'tls', 'notary.docker.io')
    await mkdir(tls, { recursive: true })
    await writeFile(join(tls, 'client.cert'), 'x')
    expect((await findings())['caCertificates']).toMatchObject({
      value: 'unusable (ERR_SETTINGS_INVALID)',
      why: expect.stringContaining('missing key client.key'),
    })
  })
})

describe('credentials', () => {
  const secret = Buffer.from('me:hunter2').toString('base64')
  test.each([
    [{}, 'none for notary.docker.io or docker.io in'],
    [{ auths: { 'https://index.docker.io/v1/': { auth: secret } } }, 'a password in auths for docker.io'],
    [{ auths: { 'notary.docker.io': { identitytoken: secret } } }, 'an identity token in auths for notary.docker.io'],
    [{ credsStore: 'desktop' }, 'docker-credential-desktop (credsStore) for notary.docker.io'],
    [{ credHelpers: { 'docker.io': 'ecr' } }, 'docker-credential-ecr (credHelpers) for docker.io'],
    [
      { credsStore: 'desktop', auths: { 'notary.docker.io': {}, 'docker.io': { auth: secret } } },
      'docker-credential-desktop (credsStore) for notary.docker.io, else docker-credential-desktop (credsStore) for docker.io, else a password in auths for docker.io',
    ],
    [
      { credsStore: 'desktop', auths: { 'notary.docker.io': { auth: secret }, 'docker.io': { auth: secret } } },
      'docker-credential-desktop (credsStore) for notary.docker.io, else a password in auths for notary.docker.io',
    ],
  ])('of %j are %s, and no secret is shown', async (config, origin) => {
    await mkdir(join(folder, '.docker'))
    await writeFile(join(folder, '.docker', 'config.json'), JSON.stringify(config))
    const found = await findings()
    expect(found['credentials']?.value).toContain(origin)
    expect(JSON.stringify(found)).not.toMatch(new RegExp(`hunter2|${secret}`))
  })

  const write = async (config: unknown): Promise<void> => {
    await mkdir(join(folder, '.docker'))
    await writeFile(join(folder, '.docker', 'config.json'), typeof config === 'string' ? config : JSON.stringify(config))
  }

  test.each([
    [{ auths: { 'https://index.docker.io/v1/': { auth: secret } } }, /^none for notary\.example in /],
    [{ credsStore: 'desktop' }, /^docker-credential-desktop \(credsStore\) for notary\.example$/],
  ])("of %j for docker.io at another trust server: docker.io's are not promised to it", async (config, value) => {
    await write(config)
    const found = (await findings(['--server', 'https://notary.example']))['credentials']
    expect(found?.value).toMatch(value)
    expect(found?.why).toContain('The credentials of docker.io are not sent to notary.example for notary.example')
  })

  const SERVERS = ['https://notary.docker.io', 'https://notary.docker.io:443', 'https://docker.io', 'https://notary.example']
  test.each(
    SERVERS.flatMap((server) =>
      ['alpine', 'ghcr.io/a/b', 'notary.example/a/b'].map((image): [string, string] => [server, image]),
    ),
  )('shown for %s and %s are those that would be sent', async (server, image) => {
    const owners = ['docker.io', 'notary.docker.io', 'notary.docker.io:443', 'ghcr.io', 'notary.example']
    for (const logins of [owners, owners.slice(0, 1), owners.slice(1, 2), owners.slice(3)]) {
      await rm(join(folder, '.docker'), { recursive: true, force: true })
      await write({ auths: Object.fromEntries(logins.map((owner) => [owner, { auth: secret }])) })
      const decision = await decideCredentials({
        source: dockerCredentials({ dockerConfig: join(folder, '.docker'), env: {} }),
        server: parseServer(server),
        gun: parseReference(image).gun,
        recipient: new URL(server),
        serverIsMappedForDockerIo: false,
        signal: new AbortController().signal,
      })
      const shown = (await findings(['--server', server, image]))['credentials']?.value
      if (decision.credentials === undefined) expect(shown).toMatch(/^none for /)
      else expect(shown).toBe(`a password in auths for ${decision.owner}`)
    }
  })

  test.each([[['docker.io']], [['localhost']], [['docker.io', 'localhost']]])(
    'of %j for an image of docker.io are shown if, and only if, a trust server gets them',
    async (logins) => {
      const sent: string[] = []
      await using server = await startServer((request, response) => {
        sent.push(request.headers.authorization ?? '')
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      })
      const { host } = new URL(server.url)
      const login = (owner: string) => Buffer.from(`${owner}:hunter2`).toString('base64')
      await write({
        auths: Object.fromEntries(logins.map((owner) => [owner === 'localhost' ? host : owner, { auth: login(owner) }])),
      })
      await writeFile(join(folder, 'ca.crt'), testAuthority.pem)
      const options = ['--server', server.url, '--tlscacert', join(folder, 'ca.crt'), 'alpine']
      await runProgram(['verify', ...options], { env: { HOME: folder } })
      expect(new Set(sent.filter((header) => header !== ''))).toEqual(
        new Set(logins.includes('localhost') ? [`Basic ${login('localhost')}`] : []),
      )
      const found = (await findings(options))['credentials']
      expect(found?.value).toMatch(logins.includes('localhost') ? `a password in auths for ${host}` : /^none for localhost/)
      expect(found?.value).not.toContain('docker.io')
    },
  )

  test('of DOCKER_AUTH_CONFIG go first; an unusable variable is reported without its content', async () => {
    await write({ auths: { 'ghcr.io': { identitytoken: 'hunter2' } } })
    const env = { HOME: folder, DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { 'ghcr.io': { auth: secret } } }) }
    expect((await findings(['ghcr.io/a/b'], { env }))['credentials']?.value).toBe('a password in DOCKER_AUTH_CONFIG for ghcr.io')
    const wrong = await findings(['ghcr.io/a/b'], { env: { ...env, DOCKER_AUTH_CONFIG: '{"hunter2":1}' } })
    expect(wrong['credentials']?.value).toBe('an identity token in auths for ghcr.io')
    expect(wrong['credentials']?.why).toContain('DOCKER_AUTH_CONFIG is not used: it has members beside auths')
    expect(JSON.stringify(wrong)).not.toContain('hunter2')
  })

  test('are named without running a helper', async () => {
    await write({ credsStore: 'noted' })
    const helper = join(folder, 'docker-credential-noted')
    await writeFile(helper, `#!/bin/sh\n: > '${folder}/ran'\n`, { mode: 0o755 })
    const found = await findings(['ghcr.io/a/b'], { env: { HOME: folder, PATH: folder } })
    expect(found['credentials']?.value).toBe('docker-credential-noted (credsStore) for ghcr.io')
    await expect(readFile(join(folder, 'ran'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test.each([
    ['{', 2, 'unusable (ERR_SETTINGS_INVALID)', 'config.json: is not JSON'],
    [{ auths: { 'other.example': 7 } }, 0, 'none for ghcr.io in', 'config.json: auths: other.example: is not an object'],
    [{ auths: { 'GHCR.io': { auth: secret } } }, 0, 'none for ghcr.io in', 'There is a login for GHCR.io'],
  ])('of %j: the problem of the file is reported', async (config, status, value, why) => {
    await write(config)
    const found = await findings(['ghcr.io/a/b'])
    expect(found.status).toBe(status)
    expect(found['credentials']).toEqual({ value: expect.stringContaining(value), why: expect.stringContaining(why) })
  })
})

test('names a registry that is its own trust server once when credentials are missing', async () => {
  expect((await findings(['ghcr.io/a/b:1']))['credentials']?.value).toMatch(/^none for ghcr\.io in /)
})

test('pins are those of the collection', async () => {
  const file = join(folder, 'pins.json')
  await writeFile(file, JSON.stringify({ certs: { 'docker.io/library/*': ['a'.repeat(64)] }, disable_tofu: true }))
  expect((await findings(['--pinning', file]))['pinning']).toEqual({
    value: 'certificates, rule "docker.io/library/*"',
    why: '--pinning',
  })
  expect((await findings(['--pinning', file, 'ghcr.io/a/b']))['pinning']?.why).toContain('first use is refused')
  expect((await findings(['--pinning', file, 'docker.io/fleet/r02']))['pinning']?.why).not.toContain('come close')
})

test('names pins with a similar name when no pin applies', async () => {
  const file = join(folder, 'pins.json')
  await writeFile(file, JSON.stringify({ certs: { 'fleet/r02': ['a'.repeat(64)] }, disable_tofu: true }))
  expect((await findings(['--pinning', file, 'docker.io/fleet/r02']))['pinning']).toEqual({
    value: 'none for this collection',
    why: '--pinning; first use is refused; pins that come close: "fleet/r02"; the name of this collection is docker.io/fleet/r02',
  })
})

test('asks no server, and refuses a second reference', async () => {
  expect((await findings(['nowhere.invalid/x'])).status).toBe(0)
  expect((await runProgram(['env', 'a', 'b'])).status).toBe(2)
  expect((await runProgram(['env', 'Not valid'])).status).toBe(2)
})
