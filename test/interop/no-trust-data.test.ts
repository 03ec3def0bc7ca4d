/** A collection that the server does not have, no longer has, or has again with another root. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryStore, type MetadataRequest, type Transport, verifyTag } from '../../src/index.js'
import { runDct } from './lab/dct.js'
import { createReader } from './lab/notary-cli.js'
import { type NotaryServer, startNotaryServer } from './lab/notary-server.js'
import { createOurReader, digestOf, lookupAfresh } from './lab/our-reader.js'
import { createPublisher, type Publisher } from './lab/publisher.js'

let server: NotaryServer
let publisher: Publisher

beforeAll(async () => {
  server = await startNotaryServer()
  publisher = await createPublisher({ server })
})

afterAll(async () => {
  await publisher?.close()
  await server?.stop()
})

async function makeCollection(gun: string): Promise<void> {
  await publisher.init(gun)
  await publisher.addHash(gun, '1.0', digestOf('1.0'), 5)
  await publisher.publish(gun)
}

describe('an unknown collection', () => {
  test("is refused with the wording of Oracle's manual, with the host as typed", async () => {
    const asked: string[] = []
    const transport: Transport = {
      fetchMetadata: async ({ name }: MetadataRequest) => {
        asked.push(name)
        return undefined
      },
      close: async () => undefined,
    }
    const verified = verifyTag('nginx', {
      env: {},
      disableContentTrust: false,
      server: 'https://container-trust.oci.oraclecloud.com:443',
      store: createMemoryStore(),
      transport,
    })
    await expect(verified).rejects.toMatchObject({
      code: 'ERR_NO_TRUST_DATA',
      kind: 'unsigned',
      message:
        'remote trust data does not exist for nginx: container-trust.oci.oraclecloud.com:443 does not have trust data for docker.io/library/nginx',
    })
    expect(asked).toContain('root')
  })

  test('is refused with the wording of notary, against the real server', async () => {
    const gun = 'docker.io/library/nginx'
    const words = `localhost:${server.port} does not have trust data for ${gun}`
    await expect(lookupAfresh(server, gun, 'latest')).rejects.toThrow(words)
    await using reader = await createOurReader(server)
    const message = `remote trust data does not exist for nginx: ${words}`
    expect(await reader.refusal('nginx')).toMatchObject({ code: 'ERR_NO_TRUST_DATA', message })
    const run = await reader.dct('verify', 'nginx:latest')
    expect(run).toMatchObject({ status: 3, stdout: '' })
    expect(run.stderr).toMatch(/^dct: error: .*\ndct: hint: .+\n$/)
    expect(run.stderr).toContain(`dct: error: ${message} (ERR_NO_TRUST_DATA)\n`)
    await expect(readFile(join(reader.trustDir, 'tuf', gun, 'metadata', 'root.json'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('of a deeper name keeps its familiar name and its registry', async () => {
    await using reader = await createOurReader(server)
    const host = `localhost:${server.port}`
    for (const [reference, familiar, gun] of [
      ['team/app:1', 'team/app', 'docker.io/team/app'],
      ['registry.example:5000/team/app', 'registry.example:5000/team/app', 'registry.example:5000/team/app'],
    ] as const) {
      await expect(lookupAfresh(server, gun, '1')).rejects.toThrow(`${host} does not have trust data for ${gun}`)
      const { message } = await reader.refusal(reference)
      expect(message).toBe(`remote trust data does not exist for ${familiar}: ${host} does not have trust data for ${gun}`)
    }
  })
})

/** The content of every file below the folder. */
async function everyFile(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Object.fromEntries(await Promise.all(files.sort().map(async (file) => [file, await readFile(file, 'utf8')])))
}

test('a deleted collection is refused also with a cache', async () => {
  const gun = 'registry.example/deleted/app'
  await makeCollection(gun)
  await using reader = await createOurReader(server)
  await using notary = await createReader({ server })
  await reader.verify(`${gun}:1.0`)
  await notary.lookup(gun, '1.0')
  await publisher.deleteRemote(gun)
  // Stricter than notary, which falls back to its cache.
  expect((await notary.lookup(gun, '1.0')).digest).toBe(`sha256:${digestOf('1.0')}`)
  expect(await reader.refusal(`${gun}:1.0`)).toMatchObject({
    code: 'ERR_NO_TRUST_DATA',
    message: `remote trust data does not exist for ${gun}: localhost:${server.port} does not have trust data for ${gun}`,
  })
  expect((await reader.dct('verify', `${gun}:1.0`)).status).toBe(3)
  expect((await reader.verify(`${gun}:1.0`, { offline: true })).freshness).toBe('offline')
})

test('a collection that was created again is refused until its cache is removed with dct cache forget', async () => {
  const gun = 'registry.example/anew/app'
  await makeCollection(gun)
  await using reader = await createOurReader(server)
  await using notary = await createReader({ server })
  await reader.verify(`${gun}:1.0`)
  await notary.lookup(gun, '1.0')
  await publisher.deleteRemote(gun)
  await using second = await createPublisher({ server })
  await second.init(gun)
  await second.addHash(gun, '1.0', digestOf('another'), 5)
  await second.publish(gun)

  const before = await everyFile(reader.trustDir)
  expect(Object.keys(before)).toHaveLength(5)
  await expect(notary.lookup(gun, '1.0')).rejects.toThrow('could not rotate trust to a new trusted root')
  const refusal = await reader.refusal(`${gun}:1.0`)
  expect(refusal).toMatchObject({ code: 'ERR_ROOT_ROTATION', kind: 'untrusted', role: 'root' })
  expect(refusal.message).toContain('could not rotate trust to a new trusted root')
  expect(refusal.hint).toContain(`dct cache forget ${gun}`)
  expect((await reader.dct('verify', `${gun}:1.0`)).status).toBe(1)
  expect(await everyFile(reader.trustDir)).toEqual(before)

  const env = { HOME: reader.config }
  const forget = await runDct(['cache', 'forget', '--trust-dir', reader.trustDir, gun], env)
  expect(forget).toMatchObject({ status: 0, stdout: '' })
  expect(forget.stderr).toContain('is trusted on first use')
  const list = await runDct(['cache', 'list', '--trust-dir', reader.trustDir], env)
  expect(list).toMatchObject({ status: 0, stdout: '' })
  const again = await reader.verify(`${gun}:1.0`)
  expect(again).toMatchObject({ digest: `sha256:${digestOf('another')}`, rootTrust: 'first-use' })
  expect(again.digest).toBe((await lookupAfresh(server, gun, '1.0')).digest)
})

test('dct cache lists and verifies files that notary wrote', async () => {
  const gun = 'registry.example/listed/app'
  await makeCollection(gun)
  const folder = await mkdtemp(join(tmpdir(), 'notary-lab-cache-'))
  try {
    await using notary = await createReader({ server, trustDir: folder })
    await notary.lookup(gun, '1.0')
    const args = ['--trust-dir', folder, '--server', server.url]
    expect(await runDct(['cache', 'list', ...args], { HOME: folder })).toMatchObject({ status: 0, stdout: `${gun}\n` })
    const verified = await runDct(['cache', 'verify', ...args], { HOME: folder })
    expect(verified.status).toBe(0)
    expect(verified.stdout).toMatch(new RegExp(`^${gun} root:\\d+ timestamp:\\d+ snapshot:\\d+ targets:\\d+ expires \\S+Z\\n$`))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
