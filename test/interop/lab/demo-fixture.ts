/** The demo's collection: 0.9 in targets; 1.0 in targets/releases and targets/alice, signed by alice. */

import { createHash } from 'node:crypto'
import type { FixtureContent } from '../../../src/testing/index.js'
import { confirmDigest, type Laboratory, RELEASES, SIZE, soon, takeServed } from './fixture-cases/laboratory.js'

const gun = 'registry.example/demo/app'

const digits = (tag: string): string => createHash('sha256').update(`docker-content-trust demo ${tag}`).digest('hex')

/** src/cli/demo.ts reads `gun`, `now` and `served/`. */
export async function demo(lab: Laboratory): Promise<FixtureContent> {
  await using publisher = await lab.publisher()
  await publisher.init(gun)
  await publisher.addDelegation(gun, RELEASES, [lab.alice.cert])
  await publisher.addDelegation(gun, 'targets/alice', [lab.alice.cert])
  await publisher.addHash(gun, '0.9', digits('0.9'), 1190)
  await publisher.addHash(gun, '1.0', digits('1.0'), SIZE, { roles: [RELEASES, 'targets/alice'] })
  await publisher.publish(gun)
  await confirmDigest(lab.signing, gun, '1.0', `sha256:${digits('1.0')}`)
  return {
    file: {
      about:
        'A collection with one signer, alice, whose tag 1.0 stands in targets/releases and targets/alice, 0.9 only in targets; ' +
        'made by npm run fixtures with notary 0.7.0.',
      gun,
      now: soon(),
      server: 'https://trust.registry.example',
      reference: `${gun}:1.0`,
      expect: { status: 'trusted', digest: `sha256:${digits('1.0')}`, size: SIZE, role: RELEASES, signers: ['alice'] },
    },
    served: { served: await takeServed(lab.signing, gun) },
  }
}
