/** Collections that change between a client's refreshes, by the publisher or by an attack. */

import type { FixtureContent, FixtureFiles, FixtureStep } from '../../../../src/testing/index.js'
import { createReader } from '../notary-cli.js'
import type { Publisher } from '../publisher.js'
import {
  confirm,
  digestOf,
  digits,
  type Laboratory,
  RELEASES,
  SIZE,
  server,
  signedPart,
  soon,
  takeCache,
  takeServed,
} from './laboratory.js'

/** Signs the tag for this content, publishes, and returns the files that are served then. */
async function next(
  lab: Laboratory,
  publisher: Publisher,
  gun: string,
  content: string,
  roles?: string[],
): Promise<FixtureFiles> {
  await publisher.addHash(gun, '1.0', digits(content), SIZE, roles && { roles })
  await publisher.publish(gun)
  await confirm(lab.signing, gun, '1.0', content)
  return takeServed(lab.signing, gun)
}

const without = (files: FixtureFiles, ...names: string[]): FixtureFiles =>
  new Map([...files].filter(([name]) => !names.includes(name)))

/** @throws unless the root has this version, since the case is about roots */
function checkRootVersion(files: FixtureFiles, version: number): void {
  const found = signedPart(files, 'root').version
  if (found !== version) throw new Error(`the root is version ${found}, not ${version}`)
}

export async function updatesThenTheFirstStateAgain(lab: Laboratory): Promise<FixtureContent> {
  const gun = 'registry.example/fixtures/updates'
  await using publisher = await lab.publisher()
  await publisher.init(gun)
  const one = await next(lab, publisher, gun, 'one')
  const two = await next(lab, publisher, gun, 'two')
  const three = await next(lab, publisher, gun, 'three')
  const mixed = new Map([...three, ...[...two].filter(([name]) => name === 'snapshot')])
  const trusted = (content: string) => ({ status: 'trusted' as const, digest: digestOf(content), freshness: 'fresh' as const })
  const steps: FixtureStep[] = [
    { served: 'served-1', expect: { ...trusted('one'), rootTrust: 'first-use' } },
    { served: 'served-2', expect: { ...trusted('two'), rootTrust: 'cached-root', warnings: [] } },
    { served: 'served-1', expect: { code: 'ERR_VERSION_ROLLBACK', role: 'timestamp' } },
    { served: 'served-3', expect: trusted('three') },
    { served: 'served-3', expect: trusted('three') },
    { served: 'served-2', expect: { code: 'ERR_VERSION_ROLLBACK', role: 'timestamp' } },
    { served: 'served-1', expect: { code: 'ERR_VERSION_ROLLBACK', role: 'timestamp' } },
    {
      about: 'who has seen nothing yet cannot know',
      served: 'served-1',
      forget: true,
      expect: { ...trusted('one'), rootTrust: 'first-use' },
    },
    {
      about: 'the newest timestamp with the snapshot before: not the file that it names',
      served: 'served-mixed',
      expect: { code: 'ERR_METADATA_MISSING', role: 'snapshot' },
    },
  ]
  const about = 'One tag signed three times; then the server offers an older state again, and a mixture of two.'
  const file = { about, gun, now: soon(), server, reference: `${gun}:1.0`, steps }
  return { file, served: { 'served-1': one, 'served-2': two, 'served-3': three, 'served-mixed': mixed } }
}

export async function roots1To4(lab: Laboratory): Promise<FixtureContent> {
  const gun = 'registry.example/fixtures/roots'
  await using publisher = await lab.publisher()
  await publisher.init(gun, { serverSnapshot: false })
  const one = await next(lab, publisher, gun, 'one')
  checkRootVersion(one, 1)
  await publisher.rotateRoot(gun)
  await publisher.rotateKey(gun, 'targets')
  await publisher.rotateKey(gun, 'snapshot', { serverManaged: true })
  const four = await next(lab, publisher, gun, 'four')
  checkRootVersion(four, 4)
  const trusted = { status: 'trusted', digest: digestOf('four'), role: 'targets', freshness: 'fresh' } as const
  const steps: FixtureStep[] = [
    { served: 'served-1', expect: { status: 'trusted', digest: digestOf('one'), rootTrust: 'first-use' } },
    { served: 'served-4', expect: { ...trusted, rootTrust: 'cached-root', warnings: [] } },
    { served: 'served-4', expect: { ...trusted, rootTrust: 'cached-root', warnings: [] } },
    {
      about: 'who comes late begins with root 4',
      served: 'served-4',
      forget: true,
      expect: { ...trusted, rootTrust: 'first-use', warnings: ['WARN_FIRST_USE'] },
    },
  ]
  const about =
    'Root 2 changes the root key, root 3 the targets key, root 4 gives the snapshot key to the server. A client that has root 1 ' +
    'walks through all of them.'
  const file = { about, gun, now: soon(), server, reference: `${gun}:1.0`, steps }
  return { file, served: { 'served-1': one, 'served-4': four } }
}

export async function rootsWithoutAChain(lab: Laboratory): Promise<FixtureContent> {
  const gun = 'registry.example/fixtures/root-gap'
  const numbered = ['1.root', '2.root', '3.root', '4.root', '5.root', '6.root']
  await using publisher = await lab.publisher()
  await publisher.init(gun)
  const two = without(await next(lab, publisher, gun, 'two'), ...numbered)
  checkRootVersion(two, 2)
  await publisher.rotateRoot(gun)
  await publisher.rotateRoot(gun)
  const four = without(await next(lab, publisher, gun, 'four'), ...numbered)
  checkRootVersion(four, 4)
  await publisher.rotateRoot(gun, { legacy: 4 })
  const five = without(await next(lab, publisher, gun, 'five'), ...numbered)
  checkRootVersion(five, 5)
  const trusted = { status: 'trusted', digest: digestOf('five'), rootTrust: 'cached-root' } as const
  const steps: FixtureStep[] = [
    { served: 'served-2', expect: { status: 'trusted', digest: digestOf('two') } },
    { served: 'served-4', expect: { code: 'ERR_ROOT_ROTATION', role: 'root' } },
    {
      about: 'notary key rotate root --legacy: the old keys sign it too',
      served: 'served-5',
      expect: { ...trusted, warnings: ['WARN_LEGACY_ROOT'] },
    },
    { served: 'served-5', expect: { ...trusted, warnings: [] } },
  ]
  const about =
    'A server that keeps no <N>.root. The root key is changed twice: no client that has root 2 can follow, until the old key signs again.'
  const file = { about, gun, now: soon(), server, reference: `${gun}:1.0`, steps }
  return { file, served: { 'served-2': two, 'served-4': four, 'served-5': five } }
}

export async function collectionMadeAnew(lab: Laboratory): Promise<FixtureContent> {
  const gun = 'registry.example/fixtures/made-anew'
  await using first = await lab.publisher()
  await using second = await lab.publisher()
  await first.init(gun)
  const one = await next(lab, first, gun, 'by the first')
  await first.deleteRemote(gun)
  await second.init(gun)
  const two = await next(lab, second, gun, 'by the second')
  const steps: FixtureStep[] = [
    { served: 'served-1', expect: { status: 'trusted', digest: digestOf('by the first') } },
    { served: 'served-2', expect: { code: 'ERR_ROOT_ROTATION', role: 'root' } },
    { served: 'served-1', expect: { status: 'trusted', digest: digestOf('by the first'), rootTrust: 'cached-root' } },
    {
      about: 'dct cache forget',
      served: 'served-2',
      forget: true,
      expect: { status: 'trusted', digest: digestOf('by the second'), rootTrust: 'first-use' },
    },
  ]
  const about = 'The collection is deleted and made again by somebody else, with other keys throughout.'
  const file = { about, gun, now: soon(), server, reference: `${gun}:1.0`, steps }
  return { file, served: { 'served-1': one, 'served-2': two } }
}

export async function cacheWrittenByNotary(lab: Laboratory): Promise<FixtureContent> {
  const gun = 'registry.example/fixtures/cache'
  await using publisher = await lab.publisher()
  await publisher.init(gun)
  await publisher.addDelegation(gun, RELEASES, [lab.alice.cert])
  const roles = [RELEASES]
  const one = await next(lab, publisher, gun, 'one', roles)
  await next(lab, publisher, gun, 'two', roles)
  await using notary = await createReader({ server: lab.signing })
  await notary.lookup(gun, '1.0')
  const cache = await takeCache(notary.cacheDir(gun))
  const three = await next(lab, publisher, gun, 'three', roles)
  const trusted = { status: 'trusted', role: RELEASES, rootTrust: 'cached-root' } as const
  const steps: FixtureStep[] = [
    { served: 'served-1', expect: { code: 'ERR_VERSION_ROLLBACK', role: 'timestamp' } },
    {
      options: { offline: true },
      served: 'served-3',
      expect: { ...trusted, digest: digestOf('two'), freshness: 'offline' },
    },
    { served: 'served-3', expect: { ...trusted, digest: digestOf('three'), freshness: 'fresh', warnings: [] } },
  ]
  const about =
    'A cache that the real notary client filled: its root is the anchor, its versions are the floors, its files are used.'
  const file = { about, gun, now: soon(), server, reference: `${gun}:1.0`, steps }
  return { file, cache, served: { 'served-1': one, 'served-3': three } }
}
