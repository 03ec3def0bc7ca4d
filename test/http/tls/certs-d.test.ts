/** CAs of Docker's engine for the host of the trust server: `/etc/docker/certs.d/<host[:port]>/*.crt`. */
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { engineCertificateFolders, engineFolderFor } from '../../../src/http/tls/certs-d.js'
import { createCertificate } from '../../../src/testing/index.js'
import { testAuthority } from '../../support/loopback-server.js'
import { TODAY, tlsWorld } from './tls-world.js'

const world = tlsWorld()
const ca = testAuthority.pem
const putForEngine = (host: string, name: string, content: string) => world.put(host, name, content, 'certs.d')
const engine = () => ({ engineFolders: [join(world.dockerConfig, 'certs.d')] })
const secret = testAuthority.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

describe('the client trusts', () => {
  test('a CA for the host as typed', async () => {
    const server = await world.serveFile()
    await putForEngine(`localhost:${server.port}`, 'ca.crt', ca)
    expect(await world.ask(server.url, engine())).toBe(2)
  })

  test('a CA below HOME, for a rootless engine', async () => {
    const server = await world.serveFile()
    await world.put(`localhost:${server.port}`, 'ca.crt', ca, '.config/docker/certs.d')
    expect(await world.ask(server.url, { env: { HOME: world.dockerConfig }, engineFolders: undefined })).toBe(2)
  })

  test('a CA of the engine in addition to one in the folder of the client', async () => {
    const server = await world.serveFile()
    const other = createCertificate({ subject: { cn: 'another CA' }, ca: true, ...TODAY })
    await world.put(`localhost:${server.port}`, 'ca.crt', other.pem)
    await putForEngine(`localhost:${server.port}`, 'registry.crt', ca)
    expect(await world.ask(server.url, engine())).toBe(2)
  })
})

describe('the client does not trust', () => {
  test.each([
    ['a CA for another port', 'localhost:1', 'ca.crt'],
    ['a CA for the host without its port', 'localhost', 'ca.crt'],
    ['a file that does not end in .crt', undefined, 'ca.pem'],
    ['a client certificate', undefined, 'client.cert'],
  ])('%s', async (_what, host, name) => {
    const server = await world.serveFile()
    await putForEngine(host ?? `localhost:${server.port}`, name, ca)
    await expect(world.ask(server.url, engine())).rejects.toMatchObject({ code: 'ERR_TLS' })
    expect(server.requests).toEqual([])
  })
})

test('client certificates of the engine are never shown, and a key without a certificate is no error', async () => {
  const server = await world.serveFile({ requestCert: true, rejectUnauthorized: true, ca })
  for (const name of ['client.cert', 'client.key']) {
    await putForEngine(`localhost:${server.port}`, name, name === 'client.key' ? secret : ca)
  }
  await putForEngine(`localhost:${server.port}`, 'ca.crt', ca)
  await putForEngine(`localhost:${server.port}`, 'lonely.key', secret)
  await expect(world.ask(server.url, engine())).rejects.toMatchObject({ kind: 'unavailable' })
  expect(server.requests).toEqual([])
})

describe('a file that cannot be read is left out, and named when TLS fails', () => {
  const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'

  test.each<[string, (folder: string) => Promise<unknown>, string]>([
    ['not PEM', (folder) => writeFile(join(folder, 'bad.crt'), 'x'), 'bad.crt (no usable PEM certificate)'],
    ['a certificate that cannot be read', (folder) => writeFile(join(folder, 'bad.crt'), broken), 'bad.crt (no usable'],
    ['a folder', (folder) => mkdir(join(folder, 'bad.crt')), 'bad.crt: cannot read the CA file (EISDIR'],
    ['a link to nowhere', (folder) => symlink('/no/such', join(folder, 'bad.crt')), 'bad.crt: cannot read the CA file (ENOENT'],
  ])('%s', async (_what, spoil, named) => {
    const server = await world.serveFile()
    const folder = join(world.dockerConfig, 'certs.d', `localhost:${server.port}`)
    await mkdir(folder, { recursive: true })
    await spoil(folder)
    await expect(world.ask(server.url, engine())).rejects.toMatchObject({
      code: 'ERR_TLS',
      hint: expect.stringContaining(`Left out: ${join(folder, named)}`),
    })
    await writeFile(join(folder, 'good.crt'), ca)
    expect(await world.ask(server.url, engine())).toBe(2)
  })

  test('an unreadable certificate is left out, and the others in its file are used', async () => {
    const server = await world.serveFile()
    await putForEngine(`localhost:${server.port}`, 'ca.crt', broken + ca)
    expect(await world.ask(server.url, engine())).toBe(2)
  })

  test('a file in the place of the folder', async () => {
    const server = await world.serveFile()
    await mkdir(join(world.dockerConfig, 'certs.d'))
    await writeFile(join(world.dockerConfig, 'certs.d', `localhost:${server.port}`), ca)
    await expect(world.ask(server.url, engine())).rejects.toMatchObject({
      hint: expect.stringMatching(/Left out: \S+certs\.d\S+ \(ENOTDIR/),
    })
  })
})

describe('the folders', () => {
  const rootless = (config: string): string[] => ['/etc/docker/certs.d', join(config, 'docker', 'certs.d')]
  const ofUser = rootless(join(userInfo().homedir, '.config'))

  test.each([
    [{ HOME: '/home/me' }, rootless('/home/me/.config')],
    [{ HOME: '/home/me', XDG_CONFIG_HOME: '/etc/me' }, rootless('/etc/me')],
    // A relative path would be resolved against the working folder.
    [{ HOME: '/home/me', XDG_CONFIG_HOME: 'config' }, rootless('/home/me/.config')],
    [{ HOME: 'home' }, ['/etc/docker/certs.d']],
    [{ HOME: '' }, ofUser],
    [{}, ofUser],
  ])('%j', (env, folders) => {
    vi.stubEnv('HOME', '') // HOME of the process must not be read
    expect(engineCertificateFolders(env, 'linux')).toEqual(folders)
    expect(homedir()).toBe('')
  })

  test('on Windows: below ProgramData, and without colons', () => {
    expect(engineCertificateFolders({ ProgramData: 'data' }, 'win32')).toEqual([join('data', 'docker', 'certs.d')])
    expect(engineCertificateFolders({ HOME: '/home/me' }, 'win32')).toEqual([])
    expect(engineFolderFor('certs.d', 'host:443', 'win32')).toBe(join('certs.d', 'host443'))
  })
})
