import { describe, expect, test } from 'vitest'
import { createTrustClient } from '../../../src/index.js'
import { bytesOf, codeAndRole, DAY, GUN, refusalOf, Story, text } from '../story.js'

const RELEASES = 'targets/releases'

function released(): Story {
  const story = new Story()
  story.collection.delegate(RELEASES).delegate('targets/bob').delegate('targets/alice')
  return story
}

describe('a tag in several roles', () => {
  test('releases answers before targets (DEL-01)', async () => {
    const story = released()
    const digest = story.collection.sign('3.19', 'released', { role: RELEASES })
    story.collection.publish()
    expect(await story.verify()).toMatchObject({ digest, role: RELEASES, signers: [] })
  })

  test('targets answers what releases does not list (DEL-02)', async () => {
    const story = released()
    story.collection.sign('3.20', 'released', { role: RELEASES })
    story.collection.publish()
    expect(await story.verify()).toMatchObject({ role: 'targets' })
  })

  test('the signers are the other delegations with the same digest, ascending; one with another digest is none', async () => {
    const story = released()
    story.collection.delegate('targets/zoe').delegate('targets/alice/deputy')
    const digest = story.collection.sign('3.19', 'released', { role: RELEASES })
    for (const name of ['targets/bob', 'targets/alice', 'targets/alice/deputy'])
      story.collection.sign('3.19', 'released', { role: name })
    story.collection.sign('3.19', 'something else', { role: 'targets/zoe' })
    story.collection.publish()
    expect(await story.verify()).toMatchObject({ digest, signers: ['alice', 'alice/deputy', 'bob'] })
  })

  test('a tag that only a signer has is not released, and the hint says who signed it', async () => {
    const story = released()
    story.collection.sign('edge', 'alice', { role: 'targets/alice' })
    story.collection.publish()
    await story.verify()
    const refusal = await story.refused('alpine:edge')
    expect(refusal).toMatchObject({ code: 'ERR_TAG_NOT_SIGNED', message: 'No valid trust data for edge' })
    expect(refusal.hint).toContain('alice')
  })

  test('a delegation below releases never answers (DEL-27)', async () => {
    const story = released()
    story.collection.sign('3.20', 'x', { role: RELEASES })
    story.collection.delegate('targets/releases/nested').sign('edge', 'nested', { role: 'targets/releases/nested' })
    story.collection.publish()
    await story.verify()
    expect((await story.refused('alpine:edge')).code).toBe('ERR_TAG_NOT_SIGNED')
  })

  test('tags are told apart by case, and the hint says so (DEL-37)', async () => {
    const story = new Story()
    story.collection.sign('Edge', 'x')
    story.collection.publish()
    await story.verify()
    const refusal = await story.refused('alpine:edge')
    expect(refusal.code).toBe('ERR_TAG_NOT_SIGNED')
    expect(refusal.hint).toContain('Edge')
  })
})

describe('paths', () => {
  test.each([
    ['an empty prefix', [''], true],
    ['its own prefix', ['3.'], true],
    ['another prefix', ['4.'], false],
    ['no paths at all (DEL-20)', [], false],
  ])('with %s releases may or may not name the tag', async (_, paths, may) => {
    const story = new Story()
    story.collection.delegate(RELEASES, { paths })
    const digest = story.collection.sign('3.19', 'released', { role: RELEASES })
    story.collection.publish()
    const result = await story.verify()
    expect(result.role).toBe(may ? RELEASES : 'targets')
    expect(result.digest === digest).toBe(may)
  })

  test('of a child are cut down by those of its parent: everything under "a" is nothing (DEL-26)', async () => {
    const story = new Story()
    story.collection.delegate('targets/alice', { paths: ['a'] })
    story.collection.sign('a1', 'x', { role: 'targets/alice' })
    story.collection.delegate('targets/alice/wide', { paths: [''] }).delegate('targets/alice/narrow', { paths: ['a1'] })
    for (const role of ['targets/alice/wide', 'targets/alice/narrow']) story.collection.sign('a1', 'x', { role })
    story.collection.sign('a1', 'x')
    story.collection.publish()
    expect((await story.verify('alpine:a1')).signers).toEqual(['alice', 'alice/narrow'])
  })
})

describe('a signer who cannot be heard', () => {
  test('because the delegation expired is left out with a warning', async () => {
    const story = released()
    for (const role of ['targets/alice', 'targets/bob']) story.collection.sign('3.19', 'alpine 3.19', { role })
    story.collection.setExpiry('targets/alice', new Date(story.now.getTime() - DAY)).publish()
    const { signers, warnings } = await story.verify()
    expect(signers).toEqual(['bob'])
    expect(warnings).toContainEqual({ code: 'WARN_DELEGATION_SKIPPED', message: expect.stringContaining('alice') })
  })

  test('because too few keys signed is left out with a warning, and its floor stays', async () => {
    const story = released()
    story.collection.sign('3.19', 'alpine 3.19', { role: 'targets/alice' })
    story.collection.publish()
    expect((await story.verify()).signers).toEqual(['alice'])
    story.collection.tamper('targets/alice', { after: (envelope) => void Object.assign(envelope, { signatures: [] }) }).publish()
    const { signers, warnings } = await story.verify()
    expect(signers).toEqual([])
    expect(warnings.map(({ code }) => code)).toEqual(['WARN_DELEGATION_SKIPPED'])
    expect((await story.floors())['targets/alice']).toBe(1)
    // The file is kept all the same, so that offline it is judged, and left out, again.
    expect((await story.verify('alpine:3.19', { offline: true })).signers).toEqual([])
  })

  test('because its last key was removed is left out with a warning, null lists and all', async () => {
    const story = released()
    story.collection.sign('3.19', 'alpine 3.19', { role: 'targets/alice' })
    story.collection.publish()
    story.collection.setDelegationKeys('targets/alice', { keys: 0 })
    story.collection.tamper('targets', {
      before: ({ delegations }) => {
        const alice = delegations.roles.find(({ name }) => name === 'targets/alice')
        Object.assign(alice ?? {}, { keyids: null })
      },
    })
    story.collection.publish()
    const { signers, warnings } = await story.verify()
    expect(signers).toEqual([])
    expect(warnings).toContainEqual({ code: 'WARN_DELEGATION_SKIPPED', message: expect.stringContaining('0 keys') })
  })

  test.each([
    ['missing', 'missing', 'ERR_METADATA_MISSING'],
    ['not what the snapshot says', bytesOf('x'.repeat(10)), 'ERR_HASH_MISMATCH'],
    ['longer than the snapshot says (DEL-31)', bytesOf('x'.repeat(100_000)), 'ERR_METADATA_TOO_LARGE'],
    ['refused to us', 'unauthorized', 'ERR_UNAUTHORIZED'],
  ] as const)('is not left out when the file is %s: that is a fault', async (_, fault, code) => {
    const story = released()
    story.collection.sign('3.19', 'alpine 3.19', { role: 'targets/alice' })
    story.collection.publish()
    story.transport.faults.set('targets/alice', fault)
    expect(codeAndRole(await story.refused())).toEqual({ code, role: 'targets/alice' })
  })
})

describe('releases that cannot be used', () => {
  function withReleases(): Story {
    const story = released()
    story.collection.sign('3.19', 'released', { role: RELEASES })
    story.collection.publish()
    return story
  }

  test('expired: fails, and does not fall back to targets (DEL-05)', async () => {
    const story = withReleases()
    story.collection.setExpiry(RELEASES, new Date(story.now.getTime() - DAY)).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_EXPIRED', role: RELEASES })
  })

  test('under its threshold: fails (DEL-06)', async () => {
    const story = withReleases()
    story.collection.tamper(RELEASES, { after: (envelope) => void Object.assign(envelope, { signatures: [] }) }).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_SIGNATURE_THRESHOLD', role: RELEASES })
  })

  test('key rotated, old file still served: fails (DEL-10)', async () => {
    const story = withReleases()
    await story.verify()
    story.collection.setDelegationKeys(RELEASES, {}, { resign: false }).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_SIGNATURE_THRESHOLD', role: RELEASES })
  })

  test('one key, threshold two: fails', async () => {
    const story = withReleases()
    story.collection.setDelegationKeys(RELEASES, { threshold: 2 }).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_SIGNATURE_THRESHOLD', role: RELEASES })
  })

  test('not a single key: counts as not delegated, with a warning', async () => {
    const story = withReleases()
    story.collection.setDelegationKeys(RELEASES, { keys: 0 }).publish()
    const { role, warnings } = await story.verify()
    expect(role).toBe('targets')
    expect(warnings).toContainEqual({ code: 'WARN_DELEGATION_SKIPPED', message: expect.stringContaining(RELEASES) })
  })

  test.each([
    ['missing', 'missing', 'ERR_METADATA_MISSING'],
    ['unreachable', 'unreachable', 'ERR_SERVER_UNREACHABLE'],
    ['a login page', bytesOf('<html>'.padEnd(300)), 'ERR_HASH_MISMATCH'],
  ] as const)('%s: fails (DEL-08)', async (_, fault, code) => {
    const story = withReleases()
    story.transport.faults.set(RELEASES, fault)
    expect((await story.refused()).code).toBe(code)
  })

  test('wrong _type: fails (DEL-32)', async () => {
    const story = withReleases()
    story.collection.tamper(RELEASES, { before: (signed) => void Object.assign(signed, { _type: 'targets' }) }).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role: RELEASES })
  })

  test('delegated but never published: targets answers (DEL-03)', async () => {
    const story = new Story()
    story.collection.delegate(RELEASES).publish()
    expect(await story.verify()).toMatchObject({ role: 'targets', warnings: [{ code: 'WARN_FIRST_USE' }] })
  })

  test('listed by the snapshot but not delegated: ignored, even when it is not served (ATK-33)', async () => {
    const story = withReleases()
    story.collection
      .tamper('targets', { before: (signed) => void Object.assign(signed, { delegations: { keys: {}, roles: [] } }) })
      .publish()
    story.transport.faults.set(RELEASES, 'missing')
    expect((await story.verify()).role).toBe('targets')
  })
})

describe('delegations that are not well formed', () => {
  test.each([
    ['targets/../releases'],
    ['targets//releases'],
    ['targets/releases/'],
    ['targets/Releases'],
    ['targets/releases\n'],
    ['targets'],
    ['root'],
    ['targets/alice/bob'],
    [`targets/${'a'.repeat(248)}`],
  ])('the name %j refuses targets (DEL-13, DEL-14)', async (name) => {
    const story = new Story()
    story.collection
      .delegate(RELEASES)
      .tamper('targets', { before: ({ delegations: { roles } }) => void Object.assign(roles[0] ?? {}, { name }) })
    story.collection.publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'targets' })
  })

  test('a name of 255 characters is accepted (DEL-14)', async () => {
    const story = new Story()
    const role = `targets/${'a'.repeat(247)}`
    story.collection.delegate(role).sign('3.19', 'alpine 3.19', { role })
    story.collection.publish()
    expect((await story.verify()).signers).toEqual(['a'.repeat(247)])
  })

  test('two delegations of one name refuse targets (DEL-12)', async () => {
    const story = released()
    story.collection
      .tamper('targets', { before: ({ delegations: { roles } }) => void roles.push(...roles.slice(0, 1)) })
      .publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'targets' })
  })

  test('a key that is not its ID refuses targets (DEL-19)', async () => {
    const story = released()
    story.collection.tamper('targets', {
      before: ({ delegations: { keys, roles } }) => {
        const [id = ''] = roles[0]?.keyids ?? []
        const fake = 'f'.repeat(64)
        Object.assign(keys, { [fake]: keys[id] })
        roles[0]?.keyids.splice(0, 1, fake)
      },
    })
    story.collection.publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'targets' })
  })

  test('an unlisted key refuses targets (DEL-18)', async () => {
    const story = released()
    story.collection.tamper('targets', { before: ({ delegations }) => void Object.assign(delegations, { keys: {} }) }).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'targets' })
  })

  test('more than a thousand delegations are refused', async () => {
    const story = released()
    story.collection.tamper('targets', {
      before: ({ delegations: { roles } }) => {
        const [first] = roles
        if (first !== undefined) for (let n = 0; n < 1001; n++) roles.push({ ...first, name: `targets/n${n}` })
      },
    })
    story.collection.publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_METADATA_TOO_LARGE', role: 'targets' })
  })

  test('three levels deep is accepted, and the tags there only say who signed (DEL-29)', async () => {
    const story = new Story()
    let role = 'targets'
    for (const part of ['a', 'b', 'c']) {
      role = `${role}/${part}`
      story.collection.delegate(role).sign('3.19', 'alpine 3.19', { role })
    }
    story.collection.publish()
    expect((await story.verify()).signers).toEqual(['a', 'a/b', 'a/b/c'])
    expect(Object.keys(await story.keptVersions())).toContain('targets/a/b/c')
  })

  test('one key for two delegations counts in each (SIG-45)', async () => {
    const story = new Story()
    story.collection.delegate('targets/alice')
    story.collection.delegate(RELEASES, { keys: story.collection.keys('targets/alice') })
    for (const role of ['targets/alice', RELEASES]) story.collection.sign('3.19', 'x', { role })
    story.collection.publish()
    expect(text(story.collection.served('targets') ?? bytesOf('')).match(/"keytype"/g)).toHaveLength(1)
    expect(await story.verify()).toMatchObject({ role: RELEASES, signers: ['alice'] })
  })
})

test('a name that is not found says which delegations are left out: one of them may have it', async () => {
  const story = released()
  story.collection.sign('dev', 'x', { role: 'targets/alice' })
  story.collection.tamper('targets/alice', { after: (envelope) => void Object.assign(envelope, { signatures: [] }) }).publish()
  expect((await refusalOf(story.verify('alpine:dev'))).hint).toContain(' Left out today: targets/alice;')
  await using client = createTrustClient(story.options)
  expect((await refusalOf(client.lookup(GUN, 'dev'))).hint).toContain(' Left out today: targets/alice;')
})
