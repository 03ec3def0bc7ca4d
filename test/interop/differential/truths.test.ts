/** The reference for both answers: the differential test must find by itself what is signed, by whom, and until when. */
import { expect, test } from 'vitest'
import { ENDED } from './dates.js'
import { Draft, type SignedFile, type State } from './draft.js'
import { isGood } from './good.js'
import { Random } from './random.js'
import { truthsOf, wasSigned } from './truths.js'
import { View } from './view.js'

const GUN = 'diff.example/truths'

/** A collection with one delegation for names that begin with v. */
function start(): Draft {
  const draft = new Draft(GUN, new Random('truths'), 'canonical')
  draft.collection.sign('latest', 'first')
  draft.delegate('targets/releases', { keys: [draft.key('targets/releases')], threshold: 1, paths: ['v'] })
  draft.collection.sign('v1', 'released', { role: 'targets/releases' })
  draft.collection.sign('latest', 'not granted', { role: 'targets/releases' })
  return draft
}

const viewOf = (draft: Draft, { files }: State, kept: readonly View[] = []): View => new View(GUN, files, draft.log, kept)
const answer = (digest: string, size = 528) => ({ kind: 'digest', digest, size }) as const

test('an honest collection is good, and answers signed names within the paths of their roles', () => {
  const draft = start()
  const first = draft.collection.sign('latest', 'first')
  const view = viewOf(draft, draft.publish())
  expect(isGood(view, [])).toBe(true)
  expect(truthsOf(view, [])).toEqual([])
  expect(view.answers('latest')).toEqual([{ role: 'targets', digest: first, size: 528 }])
  expect(view.answers('v1').map(({ role }) => role)).toEqual(['targets/releases'])
  expect(view.answers('absent')).toEqual([])
})

test('a digest is valid only with its name, its size and the required keys', () => {
  const draft = start()
  const first = draft.collection.sign('latest', 'first')
  const views = [viewOf(draft, draft.publish())]
  expect(wasSigned(answer(first), 'latest', views)).toBe(true)
  expect(wasSigned(answer(first), 'v1', views)).toBe(false)
  expect(wasSigned(answer(first, 529), 'latest', views)).toBe(false)
  expect(wasSigned(answer(first.replace(/.$/, (last) => (last === '0' ? '1' : '0'))), 'latest', views)).toBe(false)
})

const SPOILINGS: readonly (readonly [string, string, (draft: Draft) => void])[] = [
  ['no signature', 'truth: targets is under its threshold', spoil('targets', ({ signatures }) => void signatures.splice(0))],
  [
    'one more name after signing',
    'truth: targets is under its threshold',
    spoil('targets', ({ signed }) => void Object.assign(Object(signed['targets']), { more: {} })),
  ],
  [
    'the ID of another key',
    'truth: snapshot is under its threshold',
    spoil('snapshot', ({ signatures }) => {
      for (const one of signatures) one.keyid = 'f'.repeat(64)
    }),
  ],
  [
    'a signature without a method',
    'truth: targets is under its threshold',
    spoil('targets', ({ signatures }) => {
      for (const one of signatures) Reflect.deleteProperty(one, 'method')
    }),
  ],
  [
    'an expiry date in the past',
    'truth: timestamp has expired',
    (draft) => draft.spoil('timestamp', { before: (signed) => void Object.assign(signed, { expires: ENDED.toISOString() }) }),
  ],
  ['a lower version', 'truth: targets counts back', (draft) => void draft.collection.setVersion('targets', 1)],
]

function spoil(role: string, after: (envelope: SignedFile) => void): (draft: Draft) => void {
  return (draft) => draft.spoil(role, { after })
}

test.each(SPOILINGS)('the test finds: %s', (_, truth, apply) => {
  const draft = start()
  draft.collection.setVersion('targets', 5)
  const before = viewOf(draft, draft.publish())
  draft.collection.sign('latest', 'second')
  apply(draft)
  const view = viewOf(draft, draft.publish(), [before])
  expect(truthsOf(view, [before])).toContain(truth)
  expect(isGood(view, [before])).toBe(false)
})

test('a root is not good if its certificate has expired, is for another name, or is that of a CA', () => {
  const ca = { ca: true, keyUsage: ['digitalSignature'] } as const
  for (const certificate of [{ notAfter: ENDED }, { subject: { cn: 'diff.example/other' } }, ca]) {
    const draft = start()
    draft.collection.rotateRoot({ keys: [draft.key('root', { certificate })], threshold: 1 })
    expect(isGood(viewOf(draft, draft.publish()), [])).toBe(false)
  }
})

test('a new root that the old keys did not sign does not follow', () => {
  const draft = start()
  const before = viewOf(draft, draft.publish())
  draft.collection.rotateRoot({ ...draft.signers('root'), signedByOld: false })
  const view = viewOf(draft, draft.publish(), [before])
  expect(truthsOf(view, [before])).toContain('truth: a root does not follow')
  expect(isGood(view, [before])).toBe(false)
  expect(isGood(view, []), 'on first use it may be trusted').toBe(true)
})

test('a version may be lower only if too few keys of every higher version are left', () => {
  const draft = start()
  const states = [1, 5].map((version) => {
    draft.collection.rotateKey('targets', draft.signers('targets')).setVersion('targets', version)
    return viewOf(draft, draft.publish())
  })
  draft.collection.setVersion('targets', 2)
  expect(truthsOf(viewOf(draft, draft.publish(), states), states)).toContain('truth: targets counts back')
  draft.collection.rotateKey('targets', draft.signers('targets')).setVersion('targets', 2)
  const recovered = viewOf(draft, draft.publish(), states)
  expect(truthsOf(recovered, states)).toContain('truth: targets counts back with other keys')
  expect(isGood(recovered, states)).toBe(true)
})
