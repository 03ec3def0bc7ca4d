import { expect, test } from 'vitest'
import { UnsignedError } from '../../src/errors.js'
import type { SignerRequirement } from '../../src/policy/policy.js'
import { checkSigners, requirementText, type SignerStatement } from '../../src/policy/signers.js'

const D = `sha256:${'a'.repeat(64)}`
const OTHER = `sha256:${'b'.repeat(64)}`
const [K1, K2] = ['1'.repeat(64), '2'.repeat(64)]
const ANSWERED = { gun: 'quay.io/team/app', tag: '1', digest: D }

const said = (name: string, digest = D, ...signedBy: string[]): SignerStatement => ({ name, digest, signedBy })
const all = (...names: string[]): SignerRequirement => ({ count: names.length, of: names.map((name) => ({ name })) })
const any = (...names: string[]): SignerRequirement => ({ ...all(...names), count: 1 })

function refusal(requirements: SignerRequirement[], statements: SignerStatement[]): UnsignedError {
  try {
    checkSigners(requirements, ANSWERED, statements)
  } catch (cause) {
    if (cause instanceof UnsignedError) return cause
    throw cause
  }
  throw new Error('accepted')
}

test.each<[string, SignerRequirement[], SignerStatement[]]>([
  ['all', [all('alice', 'bob')], [said('alice'), said('bob'), said('carol')]],
  ['any', [any('alice', 'bob')], [said('bob')]],
  ['at least two', [{ ...all('alice', 'bob', 'carol'), count: 2 }], [said('alice'), said('carol')]],
  ['nothing', [], []],
  ['by key', [{ count: 1, of: [{ name: 'alice', keys: [K1] }] }], [said('alice', D, K2, K1)]],
  ['a nested signer by its whole name', [all('alice/ci')], [said('alice/ci')]],
])('%s: met', (_, requirements, statements) => {
  expect(() => checkSigners(requirements, ANSWERED, statements)).not.toThrow()
})

test('the evidence says who signed, who is missing, who signed another digest and who with another key', () => {
  const requirement = { count: 4, of: [{ name: 'alice' }, { name: 'bob' }, { name: 'carol' }, { name: 'dave', keys: [K1] }] }
  const error = refusal([requirement], [said('alice'), said('carol', OTHER), said('dave', D, K2)])
  expect(error.code).toBe('ERR_SIGNER_MISSING')
  expect(error.evidence).toMatchObject({
    tag: '1',
    digest: D,
    signed: ['alice', 'dave'],
    missing: [
      'bob: did not sign this tag',
      `carol: signed another digest, ${OTHER}`,
      `dave: signed with key ${K2}, required is key ${K1}`,
    ],
  })
})

test.each<[string, SignerRequirement[], SignerStatement[]]>([
  ['one of two is missing', [all('alice', 'bob')], [said('alice')]],
  ['none of any', [any('alice', 'bob')], [said('carol')]],
  ['another digest', [all('alice')], [said('alice', OTHER)]],
  ['a digest in upper case is no digest', [all('alice')], [said('alice', D.toUpperCase())]],
  ['a re-keyed delegation', [{ count: 1, of: [{ name: 'alice', keys: [K1] }] }], [said('alice', D, K2)]],
  ['a key that signed nothing', [{ count: 1, of: [{ name: 'alice', keys: [K1] }] }], [said('alice', D)]],
  ['the key under another name', [{ count: 1, of: [{ name: 'alice', keys: [K1] }] }], [said('mallory', D, K1)]],
  ['a delegation below the signer', [all('alice')], [said('alice/mallory')]],
  ['a delegation above the signer', [all('alice/ci')], [said('alice')]],
  ['targets/releases', [{ count: 1, of: [{ name: 'releases' }] }], [said('releases')]],
  ['a name in another case', [all('alice')], [said('Alice')]],
  ['the second of two requirements', [all('alice'), all('bob')], [said('alice')]],
  ['a count that is no number', [{ ...all('alice'), count: Number.NaN }], [said('alice')]],
])('attack: %s is refused', (_, requirements, statements) => {
  expect(refusal(requirements, statements).code).toBe('ERR_SIGNER_MISSING')
})

test.each([
  [all('alice'), 'alice'],
  [all('alice', 'bob'), 'all of alice, bob'],
  [any('alice', 'bob'), 'any of alice, bob'],
  [{ ...all('a', 'b', 'c'), count: 2 }, 'at least 2 of a, b, c'],
  [{ count: 1, of: [{ name: 'a', keys: [K1] }] }, `a (by key ${K1})`],
])('the words of a requirement: %j', (requirement, text) => {
  expect(requirementText(requirement)).toBe(text)
})
