/** The files that send an engine to `dct serve`. test/engines/hosts-forms.test.ts tries them with the real containerd. */
import fc from 'fast-check'
import { parse } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { engineFiles, type HostEngine, hostsFolder } from '../../src/tasks/engine-hosts.js'
import { hostsFault } from '../../src/tasks/hosts-form.js'
import { locationFault } from '../../src/tasks/location-form.js'

const resolver = new URL('https://127.0.0.1:8443')
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const files = async (engine: HostEngine, ...registries: string[]) =>
  (await engineFiles({ engine, resolver, registries })).map(({ path, bytes }) => [path, text(bytes)] as const)

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/)
const registry = fc
  .tuple(label, label, fc.option(fc.integer({ min: 1, max: 65_535 })))
  .map(([name, domain, port]) => `${name}.${domain}a${port === null ? '' : `:${port}`}`)

describe('hosts.toml', () => {
  test.each([
    ['registry.example', ['registry.example', 'registry.example_443_']],
    ['registry.example:443', ['registry.example_443_', 'registry.example']],
    ['registry.example:5001', ['registry.example_5001_']],
    ['localhost:5001', ['localhost_5001_']],
    ['docker.io', ['docker.io', 'docker.io_443_']],
  ])('of %s lies in the folders that containerd reads first, under both names of the standard port', async (name, folders) => {
    expect((await files('docker', name)).map(([path]) => path)).toEqual(folders.map((folder) => `certs.d/${folder}/hosts.toml`))
  })

  test('names the resolver as server, and Docker Hub by the name of its registry', async () => {
    const [[, content] = ['', '']] = await files('containerd', 'docker.io')
    expect(parse(content)).toEqual({
      server: 'https://127.0.0.1:8443',
      capabilities: ['pull', 'resolve'],
      host: { 'https://registry-1.docker.io': { capabilities: ['pull', 'push'] } },
    })
  })

  test('has no fault, whatever the names of registry and CA files are', async () => {
    await fc.assert(
      fc.asyncProperty(registry, fc.string({ unit: 'binary' }), async (name, path) => {
        const ca = { path: `/${path}`, bytes: new Uint8Array() }
        const made = await engineFiles({ engine: 'containerd', resolver, registries: [name], resolverCa: ca, registryCa: ca })
        for (const { bytes } of made) {
          expect(await hostsFault(text(bytes), resolver)).toBeUndefined()
          expect(parse(text(bytes))).toMatchObject({ ca: ca.path })
        }
      }),
      { numRuns: 50 },
    )
  })

  test('is never without fault when the registry may resolve, or another server is the last resort', async () => {
    const capabilities = fc.array(fc.constantFrom('pull', 'push', 'resolve', 'RESOLVE', 'fetch', ''), { maxLength: 3 })
    const address = fc.constantFrom(
      resolver.origin,
      'https://registry.example',
      'registry.example',
      'https://127.0.0.1:8443/v2',
      '',
    )
    await fc.assert(
      fc.asyncProperty(address, capabilities, capabilities, async (server, own, others) => {
        const content = `server = ${JSON.stringify(server)}\ncapabilities = ${JSON.stringify(own)}\n[host."https://registry.example"]\ncapabilities = ${JSON.stringify(others)}\n`
        const isClosed =
          server === resolver.origin &&
          own.every((one) => /^(pull|push|resolve)$/i.test(one)) &&
          own.some((one) => one === 'pull') &&
          own.some((one) => /^resolve$/i.test(one)) &&
          others.length > 0 &&
          others.every((one) => one === 'pull' || one === 'push')
        expect((await hostsFault(content, resolver)) === undefined).toBe(isClosed)
      }),
      { numRuns: 400 },
    )
  })

  test.each([
    ['', /names no server/],
    ['server = 1', /names no server/],
    [
      'server = "https://127.0.0.1:8443"\ncapabilities = ["pull", "resolve"]\nskip_verify = true',
      /skip_verify is not understood/,
    ],
    ['server = "https://127.0.0.1:8443"\ncapabilities = ["pull", "resolve"]\nhost = 1', /host is no table/],
    ['server = "https://127.0.0.1:8443"\ncapabilities = ["pull", "resolve"]\nclient = [["a", 1]]', /client does not name files/],
    [
      'server = "https://127.0.0.1:8443"\ncapabilities = ["pull", "resolve"]\n[host."x y"]\ncapabilities = ["pull"]',
      /no address/,
    ],
    ['server = "a"\nserver = "b"', /cannot read it/],
  ])('%j has a fault', async (content, fault) => {
    expect(await hostsFault(content, resolver)).toMatch(fault)
  })
})

describe('registries.conf', () => {
  test('sends both names of the standard port to the resolver', async () => {
    expect(await files('podman', 'registry.example')).toEqual([
      ['registries.conf.d/zz-dct-registry.example.conf', expect.stringContaining('127.0.0.1:8443/registry.example_443')],
    ])
    expect((await files('crio', 'localhost:5001')).map(([, content]) => parse(content))).toEqual([
      { registry: [{ prefix: 'localhost:5001', location: '127.0.0.1:8443/localhost_5001' }] },
    ])
  })

  test('is as it should be only for its registry and resolver, without mirrors', async () => {
    await fc.assert(
      fc.asyncProperty(registry, async (name) => {
        const [[, content] = ['', '']] = await files('podman', name)
        const fault = (changed: string, at = resolver, of = name) => locationFault(of, new TextEncoder().encode(changed), at)
        expect(await fault(content)).toBeUndefined()
        expect(await fault(content, new URL('https://127.0.0.1:8444'))).toBeDefined()
        expect(await fault(content, resolver, `x${name}`)).toBeDefined()
        expect(await fault(`${content}[[registry.mirror]]\nlocation = "${name}"\n`)).toBeDefined()
        expect(await fault('')).toBeDefined()
      }),
    )
  })

  test('cannot name an IPv6 address, or a host without dot and port', async () => {
    const code = { code: 'ERR_SETTINGS_INVALID' }
    await expect(engineFiles({ engine: 'podman', resolver, registries: ['[::1]:5000'] })).rejects.toMatchObject(code)
    const single = new URL('https://resolver')
    await expect(engineFiles({ engine: 'crio', resolver: single, registries: ['registry.example'] })).rejects.toMatchObject(code)
  })
})

test('the folder of a registry is spelled as containerd spells it', () => {
  expect(['a.example', 'a.example:1', '[::1]:5000'].map(hostsFolder)).toEqual(['a.example', 'a.example_1_', '[::1]_5000_'])
})
