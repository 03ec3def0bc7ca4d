/** What users rely on: names, exports, the package. Changing any of it is a breaking change. */
import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import * as library from '../src/index.js'
import * as kit from '../src/testing/index.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))

test('the values that the package exports', () => {
  expect(Object.keys(library).sort()).toEqual([
    'StaleError',
    'TrustError',
    'UnavailableError',
    'UnsignedError',
    'UntrustedError',
    'UsageError',
    'contentTrustEnabled',
    'createMemoryStore',
    'createTrustClient',
    'pinDockerfile',
    'pinYaml',
    'verifyTag',
  ])
})

test('the values that the testing kit exports', () => {
  expect(Object.keys(kit).sort()).toEqual([
    'STORE_CHECKS',
    'TAMPERINGS',
    'canonicalBytes',
    'createBundle',
    'createCertificate',
    'createClock',
    'createKeys',
    'createLockfile',
    'createSigningKey',
    'createSimulatedTransport',
    'createTrustCollection',
    'der',
    'describeFile',
    'encodeName',
    'loadFixture',
    'readServedFolder',
    'recordFixture',
    'signFile',
    'startTrustServer',
    'toPem',
    'writeFixture',
  ])
})

test('the package: ESM, three ways in, two names for one program, exact versions', () => {
  expect(manifest).toMatchObject({
    name: 'docker-content-trust',
    type: 'module',
    license: 'Apache-2.0',
    engines: { node: '>=20.19' },
  })
  expect(Object.keys(manifest.exports)).toEqual(['.', './testing', './package.json'])
  expect(manifest.bin).toEqual({ dct: 'dist/cli/bin.cjs', 'docker-content-trust': 'dist/cli/bin.cjs' })
  for (const version of Object.values(manifest.dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
  // The official schema of SARIF is published in a beta alone.
  for (const version of Object.values(manifest.devDependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+(-beta\.\d+)?$/)
  expect(manifest.devDependencies.vitest).toBe(manifest.devDependencies['@vitest/coverage-v8'])
})

test('importing the built package adds nothing global', () => {
  const script = `
    const before = new Set(Reflect.ownKeys(globalThis))
    await import('docker-content-trust')
    const added = Reflect.ownKeys(globalThis).filter((name) => !before.has(name)).map(String)
    console.log(JSON.stringify(added))`
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT, encoding: 'utf8' })
  expect(JSON.parse(out)).toEqual([])
})

describe('the switch, to the letter of Docker', () => {
  const settings: [string | undefined, boolean][] = [
    [undefined, false],
    ['', false],
    ...['0', 'f', 'F', 'false', 'False', 'FALSE'].map((value): [string, boolean] => [value, false]),
    ...['1', 't', 'T', 'true', 'True', 'TRUE', 'no', 'off', '2', ' ', 'fALSE'].map((value): [string, boolean] => [value, true]),
  ]
  test.each(settings)('DOCKER_CONTENT_TRUST=%j is %s', (value, enabled) => {
    expect(library.contentTrustEnabled({ env: { DOCKER_CONTENT_TRUST: value } })).toBe(enabled)
    expect(library.contentTrustEnabled({ env: { DOCKER_CONTENT_TRUST: value }, disableContentTrust: true })).toBe(false)
    expect(library.contentTrustEnabled({ env: { DOCKER_CONTENT_TRUST: value }, disableContentTrust: false })).toBe(true)
  })

  test('off: the reference is still parsed, server and pins are not, and there is no digest', async () => {
    const options = { env: {}, server: 'no URL', pinning: { certs: { x: [] } } }
    expect(await library.verifyTag('alpine', options)).toEqual({ status: 'disabled', reference: 'alpine', reason: 'environment' })
    expect(await library.verifyTag('alpine', { ...options, disableContentTrust: true })).toEqual({
      status: 'disabled',
      reference: 'alpine',
      reason: 'option',
    })
    await expect(library.verifyTag('Alpine', options)).rejects.toMatchObject({ code: 'ERR_REFERENCE_INVALID' })
  })
})

describe('which server, which folder', () => {
  const asked = async (reference: string, options: library.VerifyTagOptions) => {
    const transport: library.Transport = { fetchMetadata: async () => undefined, close: async () => undefined }
    const error: unknown = await library
      .verifyTag(reference, {
        disableContentTrust: false,
        transport,
        store: library.createMemoryStore(),
        ...options,
        env: { HOME: '/nonexistent', ...options.env },
      })
      .catch((cause: unknown) => cause)
    return error instanceof library.TrustError ? error.message : error
  }

  test.each<[string, library.VerifyTagOptions, string]>([
    ['alpine', {}, 'notary.docker.io'],
    ['registry.example:5000/a/b', {}, 'registry.example:5000'],
    ['alpine', { env: { DOCKER_CONTENT_TRUST_SERVER: '' } }, 'notary.docker.io'],
    [
      'alpine',
      { env: { DOCKER_CONTENT_TRUST_SERVER: 'https://container-trust.oci.oraclecloud.com:443' } },
      'container-trust.oci.oraclecloud.com:443',
    ],
    [
      'alpine',
      { env: { DOCKER_CONTENT_TRUST_SERVER: 'https://env.example' }, servers: { 'docker.io': 'https://map.example:8443/' } },
      'map.example:8443',
    ],
    [
      'quay.io/a/b',
      { env: { DOCKER_CONTENT_TRUST_SERVER: 'https://env.example' }, servers: { 'docker.io': 'https://map.example' } },
      'env.example',
    ],
    ['alpine', { server: 'https://option.example/prefix/', servers: { 'docker.io': 'https://map.example' } }, 'option.example'],
  ])('%s with %j asks %s', async (reference, options, host) => {
    expect(await asked(reference, options)).toContain(`: ${host} does not have trust data for `)
  })

  test("no trust data is said in the manual's words", async () => {
    expect(await asked('nginx', { server: 'https://container-trust.oci.oraclecloud.com:443' })).toBe(
      'remote trust data does not exist for nginx: container-trust.oci.oraclecloud.com:443 does not have trust data for docker.io/library/nginx',
    )
  })

  test.each([
    'http://x.example',
    'x.example',
    'https://u:p@x.example',
    'https://x.example/?a',
    'https://x.example/#a',
    'ftp://x',
  ])('the server %j is a usage error', async (server) => {
    const message = await asked('alpine', { server })
    expect(message).toContain('valid https URL required for trust server, got ')
    expect(message).not.toContain(':p@')
  })

  test.each<[string, object]>([
    ['a negative timeout', { timeout: -1 }],
    ['an unknown fallback', { staleFallback: 'maybe' }],
    ['a clock that gives no date', { now: () => new Date(Number.NaN) }],
    ['a CA that is none', { ca: 'text' }],
    ['a pin with an unknown field', { pinning: { cert: {} } }],
    ['an empty pin list', { pinning: { certs: { x: [] } } }],
    ['a store that is none', { store: {} }],
  ])('%s is ERR_SETTINGS_INVALID', async (_what, options) => {
    await expect(
      library.verifyTag('alpine', { disableContentTrust: false, env: {}, server: 'https://x.example', ...options }),
    ).rejects.toMatchObject({
      code: 'ERR_SETTINGS_INVALID',
      kind: 'usage',
    })
  })
})
