/** Collections that clients ask for are refreshed before their trust data expires. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TrustError, UnavailableError } from '../../src/errors.js'
import { CollectionsInUse } from '../../src/service/collections-in-use.js'
import type { Verdict } from '../../src/service/verifier.js'
import { Verifier } from '../../src/service/verifier.js'
import { testAuthority } from '../support/loopback-server.js'
import { type Laboratory, startLaboratory } from './laboratory.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR

let lab: Laboratory
let verifier: Verifier
let inUse: CollectionsInUse
let failures: string[]
beforeEach(async () => {
  lab = await startLaboratory()
  failures = []
  const policy = { version: 1, rules: [], default: { firstUse: 'accept' } }
  const client = { env: lab.trust.env, now: lab.clock.now, ca: [testAuthority.pem, lab.trust.ca], policy }
  verifier = await Verifier.open({ client, registries: new Set() })
  inUse = new CollectionsInUse({
    inspect: (reference) => verifier.inspect(reference),
    now: () => lab.clock.now().getTime(),
    onFailure: (gun, error) => failures.push(`${gun} ${error instanceof TrustError ? error.code : error}`),
  })
})
afterEach(async () => {
  inUse.stop()
  await verifier.close()
  await lab.close()
})

const use = async (tag = '1.0'): Promise<Verdict> => {
  const verdict = await verifier.judge(`${lab.collection.gun}:${tag}`)
  inUse.note(verdict)
  return verdict
}
const asked = () => lab.trust.requests.filter(({ file }) => file === 'timestamp').length

test('a collection in use outlives the trust server by the whole life of a new timestamp', async () => {
  await use()
  await inUse.refreshDue()
  lab.clock.advance({ days: 6 })
  lab.collection.touchTimestamp(lab.clock.now())
  await inUse.refreshDue()
  lab.trust.faults.set('*', 'unreachable')
  lab.clock.advance({ days: 10 }) // the timestamp of the first day has expired
  expect(await use()).toMatchObject({ result: { status: 'trusted', freshness: 'stale' } })
  expect(failures).toEqual([])
})

test('a collection is refreshed once an hour at most, and no more after a week without use', async () => {
  await use()
  await inUse.refreshDue()
  const before = asked()
  await inUse.refreshDue()
  lab.clock.advance({ hours: 0.9 })
  await inUse.refreshDue()
  expect(asked()).toBe(before)
  lab.clock.advance({ hours: 0.2 })
  await inUse.refreshDue()
  expect(asked()).toBe(before + 1)
  lab.clock.advance({ days: 8 })
  await inUse.refreshDue()
  expect(asked()).toBe(before + 1)
  expect(inUse.expiries()).toEqual([])
})

test('a refresh that fails is told, and tried again', async () => {
  const verdict = await use()
  await inUse.refreshDue()
  lab.trust.faults.set('*', 'unreachable')
  lab.clock.advance({ days: 15 })
  inUse.note(verdict)
  await inUse.refreshDue()
  expect(failures).toEqual([`${lab.collection.gun} ERR_METADATA_EXPIRED`])
  lab.clock.advance({ hours: 0.02 })
  await inUse.refreshDue()
  expect(failures.length).toBe(2)
})

test('what was refused is not refreshed', async () => {
  await use('2.0')
  inUse.note({ reference: 'x', error: new UnavailableError('ERR_SERVER_UNREACHABLE', 'x') })
  const before = asked()
  await inUse.refreshDue()
  expect([asked(), inUse.expiries()]).toEqual([before, []])
})

test('tells when each role expires', async () => {
  await use()
  await inUse.refreshDue()
  const found = inUse.expiries().map(([at, labels]) => {
    const days = Math.round((at * 1000 - lab.clock.now().getTime()) / DAY)
    return { days, ...labels }
  })
  expect(found).toContainEqual({ collection: lab.collection.gun, role: 'timestamp', days: 14 })
  expect(found.length).toBe(4)
})

test('keeps a bounded number of collections', async () => {
  const verdict = await use()
  if (!('result' in verdict) || verdict.result.status !== 'trusted') throw new Error('not trusted')
  const inspection = await verifier.inspect(verdict.reference)
  const many = new CollectionsInUse({ inspect: async () => inspection, now: () => 0, onFailure: () => undefined })
  for (let at = 0; at < 1_500; at += 1) many.note({ ...verdict, result: { ...verdict.result, gun: `r.example/app${at}` } })
  await many.refreshDue()
  expect(new Set(many.expiries().map(([, labels]) => labels?.['collection'])).size).toBe(1_000)
  many.stop()
})
