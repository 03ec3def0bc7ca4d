/** What may not cost more than it is worth, end untyped, or deny more than its own part. In process; whole runs are in hostile-size.test.ts. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createTrustClient, type VerifyOutcome } from '../../src/index.js'
import { canonicalBytes, createSigningKey, der, type KeyDocument, type TargetsDocument } from '../../src/testing/index.js'
import { bytesOf, codeAndRole, GUN, refusalOf, Story, storeWith } from '../client/story.js'

const MANY_ONES = bytesOf(`{"signed":{},"signatures":[${'1,'.repeat(130_000)}1]}`)

/** A story with `targets/releases`, and with signers who signed the tag as well. */
function signedBy(...signers: readonly string[]): Story {
  const story = new Story()
  story.collection.delegate('targets/releases')
  for (const signer of signers) story.collection.delegate(`targets/${signer}`)
  for (const role of ['releases', ...signers]) story.collection.sign('3.19', 'alpine 3.19', { role: `targets/${role}` })
  story.collection.publish()
  return story
}

/** The largest pause that other work of the process had to make meanwhile, in ms. */
async function largestPause(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now()
  let largest = 0
  const seen = (): void => {
    const now = performance.now()
    largest = Math.max(largest, now - last)
    last = now
  }
  const timer = setInterval(seen, 1)
  await work()
  clearInterval(timer)
  seen()
  return largest
}

describe('every error for an answer is a TrustError', () => {
  test.each([
    ['timestamp', 'timestamp'],
    ['2.root', 'root'],
    ['root', 'root'],
  ])('a list of 130,000 numbers for signatures as %s', async (name, role) => {
    const story = new Story()
    story.transport.faults.set(name, MANY_ONES)
    expect(codeAndRole(await refusalOf(story.verify()))).toEqual({ code: 'ERR_METADATA_MALFORMED', role })
  })

  test.each([
    ['keys', `{"keys":{${names(60_000, '1')}},"roles":[]}`],
    ['delegations', `{"keys":{},"roles":[${'1,'.repeat(130_000)}1]}`],
    ['paths', `{"keys":{},"roles":[{"name":"targets/a","keyids":[],"threshold":1,"paths":[${'1,'.repeat(130_000)}1]}]}`],
    ['key IDs', `{"keys":{},"roles":[{"name":"targets/a","paths":[],"threshold":1,"keyids":[${'1,'.repeat(130_000)}1]}]}`],
  ])('130,000 %s of another shape', async (_, delegations) => {
    const story = new Story()
    const signed = `{"_type":"Targets","version":2,"expires":"2030-01-01T00:00:00Z","targets":{},"delegations":${delegations}}`
    story.collection.tamper('targets', { bytes: () => bytesOf(`{"signed":${signed},"signatures":[]}`) }).publish()
    expect(codeAndRole(await refusalOf(story.verify()))).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'targets' })
  })

  test('such a file in the cache is fetched again', async () => {
    const story = signedBy('alice')
    await story.verify()
    for (const role of ['timestamp', 'snapshot', 'targets', 'targets/releases', 'targets/alice']) {
      const store = await storeWith(({ metadata }) => void metadata.set(role, MANY_ONES), story.store)
      expect((await story.verify('alpine:3.19', { store })).signers).toEqual(['alice'])
    }
  })

  test('certificates on record that end before time began count as none on record', async () => {
    const story = new Story()
    await story.verify()
    const store = await storeWith((kept) => {
      const floors = JSON.parse(Buffer.from(kept.floors ?? '').toString()) as { certificates: { keys: { notAfter: number }[] } }
      for (const key of floors.certificates.keys) key.notAfter = -9e15
      kept.floors = bytesOf(JSON.stringify(floors))
    }, story.store)
    expect((await story.verify('alpine:3.19', { store })).rootTrust).toBe('cached-root')
  })

  test('one bad reference of verifyTags does not affect the other answers', async () => {
    const story = new Story()
    const fetchMetadata: typeof story.transport.fetchMetadata = (request) =>
      request.gun === GUN ? story.transport.fetchMetadata(request) : Promise.resolve(MANY_ONES)
    await using client = createTrustClient({ ...story.options, transport: { fetchMetadata, close: () => Promise.resolve() } })
    const outcomes: VerifyOutcome[] = []
    for await (const outcome of client.verifyTags(['alpine:3.19', 'busybox', 'alpine:3.19'])) outcomes.push(outcome)
    expect(outcomes.map((one) => ('result' in one ? one.result.status : one.error.code))).toEqual([
      'trusted',
      'ERR_METADATA_MALFORMED',
      'trusted',
    ])
  })

  test('an error that is not a TrustError is thrown after the other answers', async () => {
    const story = new Story()
    const fetchMetadata: typeof story.transport.fetchMetadata = (request) =>
      request.gun === GUN ? story.transport.fetchMetadata(request) : Promise.reject(new RangeError('a fault'))
    await using client = createTrustClient({ ...story.options, transport: { fetchMetadata, close: () => Promise.resolve() } })
    const seen: string[] = []
    const all = async (): Promise<void> => {
      for await (const { reference } of client.verifyTags(['busybox', 'alpine:3.19'])) seen.push(reference)
    }
    await expect(all()).rejects.toThrow('a fault')
    expect(seen).toEqual(['alpine:3.19'])
  })
})

function names(count: number, value: string): string {
  return Array.from({ length: count }, (_, at) => `"k${at}":${value}`).join(',')
}

/** An RSA key with any exponent, as listed: no signature has to verify under it. */
function rsaKey(exponentBytes: number): KeyDocument {
  const [modulus, exponent] = [Buffer.alloc(256, 0xf1), Buffer.alloc(exponentBytes, 0x7f)].map((bytes) => longInteger(bytes))
  const numbers = longElement(0x30, Buffer.concat([modulus ?? '', exponent ?? ''].map((part) => Buffer.from(part))))
  const algorithm = der.sequence(der.objectIdentifier('1.2.840.113549.1.1.1'), der.tlv(0x05))
  const key = longElement(0x30, Buffer.concat([algorithm, longElement(0x03, Buffer.concat([Buffer.alloc(1), numbers]))]))
  return { keytype: 'rsa', keyval: { private: null, public: key.toString('base64') } }
}

/** DER without the kit's limit of 65,535 bytes. */
function longElement(tag: number, content: Buffer): Buffer {
  if (content.length < 65_536) return Buffer.from(der.tlv(tag, content))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  return Buffer.concat([Buffer.of(tag, 0x84), length, content])
}

function longInteger(bytes: Buffer): Buffer {
  return longElement(0x02, Buffer.concat([Buffer.alloc((bytes[0] ?? 0) >= 0x80 ? 1 : 0), bytes]))
}

/** The signed files of `targets` or a delegation may hold anything; these are lists that are too long. */
const delegations =
  (count: number, paths: readonly string[] = [''], parent = 'targets') =>
  ({ delegations: { roles } }: TargetsDocument): void => {
    for (let at = 0; at < count; at++) roles.push({ name: `${parent}/d${at}`, keyids: [], threshold: 1, paths: [...paths] })
  }

describe('what costs more than it is worth is refused before it costs', () => {
  test.each([5, 9, 100_000, 2_500_000])('an RSA exponent of %i bytes never counts, and costs nothing', async (bytes) => {
    const story = new Story()
    const document = rsaKey(bytes)
    const id = createHash('sha256').update(canonicalBytes(document)).digest('hex')
    story.collection.tamper('root', {
      before: ({ keys, roles }) => {
        keys[id] = document
        roles.root.keyids.push(id)
      },
      after: ({ signatures }) => {
        const sig = Buffer.alloc(256, 1).toString('base64')
        signatures.unshift(...Array.from({ length: 16 }, () => ({ keyid: id, method: 'rsapkcs1v15', sig })))
      },
    })
    story.collection.publish()
    const start = performance.now()
    // The other key of the root signed it: such a key is listed, and never counts.
    await story.verify()
    expect(performance.now() - start).toBeLessThan(3000)
  })

  test('a delegation with 10,000 paths is refused', async () => {
    const story = new Story()
    const paths = Array.from({ length: 10_000 }, (_, at) => String(at))
    story.collection.tamper('targets', { before: delegations(2, paths) }).publish()
    expect(codeAndRole(await refusalOf(story.verify()))).toEqual({ code: 'ERR_METADATA_TOO_LARGE', role: 'targets' })
  })

  test('more checks of signatures than a file may cost are not made', async () => {
    const story = new Story({ roles: { targets: { keys: 40 } } })
    story.collection
      .tamper('targets', {
        after: (envelope) => {
          const sig = Buffer.alloc(64, 1).toString('base64')
          const junk = envelope.signatures.flatMap(({ keyid, method }) =>
            Array.from({ length: 16 }, () => ({ keyid, method, sig })),
          )
          Object.assign(envelope, { signatures: [...junk, ...envelope.signatures] })
        },
      })
      .publish()
    expect(codeAndRole(await refusalOf(story.verify()))).toEqual({ code: 'ERR_METADATA_TOO_LARGE', role: 'targets' })
  })

  test('a signature method of megabytes does not count, and costs nothing', async () => {
    const story = new Story()
    story.collection
      .tamper('targets', {
        after: ({ signatures }) => {
          const [{ keyid, sig } = { keyid: '', sig: '' }] = signatures
          signatures.unshift(...Array.from({ length: 15 }, () => ({ keyid, sig, method: 'A'.repeat(1_000_000) })))
        },
      })
      .publish()
    const start = performance.now()
    await story.verify()
    expect(performance.now() - start).toBeLessThan(1500)
  })

  test('files that together exceed the largest honest collection are not fetched', async () => {
    const story = signedBy('alice')
    const long = 40 * 1024 * 1024
    story.collection.tamper('snapshot', {
      before: ({ meta }) => {
        for (const role of ['targets', 'targets/releases']) {
          const file = meta[role]
          if (file !== undefined) file.length = long
        }
      },
    })
    story.collection.publish()
    story.requests()
    expect(codeAndRole(await refusalOf(story.verify()))).toMatchObject({ code: 'ERR_METADATA_TOO_LARGE' })
    expect(story.requests().filter((name) => /^targets(\/releases)?\.[0-9a-f]{64}$/.test(name))).toEqual([])
  })

  test('roots of 4 MB each are not walked for ever', async () => {
    const story = new Story()
    await story.verify()
    for (let at = 0; at < 12; at++) {
      story.collection.rotateRoot()
      story.collection.tamper('root', { before: (signed) => void Object.assign(signed, { padding: 'x'.repeat(4_000_000) }) })
      story.collection.publish()
    }
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_TOO_LARGE', role: 'root' })
  })
})

describe('the deadline and the signal are looked at between files', () => {
  test('the deadline passes during work of the processor alone', async () => {
    const story = signedBy(...Array.from({ length: 30 }, (_, at) => `s${at}`))
    for (let at = 0; at < 30; at++)
      for (let tag = 0; tag < 1500; tag++) story.collection.sign(`t${tag}`, 'x', { role: `targets/s${at}` })
    story.collection.publish()
    const start = performance.now()
    const refusal = await refusalOf(story.verify('alpine:3.19', { timeout: 100 }))
    expect(refusal).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE', message: expect.stringContaining('no answer within 0.1 s') })
    expect(performance.now() - start).toBeLessThan(1100)
  })

  test('an aborted signal ends the work', async () => {
    const story = signedBy(...Array.from({ length: 30 }, (_, at) => `s${at}`))
    for (let at = 0; at < 30; at++)
      for (let tag = 0; tag < 1500; tag++) story.collection.sign(`t${tag}`, 'x', { role: `targets/s${at}` })
    story.collection.publish()
    const controller = new AbortController()
    setTimeout(() => controller.abort(new Error('enough')), 100)
    await expect(story.verify('alpine:3.19', { signal: controller.signal })).rejects.toThrow('enough')
  })

  test('hundreds of delegations hold the event loop for no longer than a few of their files take', { retry: 2 }, async () => {
    const story = new Story()
    const key = createSigningKey({ type: 'ed25519', seed: 'one' })
    for (let at = 0; at < 300; at++) {
      story.collection.delegate(`targets/s${at}`, { keys: [key] }).sign('3.19', 'alpine 3.19', { role: `targets/s${at}` })
    }
    story.collection.publish()
    await story.verify() // what is loaded late is loaded
    const fresh = new Story()
    const started = performance.now()
    const pause = await largestPause(() => story.verify('alpine:3.19', { store: fresh.store }))
    expect(pause / (performance.now() - started)).toBeLessThan(0.2)
  })
})

describe('the key of one delegation denies that delegation alone', () => {
  const SPOILT: readonly (readonly [string, (signed: TargetsDocument) => void])[] = [
    ['1,001 delegations of her own', delegations(1001, [''], 'targets/alice')],
    [
      '10,000 paths',
      delegations(
        1,
        Array.from({ length: 10_000 }, (_, at) => String(at)),
        'targets/alice',
      ),
    ],
    ['a delegation outside of her own', delegations(1, [''], 'targets/bob')],
    ['no date', (signed) => void Object.assign(signed, { expires: 'never' })],
    ['another type', (signed) => void Object.assign(signed, { _type: 'Root' })],
    ['a length below zero', (signed) => void Object.assign(signed, { targets: { x: { length: -1, hashes: {} } } })],
    [
      '9,000 keys',
      (signed) =>
        void Object.assign(signed.delegations.keys, JSON.parse(`{${names(9000, '{"keytype":"","keyval":{"public":""}}')}}`)),
    ],
  ]

  test.each(SPOILT)('%s', async (_, before) => {
    const story = signedBy('alice', 'bob')
    story.collection.tamper('targets/alice', { before }).publish()
    const { role, signers, warnings } = await story.verify()
    expect({ role, signers }).toEqual({ role: 'targets/releases', signers: ['bob'] })
    expect(warnings).toContainEqual({
      code: 'WARN_DELEGATION_SKIPPED',
      message: expect.stringContaining('the signer alice is left out'),
    })
    // Cached unchanged, and left out offline too.
    expect((await story.verify('alpine:3.19', { offline: true })).signers).toEqual(['bob'])
  })

  test.each(SPOILT)('%s in releases fails', async (_, before) => {
    const story = signedBy('alice')
    story.collection.tamper('targets/releases', { before }).publish()
    expect(await refusalOf(story.verify())).toMatchObject({ kind: 'untrusted', role: 'targets/releases' })
  })

  test('a file longer than any may be', async () => {
    const story = signedBy('alice', 'bob')
    const custom = 'x'.repeat(33 * 1024 * 1024)
    story.collection.tamper('targets/alice', { before: (signed) => void Object.assign(signed, { custom }) }).publish()
    const { signers, warnings } = await story.verify()
    expect(signers).toEqual(['bob'])
    expect(warnings).toContainEqual({ code: 'WARN_DELEGATION_SKIPPED', message: expect.stringContaining('alice') })
  })

  test('files that are too much together: the longest are left out', async () => {
    const story = signedBy('alice', 'bob', 'carol', 'dave')
    for (const signer of ['alice', 'bob', 'carol']) {
      const custom = 'x'.repeat(15 * 1024 * 1024 + signer.length)
      story.collection.tamper(`targets/${signer}`, { before: (signed) => void Object.assign(signed, { custom }) })
    }
    story.collection.publish()
    const { role, signers, warnings } = await story.verify()
    expect({ role, signers }).toEqual({
      role: 'targets/releases',
      signers: ['alice', 'bob', 'dave'].filter((one) => signers.includes(one)),
    })
    expect(signers).toContain('dave')
    expect(warnings).toContainEqual({ code: 'WARN_DELEGATION_SKIPPED', message: expect.stringContaining('carol') })
  })

  test('delegations below delegations below delegations: those too deep are left out', async () => {
    const story = signedBy('alice')
    let name = 'targets/alice'
    for (let depth = 0; depth < 20; depth++) {
      name = `${name}/d`
      story.collection.delegate(name).sign('3.19', 'alpine 3.19', { role: name })
    }
    story.collection.publish()
    const { signers, warnings } = await story.verify()
    expect(signers).toContain('alice')
    expect(signers).toHaveLength(16)
    expect(warnings).toContainEqual({ code: 'WARN_DELEGATION_SKIPPED', message: expect.stringContaining('deep') })
  })
})

describe('what a server chose is cut and printable', () => {
  const NASTY = `a\u202eb\u200bc\ufeffd\u2066e\u{e0041}f\u061cg`

  test('in evidence, hint and message: one line of at most 16 KB', async () => {
    const story = new Story()
    for (let at = 0; at < 300; at++) story.collection.sign(`${NASTY}${'"'.repeat(5000)}${at}`, 'x')
    story.collection.publish()
    const error = await refusalOf(story.verify('alpine:none'))
    const line = JSON.stringify(error.toJSON())
    expect(line.length).toBeLessThan(16_384)
    expect(`${line}${error.hint}`).not.toMatch(/[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
  })

  test('a list of 200 keys in evidence is cut, with a count', async () => {
    const story = new Story({ roles: { targets: { type: 'ed25519', keys: 200, threshold: 200 } } })
    story.collection.tamper('targets', { after: (envelope) => void envelope.signatures.pop() }).publish()
    const error = await refusalOf(story.verify())
    expect(error.code).toBe('ERR_SIGNATURE_THRESHOLD')
    expect(JSON.stringify(error.toJSON()).length).toBeLessThan(16_384)
    expect(JSON.stringify(error.evidence)).toMatch(/and \d+ more/)
  })
})

test('100 missing tags of a collection of 20,000 cost about as much as one', async () => {
  const story = new Story()
  for (let tag = 0; tag < 20_000; tag++) story.collection.sign(`1.${tag}`, 'x')
  story.collection.publish()
  await using client = createTrustClient(story.options)
  await client.verifyTag('alpine:3.19')
  const timed = async (count: number): Promise<number> => {
    const start = performance.now()
    const codes: string[] = []
    for await (const outcome of client.verifyTags(Array.from({ length: count }, (_, at) => `alpine:none-${count}-${at}`)))
      codes.push('error' in outcome ? outcome.error.code : outcome.result.status)
    expect(codes).toEqual(Array.from({ length: count }, () => 'ERR_TAG_NOT_SIGNED'))
    return performance.now() - start
  }
  const one = await timed(1)
  expect(await timed(100)).toBeLessThan(one * 3 + 200)
})

describe('a web page with status 200', () => {
  test.each(['timestamp', 'root'])('as %s is reported as one', async (name) => {
    const story = new Story()
    story.transport.faults.set(name, 'login-page')
    expect(await refusalOf(story.verify())).toMatchObject({
      code: 'ERR_METADATA_MALFORMED',
      message: expect.stringContaining('it looks like a web page: a login page or a proxy?'),
    })
  })
})

describe('a target that has a SHA-512 alone', () => {
  function withSha512(): Story {
    const story = signedBy('alice')
    story.collection.sign('3.20', 'x', { role: 'targets/releases' })
    for (const role of ['targets', 'targets/releases'] as const)
      story.collection.tamper(role, {
        before: ({ targets }) =>
          void Object.assign(targets, { odd: { length: 5, hashes: { sha512: Buffer.alloc(64).toString('base64') } } }),
      })
    story.collection.publish()
    return story
  }

  test('is a tag that is not signed, with the reason', async () => {
    const refusal = await refusalOf(withSha512().verify('alpine:odd'))
    expect(refusal).toMatchObject({ code: 'ERR_TAG_NOT_SIGNED', role: 'targets/releases' })
    expect(refusal.message).toContain('no valid hash, expecting sha256')
  })

  test('is marked in the list; all others are there', async () => {
    await using client = createTrustClient(withSha512().options)
    const { tags } = await client.listTags('alpine')
    expect(tags.map(({ tag, digest, problem }) => [tag, digest === undefined, problem])).toEqual([
      ['3.19', false, undefined],
      ['3.20', false, undefined],
      ['odd', true, 'no valid hash, expecting sha256'],
    ])
  })

  test('does not affect a search by digest, or signers', async () => {
    const story = withSha512()
    expect((await story.verify()).signers).toEqual(['alice'])
    const digest = story.collection.digest('3.19')
    expect((await story.verifyDigest(digest)).tags).toEqual(['3.19'])
  })

  test('lookup of a name refuses it in the same way', async () => {
    await using client = createTrustClient(withSha512().options)
    expect(codeAndRole(await refusalOf(client.lookup(GUN, 'odd')))).toEqual({ code: 'ERR_TAG_NOT_SIGNED', role: 'targets' })
  })
})
