import { describe, expect, test } from 'vitest'
import { UnsignedError } from '../../src/errors.js'
import { listTargets, lookupTag, lookupTarget, releasedTags, tagsWithDigest } from '../../src/trust/lookup.js'
import type { TargetsStage } from '../../src/trust/targets-stage.js'
import { type Document, delegatingTo, fileEntry, GUN, SIGNERS, signedFile, targetsDocument } from '../metadata/documents.js'
import { ROOT_FILE, targetsStage } from './made-stages.js'

const entry = (text: string) => fileEntry(Buffer.from(text))

/** A collection in which targets and its delegations list these names. */
function collection(
  targets: Document,
  delegations: Readonly<Record<string, Document>> = {},
  document = targetsDocument(),
): TargetsStage {
  const targetsFile = signedFile({ ...document, targets }, [SIGNERS.targets])
  const files = Object.entries(delegations).map(
    ([role, names]) => [role, signedFile({ ...targetsDocument(), delegations: null, targets: names }, [SIGNERS.alice])] as const,
  )
  const entries = files.map(([role, file]) => [role, fileEntry(file)] as const)
  let stage = targetsStage(Object.fromEntries(entries), new Map(), targetsFile)
  for (const due of stage.pending()) stage = stage.loadDelegation(due, new Map(files).get(due.name) ?? ROOT_FILE)
  return stage
}

/** What a tag that is not there is refused with. */
function refused(stage: TargetsStage, tag: string, lookup: () => unknown = () => lookupTag(stage, tag)): UnsignedError {
  try {
    lookup()
  } catch (error) {
    if (!(error instanceof UnsignedError)) throw error
    expect(error).toMatchObject({ code: 'ERR_TAG_NOT_SIGNED', gun: GUN })
    return error
  }
  throw new Error(`${tag} is signed`)
}

const named = (...names: readonly string[]): Document => Object.fromEntries(names.map((name) => [name, entry(name)]))

describe('what is said of a tag that is not signed', () => {
  test.each<[string, Document, string]>([
    ['nothing is', {}, 'The collection is signed but holds no released tag at all.'],
    ['a tag of another case is', named('LATEST', '1.0'), 'Tags are told apart by case: LATEST is signed.'],
    ['one other is', named('1.0'), 'The collection is signed but this tag is not. Signed: 1.0.'],
    ['five are', named('5', '4', '3', '2', '1'), 'The collection is signed but this tag is not. Signed: 1, 2, 3, 4, 5.'],
    [
      'six are',
      named('6', '5', '4', '3', '2', '1'),
      'The collection is signed but this tag is not. Signed are 6 tags, the last in order: 2, 3, 4, 5, 6.',
    ],
  ])('%s', (_, targets, hint) => {
    const error = refused(collection(targets), 'latest')
    expect(error.hint).toBe(`${hint} Its tags: dct tags ${GUN}`)
    expect(error.evidence).toBeUndefined()
  })

  test('only a signer lists it', () => {
    const error = refused(collection(named('latest'), { 'targets/alice': named('1.0') }), '1.0')
    expect(error.hint).toContain('Only alice signed this tag; it is not released')
    expect(error.evidence).toEqual({ signedOnlyBy: ['targets/alice'] })
  })

  test('a signer lists it without the right to: that does not count', () => {
    expect(refused(collection(named('latest'), { 'targets/alice': named('3.0') }), '3.0').evidence).toBeUndefined()
  })
})

describe('tags that are signed', () => {
  test('in natural order; of two that only differ in leading zeros, 01 comes first', () => {
    const names = ['1.10', '1', 'b', '01', '1.2', 'a', '001']
    expect(releasedTags(collection(named(...names)))).toEqual(['001', '01', '1', '1.2', '1.10', 'a', 'b'])
  })

  test('releases names only what it may', () => {
    const roles = [{ name: 'targets/releases', keyids: [SIGNERS.alice.key.id], paths: ['1.'], threshold: 1 }]
    const stage = collection(named('2.0'), { 'targets/releases': named('1.0', '3.0') }, delegatingTo([SIGNERS.alice], roles))
    expect(releasedTags(stage)).toEqual(['1.0', '2.0'])
    expect(lookupTag(stage, '1.0').role).toBe('targets/releases')
    expect(refused(stage, '3.0').hint).toMatch(
      /^The collection is signed but this tag is not\. Signed: 1\.0, 2\.0\. Its tags: dct tags /,
    )
  })

  test('releases before targets, signers by the same digest, what the publisher added', () => {
    const both = { '1.0': { ...entry('x'), custom: { note: 'hello' } } }
    const stage = collection(named('1.0', '2.0'), { 'targets/releases': both, 'targets/alice': both })
    const tag = lookupTag(stage, '1.0')
    expect(tag).toMatchObject({ role: 'targets/releases', size: 1, signers: ['alice'], custom: { note: 'hello' } })
    expect(lookupTag(stage, '2.0')).toStrictEqual({
      name: '2.0',
      role: 'targets',
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      size: 3,
      signers: [],
    })
    expect(tagsWithDigest(stage, tag.digest)).toEqual([tag])
    expect(tagsWithDigest(stage, lookupTarget(stage, '1.0', ['targets']).digest)).toEqual([])
    const nobody = refused(stage, '1.0', () => lookupTarget(stage, '1.0', ['targets/nobody']))
    expect(nobody.hint).toContain('targets/nobody lists this name')
  })

  test('an entry whose sha256 is of another length, or missing, answers for nothing, and is no other entry’s digest', () => {
    const odd = { latest: { length: 1, hashes: { sha256: 'AAAA' } }, other: { length: 1, hashes: { sha512: 'AAAA' } } }
    const stage = collection(odd)
    const codes = [['latest', 'ERR_METADATA_MALFORMED'] as const, ['other', 'ERR_TAG_NOT_SIGNED'] as const]
    for (const [name, code] of codes)
      expect(() => lookupTag(stage, name)).toThrow(expect.objectContaining({ code, gun: GUN, role: 'targets' }))
    const problem = 'no valid hash, expecting sha256'
    expect(listTargets(stage)).toEqual(
      expect.arrayContaining(['latest', 'other'].map((name) => ({ name, role: 'targets', size: 1, signers: [], problem }))),
    )
    expect(tagsWithDigest(stage, 'sha256:000000')).toEqual([])
  })
})
