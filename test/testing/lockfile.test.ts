import { expect, test } from 'vitest'
import { createMemoryStore, verifyTag } from '../../src/index.js'
import { parseLockfile } from '../../src/lockfile/parse-lockfile.js'
import { createLockfile, createTrustCollection } from '../../src/testing/index.js'

const SERVER = 'https://notary.example'

const app = createTrustCollection('registry.example/app', {
  tags: { '1.0': 'app' },
  delegations: { 'targets/releases': { tags: { '1.0': 'app' } } },
}).publish()
const ask = (lockfile: object, of = app) =>
  verifyTag('registry.example/app:1.0', {
    env: {},
    disableContentTrust: false,
    server: SERVER,
    transport: of.transport(),
    store: createMemoryStore(),
    now: () => of.now,
    lockfile,
    frozen: true,
  })

test('the lockfile locks the collection, with floors and without the bytes of its root too', async () => {
  expect(await ask(createLockfile([app], { server: SERVER }))).toMatchObject({ rootTrust: 'lockfile' })
  const small = createLockfile([app], { server: SERVER, floors: true, embedRoot: false })
  expect(small.collections[app.gun]?.floors).toEqual({ snapshot: 1, targets: 1, 'targets/releases': 1, timestamp: 1 })
  expect(small.collections[app.gun]?.root.file).toBeUndefined()
  expect(await ask(small)).toMatchObject({ rootTrust: 'lockfile' })
})

test('it is the newest root that is locked', async () => {
  const rotated = createTrustCollection(app.gun, { tags: { '1.0': 'app' } }).publish()
  const before = createLockfile([rotated], { server: SERVER })
  rotated.rotateRoot().publish()
  const after = createLockfile([rotated], { server: SERVER })
  expect([before, after].map(({ collections }) => collections[app.gun]?.root.version)).toEqual([1, 2])
  for (const lockfile of [before, after]) expect(await ask(lockfile, rotated)).toMatchObject({ rootTrust: 'lockfile' })
})

test('as text it is a lockfile', () => {
  const text = JSON.stringify(createLockfile([app], { server: SERVER }))
  expect([...parseLockfile(new TextEncoder().encode(text), 'lock').collections.keys()]).toEqual([app.gun])
})

test('a collection that was not published is refused', () => {
  expect(() => createLockfile([createTrustCollection('registry.example/none')], { server: SERVER })).toThrow(/publish\(\) first/)
})
