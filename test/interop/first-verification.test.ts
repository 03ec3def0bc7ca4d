/** Verification against the real server, in both of its modes, gives the same digest as the real client. */
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTrustClient, verifyTag } from '../../src/index.js'
import { runDct } from './lab/dct.js'
import { createReader } from './lab/notary-cli.js'
import { type NotaryServer, startNotaryServer } from './lab/notary-server.js'
import { createOurReader, digestOf, lookupAfresh, warningCodes } from './lab/our-reader.js'
import { createPublisher, type Publisher } from './lab/publisher.js'

const gun = 'registry.example/team/app'
const size = 1234

describe.each<[string, boolean]>([
  ['a server that signs with ed25519', false],
  ['a server whose signer signs with ECDSA', true],
])('%s', (_, signer) => {
  let server: NotaryServer
  let publisher: Publisher

  beforeAll(async () => {
    server = await startNotaryServer({ signer })
    publisher = await createPublisher({ server })
    await publisher.init(gun)
    await publisher.addHash(gun, '1.0', digestOf('1.0'), size)
    await publisher.publish(gun)
  })

  afterAll(async () => {
    await publisher?.close()
    await server?.stop()
  })

  test('the library gives the digest of notary lookup, on first use and with a cache', async () => {
    const { digest } = await lookupAfresh(server, gun, '1.0')
    await using reader = await createOurReader(server)
    const first = await reader.verify(`${gun}:1.0`)
    expect(first).toMatchObject({ gun, tag: '1.0', digest, size, role: 'targets', signers: [], freshness: 'fresh' })
    expect(first).toMatchObject({ canonicalReference: `${gun}@${digest}`, server: server.url, rootTrust: 'first-use' })
    expect(warningCodes(first)).toEqual(['WARN_FIRST_USE'])
    const second = await reader.verify(`${gun}:1.0`)
    expect(second).toEqual({ ...first, rootTrust: 'cached-root', warnings: [], checked: expect.any(String) })
  })

  test('an unsigned tag is refused with the wording of notary', async () => {
    await expect(lookupAfresh(server, gun, '2.0')).rejects.toThrow('No valid trust data for 2.0')
    await using reader = await createOurReader(server)
    expect(await reader.refusal(`${gun}:2.0`)).toMatchObject({
      code: 'ERR_TAG_NOT_SIGNED',
      message: 'No valid trust data for 2.0',
    })
  })

  test('dct verify and dct lookup print the digest, on first use and with a cache', async () => {
    const { digest } = await lookupAfresh(server, gun, '1.0')
    await using reader = await createOurReader(server)
    const first = await reader.dct('verify', `${gun}:1.0`)
    expect(first).toMatchObject({ status: 0, stdout: `${gun}@${digest}\n` })
    expect(first.stderr).toMatch(/^dct: warning: registry\.example\/team\/app was never verified here before: .*\n$/)
    expect(await reader.dct('verify', `${gun}:1.0`)).toMatchObject({ status: 0, stdout: `${gun}@${digest}\n`, stderr: '' })
    await using other = await createOurReader(server)
    for (const _ of ['first', 'cached']) {
      expect(await other.dct('lookup', gun, '1.0')).toMatchObject({ status: 0, stdout: `1.0 ${digest} ${size}\n` })
    }
    const json = await reader.dct('verify', '--json', `${gun}:1.0`, `${gun}:2.0`)
    expect(json.status).toBe(3)
    const [one, two] = json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(one).toMatchObject({ status: 'trusted', digest, rootTrust: 'cached-root' })
    expect(two).toMatchObject({ status: 'failed', reference: `${gun}:2.0`, error: { code: 'ERR_TAG_NOT_SIGNED' } })
  })

  test('dct lookup prints what notary lookup prints', async () => {
    await using reader = await createOurReader(server)
    await using notary = await createReader({ server })
    const { stdout } = await notary.run('lookup', gun, '1.0')
    expect((await reader.dct('lookup', gun, '1.0')).stdout).toBe(stdout)
  })

  test('the server and its CA are read from the places that Docker uses', async () => {
    const { digest } = await lookupAfresh(server, gun, '1.0')
    await using reader = await createOurReader(server)
    const env = { HOME: reader.config, DOCKER_CONFIG: reader.config, DOCKER_CONTENT_TRUST_SERVER: server.url }
    const stranger = await runDct(['verify', `${gun}:1.0`], env)
    expect(stranger).toMatchObject({ status: 5, stdout: '' })
    const tls = join(reader.config, 'tls', `localhost:${server.port}`)
    await mkdir(tls, { recursive: true })
    await copyFile(server.ca, join(tls, 'ca.crt'))
    expect(await runDct(['verify', `${gun}:1.0`], env)).toMatchObject({ status: 0, stdout: `${gun}@${digest}\n` })
    const library = await verifyTag(`${gun}:1.0`, { env: { ...env, DOCKER_CONTENT_TRUST: '1' } })
    expect(library).toMatchObject({ status: 'trusted', digest, server: server.url, rootTrust: 'cached-root' })
    expect(await verifyTag(`${gun}:1.0`, { env })).toMatchObject({ status: 'disabled', reason: 'environment' })
  })

  test('a server with an unknown CA is refused by both clients', async () => {
    await using reader = await createOurReader(server)
    expect(await reader.refusal(`${gun}:1.0`, { ca: [] })).toMatchObject({ code: 'ERR_TLS', kind: 'unavailable' })
    await using other = await startNotaryServer()
    await using notary = await createReader({ server: { url: server.url, ca: other.ca } })
    await expect(notary.lookup(gun, '1.0')).rejects.toThrow('certificate signed by unknown authority')
  })

  test('one client answers many times, by tag and by digest, and sees a publication at once', async () => {
    await using reader = await createOurReader(server)
    await using client = createTrustClient(reader.options)
    for (const tag of ['3.0', '3.1', '3.2']) {
      await publisher.addHash(gun, tag, digestOf(tag), 3)
      await publisher.publish(gun)
      const { digest } = await lookupAfresh(server, gun, tag)
      expect(await client.verifyTag(`${gun}:${tag}`)).toMatchObject({ status: 'trusted', digest, freshness: 'fresh' })
      expect(await client.verifyTag(`${gun}@${digest}`)).toMatchObject({ status: 'trusted-digest', tags: [tag], digest })
    }
    await using notary = await createReader({ server })
    const listed = (await notary.list(gun)).map(({ target, digest }) => ({ tag: target, digest }))
    const { tags } = await client.listTags(gun)
    expect(tags.map(({ tag, digest }) => ({ tag, digest }))).toEqual(listed)
  })

  test('a tag signed again has the new digest, and a removed one is refused', async () => {
    await using reader = await createOurReader(server)
    await publisher.addHash(gun, 'moving', digestOf('old'), 3)
    await publisher.publish(gun)
    expect((await reader.verify(`${gun}:moving`)).digest).toBe(`sha256:${digestOf('old')}`)
    await publisher.addHash(gun, 'moving', digestOf('new'), 4)
    await publisher.publish(gun)
    const { digest } = await lookupAfresh(server, gun, 'moving')
    expect(await reader.verify(`${gun}:moving`)).toMatchObject({ digest, size: 4, freshness: 'fresh' })
    expect(digest).toBe(`sha256:${digestOf('new')}`)
    const pinned = await reader.refusal(`${gun}:moving@sha256:${digestOf('old')}`)
    expect(pinned).toMatchObject({ code: 'ERR_DIGEST_MISMATCH', evidence: { signed: digest } })
    await publisher.run('remove', gun, 'moving')
    await publisher.publish(gun)
    await expect(lookupAfresh(server, gun, 'moving')).rejects.toThrow('No valid trust data for moving')
    expect((await reader.refusal(`${gun}:moving`)).code).toBe('ERR_TAG_NOT_SIGNED')
  })
})
