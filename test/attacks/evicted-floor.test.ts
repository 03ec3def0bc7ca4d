/** An attacker with a stolen key raised the version again and again until the honest floor left the list. */
import { expect, test } from 'vitest'
import { createSigningKey } from '../../src/testing/index.js'
import { codeAndRole, Story } from '../client/story.js'

const RELEASES = 'targets/releases'

test('however often a stolen key pushes the version up, what was accepted before is not forgotten once the key is gone', async () => {
  const story = new Story()
  const [stolen, honest] = [createSigningKey({ seed: 'stolen' }), createSigningKey({ seed: 'honest' })]
  // Signed by the key that stays: an older release, and the one that counts.
  story.collection.delegate(RELEASES, { keys: [honest] }).sign('3.19', 'vulnerable', { role: RELEASES })
  story.collection.publish()
  const old = story.collection.served(RELEASES)
  story.collection.setDelegationKeys(RELEASES, { keys: [honest, stolen] })
  story.collection.sign('3.19', 'mended', { role: RELEASES })
  story.collection.tamper(RELEASES, { after: (envelope) => void envelope.signatures.splice(1) }).publish()
  await story.verify()
  for (let push = 1; push <= 20; push++) {
    story.collection.sign('3.20', `evil ${push}`, { role: RELEASES })
    story.collection.setVersion(RELEASES, push * 2_000_000)
    story.collection.tamper(RELEASES, { after: (envelope) => void envelope.signatures.splice(0, 1) }).publish()
    await story.verify()
  }
  // The publisher removes the stolen key; the server offers the oldest release.
  story.collection.setDelegationKeys(RELEASES, { keys: [honest] })
  const copy = JSON.parse(Buffer.from(old ?? []).toString()) as object
  story.collection.tamper(RELEASES, { after: (envelope) => void Object.assign(envelope, copy) }).publish()
  expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: RELEASES })
})
