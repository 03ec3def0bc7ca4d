/** Delegations that the real publisher makes: who may release, who signed, whose signature no longer counts. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTrustClient } from '../../src/index.js'
import { makeSignerKey, type SignerKey } from './lab/certificates.js'
import { getMetadata } from './lab/http.js'
import { createReader } from './lab/notary-cli.js'
import { type NotaryServer, startNotaryServer } from './lab/notary-server.js'
import { createOurReader, digestOf, warningCodes } from './lab/our-reader.js'
import { createPublisher, type Publisher } from './lab/publisher.js'

const releases = 'targets/releases'

let folder: string
let server: NotaryServer
let publisher: Publisher
let alice: SignerKey
let bob: SignerKey
let rsa: SignerKey
let gun: string
let count = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'notary-lab-keys-'))
  alice = await makeSignerKey(folder, 'alice')
  bob = await makeSignerKey(folder, 'bob')
  rsa = await makeSignerKey(folder, 'rsa', 'rsa')
  server = await startNotaryServer({ signer: true })
  publisher = await createPublisher({ server })
  for (const { key, name } of [alice, bob, rsa]) await publisher.importKey(key, name)
})

afterAll(async () => {
  await publisher?.close()
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Each test has its own collection. */
beforeEach(async () => {
  count += 1
  gun = `registry.example/delegated/app${count}`
  await publisher.init(gun)
})

const add = (tag: string, content: string, ...roles: string[]) => publisher.addHash(gun, tag, digestOf(content), 7, { roles })

/** The answer of a fresh real client that looks up roles as Docker does: releases first, and no other delegations. */
async function notaryList() {
  await using notary = await createReader({ server })
  const found = await notary.list(gun, `${releases},targets`)
  return found.filter(({ role }) => role === releases || role === 'targets')
}

/** Every released tag, read by a fresh client of this project, in the format of `notary list`. */
async function ourList() {
  await using reader = await createOurReader(server)
  await using client = createTrustClient(reader.options)
  const { tags } = await client.listTags(gun)
  return tags.map(({ tag, digest, size, role }) => ({ target: tag, digest, size, role }))
}

describe('releases and two signers', () => {
  beforeEach(async () => {
    await publisher.addDelegation(gun, releases, [alice.cert, bob.cert])
    await publisher.addDelegation(gun, 'targets/alice', [alice.cert])
    await publisher.addDelegation(gun, 'targets/bob', [bob.cert])
    await add('1.0', 'one', releases, 'targets/alice', 'targets/bob')
    await add('2.0', 'two', releases, 'targets/bob')
    await add('2.0', 'another two', 'targets/alice', 'targets')
    await add('3.0', 'three', 'targets')
    await add('4.0', 'four', 'targets/alice')
    await publisher.publish(gun)
  })

  test('releases takes precedence over targets, as with notary in that order', async () => {
    expect(await ourList()).toEqual(await notaryList())
    await using reader = await createOurReader(server)
    const [one, two, three] = [
      await reader.verify(`${gun}:1.0`),
      await reader.verify(`${gun}:2.0`),
      await reader.verify(`${gun}:3.0`),
    ]
    expect(one).toMatchObject({ role: releases, signers: ['alice', 'bob'] })
    expect(two).toMatchObject({ role: releases, signers: ['bob'], digest: `sha256:${digestOf('two')}` })
    expect(three).toMatchObject({ role: 'targets', signers: [], digest: `sha256:${digestOf('three')}` })
  })

  test('a tag that only a signer signed is refused, although notary lookup finds it', async () => {
    await using reader = await createOurReader(server)
    const refusal = await reader.refusal(`${gun}:4.0`)
    expect(refusal).toMatchObject({ code: 'ERR_TAG_NOT_SIGNED', message: 'No valid trust data for 4.0' })
    expect(refusal.evidence).toEqual({ signedOnlyBy: ['targets/alice'] })
    expect(refusal.hint).toContain('Only alice signed this tag')
    await using notary = await createReader({ server })
    expect((await reader.dct('lookup', gun, '4.0')).stdout).toBe((await notary.run('lookup', gun, '4.0')).stdout)
  })

  test('dct lookup uses the order of notary lookup, and the given roles', async () => {
    await using reader = await createOurReader(server)
    await using notary = await createReader({ server })
    for (const tag of ['1.0', '2.0', '3.0', '4.0']) {
      expect((await reader.dct('lookup', gun, tag)).stdout).toBe((await notary.run('lookup', gun, tag)).stdout)
    }
    const bobs = await reader.dct('lookup', '--role', 'targets/bob', gun, '2.0')
    expect(bobs.stdout).toBe(`2.0 sha256:${digestOf('two')} 7\n`)
    expect((await reader.dct('lookup', '--role', 'targets/bob', gun, '4.0')).status).toBe(3)
  })

  test('a digest is answered with the released tags that have it', async () => {
    await using reader = await createOurReader(server)
    await using client = createTrustClient(reader.options)
    const two = await client.verifyTag(`${gun}@sha256:${digestOf('two')}`)
    expect(two).toMatchObject({ status: 'trusted-digest', tags: ['2.0'], role: releases, signers: ['bob'] })
    const shadowed = await reader.refusal(`${gun}@sha256:${digestOf('another two')}`)
    expect(shadowed.code).toBe('ERR_DIGEST_NOT_SIGNED')
  })
})

test('a delegation whose last key was removed is left out with a warning', async () => {
  const aliceKeys = await publisher.addDelegation(gun, 'targets/alice', [alice.cert])
  const releasesKeys = await publisher.addDelegation(gun, releases, [alice.cert])
  await add('1.0', 'one', releases, 'targets/alice')
  await add('1.0', 'another one', 'targets')
  await publisher.publish(gun)
  await using cached = await createOurReader(server)
  expect(await cached.verify(`${gun}:1.0`)).toMatchObject({ role: releases, signers: ['alice'] })

  await publisher.removeDelegation(gun, 'targets/alice', aliceKeys)
  await publisher.publish(gun)
  const served = JSON.parse((await getMetadata(server, gun, 'targets')).body.toString()).signed.delegations
  const role = served.roles.find(({ name }: { name: string }) => name === 'targets/alice')
  expect(role.keyids ?? []).toEqual([])
  expect(await ourList()).toEqual(await notaryList())
  const withoutSigner = await cached.verify(`${gun}:1.0`)
  expect(withoutSigner).toMatchObject({ role: releases, signers: [] })
  expect(warningCodes(withoutSigner)).toEqual(['WARN_DELEGATION_SKIPPED'])

  await publisher.removeDelegation(gun, releases, releasesKeys)
  await publisher.publish(gun)
  expect(await ourList()).toEqual(await notaryList())
  const withoutReleases = await cached.verify(`${gun}:1.0`)
  expect(withoutReleases).toMatchObject({ role: 'targets', digest: `sha256:${digestOf('another one')}` })
  expect(warningCodes(withoutReleases)).toEqual(['WARN_DELEGATION_SKIPPED', 'WARN_DELEGATION_SKIPPED'])
})

test('a delegation that was removed as a whole causes no warning', async () => {
  await publisher.addDelegation(gun, releases, [alice.cert])
  await add('1.0', 'one', releases)
  await add('2.0', 'two', 'targets')
  await publisher.publish(gun)
  await using cached = await createOurReader(server)
  await cached.verify(`${gun}:1.0`)
  await publisher.removeDelegation(gun, releases)
  await publisher.publish(gun)
  expect(await ourList()).toEqual(await notaryList())
  expect((await cached.refusal(`${gun}:1.0`)).code).toBe('ERR_TAG_NOT_SIGNED')
  expect((await cached.verify(`${gun}:2.0`)).warnings).toEqual([])
})

test('a delegation counts only for its paths', async () => {
  await publisher.addDelegation(gun, releases, [alice.cert], { paths: ['1', '2'] })
  await add('1.0', 'one', releases)
  await add('2.0', 'two', releases)
  await publisher.publish(gun)
  await using cached = await createOurReader(server)
  await cached.verify(`${gun}:2.0`)
  // The owner removes a path; the file that alice signed is unchanged.
  await publisher.run('delegation', 'remove', gun, releases, '--paths', '2', '-y')
  await publisher.publish(gun)
  const { delegations } = JSON.parse((await getMetadata(server, gun, 'targets')).body.toString()).signed
  expect(delegations.roles).toMatchObject([{ name: releases, paths: ['1'] }])
  expect(Object.keys(JSON.parse((await getMetadata(server, gun, releases)).body.toString()).signed.targets)).toEqual([
    '1.0',
    '2.0',
  ])
  expect(await ourList()).toEqual(await notaryList())
  expect((await cached.verify(`${gun}:1.0`)).role).toBe(releases)
  expect((await cached.refusal(`${gun}:2.0`)).code).toBe('ERR_TAG_NOT_SIGNED')
})

test('a nested delegation is a signer with its full name, and never releases', async () => {
  await publisher.addDelegation(gun, 'targets/team', [alice.cert])
  await publisher.publish(gun)
  await publisher.addDelegation(gun, 'targets/team/bob', [bob.cert], { paths: ['2'] })
  await publisher.publish(gun)
  await add('2.0', 'two', 'targets/team/bob', 'targets')
  await add('2.1', 'two and a bit', 'targets/team/bob')
  await publisher.publish(gun)
  await using reader = await createOurReader(server)
  expect(await reader.verify(`${gun}:2.0`)).toMatchObject({ role: 'targets', signers: ['team/bob'] })
  expect((await reader.refusal(`${gun}:2.1`)).code).toBe('ERR_TAG_NOT_SIGNED')
  await using notary = await createReader({ server })
  expect((await reader.dct('lookup', gun, '2.1')).stdout).toBe((await notary.run('lookup', gun, '2.1')).stdout)
})

test('a signer with an RSA certificate counts', async () => {
  await publisher.addDelegation(gun, releases, [rsa.cert])
  await publisher.addDelegation(gun, 'targets/rsa', [rsa.cert])
  await add('1.0', 'one', releases, 'targets/rsa')
  await publisher.publish(gun)
  const { signed, signatures } = JSON.parse((await getMetadata(server, gun, releases)).body.toString())
  expect(signatures).toMatchObject([{ method: 'rsapss' }])
  expect(signed._type).toBe('Targets')
  const { delegations } = JSON.parse((await getMetadata(server, gun, 'targets')).body.toString()).signed
  expect(Object.values(delegations.keys)).toMatchObject([{ keytype: 'rsa-x509' }])
  expect(await ourList()).toEqual(await notaryList())
  await using reader = await createOurReader(server)
  expect(await reader.verify(`${gun}:1.0`)).toMatchObject({ role: releases, signers: ['rsa'] })
})

test('a delegation that was added but never published causes no failure', async () => {
  await publisher.addDelegation(gun, releases, [alice.cert])
  await add('1.0', 'one', 'targets')
  await publisher.publish(gun)
  expect(await ourList()).toEqual(await notaryList())
  await using reader = await createOurReader(server)
  expect(warningCodes(await reader.verify(`${gun}:1.0`))).toEqual(['WARN_FIRST_USE'])
})
