/**
 * What a refresh refuses as too much work was done in full by every later run, when it read the cache: 250 keys of P-521
 * in a signer's delegation held the process for 15 s, and no deadline counts there.
 */
import { expect, test } from 'vitest'
import { createSigningKey } from '../../src/testing/index.js'
import { Story } from '../client/story.js'

const ALICE = 'targets/alice'

test('too many signatures for a refresh are not checked in a cached file either', async () => {
  const story = new Story()
  const keys = Array.from({ length: 20 }, (_, at) => createSigningKey({ seed: `many ${at}` }))
  story.collection.delegate(ALICE, { keys, threshold: 1 }).sign('3.19', 'alpine 3.19', { role: ALICE })
  story.collection
    .tamper(ALICE, {
      after: (envelope) => {
        const honest = envelope.signatures
        // Sixteen tries for each key, the last of them good.
        const bad = honest.map((signature) => ({
          ...signature,
          sig: Buffer.from(signature.sig, 'base64').fill(1, 4, 9).toString('base64'),
        }))
        Object.assign(envelope, { signatures: [...Array.from({ length: 15 }, () => bad).flat(), ...honest] })
      },
    })
    .publish()
  const first = await story.verify()
  expect(first.warnings.map(({ code }) => code)).toContain('WARN_DELEGATION_SKIPPED')
  await story.verify()
  expect(await story.floors()).not.toHaveProperty([ALICE])
})
