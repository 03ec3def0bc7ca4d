/** Attacks of the catalogue that no test of a single part names: whole stories, through the public door. */
import { describe, expect, test } from 'vitest'
import { createSigningKey, createSimulatedTransport, type Envelope, type TargetsDocument } from '../../src/testing/index.js'
import { codeAndRole, refusalOf, Story, text } from '../client/story.js'

const RELEASES = 'targets/releases'
const ALICE = 'targets/alice'
const EVIL = JSON.stringify({ hashes: { sha256: Buffer.alloc(32, 0xee).toString('base64') }, length: 1 })

/** Changes the text of a file, by an attacker with the keys of snapshot and timestamp. */
function spoil(story: Story, role: `targets${string}`, from: string, to: string): void {
  const bytes = (file: Uint8Array) => {
    expect(text(file)).toContain(from)
    return new Uint8Array(Buffer.from(text(file).replace(from, () => to)))
  }
  story.collection.tamper(role, { bytes }).publish()
}

describe('members that are there twice', () => {
  test.each([
    ['beside the targets that were signed', '"targets":{', `"targets":{"3.19":${EVIL}},"targets":{`],
    ['behind them', '"signatures"', `"x":1,"x":{"targets":{"3.19":${EVIL}}},"signatures"`],
    ['beside the very tag', '"3.19":{', `"3.19":${EVIL},"3.19":{`],
  ])('do not override a tag of the same role: %s (ATK-05, CVE-12)', async (_, from, to) => {
    const story = new Story()
    await story.verify()
    spoil(story, 'targets', from, to)
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'targets' })
  })

  test('do not widen the paths of a delegation (ATK-06)', async () => {
    const story = new Story()
    story.collection.delegate(RELEASES, { paths: [] }).sign('3.19', 'evil', { role: RELEASES })
    story.collection.publish()
    const { role } = await story.verify()
    expect(role).toBe('targets')
    spoil(story, 'targets', '"roles":[', '"roles":[{"paths":[""]}],"roles":[')
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'targets' })
  })
})

test('the same timestamp may be served until it expires, and not one moment longer (ATK-22)', async () => {
  const story = new Story()
  await story.verify()
  story.wait(14)
  story.now = new Date(story.now.getTime() - 1)
  expect((await story.verify()).freshness).toBe('fresh')
  story.now = new Date(story.now.getTime() + 1)
  expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_EXPIRED', role: 'timestamp' })
})

describe('the trust data of one collection served for another', () => {
  const NGINX = 'docker.io/library/nginx'
  const swapped = (story: Story) => createSimulatedTransport([{ gun: NGINX, served: (name) => story.collection.served(name) }])

  test('is taken on first use, with a warning, under a certificate that names both; a pin refuses it (ATK-34)', async () => {
    const story = new Story({ roles: { root: { certificate: { subject: { cn: 'docker.io/library/*' } } } } })
    const transport = swapped(story)
    const { warnings } = await story.verify('nginx:3.19', { transport })
    expect(warnings.map(({ code }) => code)).toEqual(['WARN_FIRST_USE'])
    const pinning = { certs: { [NGINX]: [createSigningKey().id] } }
    expect((await refusalOf(story.verify('nginx:3.19', { transport, pinning }))).code).toBe('ERR_PIN_MISMATCH')
  })

  test('is refused under a certificate that names one (ATK-34)', async () => {
    const story = new Story()
    expect((await refusalOf(story.verify('nginx:3.19', { transport: swapped(story) }))).code).toBe('ERR_ROOT_UNTRUSTED')
  })
})

test('a tag answers for itself alone: no prefix, no other case, no neighbour (ATK-36)', async () => {
  const story = new Story()
  const digests = new Map(['3.1', '3.190', 'v3.19', 'RC', 'rc'].map((tag) => [tag, story.collection.sign(tag, `of ${tag}`)]))
  const own = story.collection.sign('3.19', 'of 3.19')
  story.collection.publish()
  expect((await story.verify()).digest).toBe(own)
  for (const [tag, digest] of digests) expect((await story.verify(`alpine:${tag}`)).digest).toBe(digest)
  for (const tag of ['3', '3.19.', '3.19-', 'Rc', 'V3.19'])
    expect((await refusalOf(story.verify(`alpine:${tag}`))).code).toBe('ERR_TAG_NOT_SIGNED')
})

describe("a signer's stolen key (ATK-37)", () => {
  const stolen = () => {
    const story = new Story()
    story.collection.delegate(RELEASES).delegate(ALICE, { paths: ['dev-'] })
    const digest = story.collection.sign('3.19', 'release', { role: RELEASES })
    return { story, digest }
  }

  test('answers no tag, and signs for none outside of its paths', async () => {
    const { story, digest } = stolen()
    for (const tag of ['3.19', '6.6.6', 'dev-1']) story.collection.sign(tag, 'release', { role: ALICE })
    story.collection.publish()
    expect(await story.verify()).toMatchObject({ digest, role: RELEASES, signers: [] })
    for (const tag of ['6.6.6', 'dev-1']) expect((await refusalOf(story.verify(`alpine:${tag}`))).code).toBe('ERR_TAG_NOT_SIGNED')
  })

  test('signs no other role', async () => {
    const { story } = stolen()
    const [alice] = story.collection.keys(ALICE)
    const sign = (envelope: Envelope<TargetsDocument>) => {
      for (const one of envelope.signatures) Object.assign(one, { keyid: alice?.id })
    }
    story.collection.tamper(RELEASES, { after: sign }).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_SIGNATURE_THRESHOLD', role: RELEASES })
  })
})

describe('root', () => {
  test('is asked for by number and plain name, never by its hash (ROOT-41)', async () => {
    const story = new Story()
    await story.verify()
    story.collection.rotateRoot().publish()
    await story.verify()
    expect(story.requests().filter((name) => /root\.[0-9a-f]/.test(name))).toEqual([])
  })

  test.each(['root', 'targets', 'snapshot', 'timestamp'] as const)(
    'lists a key of %s twice: it is one key (ROOT-47)',
    async (role) => {
      const twice = (threshold: number) => {
        const story = new Story()
        const before = ({ roles }: { roles: Record<string, { keyids: string[]; threshold: number }> }) => {
          const { keyids = [] } = roles[role] ?? {}
          Object.assign(roles[role] ?? {}, { keyids: [...keyids, ...keyids], threshold })
        }
        story.collection.tamper('root', { before }).publish()
        return story
      }
      expect((await twice(1).verify()).status).toBe('trusted')
      expect(codeAndRole(await twice(2).refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'root' })
    },
  )

  test.each(['root', 'timestamp'] as const)(
    'lists a key of %s under a false ID, by which it signs too (ROOT-49)',
    async (role) => {
      const story = new Story()
      const [key] = story.collection.keys(role)
      const [real = '', fake] = [key?.id, 'f'.repeat(64)]
      const rename = (file: Uint8Array) => new Uint8Array(Buffer.from(text(file).replaceAll(real, fake)))
      // Signed as it stands: the name is changed before signing, and among the signatures after it.
      story.collection.tamper('root', {
        before: (signed) => void Object.assign(signed, JSON.parse(JSON.stringify(signed).replaceAll(real, fake))),
        bytes: rename,
      })
      story.collection.publish()
      expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'root' })
    },
  )

  test.each([
    [true, 'trusted'],
    [false, 'trusted'],
    [null, 'trusted'],
    [undefined, 'trusted'],
    ['true', 'ERR_METADATA_MALFORMED'],
    [1, 'ERR_METADATA_MALFORMED'],
  ])('may say %j for consistent_snapshot: %s (ROOT-54)', async (value, expected) => {
    const story = new Story()
    story.collection.tamper('root', { before: (signed) => void Object.assign(signed, { consistent_snapshot: value }) }).publish()
    const answer = expected === 'trusted' ? (await story.verify()).status : (await story.refused()).code
    expect(answer).toBe(expected)
  })

  test('missing together with the timestamp means no trust data, with any cache, and never a stale answer (ROOT-56)', async () => {
    const story = new Story()
    await story.verify()
    story.transport.faults.set('*', 'missing')
    expect((await story.refused()).code).toBe('ERR_NO_TRUST_DATA')
    expect((await story.refused('alpine:3.19', { staleFallback: 'refuse' })).code).toBe('ERR_NO_TRUST_DATA')
  })
})

test('a Z that is written as an escape is a Z: what is decoded counts (VER-24)', async () => {
  const story = new Story()
  spoil(story, 'targets', 'Z"', '\\u005a"')
  expect((await story.verify()).status).toBe('trusted')
})

describe('a delegation that the snapshot lists with sha512 alone (HASH-06)', () => {
  const only512 = () => {
    const story = new Story()
    story.collection.delegate(RELEASES)
    const digest = story.collection.sign('3.19', 'release', { role: RELEASES })
    story.collection.tamper('snapshot', { before: ({ meta }) => void delete meta[RELEASES]?.hashes['sha256'] }).publish()
    return { story, digest }
  }

  test('is asked for by its plain name, and must have that hash', async () => {
    const { story, digest } = only512()
    expect(await story.verify()).toMatchObject({ digest, role: RELEASES })
    expect(story.requests()).toContain(RELEASES)
  })

  test('is refused with any other content of the same length', async () => {
    const { story } = only512()
    story.transport.faults.set(RELEASES, (file) => file?.map((byte, at) => (at === 100 ? byte ^ 1 : byte)))
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_HASH_MISMATCH', role: RELEASES })
  })
})
