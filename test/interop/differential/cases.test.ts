/** Tests of the differential test: a case can be repeated on any day, and the lists excuse only what they name. */
import { createHash, verify } from 'node:crypto'
import { afterEach, expect, test, vi } from 'vitest'
import { readRecorded } from './adopted.js'
import { type Case, type CaseSource, makeCase } from './cases.js'
import { readRules, ruleFor } from './rules.js'
import { createSeededKey } from './seeded-keys.js'
import { truthsOf } from './truths.js'
import { View } from './view.js'

const source: CaseSource = { seed: 'again', recorded: readRecorded('fixtures') }

afterEach(() => void vi.useRealTimers())

/** All input of both clients, and its description. */
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
    vi.resetModules() // otherwise values computed at import would be the same
    const { makeCase } = await import('./cases.js')
    return Array.from({ length: 60 }, (_, index) => hashOf(makeCase(source, index)))
  }
  const first = await madeOn('2026-11-24T09:30:00Z')
  expect(await madeOn('2031-02-28T23:59:59Z')).toEqual(first)
  expect(new Set(first).size).toBe(first.length)
})

test('a key always signs a text with the same signature, and OpenSSL accepts it', () => {
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
const oddDate = 'truth: targets holds a date that is not RFC 3339'

test('a rule matches only if code, role, words and truth match, and never for an honest case', () => {
  const rules = readRules('test/interop/stricter.md', 'stricter').filter(({ id }) => id !== 'no-answer-there')
  const found = (changes: object, truths: readonly string[], mutations = ['date: "x" (targets)']) =>
    ruleFor(rules, { answer: { ...date, ...changes }, mutations, truths })?.id
  expect(found({}, [oddDate])).toBe('date-form')
  expect(found({ code: 'ERR_METADATA_EXPIRED' }, [oddDate])).toBeUndefined()
  expect(found({ role: 'snapshot' }, [oddDate])).toBeUndefined()
  expect(found({ says: 'something else' }, [oddDate])).toBeUndefined()
  expect(found({}, ['truth: targets holds a member twice'])).toBeUndefined()
  expect(found({}, [])).toBeUndefined()
  expect(found({}, [oddDate], ['honest file: a date with offset (targets)'])).toBeUndefined()
  expect(found({}, [oddDate], [])).toBeUndefined()
})

test('honest files have no oddities', () => {
  const isHonest = ({ mutations }: Case['states'][number]) => mutations.every((one) => one.startsWith('honest'))
  const cases = Array.from({ length: 150 }, (_, index) => makeCase(source, index)).filter(({ states }) => states.every(isHonest))
  expect(cases.length).toBeGreaterThan(25)
  for (const { gun, states, log } of cases) {
    const truths = states.flatMap(({ files }) => truthsOf(new View(gun, files, log), []))
    expect(truths.filter((one) => / (?:holds|expired|declared) /.test(one))).toEqual([])
  }
})

test('a condition "done" does not match a truth, and a condition "truth" does not match a mutation', () => {
  const rules = readRules('test/interop/stricter.md', 'stricter')
  const answer = { kind: 'refused', code: 'ERR_ROOT_UNTRUSTED', role: 'root', says: 'an unknown critical extension' } as const
  const done = 'certificate: with an unknown critical extension (root)'
  const found = (mutations: string[], truths: string[]) => ruleFor(rules, { answer, mutations, truths })?.id
  expect(found([done], [])).toBe('certificate-extension')
  expect(found(['version: 1 (root)'], [`truth: ${done}`])).toBeUndefined()
  expect(ruleFor(rules, { answer: date, mutations: [oddDate], truths: [] })).toBeUndefined()
})

test('every rule requires words or two conditions, except the rules for no answer and for signers, whose files notary refuses with many wordings', () => {
  const rules = [...readRules('test/interop/stricter.md', 'stricter'), ...readRules('test/interop/kinder.md', 'kinder')]
  const broad = rules.filter(({ says, holds }) => says.length === 0 && !holds.every((patterns) => patterns.length > 1))
  expect(broad.map(({ id }) => id)).toEqual(['no-answer-there', 'signer-malformed'])
})

test('a pattern with any role matches the same role in all conditions', () => {
  const rules = readRules('test/interop/kinder.md', 'kinder')
  const answer = { kind: 'refused', code: '', role: '', says: 'whatever' } as const
  const found = (...truths: string[]) => ruleFor(rules, { answer, mutations: ['version: 9 (targets)'], truths })?.id
  const noKeys = 'truth: targets/alice has no keys'
  expect(found(noKeys, 'truth: targets/alice is under its threshold')).toBe('file-without-keys')
  expect(found(noKeys, 'truth: targets/bob is under its threshold')).toBeUndefined()
})
