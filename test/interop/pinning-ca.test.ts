/** Pinning by CA: a CA issued the certificate of the root key, and both clients have this CA as a pin. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TrustPinningOption } from '../../src/index.js'
import { type IssuedRoot, makeIssuedRoot } from './lab/issued-root.js'
import { createReader } from './lab/notary-cli.js'
import { type NotaryServer, startNotaryServer } from './lab/notary-server.js'
import { createOurReader, digestOf, warningCodes } from './lab/our-reader.js'
import { createPublisher } from './lab/publisher.js'

const gun = 'registry.example/issued/app'

let folder: string
let server: NotaryServer
let root: IssuedRoot
let otherCa: string

async function publish(name: string, usage: string, collection: string): Promise<IssuedRoot> {
  const made = await makeIssuedRoot(join(folder, name), collection, usage)
  await using publisher = await createPublisher({ server })
  await publisher.importKey(made.key, 'root')
  await publisher.run('init', collection, '--rootcert', made.cert, '-p')
  await publisher.addHash(collection, '1.0', digestOf('1.0'), 5)
  await publisher.publish(collection)
  return made
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'notary-lab-cas-'))
  server = await startNotaryServer()
  root = await publish('publisher', 'serverAuth,codeSigning', gun)
  otherCa = (await makeIssuedRoot(join(folder, 'other'), gun, 'codeSigning')).ca
})

afterAll(async () => {
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

async function notaryAnswers(pins: TrustPinningOption, collection = gun): Promise<boolean> {
  const file = join(folder, 'pins.json')
  await writeFile(file, JSON.stringify({ trust_pinning: pins }))
  await using notary = await createReader({ server })
  try {
    await notary.run('-c', file, 'lookup', collection, '1.0')
    return true
  } catch (cause) {
    expect(String(cause)).toContain('could not validate the path to a trusted root')
    return false
  }
}

describe('a CA that issued the certificate of the root key', () => {
  test.each<[string, () => TrustPinningOption]>([
    ['for the collection', () => ({ ca: { [gun]: root.ca } })],
    ['for a prefix, with first use forbidden', () => ({ ca: { 'registry.example/': root.ca }, disable_tofu: true })],
    ['for the longest prefix', () => ({ ca: { 'registry.example/': otherCa, 'registry.example/issued/': root.ca } })],
  ])('pinned %s is met for both clients', async (_, pins) => {
    expect(await notaryAnswers(pins())).toBe(true)
    await using reader = await createOurReader(server)
    const result = await reader.verify(`${gun}:1.0`, { pinning: pins() })
    expect(result).toMatchObject({ rootTrust: 'pinned-ca', warnings: [] })
  })

  test.each<[string, () => TrustPinningOption]>([
    ['another', () => ({ ca: { [gun]: otherCa } })],
    ['another for the longest prefix', () => ({ ca: { 'registry.example/': root.ca, 'registry.example/issued/': otherCa } })],
  ])('with %s one pinned is refused by both clients', async (_, pins) => {
    expect(await notaryAnswers(pins())).toBe(false)
    await using reader = await createOurReader(server)
    expect((await reader.refusal(`${gun}:1.0`, { pinning: pins() })).code).toBe('ERR_PIN_MISMATCH')
  })

  test('is read relative to the file that names it', async () => {
    const file = join(folder, 'publisher', 'relative.json')
    await writeFile(file, JSON.stringify({ ca: { 'registry.example/': 'ca.crt' } }))
    await using reader = await createOurReader(server)
    const run = await reader.dct('verify', '--json', '--pinning', file, `${gun}:1.0`)
    expect(JSON.parse(run.stdout)).toMatchObject({ status: 'trusted', rootTrust: 'pinned-ca' })
  })

  test('is not needed for first use', async () => {
    await using reader = await createOurReader(server)
    expect(warningCodes(await reader.verify(`${gun}:1.0`))).toEqual(['WARN_FIRST_USE'])
  })
})

test('a certificate for code signing alone is accepted here; notary requires one for servers', async () => {
  const collection = 'registry.example/issued/code'
  const { ca } = await publish('code', 'codeSigning', collection)
  const pins = { ca: { [collection]: ca } }
  expect(await notaryAnswers(pins, collection)).toBe(false)
  await using reader = await createOurReader(server)
  expect((await reader.verify(`${collection}:1.0`, { pinning: pins })).rootTrust).toBe('pinned-ca')
})
