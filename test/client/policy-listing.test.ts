/** `listTags` and `inspect` under a policy: they show a collection, and call no tag trusted that `verifyTag` refuses. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTrustClient, type TagList, type TrustClientOptions, verifyTag } from '../../src/index.js'
import { refusalOf, Story } from './story.js'

const APP = 'docker.io/library/alpine'

const policy = (rules: Readonly<Record<string, object>>, more: object = {}) => ({
  policy: { version: 1, rules: Object.entries(rules).map(([match, terms]) => ({ match, ...terms })), ...more },
})

/** `3.19` and `3.20` are signed by alice, `3.19` by bob too; nobody but the publisher signed `3.21`. */
function signedStory(): Story {
  const story = new Story()
  const { collection } = story
  for (const tag of ['3.20', '3.21']) collection.sign(tag, `alpine ${tag}`)
  collection.delegate('targets/alice').sign('3.19', 'alpine 3.19', { role: 'targets/alice' })
  collection.sign('3.20', 'alpine 3.20', { role: 'targets/alice' })
  collection.delegate('targets/bob').sign('3.19', 'alpine 3.19', { role: 'targets/bob' })
  collection.publish()
  return story
}

async function list(story: Story, more: TrustClientOptions): Promise<TagList> {
  await using client = createTrustClient({ ...story.options, ...more })
  return await client.listTags('alpine')
}

const seen = ({ tags }: TagList) => tags.map(({ tag, policy, error }) => [tag, policy?.action, error?.code])

describe('listTags', () => {
  test('says of each tag what its own rule says', async () => {
    const rules = {
      [`${APP}:3.19`]: { requireSigners: { all: ['alice', 'bob'] } },
      [`${APP}:3.20`]: { requireSigners: { all: ['alice', 'bob'] } },
      [`${APP}:3.21`]: { action: 'deny' },
    }
    const listed = await list(signedStory(), policy(rules))
    expect(seen(listed)).toEqual([
      ['3.19', 'enforce', undefined],
      ['3.20', 'enforce', 'ERR_SIGNER_MISSING'],
      ['3.21', 'deny', 'ERR_POLICY_DENIED'],
    ])
    expect(listed.tags[1]?.error?.evidence).toMatchObject({ signed: ['alice'], missing: ['bob: did not sign this tag'] })
    expect(listed.policy?.action).toBe('enforce')
  })

  test('a tag under warn has its error, a tag under skip is not judged', async () => {
    const requireSigners = { all: ['bob'] }
    const rules = { [`${APP}:3.20`]: { action: 'warn', requireSigners }, [`${APP}:3.21`]: { action: 'skip', requireSigners } }
    expect(seen(await list(signedStory(), policy(rules)))).toEqual([
      ['3.19', 'enforce', undefined],
      ['3.20', 'warn', 'ERR_SIGNER_MISSING'],
      ['3.21', 'skip', undefined],
    ])
  })

  test('signers required by option are judged without a policy, and whatever a policy skips', async () => {
    const story = signedStory()
    for (const more of [{}, policy({ '**': { action: 'skip' } }), policy({ '**': { action: 'warn' } })]) {
      const listed = await list(story, { requireSigners: ['alice'], ...more })
      expect(listed.tags.map(({ error }) => error?.code)).toEqual([undefined, undefined, 'ERR_SIGNER_MISSING'])
      expect(listed.tags.map(({ policy }) => policy?.action)).toEqual(Array(3).fill('policy' in more ? 'enforce' : undefined))
    }
  })

  test('warn and skip show nothing that does not verify', async () => {
    for (const action of ['warn', 'skip']) {
      const story = new Story()
      story.transport.faults.set('*', 'missing')
      expect((await refusalOf(list(story, policy({ '**': { action } })))).code).toBe('ERR_NO_TRUST_DATA')
    }
  })

  test('one refresh for all tags whose rules ask the same', async () => {
    const story = signedStory()
    await list(story, policy({ [`${APP}:3.*`]: { requireSigners: { any: ['alice'] } }, [`${APP}:3.21`]: { action: 'deny' } }))
    expect(story.requests().filter((name) => name === 'timestamp')).toHaveLength(1)
  })

  test('never calls a tag free of errors that verifyTag does not call trusted, for any rules', async () => {
    const story = signedStory()
    const terms = fc.record(
      {
        action: fc.constantFrom('enforce', 'warn', 'skip', 'deny'),
        requireSigners: fc.constantFrom({ all: ['alice', 'bob'] }, { any: ['bob'] }, { all: ['carol'] }),
        firstUse: fc.constantFrom('accept', 'refuse'),
      },
      { requiredKeys: ['action'] },
    )
    const matches = fc.uniqueArray(fc.constantFrom(`${APP}:3.19`, `${APP}:3.2*`, `${APP}:3.21`, APP, 'docker.io/**', '**:3.20'), {
      maxLength: 4,
    })
    // A first use may be refused: the collection is known from here on.
    await story.verify()
    await fc.assert(
      fc.asyncProperty(matches, fc.array(terms, { minLength: 6, maxLength: 6 }), async (names, all) => {
        const rules = policy(Object.fromEntries(names.map((name, at) => [name, all[at] ?? {}])), { default: all[5] })
        const listed = await list(story, rules).catch((error: { code: string }) => error.code)
        for (const tag of ['3.19', '3.20', '3.21']) {
          const verdict = await verifyTag(`alpine:${tag}`, { ...story.options, ...rules }).catch((error: Error) => error)
          const status = verdict instanceof Error ? 'refused' : verdict.status
          if (typeof listed === 'string') {
            // Every tag is denied, or the collection is not shown at all.
            expect(listed).toBe('ERR_POLICY_DENIED')
            expect(status).toBe('refused')
            continue
          }
          const one = listed.tags.find((each) => each.tag === tag)
          const told =
            one?.error !== undefined
              ? one.policy?.action === 'warn'
                ? 'permitted'
                : 'refused'
              : one?.policy?.action === 'skip'
                ? 'skipped'
                : 'trusted'
          expect(told, `${tag}: ${JSON.stringify(rules)}`).toBe(status)
        }
      }),
      { numRuns: 30 },
    )
  })
})

describe('inspect', () => {
  const rules = policy({ [`${APP}:3.21`]: { action: 'deny' } })

  test('shows a collection of which some tags are denied, and refuses the denied tag', async () => {
    const story = signedStory()
    await using client = createTrustClient({ ...story.options, ...rules })
    expect((await client.inspect('alpine')).roles.map(({ role }) => role)).toContain('targets/alice')
    expect((await client.inspect('alpine:3.19')).policy?.action).toBe('enforce')
    expect((await refusalOf(client.inspect('alpine:3.21'))).code).toBe('ERR_POLICY_DENIED')
  })

  test('a name without a tag is not the tag latest', async () => {
    const story = signedStory()
    await using client = createTrustClient({ ...story.options, ...policy({ [`${APP}:latest`]: { action: 'deny' } }) })
    expect((await client.inspect('alpine')).gun).toBe(APP)
    expect((await refusalOf(client.inspect('alpine:latest'))).code).toBe('ERR_POLICY_DENIED')
  })
})
