import { describe, expect, test } from 'vitest'
import { verifyTag } from '../../../src/index.js'
import { GUN, SERVER, Story } from '../story.js'

const other = `sha256:${'ab'.repeat(32)}`

describe('name@sha256:...', () => {
  test('a signed digest is answered with the tags that carry it, in natural order', async () => {
    const story = new Story()
    const digest = story.collection.sign('3.10', 'shared', { size: 7 })
    for (const tag of ['latest', '3.9', '3']) story.collection.sign(tag, 'shared', { size: 7 })
    story.collection.publish()
    expect(await story.verifyDigest(digest)).toStrictEqual({
      status: 'trusted-digest',
      reference: `alpine@${digest}`,
      gun: GUN,
      digest,
      size: 7,
      canonicalReference: `${GUN}@${digest}`,
      role: 'targets',
      signers: [],
      tags: ['3', '3.9', '3.10', 'latest'],
      rootTrust: 'first-use',
      freshness: 'fresh',
      checked: '2026-03-01T12:00:00.000Z',
      expires: '2026-03-15T12:00:00.000Z',
      server: SERVER,
      warnings: [{ code: 'WARN_FIRST_USE', message: expect.any(String) }],
    })
  })

  test('a digest that no tag carries is not signed', async () => {
    const story = new Story()
    await story.verify()
    const refusal = await story.refused(`alpine@${other}`)
    expect(refusal).toMatchObject({
      code: 'ERR_DIGEST_NOT_SIGNED',
      kind: 'unsigned',
      message: `No valid trust data for ${other}`,
    })
  })

  test('a digest in targets is not signed when releases has another one for its only tag', async () => {
    const story = new Story()
    const { digest } = await story.verify()
    story.collection.delegate('targets/releases')
    const newer = story.collection.sign('3.19', 'newer', { role: 'targets/releases' })
    story.collection.publish()
    expect((await story.verifyDigest(newer)).tags).toEqual(['3.19'])
    expect((await story.refused(`alpine@${digest}`)).code).toBe('ERR_DIGEST_NOT_SIGNED')
  })

  test("a digest that only a signer's delegation carries is not signed", async () => {
    const story = new Story()
    story.collection.delegate('targets/alice')
    const digest = story.collection.sign('edge', 'alice', { role: 'targets/alice' })
    story.collection.publish()
    await story.verify()
    expect((await story.refused(`alpine@${digest}`)).code).toBe('ERR_DIGEST_NOT_SIGNED')
  })

  test("accept is Docker's way: nothing is asked, nothing is trusted, nothing is kept", async () => {
    const story = new Story()
    const result = await verifyTag(`alpine@${other}`, { ...story.options, digestReferences: 'accept' })
    expect(result).toStrictEqual({
      status: 'by-digest',
      reference: `alpine@${other}`,
      gun: GUN,
      digest: other,
      canonicalReference: `${GUN}@${other}`,
    })
    expect(story.requests()).toEqual([])
    expect(await story.store.list()).toEqual([])
  })
})

describe('name:tag@sha256:...', () => {
  test('the signed digest is the answer (REF-21)', async () => {
    const story = new Story()
    const { digest } = await story.verify()
    const reference = `alpine:3.19@${digest}`
    expect(await story.verify(reference)).toMatchObject({ status: 'trusted', reference, tag: '3.19', digest })
  })

  test('another digest is a mismatch, and the hint says what is signed now (REF-21)', async () => {
    const story = new Story()
    const { digest } = await story.verify()
    const refusal = await story.refused(`alpine:3.19@${other}`)
    expect(refusal).toMatchObject({ code: 'ERR_DIGEST_MISMATCH', kind: 'unsigned', evidence: { asked: other, signed: digest } })
    expect(refusal.hint).toContain(digest)
  })

  test('accept does not let a mismatch pass', async () => {
    const story = new Story()
    await story.verify()
    const refusal = await story.refused(`alpine:3.19@${other}`, { digestReferences: 'accept' })
    expect(refusal.code).toBe('ERR_DIGEST_MISMATCH')
  })

  test('a tag that is not signed is refused with every digest', async () => {
    const story = new Story()
    const { digest } = await story.verify()
    expect((await story.refused(`alpine:edge@${digest}`)).code).toBe('ERR_TAG_NOT_SIGNED')
  })
})
