/** Delegations: rows of the catalogue that no test of a single part names. */
import { describe, expect, test } from 'vitest'
import { createTrustClient } from '../../src/index.js'
import { createSigningKey } from '../../src/testing/index.js'
import { codeAndRole, refusalOf, Story } from '../client/story.js'

const RELEASES = 'targets/releases'
const ALICE = 'targets/alice'

/** A collection with a released tag, verified once. */
async function released(): Promise<Story> {
  const story = new Story()
  story.collection.delegate(RELEASES).sign('3.19', 'release', { role: RELEASES })
  story.collection.publish()
  await story.verify()
  return story
}

describe('releases', () => {
  test('without any signature fails; targets does not answer instead (DEL-07)', async () => {
    const story = await released()
    story.collection.tamper(RELEASES, { after: (envelope) => void Object.assign(envelope, { signatures: [] }) }).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_SIGNATURE_THRESHOLD', role: RELEASES })
  })

  test('of a lower version fails, its parent being the same (DEL-09, CVE-17, CVE-24)', async () => {
    const story = await released()
    story.collection.sign('3.20', 'second', { role: RELEASES })
    story.collection.publish()
    await story.verify()
    story.collection.remove('3.20', RELEASES).setVersion(RELEASES, 1).publish()
    expect(codeAndRole(await story.refused())).toEqual({ code: 'ERR_VERSION_ROLLBACK', role: RELEASES })
  })

  test('may be signed with the very key of its parent (DEL-33)', async () => {
    const story = new Story()
    story.collection.delegate(RELEASES, { keys: story.collection.keys('targets') })
    const digest = story.collection.sign('3.19', 'release', { role: RELEASES })
    story.collection.publish()
    expect(await story.verify()).toMatchObject({ digest, role: RELEASES })
  })
})

describe('the name of a delegation', () => {
  const named = (name: string) => {
    const story = new Story()
    story.collection.delegate(ALICE)
    const before = ({ delegations }: { delegations: { roles: object[] } }) =>
      void Object.assign(delegations.roles[0] ?? {}, { name })
    story.collection.tamper('targets', { before }).publish()
    return story
  }

  test.each([
    'targets/\u212a',
    'targets/\u017f',
    'targets/Alice',
    'targets/alice\n',
    'targets/alice\u2028',
    'targets/ali\u0000ce',
    '\ntargets/alice',
  ])('is lower-case ASCII to its end: %j is malformed (DEL-15)', async (name) => {
    expect(codeAndRole(await named(name).refused())).toEqual({ code: 'ERR_METADATA_MALFORMED', role: 'targets' })
  })

  test.each(['a/', 'a-', '_', '/', 'a'])(
    'is read in no time, however long and however often it repeats %j (DEL-16, CVE-27)',
    async (part) => {
      const story = named(`targets/${part.repeat(200_000)}!`)
      const start = performance.now()
      expect((await story.refused()).code).toBe('ERR_METADATA_MALFORMED')
      expect(performance.now() - start).toBeLessThan(2000)
    },
  )
})

test('each of a thousand delegations is requested once, to find the signers (DEL-30)', { timeout: 60_000 }, async () => {
  const story = new Story()
  const keys = [createSigningKey({ seed: 'signer' })]
  for (let number = 0; number < 1000; number++) {
    const name = `targets/s${number}`
    story.collection.delegate(name, { keys }).sign('3.19', number % 2 === 0 ? 'alpine 3.19' : 'another', { role: name })
  }
  story.collection.publish()
  expect((await story.verify()).signers).toHaveLength(500)
  const asked = story.requests()
  // and releases, on a guess
  expect(asked.filter((name) => name.startsWith('targets/s'))).toHaveLength(1000)
  expect(new Set(asked).size).toBe(asked.length)
  await story.verify()
  expect(story.requests().sort()).toEqual(['2.root', 'timestamp'])
})

test('an expired cached root, a new one, and a badly signed delegation together: the signer is left out (DEL-35)', async () => {
  const story = new Story()
  story.collection.delegate(ALICE).sign('3.19', 'alpine 3.19', { role: ALICE })
  story.collection.setExpiry('root', new Date(story.now.getTime() + 1000)).publish()
  await story.verify()
  story.wait(1)
  story.collection.rotateRoot()
  story.collection.tamper(ALICE, { after: ({ signatures: [first] }) => void Object.assign(first ?? {}, { sig: 'AAAA' }) })
  story.collection.publish()
  const { signers, warnings } = await story.verify()
  expect(signers).toEqual([])
  expect(warnings.map(({ code }) => code)).toEqual(['WARN_DELEGATION_SKIPPED'])
})

test('the list of tags has each once, as releases has it, in natural order; signers list none (DEL-36)', async () => {
  const story = new Story()
  story.collection.delegate(RELEASES).delegate(ALICE)
  for (const tag of ['3.9', '3.19']) story.collection.sign(tag, `release ${tag}`, { role: RELEASES })
  for (const tag of ['3.10', '3.9']) story.collection.sign(tag, `old ${tag}`)
  story.collection.sign('9', 'x', { role: ALICE })
  story.collection.publish()
  await using client = createTrustClient(story.options)
  const { tags } = await client.listTags('alpine')
  expect(tags.map(({ tag, role }) => [tag, role])).toEqual([
    ['3.9', RELEASES],
    ['3.10', 'targets'],
    ['3.19', RELEASES],
  ])
})

test('a tag that only other delegations sign, deep or wide, is not signed (CVE-19, CVE-23)', async () => {
  const story = new Story()
  const below = `${RELEASES}/nested`
  story.collection.delegate(ALICE).delegate(RELEASES).delegate(below)
  for (const role of [ALICE, below]) story.collection.sign('6.6.6', 'evil', { role })
  story.collection.sign('3.19', 'release', { role: RELEASES })
  story.collection.publish()
  expect((await refusalOf(story.verify('alpine:6.6.6'))).code).toBe('ERR_TAG_NOT_SIGNED')
  expect((await story.verify()).role).toBe(RELEASES)
})
