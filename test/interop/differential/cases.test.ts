/** The differential test's own parts: a case is the same again, and the lists excuse nothing but what they say. */
import { expect, test } from 'vitest'
import { readRecorded } from './adopted.js'
import { type CaseSource, makeCase } from './cases.js'
import { DAY } from './draft.js'
import { readRules, ruleFor } from './rules.js'

const NOW = new Date(Math.floor(Date.now() / DAY) * DAY)
const source: CaseSource = { seed: 'again', now: NOW, recorded: readRecorded('fixtures') }
const refused = (code: string, says: string) => ({ kind: 'refused', code, role: '', says }) as const

test('the same seed and number make the same case, to the byte (signatures with RSA-PSS apart)', () => {
  let compared = 0
  for (let index = 0; index < 40; index++) {
    const [first, again] = [makeCase(source, index), makeCase(source, index)]
    expect(again.target).toBe(first.target)
    expect(again.states.map(({ mutations }) => mutations)).toEqual(first.states.map(({ mutations }) => mutations))
    const texts = first.states.map(({ files }) =>
      [...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString()] as const),
    )
    if (JSON.stringify(texts).includes('rsapss')) continue
    expect(again.states.map(({ files }) => [...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString()]))).toEqual(
      texts,
    )
    compared++
  }
  expect(compared).toBeGreaterThan(20)
})

test('another seed makes other cases', () => {
  expect(makeCase({ ...source, seed: 'other' }, 1)).not.toEqual(makeCase(source, 1))
})

test('a rule holds for its code, its words and its mutations together, and for nothing honest', () => {
  const rules = readRules('test/interop/stricter.md', 'stricter')
  const date = refused('ERR_METADATA_MALFORMED', 'signed.expires: "x" is not an RFC 3339 date')
  const mutation = 'date: "2036-06-30T0:00:00Z" (targets)'
  expect(ruleFor(rules, date, [mutation])?.id).toBe('date-form')
  expect(ruleFor(rules, { ...date, code: 'ERR_METADATA_EXPIRED' }, [mutation])).toBeUndefined()
  expect(ruleFor(rules, { ...date, says: 'something else' }, [mutation])).toBeUndefined()
  expect(ruleFor(rules, date, ['version: 1 (targets)'])).toBeUndefined()
  expect(ruleFor(rules, date, ['honest file: a date with offset (targets)'])).toBeUndefined()
  expect(ruleFor(rules, date, [])).toBeUndefined()
})
