/** Floors must not refuse honest data, nor let a file of another role count on the second run. */
import { expect, test } from 'vitest'
import { createMemoryStore } from '../../src/index.js'
import { createSigningKey } from '../../src/testing/index.js'
import { GUN, Story } from '../client/story.js'

const RELEASES = 'targets/releases'
const ALICE = 'targets/alice'

test('a signer who was removed and added again, and has signed nothing yet, does not block verification', async () => {
  const story = new Story()
  story.collection.delegate(ALICE).sign('3.19', 'alpine 3.19', { role: ALICE })
  story.collection.publish()
  await story.verify()
  story.collection.undelegate(ALICE).publish()
  await story.verify()
  story.collection.delegate(ALICE).publish()
  for (let runs = 0; runs < 4; runs++) expect(await story.verify()).toMatchObject({ signers: [] })
})

test('the same for a delegation of a signer who is left out for a while', async () => {
  const story = new Story()
  const BELOW = `${ALICE}/bot`
  story.collection.delegate(ALICE).sign('3.19', 'alpine 3.19', { role: ALICE })
  story.collection.delegate(BELOW).sign('3.19', 'alpine 3.19', { role: BELOW })
  story.collection.publish()
  await story.verify()
  story.collection.undelegate(BELOW).publish()
  await story.verify()
  story.collection.setExpiry(ALICE, new Date(story.now.getTime() - 1000)).publish()
  await story.verify()
  story.collection.sign('3.20', 'x', { role: ALICE })
  story.collection.delegate(BELOW).publish()
  for (let runs = 0; runs < 3; runs++) expect(await story.verify()).toMatchObject({ signers: ['alice'] })
})

test("releases' file, served as that of a signer with the same key, counts on no run, and does not lock her own file out", async () => {
  const story = new Story()
  const keys = [createSigningKey({ seed: 'alice' })]
  story.collection.delegate(RELEASES, { keys }).delegate(ALICE, { keys })
  story.collection.sign('3.19', 'first', { role: ALICE })
  story.collection.sign('3.19', 'alpine 3.19', { role: RELEASES })
  story.collection.publish()
  for (let more = 0; more < 4; more++) {
    story.collection.sign(`3.2${more}`, 'x', { role: RELEASES })
    story.collection.publish()
  }
  expect((await story.verify()).signers).toEqual([])
  // The server has the snapshot key: it serves the file of releases under alice's name.
  const copy = JSON.parse(Buffer.from(story.collection.served(RELEASES) ?? []).toString()) as object
  story.collection.tamper(ALICE, { after: (envelope) => void Object.assign(envelope, copy) }).publish()
  for (let runs = 0; runs < 3; runs++) expect.soft((await story.verify()).signers, `run ${runs}`).toEqual([])
  // An honest server again.
  story.collection.sign('3.19', 'alpine 3.19', { role: ALICE })
  story.collection.publish()
  expect((await story.verify()).signers).toEqual(['alice'])
})

test('a signer who was added again with her old key does not block it either, in a cache of Docker without floors', async () => {
  const story = new Story()
  const keys = [createSigningKey({ seed: 'alice' })]
  story.collection.delegate(ALICE, { keys }).sign('3.19', 'alpine 3.19', { role: ALICE })
  story.collection.publish()
  await story.verify()
  story.collection.undelegate(ALICE).publish()
  await story.verify()
  story.collection.delegate(ALICE, { keys }).publish()
  await story.verify()
  const { metadata } = await story.store.read(GUN)
  expect([...metadata.keys()]).toContain(ALICE)
  // Floors that cannot be read are rebuilt; Docker has none.
  const store = createMemoryStore()
  await store.commit(GUN, { metadata, floors: new Uint8Array() }, undefined)
  for (let runs = 0; runs < 3; runs++) expect(await story.verify('alpine:3.19', { store })).toMatchObject({ signers: [] })
})
