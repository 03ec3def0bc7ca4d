/** Notary's trust pinning, with the same pins for both clients. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { TrustPinningOption } from '../../src/index.js'
import { getMetadata } from './lab/http.js'
import { createReader } from './lab/notary-cli.js'
import { type NotaryServer, startNotaryServer } from './lab/notary-server.js'
import { createOurReader, digestOf, warningCodes } from './lab/our-reader.js'
import { createPublisher, type Publisher } from './lab/publisher.js'

const refusedWords = 'could not validate the path to a trusted root'
const stranger = '0'.repeat(64)

let folder: string
let server: NotaryServer
let publisher: Publisher
let gun: string
let count = 0
/** The ID of the certificate key that signed the root. */
let keyId: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'notary-lab-pins-'))
  server = await startNotaryServer({ signer: true })
  publisher = await createPublisher({ server })
})

afterAll(async () => {
  await publisher?.close()
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

beforeEach(async () => {
  count += 1
  gun = `registry.example/pinned/app${count}`
  await publisher.init(gun)
  await publisher.addHash(gun, '1.0', digestOf('1.0'), 5)
  await publisher.publish(gun)
  keyId = await rootKeyId()
})

async function rootKeyId(): Promise<string> {
  const { signed } = JSON.parse((await getMetadata(server, gun, 'root')).body.toString())
  return signed.roles.root.keyids[0]
}

/** Writes a file that both `notary -c` and `dct --pinning` accept. */
async function writePins(pins: TrustPinningOption): Promise<string> {
  const file = join(folder, `pins${count}.json`)
  await writeFile(file, JSON.stringify({ trust_pinning: pins }))
  return file
}

/** Whether a fresh real client answers with these pins. */
async function notaryAnswers(pins: TrustPinningOption): Promise<boolean> {
  await using notary = await createReader({ server })
  try {
    await notary.run('-c', await writePins(pins), 'lookup', gun, '1.0')
    return true
  } catch (cause) {
    expect(String(cause)).toMatch(/could not validate the path to a trusted root|invalid trust pinning specified/)
    return false
  }
}

describe('on first use', () => {
  test.each<[string, () => TrustPinningOption]>([
    ['the key of the root', () => ({ certs: { [gun]: [keyId] } })],
    ['the key of the root among others', () => ({ certs: { [gun]: [stranger, keyId] }, disable_tofu: true })],
    ['a prefix', () => ({ certs: { 'registry.example/pinned/*': [keyId] } })],
    ['a rule of its own before that of a prefix', () => ({ certs: { 'registry.example/*': [stranger], [gun]: [keyId] } })],
  ])('%s pinned is met for both clients', async (_, pins) => {
    expect(await notaryAnswers(pins())).toBe(true)
    await using reader = await createOurReader(server)
    const result = await reader.verify(`${gun}:1.0`, { pinning: pins() })
    expect(result).toMatchObject({ rootTrust: 'pinned-certificate', warnings: [] })
    const run = await reader.dct('verify', '--json', '--pinning', await writePins(pins()), `${gun}:1.0`)
    expect(JSON.parse(run.stdout)).toMatchObject({ status: 'trusted', rootTrust: 'pinned-certificate' })
  })

  test.each<[string, () => TrustPinningOption]>([
    ['another key', () => ({ certs: { [gun]: [stranger] } })],
    ['another key for the prefix', () => ({ certs: { 'registry.example/*': [stranger] } })],
    ['another key for it, the right one for the prefix', () => ({ certs: { 'registry.example/*': [keyId], [gun]: [stranger] } })],
  ])('%s pinned refuses for both clients, and nothing is kept', async (_, pins) => {
    expect(await notaryAnswers(pins())).toBe(false)
    await using reader = await createOurReader(server)
    const refusal = await reader.refusal(`${gun}:1.0`, { pinning: pins() })
    expect(refusal).toMatchObject({ code: 'ERR_PIN_MISMATCH', kind: 'untrusted', role: 'root' })
    expect(refusal.message).toContain(refusedWords)
    const run = await reader.dct('verify', '--pinning', await writePins(pins()), `${gun}:1.0`)
    expect(run).toMatchObject({ status: 1, stdout: '' })
    expect((await reader.verify(`${gun}:1.0`)).rootTrust).toBe('first-use')
  })

  test('without a pin that applies, first use can be forbidden', async () => {
    const pins = { certs: { 'another.example/app': [keyId] }, disable_tofu: true }
    expect(await notaryAnswers(pins)).toBe(false)
    expect(await notaryAnswers({ ...pins, disable_tofu: false })).toBe(true)
    await using reader = await createOurReader(server)
    expect((await reader.refusal(`${gun}:1.0`, { pinning: pins })).code).toBe('ERR_ROOT_UNTRUSTED')
    const allowed = await reader.verify(`${gun}:1.0`, { pinning: { ...pins, disable_tofu: false } })
    expect(warningCodes(allowed)).toEqual(['WARN_FIRST_USE'])
    // A collection that was seen once needs no pin.
    expect((await reader.verify(`${gun}:1.0`, { pinning: pins })).rootTrust).toBe('cached-root')
  })
})

test('a pin applies also with a cache; notary then ignores it', async () => {
  const pins = { certs: { [gun]: [stranger] } }
  await using reader = await createOurReader(server)
  await using notary = await createReader({ server })
  await reader.verify(`${gun}:1.0`)
  await notary.lookup(gun, '1.0')
  // Stricter than notary.
  expect((await notary.run('-c', await writePins(pins), 'lookup', gun, '1.0')).stdout).toContain(digestOf('1.0'))
  expect((await reader.refusal(`${gun}:1.0`, { pinning: pins })).code).toBe('ERR_PIN_MISMATCH')
  expect((await reader.refusal(`${gun}:1.0`, { pinning: pins, offline: true })).code).toBe('ERR_PIN_MISMATCH')
  const met = await reader.verify(`${gun}:1.0`, { pinning: { certs: { [gun]: [keyId] } } })
  expect(met.rootTrust).toBe('pinned-certificate')
})

test('a pin must be changed with the root key', async () => {
  await using reader = await createOurReader(server)
  await reader.verify(`${gun}:1.0`, { pinning: { certs: { [gun]: [keyId] } } })
  await publisher.rotateRoot(gun)
  const newKeyId = await rootKeyId()
  expect(newKeyId).not.toBe(keyId)
  expect((await reader.refusal(`${gun}:1.0`, { pinning: { certs: { [gun]: [keyId] } } })).code).toBe('ERR_PIN_MISMATCH')
  expect(await notaryAnswers({ certs: { [gun]: [newKeyId] } })).toBe(true)
  const met = await reader.verify(`${gun}:1.0`, { pinning: { certs: { [gun]: [newKeyId] } } })
  expect(met.rootTrust).toBe('pinned-certificate')
})
