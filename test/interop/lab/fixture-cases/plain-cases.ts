/** Collections without delegations: their possible contents, and where the server's keys are kept. */
import { createHash } from 'node:crypto'
import type { FixtureCase, FixtureContent, FixtureStep } from '../../../../src/testing/index.js'
import type { NotaryServer } from '../notary-server.js'
import { confirm, digestOf, digits, earliestExpiry, type Laboratory, SIZE, server, soon, takeServed } from './laboratory.js'

const plainGun = 'docker.io/library/hello'

export const plainEcdsaServerKeys = (lab: Laboratory): Promise<FixtureContent> =>
  plain(lab, lab.signing, 'A plain collection; the keys of snapshot and timestamp are in notary-signer (ECDSA).')

export const plainEd25519ServerKeys = (lab: Laboratory): Promise<FixtureContent> =>
  plain(lab, lab.local, 'A plain collection; the keys of snapshot and timestamp are in notary-server itself (Ed25519).')

async function plain(lab: Laboratory, at: NotaryServer, about: string): Promise<FixtureContent> {
  await using publisher = await lab.publisher(at)
  await publisher.init(plainGun)
  await publisher.addHash(plainGun, '1.0', digits('1.0'), SIZE)
  await publisher.addHash(plainGun, 'latest', digits('latest'), SIZE + 1)
  await publisher.publish(plainGun)
  await confirm(at, plainGun, '1.0', '1.0')
  const served = await takeServed(at, plainGun)
  const same = { status: 'trusted', role: 'targets', signers: [], freshness: 'fresh', expires: earliestExpiry(served) } as const
  const first = { rootTrust: 'first-use', warnings: ['WARN_FIRST_USE'] } as const
  const cached = { rootTrust: 'cached-root', warnings: [] } as const
  const steps: FixtureStep[] = [
    { reference: 'hello:1.0', expect: { ...same, digest: digestOf('1.0'), size: SIZE, ...first } },
    { reference: 'hello', expect: { ...same, digest: digestOf('latest'), size: SIZE + 1, ...cached } },
    { reference: `${plainGun}:1.0`, expect: { ...same, digest: digestOf('1.0'), ...cached } },
    { reference: 'hello:2.0', expect: { code: 'ERR_TAG_NOT_SIGNED' } },
  ]
  return { file: { about, gun: plainGun, now: soon(), server, steps }, served: { served } }
}

export async function portInTheGun(lab: Laboratory): Promise<FixtureContent> {
  const gun = 'localhost:5000/team/app'
  await using publisher = await lab.publisher()
  await publisher.init(gun)
  await publisher.addHash(gun, '1.0', digits('1.0'), SIZE)
  await publisher.publish(gun)
  await confirm(lab.signing, gun, '1.0', '1.0')
  const file: FixtureCase = {
    about: 'A registry with a port: the name of the collection, and of its root certificate, has a colon.',
    gun,
    now: soon(),
    server,
    reference: `${gun}:1.0`,
    expect: { status: 'trusted', digest: digestOf('1.0'), size: SIZE, role: 'targets', warnings: ['WARN_FIRST_USE'] },
  }
  return { file, served: { served: await takeServed(lab.signing, gun) } }
}

export async function customData(lab: Laboratory): Promise<FixtureContent> {
  const gun = 'registry.example/fixtures/custom'
  const custom = {
    // Without <, > and &, because Go escapes them in transit and notary-server then refuses its own client's signature.
    text: 'ä "quoted" \\ / 😀',
    numbers: [0, -1, 9007199254740991],
    nothing: null,
    deep: { b: [true, false, {}], a: [], '10': 'ten', '9': 'nine' },
  }
  await using publisher = await lab.publisher()
  await publisher.init(gun)
  await publisher.addHash(gun, 'object', digits('object'), SIZE, { custom })
  await publisher.addHash(gun, 'text', digits('text'), SIZE, { custom: 'no object' })
  await publisher.addHash(gun, 'none', digits('none'), SIZE)
  await publisher.publish(gun)
  for (const tag of ['object', 'text', 'none']) await confirm(lab.signing, gun, tag, tag)
  const steps: FixtureStep[] = [
    { reference: `${gun}:object`, expect: { digest: digestOf('object'), custom } },
    { target: 'object', expect: { digest: digestOf('object'), custom } },
    { reference: `${gun}:text`, expect: { digest: digestOf('text'), custom: 'no object' } },
    { reference: `${gun}:none`, expect: { digest: digestOf('none'), role: 'targets' } },
  ]
  const about = 'Custom data of the publisher, an object and a text: signed, and answered as it was given.'
  return { file: { about, gun, now: soon(), server, steps }, served: { served: await takeServed(lab.signing, gun) } }
}

export async function oddTags(lab: Laboratory): Promise<FixtureContent> {
  const gun = 'registry.example/fixtures/odd-tags'
  const tags = ['__proto__', 'constructor', 'toString', 'v1-RC', 'v1-rc', '_', '1.', '0', 'x'.repeat(128)]
  await using publisher = await lab.publisher()
  await publisher.init(gun)
  await publisher.addMany(
    gun,
    tags.map((target) => ({ target, digestHex: digits(target), size: SIZE })),
  )
  await publisher.publish(gun)
  for (const tag of tags) await confirm(lab.signing, gun, tag, tag)
  const steps: FixtureStep[] = [
    ...tags.map<FixtureStep>((tag) => ({
      reference: `${gun}:${tag}`,
      expect: { status: 'trusted', digest: digestOf(tag), size: SIZE, role: 'targets' },
    })),
    { reference: `${gun}:hasOwnProperty`, expect: { code: 'ERR_TAG_NOT_SIGNED' } },
    { reference: `${gun}:V1-RC`, expect: { code: 'ERR_TAG_NOT_SIGNED' } },
    { reference: `${gun}:${'x'.repeat(127)}`, expect: { code: 'ERR_TAG_NOT_SIGNED' } },
    {
      reference: `${gun}@${digestOf('__proto__')}`,
      expect: { status: 'trusted-digest', digest: digestOf('__proto__'), tags: ['__proto__'] },
    },
  ]
  const about = 'Tags that a program could trip over: names that objects have anyway, two that differ by case, 128 characters.'
  return { file: { about, gun, now: soon(), server, steps }, served: { served: await takeServed(lab.signing, gun) } }
}

export async function lookupAnyName(lab: Laboratory): Promise<FixtureContent> {
  const gun = 'example.com/Files/release-1'
  const sha512 = createHash('sha512').update('anything').digest('hex')
  const names = ['dir/tool.tar.gz', 'with space', 'Größe', 'UPPER']
  await using publisher = await lab.publisher()
  await publisher.init(gun)
  for (const name of names) await publisher.addHash(gun, name, digits(name), SIZE, { sha512 })
  await publisher.publish(gun)
  for (const name of names) await confirm(lab.signing, gun, name, name)
  const steps: FixtureStep[] = [
    ...names.map((target) => ({ target, expect: { digest: digestOf(target), size: SIZE, role: 'targets' } })),
    { target: 'dir', expect: { code: 'ERR_TAG_NOT_SIGNED' } },
    { target: 'UPPER', roles: ['targets/releases'], expect: { code: 'ERR_TAG_NOT_SIGNED' } },
  ]
  const about = 'No image: names with a slash, a space, letters beyond ASCII, each with sha256 and sha512.'
  return { file: { about, gun, now: soon(), server, steps }, served: { served: await takeServed(lab.signing, gun) } }
}
