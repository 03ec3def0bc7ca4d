/** Data that no Notary client writes and readers must still understand or refuse; made by the testing kit with fixed seeds. */

import {
  createCertificate,
  createSigningKey,
  createTrustCollection,
  type ExpectedAnswer,
  type ExpectedRefusal,
  type FixtureCase,
  type FixtureContent,
  type FixtureFiles,
  type FixtureStep,
  type TrustCollection,
} from '../../../../src/testing/index.js'
import { DAY, digestOf, digits, RELEASES, server } from './laboratory.js'

const begin = Date.parse('2026-03-01T12:00:00Z')
const after = (days: number): Date => new Date(begin + days * DAY)
const now = after(1).toISOString()
const trusted = (content: string, more: Partial<ExpectedAnswer> = {}): ExpectedAnswer => ({
  status: 'trusted',
  digest: digestOf(content),
  ...more,
})
const refused = (code: string, role: string): ExpectedRefusal => ({ code, role })

/** Signs the tag for this content, publishes, and returns the files that are served then under plain names. */
function next(collection: TrustCollection, content: string, role = 'targets'): FixtureFiles {
  collection.sign('1.0', digits(content), { role })
  return take(collection.publish())
}

/** Without `1.root`, which no client requests. */
function take(collection: TrustCollection): FixtureFiles {
  return new Map([...collection.files()].filter(([name]) => !/\.[0-9a-f]{64}$|^1\.root$/.test(name)))
}

/** A step with one tag and one answer. */
function single(about: string, gun: string, expect: ExpectedAnswer, served: FixtureFiles): FixtureContent {
  const file: FixtureCase = { about, gun, now, server, reference: `${gun}:1.0`, expect }
  return { file, served: { served } }
}

/** Names the folders of the steps `served-1`, `served-2`, ... in the given order. */
function story(about: string, gun: string, served: readonly FixtureFiles[], steps: FixtureStep[]): FixtureContent {
  const folders = Object.fromEntries(served.map((files, index) => [`served-${index + 1}`, files]))
  return { file: { about, gun, now, server, reference: `${gun}:1.0`, steps }, served: folders }
}

const takeSignature = { after: ({ signatures }: { signatures: unknown[] }) => void signatures.pop() }

export function thresholdsAboveOne(): FixtureContent {
  const gun = 'registry.example/simulated/thresholds'
  const twoOfThree = { keys: 3, threshold: 2 }
  const roles = { root: twoOfThree, targets: twoOfThree, snapshot: { keys: 2, threshold: 2 }, timestamp: twoOfThree }
  const collection = createTrustCollection(gun, { roles, seed: 'thresholds' })
  collection.delegate(RELEASES, { keys: 2, threshold: 2 }).delegate('targets/alice', { keys: 2, threshold: 2 })
  collection.sign('1.0', digits('one'), { role: 'targets/alice' })
  const one = next(collection, 'one', RELEASES)
  const two = next(collection.tamper('targets/alice', takeSignature), 'one', 'targets/alice')
  const three = next(collection.tamper(RELEASES, takeSignature), 'three', RELEASES)
  collection.sign('1.0', digits('four'), { role: 'targets/alice' })
  const four = next(collection.tamper('snapshot', takeSignature), 'four', RELEASES)
  const five = next(collection.rotateRoot(twoOfThree), 'five', RELEASES)
  const six = next(collection.rotateRoot({ ...twoOfThree, signedByOld: false }), 'six', RELEASES)
  return story(
    'Two of three keys for root, targets and timestamp; two of two for snapshot and delegations: met, missed by one role after the other.',
    gun,
    [one, two, three, four, five, six],
    [
      { served: 'served-1', expect: trusted('one', { role: RELEASES, signers: ['alice'], warnings: ['WARN_FIRST_USE'] }) },
      { served: 'served-2', expect: trusted('one', { signers: [], warnings: ['WARN_DELEGATION_SKIPPED'] }) },
      { served: 'served-3', expect: refused('ERR_SIGNATURE_THRESHOLD', RELEASES) },
      { served: 'served-4', expect: refused('ERR_SIGNATURE_THRESHOLD', 'snapshot') },
      { served: 'served-5', expect: trusted('five', { rootTrust: 'cached-root', signers: [], warnings: [] }) },
      { served: 'served-6', expect: refused('ERR_ROOT_ROTATION', 'root') },
    ],
  )
}

export function rootUnderItsOwnThreshold(): FixtureContent {
  const gun = 'registry.example/simulated/root-threshold'
  const collection = createTrustCollection(gun, { roles: { root: { keys: 2, threshold: 2 } }, seed: 'root-threshold' })
  const good = next(collection, 'one')
  const same = createTrustCollection(gun, { roles: { root: { keys: 2, threshold: 2 } }, seed: 'root-threshold' })
  const bad = next(same.tamper('root', takeSignature), 'one')
  return story(
    'A first root that needs two signatures and has one.',
    gun,
    [bad, good],
    [
      { served: 'served-1', expect: refused('ERR_ROOT_UNTRUSTED', 'root') },
      { served: 'served-2', expect: trusted('one', { rootTrust: 'first-use' }) },
    ],
  )
}

export function everyCurve(): FixtureContent {
  const gun = 'registry.example/simulated/curves'
  const collection = createTrustCollection(gun, {
    roles: {
      root: { type: 'ecdsa-x509', curve: 'P-384' },
      targets: { curve: 'P-521' },
      snapshot: { curve: 'P-224' },
      timestamp: { type: 'ed25519' },
    },
    seed: 'curves',
  })
  collection.delegate(RELEASES, { type: 'ecdsa-x509', curve: 'P-384' })
  const expected = trusted('one', { role: RELEASES, size: 528 })
  return single('P-384, P-521, P-224 and Ed25519 keys.', gun, expected, next(collection, 'one', RELEASES))
}

export function rsaRoots(): FixtureContent {
  const gun = 'registry.example/simulated/rsa-roots'
  const collection = createTrustCollection(gun, {
    roles: {
      root: { type: 'rsa-x509' },
      targets: { type: 'rsa', rsaMethod: 'rsapkcs1v15' },
      snapshot: { type: 'rsa' },
      timestamp: { type: 'rsa', rsaMethod: 'rsapkcs1v15' },
    },
    seed: 'rsa-roots',
  })
  const one = next(collection, 'one')
  const two = next(collection.rotateRoot({ type: 'rsa-x509', rsaMethod: 'rsapkcs1v15' }), 'two')
  return story(
    'RSA throughout, a root key in a certificate; rsapss and rsapkcs1v15.',
    gun,
    [one, two],
    [
      { served: 'served-1', expect: trusted('one', { rootTrust: 'first-use' }) },
      { served: 'served-2', expect: trusted('two', { rootTrust: 'cached-root', warnings: [] }) },
    ],
  )
}

export function caPins(): FixtureContent {
  const gun = 'registry.example/simulated/ca-pins'
  const authority = (cn: string) => {
    const keys = createSigningKey({ seed: cn }).pair
    return createCertificate({ subject: { cn }, ca: true, keys, notBefore: after(-30), notAfter: after(7000) })
  }
  const [right, other] = [authority('The right CA'), authority('Another CA')]
  const roles = { root: { certificate: { issuer: right } } }
  const served = next(createTrustCollection(gun, { roles, seed: 'ca-pins' }), 'one')
  const pin = (prefix: string, file: string) => ({ pinning: { ca: { [prefix]: file } } })
  const pinned = trusted('one', { rootTrust: 'pinned-ca', warnings: [] })
  const steps: FixtureStep[] = [
    { options: pin('registry.example/', 'another-ca.pem'), expect: refused('ERR_PIN_MISMATCH', 'root') },
    { options: pin('registry.example/', 'right-ca.pem'), expect: pinned },
    { options: pin('registry.example/', 'another-ca.pem'), expect: refused('ERR_PIN_MISMATCH', 'root') },
    {
      about: 'the longest prefix wins',
      options: { pinning: { ca: { 'registry.example/': 'another-ca.pem', 'registry.example/simulated/': 'right-ca.pem' } } },
      expect: pinned,
    },
  ]
  const about = 'A root key in a certificate that a CA issued; the CA is pinned, or another one.'
  const file: FixtureCase = { about, gun, now, server, reference: `${gun}:1.0`, steps }
  return { file, served: { served }, files: { 'right-ca.pem': right.pem, 'another-ca.pem': other.pem } }
}

export function expiredRoles(): FixtureContent {
  const gun = 'registry.example/simulated/expired-roles'
  const make = (role: string, expires: Date): FixtureFiles => {
    const collection = createTrustCollection(gun, { seed: 'expired-roles' }).delegate(RELEASES).delegate('targets/alice')
    collection.sign('1.0', digits('one'), { role: 'targets/alice' })
    return next(collection.setExpiry(role, expires), 'one', RELEASES)
  }
  const roles = ['snapshot', 'targets', RELEASES, 'root', 'targets/alice', 'targets']
  const served = roles.map((role, index) => make(role, index < 5 ? new Date(now) : after(100)))
  const forget = true
  return story('The timestamp is good; another role expires at this very moment, or within six months.', gun, served, [
    { served: 'served-1', expect: refused('ERR_METADATA_EXPIRED', 'snapshot') },
    { served: 'served-2', expect: refused('ERR_METADATA_EXPIRED', 'targets') },
    { served: 'served-3', expect: refused('ERR_METADATA_EXPIRED', RELEASES) },
    { served: 'served-4', expect: refused('ERR_METADATA_EXPIRED', 'root') },
    {
      served: 'served-5',
      expect: trusted('one', { signers: [], warnings: ['WARN_FIRST_USE', 'WARN_DELEGATION_SKIPPED'] }),
    },
    {
      served: 'served-6',
      forget,
      expect: trusted('one', { signers: ['alice'], warnings: ['WARN_FIRST_USE', 'WARN_NEAR_EXPIRY'] }),
    },
  ])
}

export function fastForwardAndRecovery(): FixtureContent {
  const gun = 'registry.example/simulated/fast-forward'
  const collection = createTrustCollection(gun, { seed: 'fast-forward' })
  const one = next(collection, 'one')
  const far = next(collection.setVersion('timestamp', 2 ** 31).setVersion('snapshot', 2 ** 31), 'two')
  const back = next(collection.setVersion('timestamp', 3).setVersion('snapshot', 3), 'three')
  collection.setVersion('timestamp', 4).setVersion('snapshot', 4).rotateKey('timestamp').rotateKey('snapshot')
  const recovered = next(collection, 'four')
  return story(
    'Stolen keys sign versions far ahead; the way back is new keys.',
    gun,
    [one, far, back, recovered],
    [
      { served: 'served-1', expect: trusted('one') },
      { served: 'served-2', expect: trusted('two') },
      { served: 'served-3', expect: refused('ERR_VERSION_ROLLBACK', 'timestamp') },
      { served: 'served-4', expect: trusted('four', { rootTrust: 'cached-root', warnings: [] }) },
      { served: 'served-2', expect: refused('ERR_VERSION_ROLLBACK', 'root') },
    ],
  )
}

export function sameVersionOtherContent(): FixtureContent {
  const gun = 'registry.example/simulated/equivocation'
  const publish = (content: string) => next(createTrustCollection(gun, { seed: 'equivocation' }), content)
  const [one, other] = [publish('one'), publish('other')]
  return story(
    'Two states signed by the same keys under the same version numbers.',
    gun,
    [one, other],
    [
      { served: 'served-1', expect: trusted('one') },
      { served: 'served-2', expect: refused('ERR_EQUIVOCATION', 'timestamp') },
      { served: 'served-2', forget: true, expect: trusted('other') },
      { served: 'served-1', expect: refused('ERR_EQUIVOCATION', 'timestamp') },
    ],
  )
}
