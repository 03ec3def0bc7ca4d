/** The differential test's own parts: a case is the same again on any day, and the lists excuse nothing but what they say. */
import { createHash, verify } from 'node:crypto'
import { afterEach, expect, test, vi } from 'vitest'
import { readRecorded } from './adopted.js'
import { type Case, type CaseSource, makeCase } from './cases.js'
import { readRules, ruleFor } from './rules.js'
import { createSeededKey } from './seeded-keys.js'

const source: CaseSource = { seed: 'again', recorded: readRecorded('fixtures') }

afterEach(() => void vi.useRealTimers())

/** Everything that both are asked with, and what is told of it. */
function hashOf({ gun, target, states }: Case): string {
  const hash = createHash('sha256').update(JSON.stringify([gun, target]))
  for (const { files, mutations } of states) {
    hash.update(JSON.stringify(mutations))
    for (const [name, bytes] of files) hash.update(JSON.stringify([name, bytes.length])).update(bytes)
  }
  return hash.digest('hex')
}

test('the same seed and number make the same case on any day, to the byte', async () => {
  const madeOn = async (day: string): Promise<string[]> => {
    vi.useFakeTimers({ now: new Date(day), toFake: ['Date'] })
    vi.resetModules() // or what is reckoned on loading would be the same
    const { makeCase } = await import('./cases.js')
    return Array.from({ length: 60 }, (_, index) => hashOf(makeCase(source, index)))
  }
  const first = await madeOn('2026-11-24T09:30:00Z')
  expect(await madeOn('2031-02-28T23:59:59Z')).toEqual(first)
  expect(new Set(first).size).toBe(first.length)
})

test('no key signs a text in two ways, and OpenSSL takes what they sign', () => {
  const message = Buffer.from('message')
  for (const type of ['ecdsa', 'ed25519', 'rsa'] as const) {
    for (const rsaMethod of ['rsapss', 'rsapkcs1v15'] as const) {
      const key = createSeededKey({ type, rsaMethod, seed: 'one' })
      const signature = key.sign(message)
      expect(key.sign(message)).toEqual(signature)
      if (key.method !== 'rsapss') continue
      const pss = { key: key.pair.publicKey, padding: 6, saltLength: 32 }
      expect(verify('sha256', message, pss, signature)).toBe(true)
    }
  }
})

test('another seed makes other cases', () => {
  expect(makeCase({ ...source, seed: 'other' }, 1)).not.toEqual(makeCase(source, 1))
})

const date = { kind: 'refused', code: 'ERR_METADATA_MALFORMED', role: 'targets', says: '"x" is not an RFC 3339 date' } as const
const oddDate = 'date: "2056-06-30T0:00:00Z" (targets)'

test('a rule holds for its code, its role, its words and its mutations together, and for nothing honest', () => {
  const rules = readRules('test/interop/stricter.md', 'stricter')
  const found = (changes: object, mutations: readonly string[]) =>
    ruleFor(rules, { answer: { ...date, ...changes }, mutations })?.id
  expect(found({}, [oddDate])).toBe('date-form')
  expect(found({ code: 'ERR_METADATA_EXPIRED' }, [oddDate])).toBeUndefined()
  expect(found({ role: 'snapshot' }, [oddDate])).toBeUndefined()
  expect(found({ says: 'something else' }, [oddDate])).toBeUndefined()
  expect(found({}, ['version: 1 (targets)'])).toBeUndefined()
  expect(found({}, ['honest file: a date with offset (targets)'])).toBeUndefined()
  expect(found({}, [])).toBeUndefined()
})

test('a rule that asks for a truth does not hold without it, nor for that of another role', () => {
  const rules = readRules('test/interop/stricter.md', 'stricter')
  const says = 'valid signatures did not meet threshold for targets/releases (0 of 1)'
  const answer = { kind: 'refused', code: 'ERR_SIGNATURE_THRESHOLD', role: 'targets/releases', says } as const
  const mutations = ['signatures: none (targets/releases)']
  const found = (...truths: string[]) => ruleFor(rules, { answer, mutations, truths })?.id
  expect(found('truth: targets/releases is under its threshold')).toBe('releases-unsigned')
  expect(found()).toBeUndefined()
  expect(found('truth: targets/releases has expired')).toBeUndefined()
  expect(found('truth: targets/alice is under its threshold')).toBeUndefined()
})

test('every rule asks for words or for a truth; one alone stands for no answer at all', () => {
  const rules = [...readRules('test/interop/stricter.md', 'stricter'), ...readRules('test/interop/kinder.md', 'kinder')]
  const asksForTruth = (patterns: readonly string[]) => patterns.some((one) => one.startsWith('truth: '))
  const broad = rules.filter(({ says, mutations }) => says.length === 0 && !mutations.every(asksForTruth))
  expect(broad.map(({ id }) => id)).toEqual(['no-answer-there'])
})

test('a pattern that names any role means the same one all through', () => {
  const rules = readRules('test/interop/kinder.md', 'kinder')
  const answer = { kind: 'refused', code: '', role: '', says: 'version 3 is lower than current version 9' } as const
  const found = (truth: string) => ruleFor(rules, { answer, mutations: ['version: 9 (targets)'], truths: [truth] })?.id
  expect(found('truth: targets counts back with other keys')).toBe('floor-void-with-its-keys')
  expect(found('truth: snapshot counts back with other keys')).toBeUndefined()
})
