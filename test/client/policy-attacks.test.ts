/** Attacks on a policy through the public door: images that are meant to pass under a milder rule than their own. */
import { describe, expect, test } from 'vitest'
import { createTrustClient, type TrustClientOptions, verifyTag } from '../../src/index.js'
import { createSigningKey } from '../../src/testing/index.js'
import { canonicalId, refusalOf, Story } from './story.js'

const APP = 'docker.io/library/alpine'
const NOWHERE = `sha256:${'0'.repeat(64)}`

const policy = (rules: Readonly<Record<string, object>>, more: object = {}) => ({
  policy: { version: 1, rules: Object.entries(rules).map(([match, terms]) => ({ match, ...terms })), ...more },
})

/** `prod` and `dev` are signed; alice signed `prod`. */
function story(): Story {
  const made = new Story()
  const { collection } = made
  for (const tag of ['prod', 'dev']) collection.sign(tag, `the image ${tag}`)
  collection.delegate('targets/alice').sign('prod', 'the image prod', { role: 'targets/alice' })
  collection.publish()
  return made
}

async function ask(made: Story, reference: string, more: TrustClientOptions): Promise<string> {
  const outcome = await verifyTag(reference, { ...made.options, ...more }).catch((error: { code: string }) => error)
  return 'status' in outcome ? outcome.status : outcome.code
}

describe('a digest under the tag of a mild rule: engines pass over the tag', () => {
  const made = story()
  const { collection } = made
  const [prod, dev] = [collection.digest('prod'), collection.digest('dev')]

  test.each(['skip', 'warn'])('%s of one tag lets no image of a denied tag pass, nor one that no tag carries', async (action) => {
    const rules = policy({ [`${APP}:dev`]: { action }, [`${APP}:prod`]: { action: 'deny' } })
    const own = action === 'skip' ? 'skipped' : 'trusted'
    expect(await ask(made, `alpine:dev@${dev}`, rules)).toBe(own)
    expect(await ask(made, `alpine:dev@${prod}`, rules)).toBe('ERR_POLICY_DENIED')
    expect(await ask(made, `alpine:dev@${NOWHERE}`, rules)).toBe('ERR_POLICY_DENIED')
    expect(await ask(made, 'alpine:dev', rules)).toBe(own)
  })

  test.each(['skip', 'warn'])('%s of one tag lets nothing pass without the signers that another tag requires', async (action) => {
    const rules = policy({ [`${APP}:dev`]: { action }, [APP]: { requireSigners: { all: ['bob'] } } })
    expect(await ask(made, `alpine:dev@${prod}`, rules)).toBe('ERR_SIGNER_MISSING')
    expect(await ask(made, `alpine:dev@${NOWHERE}`, rules)).toBe('ERR_DIGEST_NOT_SIGNED')
  })

  test('where every tag has the same mild rule, a digest has it too', async () => {
    for (const [action, status] of [
      ['skip', 'skipped'],
      ['warn', 'permitted'],
    ] as const)
      expect(await ask(made, `alpine:dev@${NOWHERE}`, policy({ [APP]: { action } }))).toBe(status)
  })

  test('at a mirror the rule of the signed name holds for the digest', async () => {
    const mirrors = { mirrors: { 'mirror.example': 'docker.io' } }
    const rules = policy({ [`${APP}:prod`]: { action: 'deny' }, 'mirror.example/**': { action: 'skip' } }, mirrors)
    for (const name of ['mirror.example/library/alpine', 'MIRROR.example:443/library/alpine'])
      for (const reference of [`${name}:prod`, `${name}@${prod}`, `${name}:prod@${prod}`, `${name}:dev@${prod}`])
        expect(await ask(made, reference, rules), reference).toMatch(/ERR_POLICY_DENIED|ERR_DIGEST_MISMATCH/)
  })
})

test('a name without a tag has the rule of the tag latest', async () => {
  const made = story()
  const rules = policy({ [`${APP}:latest`]: { action: 'deny' }, [APP]: { action: 'skip' } })
  for (const reference of ['alpine', 'docker.io/alpine', 'index.docker.io/library/alpine', 'alpine:latest'])
    expect(await ask(made, reference, rules), reference).toBe('ERR_POLICY_DENIED')
  expect(await ask(made, 'alpine:LATEST', rules)).toBe('skipped')
})

test('a mirror must meet the signers of both names', async () => {
  const made = story()
  const both = (typed: string, signed: string) =>
    policy(
      {
        'mirror.example/**': { requireSigners: { all: [typed] } },
        'docker.io/**': { requireSigners: { all: [signed] } },
      },
      { mirrors: { 'mirror.example': 'docker.io' } },
    )
  const reference = 'mirror.example/library/alpine:prod'
  expect(await ask(made, reference, both('alice', 'alice'))).toBe('trusted')
  expect(await ask(made, reference, both('alice', 'bob'))).toBe('ERR_SIGNER_MISSING')
  expect(await ask(made, reference, both('bob', 'alice'))).toBe('ERR_SIGNER_MISSING')
})

describe('keys', () => {
  const key = createSigningKey({ type: 'ecdsa', seed: 'alice' })
  const pem = String(key.pair.publicKey.export({ format: 'pem', type: 'spki' }))
  const id = canonicalId(key)

  test.each([
    ['its ID and its PEM', id, pem],
    ['its ID in both cases', id, id.toUpperCase()],
    ['its PEM with and without the header of docker', pem, pem.replace('KEY-----\n', 'KEY-----\nrole: bob\n\n')],
  ])('one key for two signers is refused, though spelled in two ways: %s', async (_, one, other) => {
    const signers = [
      { name: 'alice', keys: [one] },
      { name: 'bob', keys: [other] },
    ]
    const made = story()
    for (const more of [
      { requireSigners: { atLeast: 2, of: signers } },
      policy({ '**': { requireSigners: { all: signers } } }),
    ]) {
      const error = await refusalOf(verifyTag('alpine:prod', { ...made.options, ...more }))
      expect(error.code).toBe('ERR_SETTINGS_INVALID')
      expect(error.message).toContain('another signer')
    }
    expect(made.requests()).toEqual([])
  })

  test('a signer who is named twice, once with a key, does not count twice', async () => {
    for (const requireSigners of [
      { atLeast: 2, of: ['alice', { name: 'alice', keys: [id] }] },
      { atLeast: 2, of: ['alice', 'alice'] },
    ])
      expect(await ask(story(), 'alpine:prod', { requireSigners })).toBe('ERR_SETTINGS_INVALID')
  })

  test('a delegation that no longer meets its threshold has not signed', async () => {
    const made = story()
    const { collection } = made
    expect(await ask(made, 'alpine:prod', { requireSigners: ['alice'] })).toBe('trusted')
    collection.setDelegationKeys('targets/alice', { keys: [] })
    collection.publish()
    expect(await ask(made, 'alpine:prod', { requireSigners: ['alice'] })).toBe('ERR_SIGNER_MISSING')
  })
})

describe('a policy that changes while a client lives', () => {
  const denied = { version: 1, rules: [{ match: '**', action: 'deny' }] }

  test('changes of the object count for no call after the first', async () => {
    const rules = structuredClone(denied)
    await using client = createTrustClient({ ...story().options, policy: rules })
    expect((await refusalOf(client.verifyTag('alpine:prod'))).code).toBe('ERR_POLICY_DENIED')
    for (const rule of rules.rules) rule.action = 'skip'
    rules.rules.length = 0
    for (const call of [client.verifyTag('alpine:prod'), client.listTags('alpine'), client.lookup(APP, 'prod')])
      expect((await refusalOf(call)).code).toBe('ERR_POLICY_DENIED')
  })

  test('a member that answers otherwise each time it is read decides once at most, or is refused', async () => {
    let reads = 0
    const rule = {
      match: '**',
      get action() {
        reads += 1
        return reads === 1 ? 'deny' : 'skip'
      },
    }
    const given = { version: 1, rules: [rule] }
    expect(['ERR_SETTINGS_INVALID', 'ERR_POLICY_DENIED']).toContain(await ask(story(), 'alpine:prod', { policy: given }))
  })
})
