/** Required signers, judged on collections of the real publisher: a signer is added, gets another key, and is removed. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { VerifyTagOptions } from '../../src/index.js'
import { makeSignerKey, type SignerKey } from './lab/certificates.js'
import { type NotaryServer, startNotaryServer } from './lab/notary-server.js'
import { createOurReader, digestOf, type OurReader } from './lab/our-reader.js'
import { createPublisher, type Publisher } from './lab/publisher.js'

type Signers = NonNullable<VerifyTagOptions['requireSigners']>

let folder: string
let server: NotaryServer
let publisher: Publisher
let alice: SignerKey
let aliceAnew: SignerKey
let bob: SignerKey
let reader: OurReader
let gun: string
let count = 0

const pem = async ({ cert }: SignerKey) => ({ name: 'alice', keys: [await readFile(cert, 'utf8')] })
const add = (tag: string, content: string, ...signers: string[]) =>
  publisher.addHash(gun, tag, digestOf(content), 7, { roles: signers.map((name) => `targets/${name}`) })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'notary-lab-signers-'))
  const make = (name: string) => makeSignerKey(folder, name)
  ;[alice, aliceAnew, bob] = [await make('alice'), await make('alice-anew'), await make('bob')]
  server = await startNotaryServer({ signer: true })
  publisher = await createPublisher({ server })
  for (const { key, name } of [alice, aliceAnew, bob]) await publisher.importKey(key, name)
})

afterAll(async () => {
  await publisher?.close()
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Each test has its own collection and its own reader, whose cache lives on as that of a user. */
beforeEach(async () => {
  count += 1
  gun = `registry.example/required/app${count}`
  reader = await createOurReader(server)
  await publisher.init(gun)
  await publisher.addDelegation(gun, 'targets/releases', [alice.cert, bob.cert])
})

afterEach(() => reader?.[Symbol.asyncDispose]())

const asks = (requireSigners: Signers, tag = '1.0') => reader.verify(`${gun}:${tag}`, { requireSigners })

/** The evidence of a refusal for missing signers. */
async function missing(requireSigners: Signers, tag = '1.0') {
  const { code, evidence } = await reader.refusal(`${gun}:${tag}`, { requireSigners })
  expect(code).toBe('ERR_SIGNER_MISSING')
  return { signed: evidence?.['signed'], missing: evidence?.['missing'] }
}

test('a signer who is added counts from the tag on that they sign, and stops counting when they are removed', async () => {
  await add('1.0', 'one', 'releases')
  await publisher.publish(gun)
  expect(await missing(['alice'])).toEqual({ signed: [], missing: ['alice: did not sign this tag'] })

  await publisher.addDelegation(gun, 'targets/alice', [alice.cert])
  await publisher.publish(gun)
  // Who may sign has not signed.
  expect(await missing(['alice'])).toEqual({ signed: [], missing: ['alice: did not sign this tag'] })

  await add('1.0', 'one', 'alice')
  await publisher.publish(gun)
  expect((await asks(['alice'])).signers).toEqual(['alice'])
  expect((await asks([await pem(alice)])).digest).toBe(`sha256:${digestOf('one')}`)

  await publisher.removeDelegation(gun, 'targets/alice')
  await publisher.publish(gun)
  expect(await missing(['alice'])).toEqual({ signed: [], missing: ['alice: did not sign this tag'] })
  expect((await reader.verify(`${gun}:1.0`)).signers).toEqual([])
})

test('a signer with another key passes by name, and by the key that signed alone', async () => {
  const [oldId = ''] = await publisher.addDelegation(gun, 'targets/alice', [alice.cert])
  await publisher.publish(gun)
  await add('1.0', 'one', 'releases', 'alice')
  await publisher.publish(gun)
  expect((await asks([await pem(alice)])).signers).toEqual(['alice'])
  const wrong = await missing([await pem(aliceAnew)])
  expect(wrong.signed).toEqual(['alice'])
  expect(wrong.missing).toEqual([expect.stringMatching(/^alice: signed with key [0-9a-f]{64}, required is key [0-9a-f]{64}$/)])

  // The new key may sign, and has not: the old one still counts.
  await publisher.addDelegation(gun, 'targets/alice', [aliceAnew.cert])
  await publisher.publish(gun)
  expect((await asks([await pem(alice)])).signers).toEqual(['alice'])

  await publisher.removeDelegation(gun, 'targets/alice', [oldId])
  await publisher.run('witness', gun, 'targets/alice')
  await publisher.publish(gun)
  expect((await asks(['alice'])).signers).toEqual(['alice'])
  expect((await asks([await pem(aliceAnew)])).signers).toEqual(['alice'])
  expect((await missing([await pem(alice)])).signed).toEqual(['alice'])
  // During a change of keys a policy names both.
  const both = { name: 'alice', keys: [...(await pem(alice)).keys, ...(await pem(aliceAnew)).keys] }
  expect((await asks([both])).signers).toEqual(['alice'])
})

test('who signed another digest is named with it, and the requirement of a number counts the others', async () => {
  await publisher.addDelegation(gun, 'targets/alice', [alice.cert])
  await publisher.addDelegation(gun, 'targets/bob', [bob.cert])
  await publisher.publish(gun)
  await add('1.0', 'one', 'releases', 'bob')
  await add('1.0', 'another one', 'alice')
  await publisher.publish(gun)
  const another = `alice: signed another digest, sha256:${digestOf('another one')}`
  expect(await missing(['alice', 'bob'])).toEqual({ signed: ['bob'], missing: [another] })
  expect(await missing({ atLeast: 2, of: ['alice', 'bob', 'carol'] })).toEqual({
    signed: ['bob'],
    missing: [another, 'carol: did not sign this tag'],
  })
  expect((await asks({ any: ['alice', 'bob'] })).signers).toEqual(['bob'])
})

test('a nested signer, and one whose paths do not reach the tag, are not the signer that is required', async () => {
  await publisher.addDelegation(gun, 'targets/alice', [alice.cert], { paths: ['1'] })
  await publisher.publish(gun)
  await publisher.addDelegation(gun, 'targets/alice/ci', [bob.cert], { paths: ['1'] })
  await publisher.publish(gun)
  await add('1.0', 'one', 'releases', 'alice/ci')
  await publisher.publish(gun)
  expect(await missing(['alice'])).toEqual({ signed: ['alice/ci'], missing: ['alice: did not sign this tag'] })
  expect((await asks(['alice/ci'])).signers).toEqual(['alice/ci'])
  await add('1.0', 'one', 'alice')
  await publisher.publish(gun)
  expect((await asks(['alice'])).signers).toEqual(['alice', 'alice/ci'])
  // The signed entry stays in alice's file; the publisher takes its path away.
  await publisher.run('delegation', 'remove', gun, 'targets/alice', '--paths', '1', '-y')
  await publisher.run('delegation', 'add', gun, 'targets/alice', '--paths', '2')
  await publisher.publish(gun)
  expect(await missing(['alice'])).toEqual({ signed: [], missing: ['alice: did not sign this tag'] })
})

test('the command: --require-signer with a certificate, and a rule of a policy', async () => {
  await publisher.addDelegation(gun, 'targets/alice', [alice.cert])
  await publisher.publish(gun)
  await add('1.0', 'one', 'releases', 'alice')
  await add('2.0', 'two', 'releases')
  await publisher.publish(gun)
  const canonical = `${gun}@sha256:${digestOf('one')}\n`
  expect(await reader.dct('verify', '--require-signer', `alice=${alice.cert}`, `${gun}:1.0`)).toMatchObject({
    status: 0,
    stdout: canonical,
  })
  expect((await reader.dct('verify', '--require-signer', `alice=${bob.cert}`, `${gun}:1.0`)).status).toBe(3)
  const policy = join(folder, 'policy.yaml')
  await writeFile(policy, `version: 1\nrules:\n  - match: ${gun}\n    requireSigners: { all: [alice] }\n`)
  const ran = await reader.dct('verify', '--policy', policy, `${gun}:1.0`, `${gun}:2.0`, `${gun}@sha256:${digestOf('two')}`)
  expect(ran).toMatchObject({ status: 3, stdout: canonical })
  expect(ran.stderr.match(/\(ERR_SIGNER_MISSING\)/g)).toHaveLength(2)
})
