import { expect, test } from 'vitest'
import { createClock, createTrustCollection } from '../../src/testing/index.js'
import { codeAndRole, Story } from '../client/story.js'

test('moves only when it is moved, and begins at the default start of collections', () => {
  const clock = createClock()
  expect(clock.now()).toEqual(createTrustCollection('a').now)
  expect(clock.now()).toEqual(clock.now())
  expect(clock.advance({ days: 1, hours: 2, minutes: 3, seconds: 4 })).toEqual(new Date('2026-03-02T14:03:04Z'))
  expect(clock.advance(-4000)).toEqual(new Date('2026-03-02T14:03:00Z'))
  expect(clock.set('2030-01-01T00:00:00Z')).toEqual(new Date('2030-01-01T00:00:00Z'))
  const { now } = clock
  expect(now()).toEqual(new Date('2030-01-01T00:00:00Z'))
})

test('is not moved by changes to a Date that it returned', () => {
  const clock = createClock('2030-01-01T00:00:00Z')
  clock.now().setFullYear(1990)
  clock.advance(0).setFullYear(1990)
  expect(clock.now()).toEqual(new Date('2030-01-01T00:00:00Z'))
})

test.each([() => createClock('soon'), () => createClock().set(new Date(Number.NaN)), () => createClock().advance(Number.NaN)])(
  'an invalid time is a RangeError: %s',
  (mistake) => {
    expect(mistake).toThrow(RangeError)
  },
)

test('can be the option now: two weeks later the timestamp has expired', async () => {
  const story = new Story()
  const clock = createClock()
  expect((await story.verify('alpine:3.19', { now: clock.now })).status).toBe('trusted')
  clock.advance({ days: 14 })
  const { code, role } = codeAndRole(await story.refused('alpine:3.19', { now: clock.now }))
  expect([code, role]).toEqual(['ERR_METADATA_EXPIRED', 'timestamp'])
})
