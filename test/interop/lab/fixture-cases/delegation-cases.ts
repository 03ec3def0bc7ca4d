/** Collections whose tags are released by delegations. */
import type { FixtureCase, FixtureContent, FixtureStep } from '../../../../src/testing/index.js'
import { confirm, digestOf, digits, type Laboratory, RELEASES, SIZE, server, soon, takeServed } from './laboratory.js'

export async function releasesAndSigners(lab: Laboratory): Promise<FixtureContent> {
  const gun = 'registry.example/fixtures/signers'
  await using publisher = await lab.publisher()
  const add = (tag: string, content: string, ...roles: string[]) => publisher.addHash(gun, tag, digits(content), SIZE, { roles })
  await publisher.init(gun)
  await publisher.addDelegation(gun, RELEASES, [lab.alice.cert, lab.bob.cert])
  await publisher.addDelegation(gun, 'targets/alice', [lab.alice.cert])
  await publisher.addDelegation(gun, 'targets/bob', [lab.bob.cert])
  await add('both', 'both', RELEASES, 'targets/alice', 'targets/bob')
  await add('one', 'one', RELEASES, 'targets/bob')
  await add('one', 'what alice signed', 'targets/alice')
  await add('nobody', 'nobody', RELEASES)
  await add('only-bob', 'only bob', 'targets/bob')
  await add('moved', 'in releases', RELEASES, 'targets/alice')
  await add('moved', 'in targets', 'targets', 'targets/bob')
  await add('old', 'old', 'targets')
  await publisher.publish(gun)
  await confirm(lab.signing, gun, 'both', 'both')
  // Notary's lookup starts with targets, Docker's with targets/releases.
  await confirm(lab.signing, gun, 'moved', 'in targets')
  const trusted = { status: 'trusted', size: SIZE } as const
  const steps: FixtureStep[] = [
    {
      reference: `${gun}:both`,
      expect: { ...trusted, digest: digestOf('both'), role: RELEASES, signers: ['alice', 'bob'], warnings: ['WARN_FIRST_USE'] },
    },
    { reference: `${gun}:one`, expect: { ...trusted, digest: digestOf('one'), role: RELEASES, signers: ['bob'], warnings: [] } },
    { reference: `${gun}:nobody`, expect: { ...trusted, digest: digestOf('nobody'), role: RELEASES, signers: [] } },
    { reference: `${gun}:only-bob`, expect: { code: 'ERR_TAG_NOT_SIGNED' } },
    { reference: `${gun}:moved`, expect: { ...trusted, digest: digestOf('in releases'), role: RELEASES, signers: ['alice'] } },
    { reference: `${gun}:old`, expect: { ...trusted, digest: digestOf('old'), role: 'targets', signers: [] } },
    { target: 'moved', expect: { digest: digestOf('in targets'), role: 'targets' } },
    { target: 'moved', roles: [RELEASES], expect: { digest: digestOf('in releases'), role: RELEASES } },
    { target: 'only-bob', roles: ['targets/bob'], expect: { digest: digestOf('only bob'), role: 'targets/bob' } },
    { target: 'only-bob', roles: ['targets/alice'], expect: { code: 'ERR_TAG_NOT_SIGNED' } },
  ]
  const about =
    'Two signers beside targets/releases: tags that both, one or neither signed, one that only a signer has, ' +
    'and one that targets/releases and targets give different digests.'
  return { file: { about, gun, now: soon(), server, steps }, served: { served: await takeServed(lab.signing, gun) } }
}

export async function rsaX509Delegation(lab: Laboratory): Promise<FixtureContent> {
  const gun = 'registry.example/fixtures/rsa'
  await using publisher = await lab.publisher()
  await publisher.init(gun)
  await publisher.addDelegation(gun, RELEASES, [lab.rsa.cert])
  await publisher.addDelegation(gun, 'targets/rsa', [lab.rsa.cert])
  await publisher.addHash(gun, '1.0', digits('1.0'), SIZE, { roles: [RELEASES, 'targets/rsa'] })
  await publisher.publish(gun)
  await confirm(lab.signing, gun, '1.0', '1.0')
  const file: FixtureCase = {
    about: 'A signer with an RSA certificate: key type rsa-x509, signatures rsapss.',
    gun,
    now: soon(),
    server,
    reference: `${gun}:1.0`,
    expect: { status: 'trusted', digest: digestOf('1.0'), size: SIZE, role: RELEASES, signers: ['rsa'] },
  }
  return { file, served: { served: await takeServed(lab.signing, gun) } }
}

export async function lastDelegationKeyRemoved(lab: Laboratory): Promise<FixtureContent> {
  const gun = 'registry.example/fixtures/last-key'
  await using publisher = await lab.publisher()
  const add = (content: string, ...roles: string[]) => publisher.addHash(gun, '1.0', digits(content), SIZE, { roles })
  await publisher.init(gun)
  const keysOfReleases = await publisher.addDelegation(gun, RELEASES, [lab.alice.cert])
  const keysOfAlice = await publisher.addDelegation(gun, 'targets/alice', [lab.alice.cert])
  await add('released', RELEASES, 'targets/alice')
  await add('in targets', 'targets')
  await publisher.publish(gun)
  const before = await takeServed(lab.signing, gun)
  await publisher.removeDelegation(gun, 'targets/alice', keysOfAlice)
  await publisher.publish(gun)
  const withoutAlice = await takeServed(lab.signing, gun)
  await publisher.removeDelegation(gun, RELEASES, keysOfReleases)
  await publisher.publish(gun)
  await confirm(lab.signing, gun, '1.0', 'in targets')
  const withoutReleases = await takeServed(lab.signing, gun)
  const released = { status: 'trusted', digest: digestOf('released'), role: RELEASES } as const
  const skipped = 'WARN_DELEGATION_SKIPPED'
  const steps: FixtureStep[] = [
    { served: 'served-1', expect: { ...released, signers: ['alice'] } },
    { served: 'served-2', expect: { ...released, signers: [], warnings: [skipped] } },
    {
      served: 'served-3',
      expect: {
        status: 'trusted',
        digest: digestOf('in targets'),
        role: 'targets',
        signers: [],
        warnings: [skipped, skipped],
      },
    },
  ]
  const about =
    "The last key of a delegation is removed, first a signer's, then that of targets/releases: Notary writes null for the empty " +
    'list, and the delegation counts as not there.'
  const file = { about, gun, now: soon(), server, reference: `${gun}:1.0`, steps }
  return { file, served: { 'served-1': before, 'served-2': withoutAlice, 'served-3': withoutReleases } }
}

export async function digestReferences(lab: Laboratory): Promise<FixtureContent> {
  const gun = 'registry.example/fixtures/digests'
  await using publisher = await lab.publisher()
  const add = (tag: string, content: string, ...roles: string[]) => publisher.addHash(gun, tag, digits(content), SIZE, { roles })
  await publisher.init(gun)
  await publisher.addDelegation(gun, RELEASES, [lab.alice.cert])
  await publisher.addDelegation(gun, 'targets/alice', [lab.alice.cert])
  for (const tag of ['1.9', '1.10', 'latest']) await add(tag, 'same', RELEASES, 'targets/alice')
  await add('old', 'old', 'targets')
  await add('1.9', 'shadowed', 'targets')
  await publisher.publish(gun)
  const byDigest = { status: 'trusted-digest', size: SIZE } as const
  const accept = { digestReferences: 'accept' } as const
  const unsigned = `${gun}@${digestOf('unsigned')}`
  const steps: FixtureStep[] = [
    {
      reference: `${gun}@${digestOf('same')}`,
      expect: {
        ...byDigest,
        digest: digestOf('same'),
        role: RELEASES,
        tags: ['1.9', '1.10', 'latest'],
        signers: ['alice'],
        rootTrust: 'first-use',
      },
    },
    {
      reference: `${gun}@${digestOf('old')}`,
      expect: { ...byDigest, digest: digestOf('old'), role: 'targets', tags: ['old'], signers: [] },
    },
    {
      about: 'targets/releases has another digest for the only tag that carries this one',
      reference: `${gun}@${digestOf('shadowed')}`,
      expect: { code: 'ERR_DIGEST_NOT_SIGNED' },
    },
    { reference: unsigned, expect: { code: 'ERR_DIGEST_NOT_SIGNED' } },
    { reference: `${gun}:1.9@${digestOf('same')}`, expect: { status: 'trusted', digest: digestOf('same') } },
    { reference: `${gun}:1.9@${digestOf('old')}`, expect: { code: 'ERR_DIGEST_MISMATCH' } },
    { reference: `${gun}:2.0@${digestOf('same')}`, expect: { code: 'ERR_TAG_NOT_SIGNED' } },
    { reference: unsigned, options: accept, expect: { status: 'by-digest', digest: digestOf('unsigned') } },
    { reference: `${gun}:1.9@${digestOf('old')}`, options: accept, expect: { code: 'ERR_DIGEST_MISMATCH' } },
  ]
  const about = "References by digest, alone and beside a tag; and Docker's way, which checks nothing."
  return { file: { about, gun, now: soon(), server, steps }, served: { served: await takeServed(lab.signing, gun) } }
}
