import { createHash, X509Certificate } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeServerCertificates, makeSignerKey, type SignerKey } from './lab/certificates.js'
import { get, getMetadata } from './lab/http.js'
import { createReader } from './lab/notary-cli.js'
import { type NotaryServer, startNotaryServer } from './lab/notary-server.js'
import { createPublisher, type Publisher } from './lab/publisher.js'
import { requirePrograms } from './lab/requirements.js'
import { startTokenServer } from './lab/token-server.js'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const sha512 = (text: string): string => createHash('sha512').update(text).digest('hex')

async function lookupAfresh(server: NotaryServer, gun: string, target: string) {
  await using reader = await createReader({ server })
  return await reader.lookup(gun, target)
}

/** The decoded `signed` part of a metadata file that is served now. */
async function signedPart(server: NotaryServer, gun: string, name: string) {
  const { status, body } = await getMetadata(server, gun, name)
  expect(status, name).toBe(200)
  return JSON.parse(body.toString('utf8')).signed
}

let folder: string
let alice: SignerKey
let bob: SignerKey

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'notary-lab-test-'))
  requirePrograms()
  alice = await makeSignerKey(folder, 'alice', 'ec')
  bob = await makeSignerKey(folder, 'bob', 'rsa')
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe.each([
  { name: 'server alone', signer: false, keytype: 'ed25519' },
  { name: 'server and signer', signer: true, keytype: 'ecdsa' },
])('$name', ({ signer, keytype }) => {
  let server: NotaryServer
  let publisher: Publisher

  beforeAll(async () => {
    server = await startNotaryServer({ signer })
    publisher = await createPublisher({ server })
  })

  afterAll(async () => {
    await publisher?.close()
    await server?.stop()
  })

  const keyOf = async (gun: string, role: string) => {
    const root = await signedPart(server, gun, 'root')
    const keyId: string = root.roles[role].keyids[0]
    return { keyId, keytype: root.keys[keyId].keytype }
  }

  test('a published tag is found by a fresh reader', async () => {
    const gun = 'registry.example/lab/plain'
    await publisher.init(gun)
    await publisher.addHash(gun, '1.0', sha256('one'), 11, { sha512: sha512('one'), custom: { b: [1], a: 'x' } })
    await publisher.publish(gun)
    expect(await lookupAfresh(server, gun, '1.0')).toEqual({ target: '1.0', digest: `sha256:${sha256('one')}`, size: 11 })
    expect((await signedPart(server, gun, 'targets')).targets['1.0'].custom).toEqual({ a: 'x', b: [1] })
    expect((await keyOf(gun, 'timestamp')).keytype).toBe(keytype)
    expect((await keyOf(gun, 'snapshot')).keytype).toBe(keytype)
    expect((await readdir(publisher.cacheDir(gun))).sort()).toEqual([
      'root.json',
      'snapshot.json',
      'targets.json',
      'timestamp.json',
    ])
    await expect(publisher.lookup(gun, '2.0')).rejects.toThrow('No valid trust data for 2.0')
  })

  test('two signers share targets/releases', async () => {
    const gun = 'registry.example/lab/signers'
    await publisher.init(gun)
    const keyIds = await publisher.addDelegation(gun, 'targets/releases', [alice.cert, bob.cert])
    await publisher.addDelegation(gun, 'targets/alice', [alice.cert], { paths: ['1', '2'] })
    await publisher.publish(gun)
    expect(keyIds).toHaveLength(2)
    for (const [signer, tag] of [
      [alice, '1.0'],
      [bob, '2.0'],
    ] as const) {
      await using own = await createPublisher({ server })
      await own.importKey(signer.key, signer.name)
      await own.addHash(gun, tag, sha256(tag), 5, { roles: ['targets/releases'] })
      if (signer === alice) await own.addHash(gun, tag, sha256(tag), 5, { roles: ['targets/alice'] })
      await own.publish(gun)
    }
    expect(await lookupAfresh(server, gun, '2.0')).toEqual({ target: '2.0', digest: `sha256:${sha256('2.0')}`, size: 5 })
    await using reader = await createReader({ server })
    const listed = await reader.list(gun)
    expect(listed.map(({ target, role }) => `${target} ${role}`).sort()).toEqual(['1.0 targets/releases', '2.0 targets/releases'])
    expect((await reader.list(gun, 'targets/alice')).map(({ target }) => target)).toEqual(['1.0'])
    const methods = JSON.parse((await getMetadata(server, gun, 'targets/releases')).body.toString()).signatures
    expect(methods.map(({ method }: { method: string }) => method)).toContain('rsapss')

    await publisher.removeDelegation(gun, 'targets/releases', keyIds.slice(1))
    await publisher.publish(gun)
    const { delegations } = await signedPart(server, gun, 'targets')
    expect(delegations.roles.find(({ name }: { name: string }) => name === 'targets/releases').keyids).toHaveLength(1)
    await publisher.removeDelegation(gun, 'targets/alice')
    await publisher.publish(gun)
    expect((await signedPart(server, gun, 'targets')).delegations.roles).toHaveLength(1)
  })

  test('every key can be rotated', async () => {
    const gun = 'registry.example/lab/rotation'
    await publisher.init(gun, { serverSnapshot: false })
    await publisher.addHash(gun, 'latest', sha256('latest'), 7)
    await publisher.publish(gun)
    const before = await Promise.all(['root', 'targets', 'snapshot', 'timestamp'].map((role) => keyOf(gun, role)))
    await publisher.rotateRoot(gun)
    const second = await signedPart(server, gun, '2.root')
    expect(second.version).toBe(2)
    expect((await getMetadata(server, gun, '3.root')).status).toBe(404)
    await publisher.rotateKey(gun, 'targets')
    await publisher.rotateKey(gun, 'snapshot', { serverManaged: true })
    await publisher.rotateKey(gun, 'timestamp', { serverManaged: true })
    await publisher.rotateRoot(gun, { legacy: 1 })
    expect((await signedPart(server, gun, 'root')).version).toBe(6)
    const after = await Promise.all(['root', 'targets', 'snapshot', 'timestamp'].map((role) => keyOf(gun, role)))
    after.forEach(({ keyId }, index) => {
      expect(keyId).not.toBe(before[index]?.keyId)
    })
    expect((await lookupAfresh(server, gun, 'latest')).size).toBe(7)
  })

  test('many tags are staged as files and published together', async () => {
    const gun = 'registry.example/lab/many'
    await publisher.init(gun)
    const entries = Array.from({ length: 500 }, (_, index) => ({
      target: `v${index}`,
      digestHex: sha256(`v${index}`),
      size: index,
      sha512: sha512(`v${index}`),
      custom: { '9': index, '10': 'ten' },
    }))
    await publisher.addMany(gun, entries)
    await publisher.publish(gun)
    await using reader = await createReader({ server })
    expect(await reader.list(gun)).toHaveLength(500)
    expect((await reader.lookup(gun, 'v499')).digest).toBe(`sha256:${sha256('v499')}`)
  })

  test('new readers do not find a deleted collection', async () => {
    const gun = 'registry.example/lab/deleted'
    await publisher.init(gun)
    expect((await getMetadata(server, gun, 'timestamp')).status).toBe(200)
    await publisher.deleteRemote(gun)
    expect((await getMetadata(server, gun, 'timestamp')).status).toBe(404)
    await expect(lookupAfresh(server, gun, '1.0')).rejects.toThrow(`does not have trust data for ${gun}`)
  })

  test('a refused publication gives the reason, and stays staged until reset', async () => {
    const gun = 'registry.example/lab/refused'
    await publisher.init(gun)
    await publisher.addHash(gun, '1.0', sha256('1.0'), 1, { roles: ['targets/nobody'] })
    await expect(publisher.publish(gun)).rejects.toThrow('invalid role targets/nobody. delegation does not exist')
    await publisher.reset(gun)
    await publisher.publish(gun)
  })
})

test('a server can hang, stop, and start again empty at the same address', async () => {
  const gun = 'registry.example/lab/gone'
  await using server = await startNotaryServer()
  await using publisher = await createPublisher({ server })
  await publisher.init(gun)
  await publisher.addHash(gun, '1.0', sha256('1.0'), 1)
  await publisher.publish(gun)
  await using reader = await createReader({ server })
  await reader.lookup(gun, '1.0')
  server.pause()
  await expect(get(`${server.url}/v2/`, { ca: server.caPem, timeoutMilliseconds: 300 })).rejects.toThrow('aborted')
  server.resume()
  expect((await get(`${server.url}/v2/`, { ca: server.caPem })).status).toBe(200)
  await server.kill()
  await expect(getMetadata(server, gun, 'root')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  // A reader with a cache uses it; a fresh reader fails.
  expect((await reader.lookup(gun, '1.0')).size).toBe(1)
  await expect(lookupAfresh(server, gun, '1.0')).rejects.toThrow('client is offline')
  await using empty = await startNotaryServer({ port: server.port, certificates: server.certificates })
  expect(empty.url).toBe(server.url)
  await expect(lookupAfresh(server, gun, '1.0')).rejects.toThrow('does not have trust data')
})

test('a server with token authentication requires a token and accepts one', async () => {
  const gun = 'registry.example/lab/private'
  const certificates = await makeServerCertificates(join(folder, 'private'))
  await using tokens = await startTokenServer({ certificates, folder })
  await using server = await startNotaryServer({ certificates, auth: tokens.auth })
  const { status, headers } = await getMetadata(server, gun, 'root')
  expect(status).toBe(401)
  const { realm } = tokens.auth
  expect(headers['www-authenticate']).toBe(`Bearer realm="${realm}",service="notary.lab",scope="repository:${gun}:pull"`)
  const env = { NOTARY_AUTH: Buffer.from('user:password').toString('base64') }
  await using publisher = await createPublisher({ server, env })
  await publisher.init(gun)
  await publisher.addHash(gun, '1.0', sha256('1.0'), 3)
  await publisher.publish(gun)
  await using reader = await createReader({ server, env })
  expect((await reader.lookup(gun, '1.0')).size).toBe(3)
})

test('a server can have another host name', async () => {
  await using server = await startNotaryServer({ host: 'trust.lab.test' })
  expect(server.url).toBe(`https://trust.lab.test:${server.port}`)
  const certificate = new X509Certificate(await readFile(server.certificates.cert))
  expect(certificate.checkHost('trust.lab.test')).toBe('trust.lab.test')
})

test('a server that cannot start gives the reason', async () => {
  await using first = await startNotaryServer()
  await expect(startNotaryServer({ port: first.port })).rejects.toThrow('address already in use')
})

test('the error for a missing program names its Debian package', async () => {
  const path = process.env['PATH']
  try {
    process.env['PATH'] = folder
    expect(() => requirePrograms('notary-server')).toThrow('apt-get install -y notary')
    await expect(startNotaryServer()).rejects.toThrow('notary-server is not on the PATH')
  } finally {
    process.env['PATH'] = path
  }
})

test('a signer key is PKCS#8 with a certificate for its name', async () => {
  expect(await readFile(alice.key, 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----/)
  expect(await readFile(bob.cert, 'utf8')).toMatch(/^-----BEGIN CERTIFICATE-----/)
})
