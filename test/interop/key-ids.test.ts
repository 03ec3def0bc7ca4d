/** The key IDs that each program shows. This project shows both, and accepts both as pins. */
import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTrustClient } from '../../src/index.js'
import { getMetadata } from './lab/http.js'
import { createReader } from './lab/notary-cli.js'
import { type NotaryServer, startNotaryServer } from './lab/notary-server.js'
import { createOurReader, digestOf, warningCodes } from './lab/our-reader.js'
import { createPublisher, type Publisher } from './lab/publisher.js'

const gun = 'registry.example/ids/app'
const run = promisify(execFile)

let folder: string
let server: NotaryServer
let publisher: Publisher
let certificate: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'notary-lab-ids-'))
  server = await startNotaryServer({ signer: true })
  publisher = await createPublisher({ server })
  certificate = join(folder, 'alice.crt')
  const key = join(folder, 'alice.key')
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  await run('openssl', ['req', '-x509', ...curve, '-subj', '/CN=alice', '-keyout', key, '-out', certificate])
  await publisher.init(gun)
  await publisher.importKey(key, 'alice')
})

afterAll(async () => {
  await publisher?.close()
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** The IDs that `notary key list` shows for a role. */
async function idsInKeyList(role: string): Promise<string[]> {
  const { stdout } = await publisher.run('key', 'list')
  return stdout.split('\n').flatMap((line) => (line.startsWith(role) ? (/[0-9a-f]{64}/.exec(line) ?? []) : []))
}

test('notary shows canonical IDs, root.json lists IDs of certificates, and inspect gives both', async () => {
  const [added] = await publisher.addDelegation(gun, 'targets/alice', [certificate])
  await publisher.addHash(gun, '1.0', digestOf('1.0'), 5, { roles: ['targets/alice'] })
  await publisher.addHash(gun, '1.0', digestOf('1.0'), 5)
  await publisher.publish(gun)
  await using reader = await createOurReader(server)
  await using client = createTrustClient(reader.options)
  const { roles } = await client.inspect(gun)
  const [root, targets, alice] = ['root', 'targets', 'targets/alice'].map(
    (name) => roles.find(({ role }) => role === name)?.keyDetails[0],
  )
  const { signed } = JSON.parse((await getMetadata(server, gun, 'root')).body.toString())
  expect(root).toMatchObject({ id: signed.roles.root.keyids[0], canonicalId: expect.anything(), algorithm: 'ecdsa-x509' })
  expect([root?.canonicalId]).toEqual(await idsInKeyList('root'))
  expect(root?.canonicalId).not.toBe(root?.id)
  // The targets key is in no certificate, so its IDs are equal.
  expect([targets?.id]).toEqual(await idsInKeyList('targets'))
  expect(targets?.canonicalId).toBe(targets?.id)
  // A signer's key is in a certificate; Notary shows the canonical ID.
  expect(alice?.canonicalId).toBe(added)
  expect(alice?.id).not.toBe(added)
})

test('this client accepts a pin of the ID in notary key list and of the exported public key; notary accepts only the listed ID', async () => {
  const [canonical = ''] = await idsInKeyList('root')
  await using reader = await createOurReader(server)
  const { warnings } = await reader.verify(`${gun}:1.0`)
  expect(warningCodes({ warnings })).toContain('WARN_FIRST_USE')
  expect(warnings.map(({ message }) => message).join()).toContain(`(canonical ID ${canonical})`)
  const byId = await reader.verify(`${gun}:1.0`, { pinning: { certs: { [gun]: [canonical] } } })
  expect(byId.rootTrust).toBe('pinned-key')
  await using notary = await createReader({ server })
  const file = join(folder, 'pins.json')
  await writeFile(file, JSON.stringify({ trust_pinning: { certs: { [gun]: [canonical] } } }))
  await expect(notary.run('-c', file, 'lookup', gun, '1.0')).rejects.toThrow('could not validate the path to a trusted root')

  const { signed } = JSON.parse((await getMetadata(server, gun, 'root')).body.toString())
  const [listed = ''] = signed.roles.root.keyids
  const pem = Buffer.from(signed.keys[listed].keyval.public, 'base64').toString()
  const { publicKey } = new X509Certificate(pem)
  for (const [text, rootTrust] of [
    [publicKey.export({ format: 'pem', type: 'spki' }).toString(), 'pinned-key'],
    [pem, 'pinned-certificate'],
  ] as const)
    expect(await reader.verify(`${gun}:1.0`, { pinning: { certs: { [gun]: [text] } } })).toMatchObject({ rootTrust })
})
