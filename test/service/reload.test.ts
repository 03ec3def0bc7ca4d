/** Policy and lockfile are read again when they change; broken ones leave the old in use, and are told and counted. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockEntry } from '../../src/lockfile/lock-entry.js'
import { writeLockfile } from '../../src/lockfile/write-lockfile.js'
import { createCertificate } from '../../src/testing/index.js'
import { chainOf } from '../lockfile/locks.js'
import { ACCEPTING, codeOf, DIGEST, IMAGE, type Laboratory, startLaboratory } from './laboratory.js'

const STRICT = 'version: 1\nrules: []\ndefault: { action: enforce }\n'
const EMPTY_LOCK = '{"version": 1, "collections": {}}\n'

let lab: Laboratory
beforeEach(async () => {
  lab = await startLaboratory()
})
afterEach(() => lab.close())

const metrics = async () => (await lab.ask('/metrics', { port: lab.service?.metricsPort ?? 0 })).body
const writePolicy = (text: string) => writeFile(join(lab.folder, 'policy.yaml'), text)

test('a changed policy counts without a signal, and a broken one leaves the old', async () => {
  await lab.start(ACCEPTING, { watchMs: 50 })
  expect((await lab.manifest()).status).toBe(200)
  await writePolicy('version: 1\nrules: []\ndefault: { action: deny }\n')
  await expect.poll(async () => codeOf(await lab.manifest()), { timeout: 5_000 }).toBe('403 ERR_POLICY_DENIED')
  const read = /dct_policy_last_reload_success_timestamp_seconds ([0-9.]+)/.exec(await metrics())?.[1]
  await writePolicy('version: 1\nrules: []\n')
  await expect.poll(() => lab.lines.at(-1), { timeout: 5_000 }).toMatchObject({ event: 'reload-failed', what: 'policy' })
  expect(codeOf(await lab.manifest())).toBe('403 ERR_POLICY_DENIED')
  // A look while the file is written counts too.
  expect(await metrics()).toMatch(/dct_reload_failures_total\{what="policy"\} [1-9]/)
  expect(await metrics()).toContain(`dct_policy_last_reload_success_timestamp_seconds ${read}\n`)
})

test('a changed CA file of a pin is read too, of the policy and of the option: a CA that was taken away counts no more', async () => {
  const [ruled, given] = [join(lab.folder, 'rule.pem'), join(lab.folder, 'option.pem')]
  const validity = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) }
  const fresh = () => createCertificate({ subject: { cn: 'a CA' }, ca: true, ...validity }).pem
  for (const file of [ruled, given]) await writeFile(file, fresh())
  const pinned = ACCEPTING.replace(
    'rules: []',
    'rules: [{ match: "pinned.example/**", pinning: { ca: { pinned.example/: rule.pem } } }]',
  )
  const reloads = () => lab.lines.filter(({ event }) => event === 'reloaded').length
  await lab.start(ACCEPTING, { watchMs: 50, client: { pinning: { ca: { 'other.example/': given } } } })
  await writeFile(given, fresh())
  await expect.poll(reloads, { timeout: 5_000 }).toBe(1)
  // Named only by the policy that was read meanwhile.
  await writePolicy(pinned)
  await expect.poll(reloads, { timeout: 5_000 }).toBeGreaterThanOrEqual(2)
  await sleep(200)
  const before = reloads()
  await writeFile(ruled, fresh())
  await expect.poll(reloads, { timeout: 5_000 }).toBeGreaterThan(before)
  await writeFile(ruled, 'no certificate')
  await expect.poll(() => lab.lines.at(-1), { timeout: 5_000 }).toMatchObject({ event: 'reload-failed', what: 'policy' })
})

test('a lockfile makes its collections known, and is read again', async () => {
  const lockfile = join(lab.folder, 'content-trust.lock.json')
  await writeFile(lockfile, EMPTY_LOCK)
  const service = await lab.start(STRICT, { client: { lockfile } })
  expect(codeOf(await lab.manifest())).toBe('403 ERR_ROOT_UNTRUSTED')
  const entry = lockEntry({ chain: chainOf(lab.collection), server: lab.trust.url })
  await writeFile(lockfile, writeLockfile({ collections: new Map([[lab.collection.gun, entry]]) }))
  await service.reload()
  expect((await lab.manifest()).status).toBe(200)
  await writeFile(lockfile, '{"version": 1, "collections": ')
  await service.reload()
  expect(lab.lines.at(-1)).toMatchObject({ event: 'reload-failed', what: 'policy' })
  expect((await lab.manifest()).status).toBe(200)
})

test('--frozen refuses a collection that the lockfile does not have, whatever the policy says', async () => {
  const lockfile = join(lab.folder, 'content-trust.lock.json')
  await writeFile(lockfile, EMPTY_LOCK)
  await lab.start(ACCEPTING, { client: { lockfile, frozen: true } })
  expect(codeOf(await lab.manifest())).toBe('403 ERR_NOT_LOCKED')
})

test('--no-first-use holds whatever the policy says', async () => {
  await lab.start(ACCEPTING, { client: { firstUse: 'refuse' } })
  expect(codeOf(await lab.manifest())).toBe('403 ERR_ROOT_UNTRUSTED')
})

test('requests that run while the policy is read again are answered', async () => {
  const service = await lab.start()
  const asked = Array.from({ length: 20 }, () => lab.manifest())
  await Promise.all([service.reload(), service.reload(), ...asked])
  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array(20).fill(200))
})

test('the service applies mirrors and signers with keys, as clients do', async () => {
  const { port } = lab.registry
  const key = lab.collection.keys('targets')[0]?.id ?? ''
  await lab.start(`
version: 1
default: { firstUse: accept }
rules:
  - { match: 'localhost:${port}/team/app', firstUse: accept, requireSigners: { all: [{ name: alice, keys: ['${key}'] }] } }
mirrors: { 'localhost:${port}/copy/': 'localhost:${port}/team/' }
`)
  expect(codeOf(await lab.ask(`/v2/copy/app/manifests/1.0?ns=localhost%3A${port}`))).toBe('403 ERR_SIGNER_MISSING')
  await writePolicy(`
version: 1
rules: []
default: { firstUse: accept }
mirrors: { 'localhost:${port}/copy/': 'localhost:${port}/team/' }
`)
  await lab.service?.reload()
  expect(await lab.ask(`/v2/copy/app/manifests/1.0?ns=localhost%3A${port}`)).toMatchObject({
    status: 200,
    body: IMAGE.toString(),
  })
  expect(lab.registry.requests.at(-1)?.url).toBe(`/v2/copy/app/manifests/${DIGEST}`)
})
