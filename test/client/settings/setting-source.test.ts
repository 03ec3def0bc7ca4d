/** Where a value comes from is data; its words are those that the reader knows: options for the library, flags for the command. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KNOWN_REGISTRIES } from '../../../src/client/settings/known-registries.js'
import { describeSource, type SettingSource, settingName } from '../../../src/client/settings/setting-source.js'
import { chooseDockerConfig, chooseServer, chooseTrustDirectory, sourceOf } from '../../../src/client/settings/setting-sources.js'
import { SETTINGS } from '../../../src/client/settings/settings-table.js'
import { createTrustClient, type TrustClientOptions } from '../../../src/index.js'
import { refusalOf } from '../story.js'

const ORACLE = 'container-registry.oracle.com'
const MIRROR = 'container-registry-phx.oracle.com'
const OWN = 'https://own.example'
const SET = { DOCKER_CONTENT_TRUST_SERVER: 'https://set.example' }

describe('the trust server', () => {
  test.each<[string, string, TrustClientOptions, Record<string, string>, SettingSource, string, string]>([
    ['the option', 'docker.io', { server: OWN }, SET, { kind: 'option', name: 'server' }, 'the option server', '--server'],
    [
      'the map',
      'ghcr.io',
      { servers: { 'ghcr.io': OWN } },
      SET,
      { kind: 'option', name: 'servers', registry: 'ghcr.io' },
      'the option servers, for ghcr.io',
      'the option servers, for ghcr.io',
    ],
    [
      'the map, for a mirror',
      MIRROR,
      { servers: { [ORACLE]: OWN } },
      SET,
      { kind: 'option', name: 'servers', registry: ORACLE, mirror: MIRROR },
      `the option servers, for ${ORACLE}, of which ${MIRROR} is a mirror`,
      `the option servers, for ${ORACLE}, of which ${MIRROR} is a mirror`,
    ],
    [
      'the environment',
      ORACLE,
      {},
      SET,
      { kind: 'environment', variable: 'DOCKER_CONTENT_TRUST_SERVER' },
      'DOCKER_CONTENT_TRUST_SERVER',
      'DOCKER_CONTENT_TRUST_SERVER',
    ],
    [
      'a known registry; an empty variable is unset',
      ORACLE,
      {},
      { DOCKER_CONTENT_TRUST_SERVER: '' },
      { kind: 'known-registry', registry: ORACLE },
      `known for ${ORACLE}: DOCKER_CONTENT_TRUST_SERVER is not set`,
      `known for ${ORACLE}: DOCKER_CONTENT_TRUST_SERVER is not set`,
    ],
    [
      'the default',
      'docker.io',
      {},
      {},
      { kind: 'default', name: 'server', registry: 'docker.io' },
      "Docker's default for docker.io: DOCKER_CONTENT_TRUST_SERVER is not set",
      "Docker's default for docker.io: DOCKER_CONTENT_TRUST_SERVER is not set",
    ],
    [
      'the address of the registry',
      'ghcr.io',
      {},
      {},
      { kind: 'registry-address', registry: 'ghcr.io' },
      "Docker's default for ghcr.io: DOCKER_CONTENT_TRUST_SERVER is not set",
      "Docker's default for ghcr.io: DOCKER_CONTENT_TRUST_SERVER is not set",
    ],
  ])('by %s', (_how, registry, options, env, source, library, command) => {
    const choice = chooseServer(registry, options, env)
    expect(choice.source).toEqual(source)
    expect(describeSource(choice.source, 'library')).toBe(library)
    expect(describeSource(choice.source, 'command')).toBe(command)
  })

  test('is the one that its source names, whatever is set', () => {
    const address = fc.constantFrom('https://a.example', 'https://b.example:444/x')
    const registry = fc.constantFrom('docker.io', 'ghcr.io', ORACLE, MIRROR)
    const options = fc.record({ server: address, servers: fc.dictionary(registry, address) }, { requiredKeys: [] })
    const env = fc.record({ DOCKER_CONTENT_TRUST_SERVER: fc.oneof(address, fc.constant('')) }, { requiredKeys: [] })
    fc.assert(
      fc.property(registry, options, env, (name, given, variables) => {
        const { value, source } = chooseServer(name, given, variables)
        expect(value.typed).toBe(addressOf(source, given, variables))
      }),
    )
  })
})

/** What stands at the place that a source names. */
function addressOf(source: SettingSource, { server, servers }: TrustClientOptions, env: Record<string, string>): unknown {
  switch (source.kind) {
    case 'option':
      return source.registry === undefined ? server : servers?.[source.registry]
    case 'environment':
      return env[source.variable]
    case 'known-registry':
      return KNOWN_REGISTRIES[0]?.server
    case 'registry-address':
      return `https://${source.registry}`
    default:
      return 'https://notary.docker.io'
  }
}

test('folders: the option, the environment, the default', () => {
  const env = { HOME: '/home/me', DOCKER_CONFIG: '/docker' }
  expect(chooseDockerConfig({ dockerConfig: '/x' }, env)).toEqual({
    value: '/x',
    source: { kind: 'option', name: 'dockerConfig' },
  })
  expect(chooseDockerConfig({}, env).source).toEqual({ kind: 'environment', variable: 'DOCKER_CONFIG' })
  expect(chooseDockerConfig({}, { HOME: '/home/me' }).source).toEqual({ kind: 'default', name: 'dockerConfig' })
  const { value, source } = chooseTrustDirectory({}, env)
  expect({ value, words: describeSource(source, 'command') }).toEqual({
    value: '/docker/trust',
    words: 'beside config.json, as docker and notary have it',
  })
})

test('each option has a check with words, and a default that passes it', () => {
  for (const [name, setting] of Object.entries(SETTINGS)) {
    expect(setting.expected, name).not.toBe('')
    expect(setting.fits(Object.create({ inherited: true })), name).toBe(false)
    if ('default' in setting) expect(setting.fits(setting.default), name).toBe(true)
  }
  expect(settingName('trustDirectory', 'library')).toBe('the option trustDirectory')
  expect(settingName('trustDirectory', 'command')).toBe('--trust-dir')
  expect(settingName('store', 'command')).toBe('the option store')
  expect(sourceOf('timeout', {}, {})).toEqual({ kind: 'default', name: 'timeout' })
})

test('a hint of the library names options, not flags; the command to type keeps its own', async () => {
  await using client = createTrustClient({ env: {}, disableContentTrust: false, servers: { 'docker.io': 'https://localhost:1' } })
  const { code, hint } = await refusalOf(client.verifyTag('alpine:3.19'))
  expect(code).toBe('ERR_SERVER_UNREACHABLE')
  expect(hint).toContain('https://localhost:1 (the option servers, for docker.io)')
  expect(hint.endsWith(': dct env --server https://localhost:1 alpine')).toBe(true)
})
