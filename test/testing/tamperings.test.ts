/** Every named tampering gives the code of its entry through the public API, and leaves the store unchanged. */
import { expect, test } from 'vitest'
import { createTrustCollection, TAMPERINGS, type TamperedRole, type TamperingName } from '../../src/testing/index.js'
import { codeAndRole, refusalOf, Story } from '../client/story.js'

const ROLES: readonly TamperedRole[] = ['root', 'timestamp', 'snapshot', 'targets', 'targets/releases']
const NAMES = Object.keys(TAMPERINGS) as TamperingName[]

/** Three versions of every role but root, and a client that verified them. */
async function known(): Promise<Story> {
  const story = new Story()
  story.collection.delegate('targets/releases')
  for (const version of [1, 2, 3]) {
    for (const role of ['targets', 'targets/releases']) story.collection.sign('3.19', `${version}`, { role })
    story.collection.publish()
  }
  story.collection.setVersion('root', 2).publish().setVersion('root', 3).publish()
  await story.verify()
  return story
}

function spoil({ collection }: Story, role: TamperedRole, name: TamperingName): void {
  collection.tamper(role, TAMPERINGS[name]).publish()
}

test.each(NAMES.flatMap((name) => ROLES.map((role) => [name, role] as const)))('%s in %s', async (name, role) => {
  const story = await known()
  spoil(story, role, name)
  expect(codeAndRole(await story.refused())).toEqual({ code: TAMPERINGS[name].code(role), role })
})

test('on first use the codes are the same, except for root and for older versions', async () => {
  for (const name of NAMES) {
    for (const role of ROLES) {
      const old = name === 'rolled-back' || name === 'same-version'
      if (old && role !== 'root') continue // cannot be detected on first use
      const story = new Story()
      story.collection.delegate('targets/releases').sign('3.19', 'x', { role: 'targets/releases' })
      story.collection.publish().setVersion('root', 2).publish().setVersion('root', 3).publish()
      story.collection.sign('3.19', 'y', { role: 'targets/releases' })
      spoil(story, role, name)
      const code = TAMPERINGS[name].code(role)
      const first = code === 'ERR_ROOT_ROTATION' && !old ? 'ERR_ROOT_UNTRUSTED' : code
      expect(codeAndRole(await refusalOf(story.verify())), `${name} in ${role}`).toEqual({ code: first, role })
    }
  }
})

test('a tampering that needs earlier versions is a TypeError, and nothing is published', () => {
  const story = new Story()
  expect(() => story.collection.tamper('targets', TAMPERINGS['rolled-back']).publish()).toThrow(
    new TypeError(
      'rolled-back needs 2 published versions of Targets before it, and there is 1: first sign(tag, build) something in this role and publish(), and let the client verify',
    ),
  )
  const fresh = createTrustCollection('docker.io/library/alpine', { tags: { '3.19': 'x' } })
  expect(() => fresh.tamper('targets', TAMPERINGS['same-version']).publish()).toThrow(
    'same-version needs 1 published version of Targets before it, and there are 0: first publish(), and let the client verify',
  )
})

test('the publications that the error asks for are enough, in every role', async () => {
  const more: Record<TamperedRole, (story: Story) => void> = {
    root: ({ collection }) => collection.rotateRoot().publish(),
    timestamp: ({ collection }) => collection.touchTimestamp(collection.now),
    snapshot: ({ collection }) => void (collection.sign('3.20', 'x') && collection.publish()),
    targets: ({ collection }) => void (collection.sign('3.20', 'x') && collection.publish()),
    'targets/releases': ({ collection }) =>
      void (collection.sign('3.20', 'x', { role: 'targets/releases' }) && collection.publish()),
  }
  for (const role of ROLES) {
    const story = new Story()
    story.collection.delegate('targets/releases').sign('3.19', 'x', { role: 'targets/releases' })
    story.collection.publish()
    more[role](story)
    await story.verify()
    spoil(story, role, 'rolled-back')
    expect(codeAndRole(await story.refused()), role).toEqual({ code: TAMPERINGS['rolled-back'].code(role), role })
  }
})

test('an unknown name is a TypeError', () => {
  const { collection } = new Story()
  for (const nothing of [undefined, null, 'bit-flipped'])
    expect(() => collection.tamper('targets', nothing as never)).toThrow(/^not a tampering: /)
})

test('names are the keys, and each has a sentence that describes it', () => {
  for (const [name, tampering] of Object.entries(TAMPERINGS)) {
    expect(tampering.name).toBe(name)
    expect(tampering.what).toMatch(/^[A-Z].*\.$/)
  }
})
