import { expect, test } from 'vitest'
import { createClock, createTrustCollection } from '../../src/testing/index.js'
import { codeAndRole, Story } from '../client/story.js'

test('stands still until it is moved, and begins where collections begin', () => {
  const clock = createClock()
  expect(clock.now()).toEqual(createTrustCollection('a').now)
  expect(clock.now()).toEqual(clock.now())
  expect(clock.advance({ days: 1, hours: 2, minutes: 3, seconds: 4 })).toEqual(new Date('2026-03-02T14:03:04Z'))
  expect(clock.advance(-4000)).toEqual(new Date('2026-03-02T14:03:00Z'))
  expect(clock.set('2030-01-01T00:00:00Z')).toEqual(new Date('2030-01-01T00:00:00Z'))
  const { now } = clock
  expect(now()).toEqual(new Date('2030-01-01T00:00:00Z'))
})

test('what it gives away does not move it', () => {
  const clock = createClock('2030-01-01T00:00:00Z')
  clock.now().setFullYear(1990)
  clock.advance(0).setFullYear(1990)
  expect(clock.now()).toEqual(new Date('2030-01-01T00:00:00Z'))
})

test.each([() => createClock('soon'), () => createClock().set(new Date(Number.NaN)), () => createClock().advance(Number.NaN)])(
  'what is no time is a mistake: %s',
  (mistake) => {
    expect(mistake).toThrow(RangeError)
  },
)

test('goes into option now as it is: two weeks later the timestamp has run out', async () => {
  const story = new Story()
  const clock = createClock()
  expect((await story.verify('alpine:3.19', { now: clock.now })).status).toBe('trusted')
  clock.advance({ days: 14 })
  const { code, role } = codeAndRole(await story.refused('alpine:3.19', { now: clock.now }))
  expect([code, role]).toEqual(['ERR_METADATA_EXPIRED', 'timestamp'])
})
