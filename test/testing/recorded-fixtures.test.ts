/** Fixtures that users record are read back with the same content. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type TrustError, verifyTag } from '../../src/index.js'
import { createTrustCollection, loadFixture, recordFixture, TAMPERINGS, writeFixture } from '../../src/testing/index.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dct-recorded-'))
})
afterEach(() => rm(folder, { recursive: true }))

const gun = 'registry.example/app'
const now = new Date('2026-03-02T00:00:00Z')
const published = () =>
  createTrustCollection(gun, { tags: { '1.0': 'x' }, delegations: { 'targets/releases': { tags: { '1.0': 'x' } } } }).publish()

test('a good answer, with a pinned root', async () => {
  const collection = published()
  const digest = collection.sign('1.0', 'x')
  const certs = { [gun]: [collection.keys('root')[0]?.id ?? ''] }
  const options = { pinning: { certs } }
  const expected = { digest, rootTrust: 'pinned-certificate' } as const
  await recordFixture(join(folder, 'good'), collection, { now, reference: `${gun}:1.0`, options, expect: expected })
  expect((await readdir(join(folder, 'good', 'served'), { recursive: true })).sort()).toEqual(
    ['1.root.json', 'root.json', 'snapshot.json', 'targets', 'targets.json', 'targets/releases.json', 'timestamp.json'].sort(),
  )
  const { steps, createStore } = await loadFixture(join(folder, 'good'))
  const [step] = steps
  expect(steps).toHaveLength(1)
  expect(step?.expect).toEqual(expected)
  const result = await verifyTag(step?.reference ?? '', { ...step?.clientOptions, store: createStore() })
  expect(result).toMatchObject(expected)
})

test('a tampering that its parents would notice is recorded under the name that they give', async () => {
  const collection = published().tamper('targets', TAMPERINGS['bit-flipped']).publish()
  const expected = { code: TAMPERINGS['bit-flipped'].code('targets'), role: 'targets' }
  await recordFixture(join(folder, 'bad'), collection, { now, reference: `${gun}:1.0`, expect: expected })
  const { steps, createStore } = await loadFixture(join(folder, 'bad'))
  const refused = await verifyTag(`${gun}:1.0`, { ...steps[0]?.clientOptions, store: createStore() }).catch(
    (error: TrustError) => error,
  )
  expect(refused).toMatchObject(expected)
})

test('the folder is replaced', async () => {
  const write = () => recordFixture(join(folder, 'x'), published(), { now, reference: `${gun}:1.0`, expect: { code: 'ERR_X' } })
  await write()
  await writeFile(join(folder, 'x', 'left.txt'), '')
  await write()
  expect((await readdir(join(folder, 'x'))).sort()).toEqual(['case.json', 'served'])
})

test('a private key is never written', async () => {
  const file = {
    about: 'x',
    gun,
    server: 'https://trust.example',
    now: now.toISOString(),
    reference: gun,
    expect: { code: 'ERR_X' },
  }
  const files = { 'key.pem': '-----BEGIN PRIVATE KEY-----' }
  await expect(writeFixture(join(folder, 'x'), { file, served: {}, files })).rejects.toThrow(
    'a private key is about to be written',
  )
  expect(await readdir(folder)).toEqual([])
})

test.each([
  ['an unknown field', { unknown: 1 }, 'unknown'],
  ['no question', { reference: undefined }, 'either reference or target'],
  ['two questions', { target: 'x' }, 'either reference or target'],
  ['no expectation', { expect: undefined }, 'now and expect are needed'],
  ['an expectation of nothing', { expect: {} }, 'at expect.digest'],
  ['a misspelt expectation', { expect: { diget: 'x' } }, 'Unrecognized key: "diget"'],
  ['roles for a tag', { roles: ['targets'] }, 'roles are for a target'],
])('%s is a mistake', async (_, changes, words) => {
  const folderOfCase = join(folder, 'x')
  await recordFixture(folderOfCase, published(), { now, reference: `${gun}:1.0`, expect: { code: 'ERR_X' } })
  const file = JSON.parse(await readFile(join(folderOfCase, 'case.json'), 'utf8'))
  await writeFile(join(folderOfCase, 'case.json'), JSON.stringify({ ...file, ...changes }))
  await expect(loadFixture(folderOfCase)).rejects.toThrow(words)
})
