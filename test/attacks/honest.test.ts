/** Unusual but valid data: refusing it would block the users of a good collection, which is as bad as an attack. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  createCertificate,
  createSigningKey,
  type Envelope,
  type RoleRecipe,
  type SigningKey,
  type Tampering,
  type TargetsDocument,
} from '../../src/testing/index.js'
import { codeAndRole, DAY, GUN, Story } from '../client/story.js'

const RELEASES = 'targets/releases'
const ALICE = 'targets/alice'
const ROLES = ['root', 'timestamp', 'snapshot', 'targets', RELEASES] as const
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const START = new Date('2026-03-01T12:00:00Z')

interface Signed {
  _type: string
  version: number
  expires: string
}

/** A released tag, one signer, and one role that is odd. */
async function odd(role: string, tampering: Tampering<Signed>): Promise<void> {
  const story = new Story()
  story.collection.delegate(RELEASES).delegate(ALICE)
  let digest = ''
  for (const name of [RELEASES, ALICE]) digest = story.collection.sign('3.19', 'release', { role: name })
  story.collection.publish()
  await story.verify()
  // The overloads of `tamper` want the one document of the role; these tamperings fit all.
  story.collection.tamper(role as 'targets', tampering as Tampering<TargetsDocument>).publish()
  const store = new Story().store
  for (const more of [{}, { store }]) {
    const { warnings, ...answer } = await story.verify('alpine:3.19', more)
    expect(answer).toMatchObject({ digest, role: RELEASES, signers: ['alice'] })
    expect(warnings.map(({ code }) => code).filter((code) => code !== 'WARN_FIRST_USE')).toEqual([])
  }
}

/** Every text that is called one of these, at any depth. */
function eachText(value: object, names: readonly string[], change: (text: string) => string): void {
  for (const [name, member] of Object.entries(value)) {
    if (typeof member === 'string' && names.includes(name)) Object.assign(value, { [name]: change(member) })
    else if (typeof member === 'object' && member !== null) eachText(member, names, change)
  }
}

/** An unknown member in every object, lists included. */
function strangers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strangers)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries([
    ...Object.entries(value).map(([name, member]) => [name, strangers(member)]),
    ['x-note', { a: [null, -1, '\u{1f433}\u0001'] }],
  ])
}

const broken = (base64: string) => base64.replace(/.{20}/g, '$&\r\n')

describe.each(ROLES)('%s may have', (role) => {
  test('signatures with a high s (SIG-21)', async () => {
    await odd(role, {
      after: ({ signatures }) => {
        for (const one of signatures) {
          const raw = Buffer.from(one.sig, 'base64')
          const s = BigInt(`0x${raw.subarray(32).toString('hex')}`)
          const high = s > P256_ORDER / 2n ? s : P256_ORDER - s
          Object.assign(one, {
            sig: Buffer.concat([raw.subarray(0, 32), Buffer.from(high.toString(16).padStart(64, '0'), 'hex')]).toString('base64'),
          })
        }
      },
    })
  })

  test('line breaks in all its base64: keys, hashes, signatures (SIG-39)', async () => {
    await odd(role, {
      before: (signed) => eachText(signed, ['public', 'sha256', 'sha512'], broken),
      after: ({ signatures }) => eachText(signatures, ['sig'], broken),
    })
  })

  test('an offset and nanoseconds in its date (VER-12, VER-15)', async () => {
    await odd(role, { before: (signed) => void Object.assign(signed, { expires: '2030-01-01T00:59:59.999999999-23:59' }) })
  })

  test('unknown members in the envelope, the signatures and the document (JSON-28, JSON-43)', async () => {
    await odd(role, {
      before: (signed) => void Object.assign(signed, { spec_version: '1.0.31', note: { Signed: [[]], signed: {} } }),
      after: (envelope: Envelope<Signed>) =>
        void Object.assign(envelope, { note: 1, signatures: strangers(envelope.signatures) }),
    })
  })

  test('signatures that do not count: other keys, no method, no ID, no bytes (SIG-07, SIG-08, SIG-12)', async () => {
    const none = [
      {},
      { keyid: null, method: null, sig: null },
      { keyid: 'x', method: 'x', sig: '' },
      { keyid: 'f'.repeat(64), method: 'ecdsa', sig: 'AAAA' },
    ]
    await odd(role, {
      after: (envelope) => void Object.assign(envelope, { signatures: [...none, ...envelope.signatures, ...none] }),
    })
  })

  test('methods in upper case, members in any order, another layout and a line break at the end (SIG-11, JSON-18)', async () => {
    await odd(role, {
      after: ({ signatures }) => eachText(signatures, ['method'], (method) => method.toUpperCase()),
      bytes: (file) => {
        const { signed, signatures } = JSON.parse(Buffer.from(file).toString()) as Envelope<object>
        const turned = Object.fromEntries(Object.entries(signed).reverse())
        return new Uint8Array(Buffer.from(`${JSON.stringify({ signatures, signed: turned }, null, '\t')}\r\n`))
      },
    })
  })
})

test('unknown members at every depth where the format defines members', async () => {
  await odd('targets', { before: (signed) => void Object.assign(signed, { delegations: strangersIn(signed, 'delegations') }) })
  function strangersIn(signed: object, name: string): unknown {
    const { keys, roles } = Object(Reflect.get(signed, name))
    const known = Object.fromEntries(Object.entries(Object(keys)).map(([id, key]) => [id, strangers(key)]))
    return { keys: known, roles: strangers(roles), note: 1 }
  }
})

describe('null instead of an empty list or map', () => {
  test.each<[string, Tampering<Signed>]>([
    ['targets of targets', { before: (signed) => void Object.assign(signed, { targets: null }) }],
  ])('%s (JSON-35)', (_, tampering) => odd('targets', tampering))

  test.each<[string, object | null]>([
    ['delegations', null],
    ['keys and roles', { keys: null, roles: null }],
  ])('%s of a delegation (JSON-35)', (_, delegations) =>
    odd(RELEASES, { before: (signed) => void Object.assign(signed, { delegations }) }),
  )
})

describe('names that differ by case alone are two names', () => {
  test('of tags, and each has its own digest (DEL-37)', async () => {
    const story = new Story()
    const digests = ['v1-RC', 'v1-rc', 'V1-RC', 'Version', 'version', '_type', 'signed'].map(
      (tag) => [tag, story.collection.sign(tag, `of ${tag}`)] as const,
    )
    story.collection.publish()
    for (const [tag, digest] of digests) expect((await story.verify(`alpine:${tag}`)).digest).toBe(digest)
  })

  test('of roles in the snapshot without a delegation, of hashes, and in custom data (ATK-33, HASH-08)', async () => {
    const story = new Story()
    const custom = { Version: 1, version: 2, nested: { A: null, a: [] } }
    story.collection.sign('3.20', 'x', { custom })
    story.collection.tamper('snapshot', {
      before: ({ meta }) => {
        const { targets, root } = meta
        Object.assign(meta, { Targets: root, TARGETS: targets, 'targets/Gone': root, 'root.1': root })
        Object.assign(targets?.hashes ?? {}, { SHA256: 'AAAA', Sha512: '' })
      },
    })
    story.collection.publish()
    expect((await story.verify('alpine:3.20')).custom).toEqual(custom)
  })
})

describe('root keys', () => {
  const key = (years: number, bundle: RoleRecipe['bundle'] = []): SigningKey =>
    createSigningKey({
      type: 'ecdsa-x509',
      bundle,
      certificate: {
        subject: { cn: GUN },
        notBefore: new Date(START.getTime() - 400 * DAY),
        notAfter: new Date(START.getTime() + years * 365 * DAY),
      },
    })

  test.each([
    ['two, both current', [key(5), key(5)], 1],
    ['two, one of them expired, one needed', [key(5), key(-1)], 1],
    ['three, the first expired, two needed', [key(-1), key(5), key(5)], 2],
    ['with an intermediate that has expired in its bundle (CERT-26)', [key(5, [expiredCa()])], 1],
  ])('%s: accepted, cached or not', async (_, keys, threshold) => {
    const story = new Story({ roles: { root: { keys, threshold } } })
    expect((await story.verify()).rootTrust).toBe('first-use')
    expect((await story.verify()).rootTrust).toBe('cached-root')
  })

  test('two, one of them expired, two needed: refused, as expired', async () => {
    const story = new Story({ roles: { root: { keys: [key(5), key(-1)], threshold: 2 } } })
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_CERTIFICATE_EXPIRED', role: 'root' })
  })

  test('unused ones of unknown kinds, and unknown roles (ROOT-43, ROOT-45)', async () => {
    await odd('root', {
      before: (signed) => {
        const { roles, keys } = Object(signed)
        Object.assign(roles, { mirrors: null, 'root.1': { keyids: null, threshold: 0 }, ROOT: 1 })
        const text = '{"keytype":"gpg","keyval":{"private":null,"public":"AAAA"}}'
        Object.assign(keys, { [createHash('sha256').update(text).digest('hex')]: JSON.parse(text) })
      },
    })
  })
})

test("certificates that expired, or name something else, do not matter for keys other than root's (CERT-45)", async () => {
  const certificate = {
    subject: { cn: 'somebody else' },
    notBefore: new Date('2019-01-01T00:00:00Z'),
    notAfter: new Date('2020-01-01T00:00:00Z'),
  }
  const old: RoleRecipe = { type: 'ecdsa-x509', certificate }
  const story = new Story({ roles: { targets: old, snapshot: old, timestamp: old } })
  story.collection.delegate(RELEASES, old)
  const digest = story.collection.sign('3.19', 'release', { role: RELEASES })
  story.collection.publish()
  expect(await story.verify()).toMatchObject({ digest, role: RELEASES })
})

function expiredCa() {
  return createCertificate({
    subject: { cn: 'CA' },
    ca: true,
    notBefore: new Date('2019-01-01T00:00:00Z'),
    notAfter: new Date('2020-01-01T00:00:00Z'),
  })
}
