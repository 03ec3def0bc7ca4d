import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDate } from '../../src/metadata/date.js'

describe('dates that Go reads', () => {
  test.each([
    ['2030-01-02T03:04:05Z', '2030-01-02T03:04:05.000Z'],
    ['2030-01-02T03:04:05.1Z', '2030-01-02T03:04:05.100Z'],
    ['2030-01-02T03:04:05.123456789Z', '2030-01-02T03:04:05.123Z'], // VER-15
    ['2030-01-02T03:04:05.999999999Z', '2030-01-02T03:04:05.999Z'], // rounded down
    ['2030-01-02T03:04:05+01:30', '2030-01-02T01:34:05.000Z'], // VER-12
    ['2030-01-02T03:04:05-23:59', '2030-01-03T03:03:05.000Z'],
    ['2030-01-02T03:04:05.5+00:00', '2030-01-02T03:04:05.500Z'],
    ['2030-01-02T03:04:05-00:00', '2030-01-02T03:04:05.000Z'],
    ['2016-02-29T23:59:59Z', '2016-02-29T23:59:59.000Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'], // VER-21: Go's zero time, long expired
    ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
    ['0099-12-31T00:00:00Z', '0099-12-31T00:00:00.000Z'], // not 1999
    ['9999-12-31T23:59:59.999999999Z', '9999-12-31T23:59:59.999Z'],
    ['9999-12-31T23:59:59-23:59', '+010000-01-01T23:58:59.000Z'],
  ])('%s', (text, expected) => {
    expect(new Date(parseDate(text) ?? Number.NaN).toISOString()).toBe(expected)
  })

  test('every moment that toISOString writes, with any offset', () => {
    const years = { min: new Date('0000-01-02T00:00:00Z'), max: new Date('9999-12-30T00:00:00Z'), noInvalidDate: true }
    fc.assert(
      fc.property(fc.date(years), fc.integer({ min: -1439, max: 1439 }), (date, offset) => {
        expect(parseDate(date.toISOString())).toBe(date.getTime())
        const size = Math.abs(offset)
        const zone = `${offset < 0 ? '-' : '+'}${String(Math.trunc(size / 60)).padStart(2, '0')}:${String(size % 60).padStart(2, '0')}`
        const local = new Date(date.getTime() + offset * 60_000).toISOString()
        expect(parseDate(local.replace('Z', zone))).toBe(date.getTime())
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})

describe('dates that are refused', () => {
  test.each([
    ['', 'empty [VER-10]'],
    ['2030-01-02', 'a date alone [VER-10]'],
    ['2030-01-02T03:04:05', 'no zone [VER-10]'],
    ['2030-01-02 03:04:05Z', 'a space for the T [VER-10]'],
    ['Wed, 02 Jan 2030 03:04:05 GMT', 'RFC 1123 [VER-10]'],
    ['2030-01-02t03:04:05Z', 'a lower-case t [VER-11]'],
    ['2030-01-02T03:04:05z', 'a lower-case z [VER-11]'],
    ['2030-01-02T03:04:05+24:00', 'an offset of a day [VER-13]'],
    ['2030-01-02T03:04:05+23:60', 'an offset with 60 minutes [VER-13]'],
    ['2030-01-02T03:04:05+99:99', 'a wild offset [VER-13]'],
    ['2030-01-02T03:04:05+0100', 'an offset without colon [VER-14]'],
    ['2030-01-02T03:04:05+01', 'an offset of hours [VER-14]'],
    ['2030-01-02T03:04:05Z+01:00', 'two zones'],
    ['2030-01-02T03:04:05\u221201:00', 'a minus sign instead of a hyphen'],
    ['2030-01-02T03:04:05.1234567891Z', 'ten digits of fraction [VER-15]'],
    ['2030-01-02T03:04:05,5Z', 'a comma [VER-16]'],
    ['2030-01-02T03:04:05.Z', 'an empty fraction [VER-17]'],
    ['2030-01-02T3:04:05Z', 'one digit of hour [VER-18]'],
    ['2030-1-2T03:04:05Z', 'one digit of month'],
    ['2030-01-02T03:04Z', 'no seconds'],
    ['2030-01-02T03:04:60Z', 'a leap second [VER-19]'],
    ['2030-01-02T03:60:05Z', 'minute 60'],
    ['2030-01-02T24:00:00Z', 'hour 24 [VER-20]'],
    ['2030-02-30T00:00:00Z', '30 February [VER-20]'],
    ['2030-02-29T00:00:00Z', '29 February in a common year [VER-20]'],
    ['2100-02-29T00:00:00Z', '29 February of 2100 [VER-20]'],
    ['2030-04-31T00:00:00Z', '31 April [VER-20]'],
    ['2030-00-10T00:00:00Z', 'month 0'],
    ['2030-13-10T00:00:00Z', 'month 13'],
    ['2030-01-00T00:00:00Z', 'day 0'],
    ['2030-01-32T00:00:00Z', 'day 32'],
    ['10000-01-01T00:00:00Z', 'the year 10000 [VER-23]'],
    ['+002099-01-01T00:00:00Z', 'a year with a sign [VER-23]'],
    ['-000001-01-01T00:00:00Z', 'a year before 0'],
    ['99-01-01T00:00:00Z', 'two digits of year'],
    ['2099', 'a year [VER-26]'],
    ['x 2099 (comment)', 'a text that new Date accepts [VER-26]'],
    ['4070908800000', 'milliseconds'],
    [' 2030-01-02T03:04:05Z', 'a space in front'],
    ['2030-01-02T03:04:05Z ', 'a space behind'],
    ['2030-01-02T03:04:05Z\n', 'a line break behind'],
    ['2030-01-02T03:04:05Z\u0000', 'NUL behind'],
    ['\u0662\u0660\u0663\u0660-01-02T03:04:05Z', 'digits of another script'],
  ])('%j: %s', (text) => {
    expect(parseDate(text)).toBeUndefined()
  })

  test('any text gives undefined or a number, never NaN [VER-27]', () => {
    const shaped = fc.tuple(
      fc.nat(10_000),
      fc.nat(14),
      fc.nat(33),
      fc.nat(25),
      fc.nat(61),
      fc.nat(61),
      fc.constantFrom('Z', '+05:30', '-24:00', ''),
    )
    const pad = (value: number, size = 2) => String(value).padStart(size, '0')
    fc.assert(
      fc.property(shaped, fc.string(), ([year, month, day, hour, minute, second, zone], noise) => {
        const text = `${pad(year, 4)}-${pad(month)}-${pad(day)}T${pad(hour)}:${pad(minute)}:${pad(second)}${zone}`
        for (const candidate of [text, noise, text + noise]) {
          const parsed = parseDate(candidate)
          if (parsed !== undefined) expect(Number.isSafeInteger(parsed)).toBe(true)
        }
        // Only dates that exist are accepted.
        const parsed = parseDate(text)
        if (parsed !== undefined && zone === 'Z') expect(new Date(parsed).toISOString().startsWith(text.slice(0, 19))).toBe(true)
      }),
      { seed: 1, numRuns: 500 },
    )
  })
})
