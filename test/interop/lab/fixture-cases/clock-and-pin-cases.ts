/** The same files with other clocks and other pins. */
import type { FixtureContent, FixtureFiles, FixtureStep } from '../../../../src/testing/index.js'
import { confirm, digestOf, digits, type Laboratory, SIZE, server, signedPart, soon, takeServed } from './laboratory.js'

async function publishOne(lab: Laboratory, gun: string): Promise<FixtureFiles> {
  await using publisher = await lab.publisher()
  await publisher.init(gun)
  await publisher.addHash(gun, '1.0', digits('1.0'), SIZE)
  await publisher.publish(gun)
  await confirm(lab.signing, gun, '1.0', '1.0')
  return takeServed(lab.signing, gun)
}

const trusted = { status: 'trusted', digest: digestOf('1.0') } as const

export async function expiredByTheClock(lab: Laboratory): Promise<FixtureContent> {
  const gun = 'registry.example/fixtures/expired'
  const served = await publishOne(lab, gun)
  const end = Date.parse(signedPart(served, 'timestamp').expires)
  const at = (milliseconds: number): string => new Date(milliseconds).toISOString()
  const timestampExpired = { code: 'ERR_METADATA_EXPIRED', role: 'timestamp' }
  const unreachable = true as const
  const steps: FixtureStep[] = [
    { now: at(end + 1), expect: timestampExpired },
    { now: at(end - 1), expect: { ...trusted, freshness: 'fresh' } },
    { now: soon(15), expect: timestampExpired },
    {
      now: soon(7),
      unreachable,
      expect: { ...trusted, freshness: 'stale', warnings: ['WARN_STALE_TIMESTAMP'] },
    },
    { now: soon(7), options: { offline: true }, expect: { ...trusted, freshness: 'offline' } },
    { now: soon(7), unreachable, options: { staleFallback: 'refuse' }, expect: { code: 'ERR_SERVER_UNREACHABLE' } },
    { about: 'nobody answers, and the cache is too old', now: soon(15), unreachable, expect: timestampExpired },
    {
      about: 'everything has ended, the root first of all',
      now: soon(4000),
      expect: { code: 'ERR_CERTIFICATE_EXPIRED', role: 'root' },
    },
    { now: soon(4000), forget: true, expect: { code: 'ERR_CERTIFICATE_EXPIRED', role: 'root' } },
    { now: soon(7), unreachable, expect: { code: 'ERR_SERVER_UNREACHABLE' } },
  ]
  const about = 'One collection at several times: the timestamp lives two weeks, the root and its certificate ten years.'
  return { file: { about, gun, server, reference: `${gun}:1.0`, steps }, served: { served } }
}

export async function certificatePins(lab: Laboratory): Promise<FixtureContent> {
  const gun = 'registry.example/fixtures/pins'
  const served = await publishOne(lab, gun)
  const [good = ''] = signedPart(served, 'root').roles['root']?.keyids ?? []
  const wrong = digits('no key at all')
  const certs = (name: string, ...ids: string[]) => ({ pinning: { certs: { [name]: ids } } })
  const pinned = { ...trusted, rootTrust: 'pinned-certificate' as const, warnings: [] }
  const mismatch = { code: 'ERR_PIN_MISMATCH', role: 'root' }
  const forget = true as const
  const steps: FixtureStep[] = [
    { options: certs(gun, wrong), expect: mismatch },
    { options: certs(gun, good), expect: pinned },
    { about: 'a pin binds a cached root too', options: certs(gun, wrong), expect: mismatch },
    { options: certs(gun, wrong, good), expect: pinned },
    { options: certs('registry.example/fixtures/*', good), expect: pinned },
    { options: certs('registry.example/fixtures/*', wrong), expect: mismatch },
    {
      about: 'the exact name wins',
      options: { pinning: { certs: { 'registry.example/fixtures/*': [wrong], [gun]: [good] } } },
      expect: pinned,
    },
    {
      about: 'a pin of another collection does not apply',
      options: certs('registry.example/fixtures/other', wrong),
      expect: { ...trusted, rootTrust: 'cached-root', warnings: [] },
    },
    { options: { pinning: { disable_tofu: true } }, expect: { ...trusted, rootTrust: 'cached-root' } },
    { forget, options: { pinning: { disable_tofu: true } }, expect: { code: 'ERR_ROOT_UNTRUSTED', role: 'root' } },
    { forget, options: { pinning: { disable_tofu: true, certs: { [gun]: [good] } } }, expect: pinned },
  ]
  const about =
    'The root key is pinned: rightly, wrongly, by a prefix, for another collection; and trust on first use switched off.'
  return { file: { about, gun, now: soon(), server, reference: `${gun}:1.0`, steps }, served: { served } }
}
