/** TLS with the real server: private CAs and client certificates in Docker's folder, and a proxy. */
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startProxy } from '../support/loopback-server.js'
import { runDct } from './lab/dct.js'
import { type NotaryServer, startNotaryServer } from './lab/notary-server.js'
import { createOurReader, digestOf, lookupAfresh, type OurReader } from './lab/our-reader.js'
import { createPublisher } from './lab/publisher.js'

const gun = 'registry.example/team/app'
const digest = `sha256:${digestOf('1.0')}`
// No resolver knows this name; only the proxy connects to it.
const hidden = 'notary.invalid'

let server: NotaryServer
let strict: NotaryServer
let reader: OurReader

beforeAll(async () => {
  server = await startNotaryServer()
  strict = await startNotaryServer({ clientCertificates: true })
  await using publisher = await createPublisher({ server })
  await publisher.init(gun)
  await publisher.addHash(gun, '1.0', digestOf('1.0'), 5)
  await publisher.publish(gun)
})

afterAll(async () => {
  await server?.stop()
  await strict?.stop()
})

beforeEach(async () => {
  reader = await createOurReader(server)
  return () => reader[Symbol.asyncDispose]()
})

async function put({ host, port }: NotaryServer, files: Record<string, string>, tree = 'tls'): Promise<void> {
  const folder = join(reader.config, tree, `${host}:${port}`)
  await mkdir(folder, { recursive: true })
  for (const [name, file] of Object.entries(files)) await copyFile(file, join(folder, name))
}

const dct = (...args: string[]) => runDct(['verify', '--config', reader.config, ...args, `${gun}:1.0`], { HOME: reader.config })

describe('a private CA', () => {
  test('is found in the folder that the hint of the refusal names', async () => {
    const refused = await dct('--server', server.url)
    expect(refused).toMatchObject({ status: 5, stdout: '' })
    const [, folder, file] = /put it there: mkdir -p (\S+) && cp ca\.crt (\S+)\n/.exec(refused.stderr) ?? []
    expect(folder).toBe(join(reader.config, 'tls', `localhost:${server.port}`))
    expect(file).toBe(join(String(folder), 'ca.crt'))
    await put(server, { 'ca.crt': server.ca })
    expect(await dct('--server', server.url)).toMatchObject({ status: 0, stdout: `${gun}@${digest}\n` })
  })

  test("is found in the folder of Docker's rootless engine", async () => {
    await put(server, { 'ca.crt': server.ca }, join('.config', 'docker', 'certs.d'))
    expect(await dct('--server', server.url)).toMatchObject({ status: 0, stdout: `${gun}@${digest}\n` })
  })

  test("is not needed with the server's own certificate, as with notary", async () => {
    const { cert } = server.certificates
    expect((await lookupAfresh({ ...server, ca: cert }, gun, '1.0')).digest).toBe(digest)
    expect(await dct('--server', server.url, '--tlscacert', cert)).toMatchObject({ status: 0, stdout: `${gun}@${digest}\n` })
  })

  test('is not trusted for another server', async () => {
    await put(server, { 'ca.crt': server.ca })
    expect((await dct('--server', strict.url)).stderr).toMatch(/^dct: error: error contacting notary server: .*certificate/)
  })
})

describe('a server that requires client certificates', () => {
  test('refuses a client without one; the hint says where to put it', async () => {
    await put(strict, { 'ca.crt': strict.ca })
    const refused = await dct('--server', strict.url)
    expect(refused).toMatchObject({ status: 5, stdout: '' })
    expect(refused.stderr).toContain(`put it as client.cert, with client.key, into ${join(reader.config, 'tls')}`)
  })

  test('accepts a client with one', async () => {
    const { ca, cert, key } = strict.certificates
    await put(strict, { 'ca.crt': ca, 'client.cert': cert, 'client.key': key })
    const answered = await dct('--server', strict.url)
    expect(answered).toMatchObject({ status: 3, stdout: '' })
    expect(answered.stderr).toContain(`localhost:${strict.port} does not have trust data for ${gun}`)
  })

  test('a certificate without its key is a usage error', async () => {
    await put(strict, { 'ca.crt': strict.ca, 'client.cert': strict.certificates.cert })
    const refused = await dct('--server', strict.url)
    expect(refused).toMatchObject({ status: 2 })
    expect(refused.stderr).toContain('missing key client.key for client certificate client.cert')
  })
})

test('a proxy connects to a server that no resolver knows', async () => {
  await using behind = await startNotaryServer({ host: hidden })
  await using proxy = await startProxy()
  const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }
  const refusal = await reader.refusal(`${gun}:1.0`, { server: behind.url, ca: behind.caPem, env })
  expect(refusal).toMatchObject({
    code: 'ERR_NO_TRUST_DATA',
    message: expect.stringContaining(`${hidden}:${behind.port} does not have trust data for ${gun}`),
  })
  expect(new Set(proxy.connects.map(({ authority }) => authority))).toEqual(new Set([`${hidden}:${behind.port}`]))
})
