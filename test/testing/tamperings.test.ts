/** Every named tampering does what its entry says: through the public door, with the code that it names, store untouched. */
import { expect, test } from 'vitest'
import { TAMPERINGS, type TamperedRole, type TamperingName } from '../../src/testing/index.js'
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

/** As whoever tampers would publish it; a timestamp alone is renewed, so the snapshot changes with it. */
function spoil({ collection }: Story, role: TamperedRole, name: TamperingName): void {
  if (role === 'root') collection.tamper(role, TAMPERINGS[name])
  else if (role === 'timestamp') collection.tamper(role, TAMPERINGS[name]).tamper('snapshot', {})
  else if (role === 'snapshot') collection.tamper(role, TAMPERINGS[name])
  else collection.tamper(role as 'targets', TAMPERINGS[name])
  collection.publish()
}

test.each(NAMES.flatMap((name) => ROLES.map((role) => [name, role] as const)))('%s in %s', async (name, role) => {
  const story = await known()
  spoil(story, role, name)
  expect(codeAndRole(await story.refused())).toEqual({ code: TAMPERINGS[name].code(role), role })
})

test('who never saw the collection refuses with the same code, but for what is said of root and of older versions', async () => {
  for (const name of NAMES) {
    for (const role of ROLES) {
      const story = new Story()
      story.collection.delegate('targets/releases').sign('3.19', 'x', { role: 'targets/releases' })
      story.collection.publish().setVersion('root', 2).publish().setVersion('root', 3).publish()
      story.collection.sign('3.19', 'y', { role: 'targets/releases' })
      spoil(story, role, name)
      const code = TAMPERINGS[name].code(role)
      const old = name === 'rolled-back' || name === 'same-version'
      if (old && role !== 'root') continue // some of these numbers are below 1
      const first = code === 'ERR_ROOT_ROTATION' && !old ? 'ERR_ROOT_UNTRUSTED' : code
      expect(codeAndRole(await refusalOf(story.verify())), `${name} in ${role}`).toEqual({ code: first, role })
    }
  }
})

test('the names are the keys, and what is done is said in a sentence', () => {
  for (const [name, tampering] of Object.entries(TAMPERINGS)) {
    expect(tampering.name).toBe(name)
    expect(tampering.what).toMatch(/^[A-Z].*\.$/)
  }
})
