import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LockEntry, Lockfile } from '../../src/lockfile/lockfile.js'
import { type Merged, mergeLockfiles } from '../../src/lockfile/merge.js'
import { writeLockfile } from '../../src/lockfile/write-lockfile.js'
import { collectionOf, entryOf, GUN, lockOf } from './locks.js'

const rotated = collectionOf()
for (let i = 0; i < 3; i++) rotated.rotateRoot().publish()
const [one, two, three] = [1, 2, 3].map((version) => entryOf(rotated, version))
const other = entryOf(collectionOf(GUN, { seed: 'made anew', rotations: [{}] }), 2)
if (one === undefined || two === undefined || three === undefined) throw new Error('no entries')

const of = (entry: LockEntry | undefined): Lockfile =>
  lockOf(...(entry === undefined ? [] : [[GUN, entry] as [string, LockEntry]]))
const withFloors = (entry: LockEntry, floors: Record<string, number>): LockEntry => ({
  ...entry,
  floors: new Map(Object.entries(floors)),
})

/** The entry that a merge of one collection gives, or what is in conflict. */
function merged(
  base: LockEntry | undefined,
  ours: LockEntry | undefined,
  theirs: LockEntry | undefined,
): LockEntry | undefined | string {
  const result = mergeLockfiles(of(base), of(ours), of(theirs))
  return result.kind === 'conflict' ? result.conflicts.map(({ what }) => what).join() : result.lockfile.collections.get(GUN)
}

test.each<[string, LockEntry | undefined, LockEntry | undefined, LockEntry | undefined, LockEntry | undefined]>([
  ['nothing changed', one, one, one, one],
  ['ours changed', one, two, one, two],
  ['theirs changed', one, one, two, two],
  ['both changed alike', one, two, two, two],
  ['added by us', undefined, one, undefined, one],
  ['added by both alike', undefined, one, one, one],
  ['removed by them', one, one, undefined, undefined],
  ['removed by both', one, undefined, undefined, undefined],
])('%s', (_, base, ours, theirs, expected) => {
  expect(merged(base, ours, theirs)).toEqual(expected)
})

test.each<[string, LockEntry | undefined, LockEntry | undefined, LockEntry | undefined, string]>([
  ['removed by us, changed by them', one, undefined, two, 'collection'],
  ['two roots that no chain joins', one, two, other, 'root'],
  ['added by both with other roots', undefined, one, other, 'root'],
  ['the same version, another root', one, other, two, 'root'],
  ['two servers', one, { ...one, server: 'https://a.example' }, { ...one, server: 'https://b.example' }, 'server'],
  ['a newer root without its bytes', one, two, { ...three, root: { ...three.root, file: undefined } as never }, 'root'],
])('conflict: %s', (_, base, ours, theirs, what) => {
  expect(merged(base, ours, theirs)).toBe(what)
})

test('both followed rotations: the newer root wins when the keys of the older sign it', () => {
  expect(merged(one, two, three)).toEqual(three)
  expect(merged(one, three, two)).toEqual(three)
})

test('a rotation on one side and a floor on the other are joined', () => {
  const base = withFloors(one, { targets: 1 })
  expect(merged(base, withFloors(two, { targets: 1 }), withFloors(one, { targets: 5 }))).toEqual(withFloors(two, { targets: 5 }))
})

test('floors that both changed: the higher is right', () => {
  expect(
    merged(
      withFloors(one, { targets: 1, snapshot: 1 }),
      withFloors(one, { targets: 5, snapshot: 2 }),
      withFloors(one, { targets: 3, snapshot: 9 }),
    ),
  ).toEqual(withFloors(one, { targets: 5, snapshot: 9 }))
})

const entries = fc.oneof(
  fc.constant(undefined),
  fc
    .tuple(fc.constantFrom(one, two, three, other), fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }))
    .map(([entry, floor]) => (floor === undefined ? entry : withFloors(entry, { targets: floor }))),
)
const text = (result: Merged) =>
  result.kind === 'conflict' ? `conflict ${result.conflicts.length}` : writeLockfile(result.lockfile)

test('the order of the sides does not matter, and merging with oneself changes nothing', () => {
  fc.assert(
    fc.property(entries, entries, entries, (base, ours, theirs) => {
      expect(text(mergeLockfiles(of(base), of(ours), of(theirs)))).toBe(text(mergeLockfiles(of(base), of(theirs), of(ours))))
      expect(text(mergeLockfiles(of(base), of(ours), of(ours)))).toBe(writeLockfile(of(ours)))
    }),
    { numRuns: 150 },
  )
})

test('a floor that both sides have is never lowered below both', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      (base, ours, theirs) => {
        const result = merged(
          withFloors(one, { targets: base }),
          withFloors(one, { targets: ours }),
          withFloors(one, { targets: theirs }),
        )
        const floor = typeof result === 'object' ? (result.floors?.get('targets') ?? 0) : 0
        expect(floor).toBeGreaterThanOrEqual(Math.min(ours, theirs))
      },
    ),
  )
})
